package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/clock"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/progress"
	"github.com/licenseledger/licenseledger/httpapi/api"
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

// The results; a refusal is told in the server's words.
const (
	wouldBeUndone = "would be undone"
	undone        = "undone"
)

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// findWrongExpiries asks a server for all of them.
func findWrongExpiries(ctx context.Context, client apiClient) (*wrongExpiries, error) {
	w := &wrongExpiries{Licenses: []*wrongExpiry{}}
	var page api.LedgerPage
	header, err := client.call(ctx, http.MethodGet, "/v1/ledger/events?limit=1", nil, &page)
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
	client = client.waiting(page.Head)
	if w.LedgerTime, err = ledgerTime(ctx, client, page.Head); err != nil {
		return nil, err
	}
	w.LedgerAhead = w.LedgerTime.Sub(w.Now) > clock.Tolerance

	// A recorded expiry is shown by the status, unless the licence is suspended too.
	for _, status := range []api.LicenseStatus{api.LicenseStatusEXPIRED, api.LicenseStatusSUSPENDED} {
		err := eachLicense(ctx, client, status, "-expires_at", func(l api.License) (goOn bool) {
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
		err := eachLicense(ctx, client, status, "expires_at", func(l api.License) (goOn bool) {
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
func ledgerTime(ctx context.Context, client apiClient, head uint64) (time.Time, error) {
	var page api.LedgerPage
	_, err := client.call(ctx, http.MethodGet, "/v1/ledger/events?limit=1&after="+strconv.FormatUint(head-1, 10), nil, &page)
	var refused *problem
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

// eachLicense calls visit with the licences of a status, page by page, until it returns false.
func eachLicense(ctx context.Context, client apiClient, status api.LicenseStatus, sort string, visit func(api.License) (goOn bool)) error {
	query := url.Values{"status": {string(status)}, "sort": {sort}, "limit": {"200"}}
	for {
		var page api.LicensePage
		if _, err := client.call(ctx, http.MethodGet, "/v1/licenses?"+query.Encode(), nil, &page); err != nil {
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
		query.Set("cursor", *page.NextCursor)
	}
}

// undo undoes each expiry. A licence that refuses does not hold up the others; a server that fails does.
func (w *wrongExpiries) undo(ctx context.Context, client apiClient, reason string, out io.Writer) error {
	bar := progress.New(out, "undoing expiries", uint64(len(w.Licenses)))
	defer bar.Done()
	for i, l := range w.Licenses {
		_, err := client.call(ctx, http.MethodPost, "/v1/licenses/"+l.ID.String()+"/undo-expiry", object{"reason": reason}, nil)
		var refused *problem
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
