package queryapi

import (
	"context"
	"errors"
	"iter"
	"strconv"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/problem"
)

const (
	maxEvents     = 1_000 // of one page
	defaultEvents = 100
)

// ListLedgerEvents implements [StrictServerInterface]: a page of the ledger.
func (s server) ListLedgerEvents(ctx context.Context, r ListLedgerEventsRequestObject) (ListLedgerEventsResponseObject, error) {
	asked, err := askedEvents(ctx, r.Params)
	if err != nil {
		return nil, err
	}
	if value(r.Params.Follow) {
		return nil, problem.Field("follow", "needs Accept: application/x-ndjson")
	}
	if err := s.waitForLedger(ctx, r.Params.LedgerPosition); err != nil {
		return nil, err
	}
	if asked.limit == 0 {
		asked.limit = defaultEvents
	}
	head, err := asked.start(ctx, s.Ledger, s.Epoch)
	if err != nil {
		return nil, err
	}
	body := api.LedgerPage{Items: []api.LedgerEvent{}, Head: uint64(head), Epoch: s.Epoch}
	for e, err := range asked.read(ctx, s.Ledger) {
		if err != nil {
			return nil, err
		}
		if len(body.Items) == asked.limit {
			body.NextAfter = &body.Items[asked.limit-1].Position
			break
		}
		body.Items = append(body.Items, eventJSON(e))
	}
	answer := ListLedgerEvents200JSONResponse{Body: body}
	answer.Headers.LedgerEpoch = s.Epoch
	if body.NextAfter != nil {
		answer.Headers.Link = nextLink(ctx, map[string]string{"after": strconv.FormatUint(*body.NextAfter, 10), "epoch": s.Epoch.String()})
	}
	return answer, nil
}

// events says which part of the ledger is asked for.
type events struct {
	principal access.Principal
	after     event.Position
	epoch     *uuid.UUID // in which after was read; nil: not said
	stream    string     // empty: all
	limit     int        // 0: none was given
}

func askedEvents(ctx context.Context, p api.ListLedgerEventsParams) (events, error) {
	principal, err := access.From(ctx)
	if err != nil {
		return events{}, err
	}
	if p.Limit != nil && (*p.Limit < 1 || *p.Limit > maxEvents) {
		return events{}, problem.Field("limit", "must be 1 to "+strconv.Itoa(maxEvents))
	}
	return events{
		principal: principal, after: event.Position(value(p.After)), epoch: p.Epoch, stream: value(p.Stream), limit: value(p.Limit),
	}, nil
}

// start returns the ledger's head, and refuses a position that is not one of the ledger in its present epoch.
func (a events) start(ctx context.Context, ledger eventstore.Store, epoch uuid.UUID) (event.Position, error) {
	if a.epoch != nil && *a.epoch != epoch {
		return 0, problem.ErrEpochChanged.WithMessage(
			"The ledger is in epoch %s, not %s: it was restored or moved since this position was read.", epoch, *a.epoch)
	}
	head, err := ledger.Head(ctx)
	if err != nil {
		return 0, err
	}
	if a.after > head {
		return 0, problem.ErrBeyondHead.WithMessage(
			"The ledger ends at position %d, before %d: it was restored to an earlier state since this position was read.", head, a.after)
	}
	return head, nil
}

// includes reports whether an event is one of those asked for.
func (a events) includes(e event.Envelope) bool {
	return e.Position > a.after && e.Tenant == a.principal.Tenant && (a.stream == "" || e.Stream == a.stream)
}

// read yields what is there already.
func (a events) read(ctx context.Context, ledger eventstore.Reader) iter.Seq2[event.Envelope, error] {
	all := ledger.ReadAll(ctx, a.after)
	if a.stream != "" {
		all = ledger.ReadStream(ctx, a.stream, 0)
	}
	return func(yield func(event.Envelope, error) bool) {
		for e, err := range all {
			if errors.Is(err, eventstore.ErrStreamNotFound) {
				return
			}
			if (err != nil || a.includes(e)) && !yield(e, err) {
				return
			}
		}
	}
}

func eventJSON(e event.Envelope) api.LedgerEvent {
	return api.LedgerEvent{
		Position:      uint64(e.Position),
		Stream:        e.Stream,
		Revision:      uint64(e.Revision),
		ID:            e.ID,
		Type:          string(e.Type),
		RecordedAt:    e.RecordedAt.UTC(),
		Actor:         e.Actor,
		CorrelationID: e.Correlation,
		CausationID:   e.Causation,
		CommandID:     e.CommandID,
		Data:          e.Data,
	}
}
