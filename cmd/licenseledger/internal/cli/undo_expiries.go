package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/clock"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/progress"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/client"
)

// wrongExpiries are licences that are expired although their expires_at lies in the future.
type wrongExpiries struct {
	Now         time.Time      `json:"now"`          // by the server
	LedgerTime  time.Time      `json:"ledger_time"`  // when the last event was recorded
	LedgerAhead bool           `json:"ledger_ahead"` // of the server's clock
	Licenses    []*wrongExpiry `json:"licenses"`
}

type wrongExpiry struct {
	ID        uuid.UUID `json:"id"`
	Status    string    `json:"status"` // before
	ExpiresAt time.Time `json:"expires_at"`
	Result    string    `json:"result"`
	refused   bool
}

// The results; a refusal has the server's words.
const (
	wouldBeUndone = "would be undone"
	undone        = "undone"
)

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// findWrongExpiries asks a server for all of them.
func findWrongExpiries(ctx context.Context, c *client.Client) (*wrongExpiries, error) {
	w := &wrongExpiries{Licenses: []*wrongExpiry{}}
	page, header, err := answer[api.LedgerPage](c.ListLedgerEvents(ctx, &api.ListLedgerEventsParams{Limit: new(1)}))
	if err != nil {
		return nil, err
	}
	// The server's clock counts, not the one of this machine. The header has whole seconds, rounded down: an expiry within the second
	// that follows may be true.
	if w.Now, err = http.ParseTime(header.Get("Date")); err != nil {
		return nil, fmt.Errorf("read the time of the server: %w", err)
	}
	w.Now = w.Now.Add(time.Second)
	if page.Head == 0 {
		return w, nil
	}
	if w.LedgerTime, err = ledgerTime(ctx, c, page.Head); err != nil {
		return nil, err
	}
	w.LedgerAhead = w.LedgerTime.Sub(w.Now) > clock.Tolerance

	// A recorded expiry is shown by the status, unless the licence is suspended too.
	for _, status := range []api.LicenseStatus{api.LicenseStatusEXPIRED, api.LicenseStatusSUSPENDED} {
		err := eachLicense(ctx, c, page.Head, status, api.MinusExpiresAt, func(l api.License) (goOn bool) {
			if l.ExpiresAt == nil { // these come first
				return true
			}
			if l.ExpiredAt != nil && l.ExpiresAt.After(w.Now) {
				w.add(l)
			}
			return l.ExpiresAt.After(w.Now)
		})
		if err != nil {
			return nil, err
		}
	}
	if len(w.Licenses) > 0 || !w.LedgerAhead {
		return w, nil
	}
	// No expiry is recorded, but decisions are made at the time of the ledger: one licence that they refuse is enough to set it back.
	for _, status := range []api.LicenseStatus{api.LicenseStatusACTIVE, api.LicenseStatusSUSPENDED} {
		err := eachLicense(ctx, c, page.Head, status, api.ExpiresAt, func(l api.License) (goOn bool) {
			if l.ExpiresAt == nil || l.ExpiresAt.After(w.LedgerTime) || len(w.Licenses) > 0 {
				return false
			}
			if l.ExpiresAt.After(w.Now) {
				w.add(l)
			}
			return true
		})
		if err != nil {
			return nil, err
		}
	}
	return w, nil
}

// ledgerTime returns when the last event was recorded; the zero time when the server cannot tell. On EventStoreDB positions have gaps,
// and it may refuse to begin between two events.
func ledgerTime(ctx context.Context, c *client.Client, head uint64) (time.Time, error) {
	page, _, err := answer[api.LedgerPage](c.ListLedgerEvents(ctx, &api.ListLedgerEventsParams{Limit: new(1), After: new(head - 1)}))
	var refused *refusal
	if errors.As(err, &refused) || err == nil && len(page.Items) == 0 {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	return page.Items[0].RecordedAt, nil
}

func (w *wrongExpiries) add(l api.License) {
	w.Licenses = append(w.Licenses, &wrongExpiry{ID: l.ID, Status: string(l.Status), ExpiresAt: *l.ExpiresAt, Result: wouldBeUndone})
}

// eachLicense calls visit with the licences of a status, page by page, until it returns false. The pages show at least a position of the
// ledger.
func eachLicense(ctx context.Context, c *client.Client, position uint64, status api.LicenseStatus, sort api.LicenseSort,
	visit func(api.License) (goOn bool),
) error {
	params := &api.ListLicensesParams{Status: &status, Sort: &sort, Limit: new(200)}
	for {
		page, _, err := answer[api.LicensePage](c.ListLicenses(ctx, params, waitFor(position)))
		if err != nil {
			return err
		}
		for _, l := range page.Items {
			if !visit(l) {
				return nil
			}
		}
		if page.NextCursor == nil {
			return nil
		}
		params.Cursor = page.NextCursor
	}
}

// undo undoes each expiry. A licence that refuses does not hold up the others; a server that fails does.
func (w *wrongExpiries) undo(ctx context.Context, c *client.Client, reason string, out io.Writer) error {
	bar := progress.New(out, "undoing expiries", uint64(len(w.Licenses)))
	defer bar.Done()
	for i, l := range w.Licenses {
		_, _, err := answer[api.License](c.UndoExpiry(ctx, l.ID, nil, api.UndoExpiryJSONRequestBody{Reason: reason}))
		var refused *refusal
		switch {
		case err == nil:
			l.Result = undone
		case errors.As(err, &refused) && refused.code == api.ProblemCodeINVALIDTRANSITION:
			l.Result, l.refused = refused.Error(), true
		default:
			return err
		}
		bar.Set(uint64(i + 1))
	}
	return nil
}

func (w *wrongExpiries) refused() (n int) {
	for _, l := range w.Licenses {
		if l.refused {
			n++
		}
	}
	return n
}
