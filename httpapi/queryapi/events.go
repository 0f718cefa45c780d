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
	"github.com/licenseledger/licenseledger/httpapi/present"
	"github.com/licenseledger/licenseledger/httpapi/problem"
)

const (
	maxEvents     = 1_000 // of one page
	defaultEvents = 100
)

// ListLedgerEvents implements [StrictServerInterface]: a page of the ledger.
func (s server) ListLedgerEvents(ctx context.Context, r ListLedgerEventsRequestObject) (ListLedgerEventsResponseObject, error) {
	query, err := newEventQuery(ctx, r.Params)
	if err != nil {
		return nil, err
	}
	if api.Value(r.Params.Follow) {
		return nil, problem.Field("follow", "needs Accept: application/x-ndjson")
	}
	if err := s.waitForLedger(ctx, r.Params.LedgerPosition); err != nil {
		return nil, err
	}
	if query.limit == 0 {
		query.limit = defaultEvents
	}
	head, err := query.checkStart(ctx, s.Ledger, s.Epoch)
	if err != nil {
		return nil, err
	}
	page := api.LedgerPage{Items: []api.LedgerEvent{}, Head: uint64(head), Epoch: s.Epoch}
	for e, err := range query.read(ctx, s.Ledger) {
		if err != nil {
			return nil, err
		}
		if len(page.Items) == query.limit {
			page.NextAfter = &page.Items[query.limit-1].Position
			break
		}
		page.Items = append(page.Items, present.Event(e))
	}
	headers := ListLedgerEvents200ResponseHeaders{LedgerEpoch: s.Epoch}
	if page.NextAfter != nil {
		headers.Link = nextLink(ctx, map[string]string{"after": strconv.FormatUint(*page.NextAfter, 10), "epoch": s.Epoch.String()})
	}
	return ListLedgerEvents200JSONResponse{Body: page, Headers: headers}, nil
}

// eventQuery selects events of the ledger.
type eventQuery struct {
	principal access.Principal
	after     event.Position
	epoch     *uuid.UUID // in which the client read after; nil: the client did not send it
	stream    string     // empty: all
	limit     int        // 0: the client did not send it
}

func newEventQuery(ctx context.Context, p api.ListLedgerEventsParams) (eventQuery, error) {
	principal, err := access.From(ctx)
	if err != nil {
		return eventQuery{}, err
	}
	if p.Limit != nil && (*p.Limit < 1 || *p.Limit > maxEvents) {
		return eventQuery{}, problem.Field("limit", "must be 1 to "+strconv.Itoa(maxEvents))
	}
	return eventQuery{
		principal: principal, after: event.Position(api.Value(p.After)), epoch: p.Epoch, stream: api.Value(p.Stream), limit: api.Value(p.Limit),
	}, nil
}

// checkStart returns the ledger's head. It fails if the start of the query was read in another epoch or is beyond the head.
func (q eventQuery) checkStart(ctx context.Context, ledger eventstore.Store, epoch uuid.UUID) (event.Position, error) {
	if q.epoch != nil && *q.epoch != epoch {
		return 0, problem.ErrEpochChanged.WithMessage(
			"The ledger is in epoch %s, not %s: it was restored or moved since this position was read.", epoch, *q.epoch)
	}
	head, err := ledger.Head(ctx)
	if err != nil {
		return 0, err
	}
	if q.after > head {
		return 0, problem.ErrBeyondHead.WithMessage(
			"The ledger ends at position %d, before %d: it was restored to an earlier state since this position was read.", head, q.after)
	}
	return head, nil
}

// matches reports whether the query selects an event.
func (q eventQuery) matches(e event.Envelope) bool {
	return e.Position > q.after && e.Tenant == q.principal.Tenant && (q.stream == "" || e.Stream == q.stream)
}

// read yields the selected events up to the end of the ledger.
func (q eventQuery) read(ctx context.Context, ledger eventstore.Reader) iter.Seq2[event.Envelope, error] {
	all := ledger.ReadAll(ctx, q.after)
	if q.stream != "" {
		all = ledger.ReadStream(ctx, q.stream, 0)
	}
	return func(yield func(event.Envelope, error) bool) {
		for e, err := range all {
			if errors.Is(err, eventstore.ErrStreamNotFound) {
				return
			}
			if (err != nil || q.matches(e)) && !yield(e, err) {
				return
			}
		}
	}
}
