package queryapi

import (
	"context"
	"errors"
	"iter"
	"strconv"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/tenancy"
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
	head, err := s.Ledger.Head(ctx)
	if err != nil {
		return nil, err
	}
	body := api.LedgerPage{Items: []api.LedgerEvent{}, Head: uint64(head)}
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
	if body.NextAfter != nil {
		answer.Headers.Link = nextLink(ctx, "after", strconv.FormatUint(*body.NextAfter, 10))
	}
	return answer, nil
}

// events says which part of the ledger is asked for.
type events struct {
	principal tenancy.Principal
	after     event.Position
	stream    string // empty: all
	limit     int    // 0: none was given
}

func askedEvents(ctx context.Context, p api.ListLedgerEventsParams) (events, error) {
	principal, err := tenancy.From(ctx)
	if err != nil {
		return events{}, err
	}
	if p.Limit != nil && (*p.Limit < 1 || *p.Limit > maxEvents) {
		return events{}, problem.Field("limit", "must be 1 to "+strconv.Itoa(maxEvents))
	}
	return events{
		principal: principal, after: event.Position(value(p.After)), stream: value(p.Stream), limit: value(p.Limit),
	}, nil
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
