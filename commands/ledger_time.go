package commands

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/eventstore"
)

// ledgerTime is when the ledger's last event was recorded, as far as this process knows. Nothing is decided or recorded at an earlier
// time, so a clock that was set back puts nothing into the past.
//
// The one event that sets it back is [license.ExpiryUndone]: an admin says that the clock ran ahead when the ledger got its time.
type ledgerTime struct {
	mu       sync.Mutex
	last     time.Time
	disowned time.Time      // the time that was last set back: who does not know of that yet goes on recording at it
	after    event.Position // events up to here count no more: they were there at the start, or before the time was set back
}

// newLedgerTime reads the last event.
func newLedgerTime(ctx context.Context, store eventstore.Store) (*ledgerTime, error) {
	last, _, err := eventstore.Last(ctx, store)
	if err != nil {
		return nil, fmt.Errorf("read the last event of the ledger: %w", err)
	}
	return &ledgerTime{last: last.RecordedAt, after: last.Position}, nil
}

// observe takes note of an event, in whatever order events come.
func (t *ledgerTime) observe(e event.Envelope) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.Position <= t.after {
		return
	}
	switch {
	case e.Type == license.ExpiryUndoneType && e.RecordedAt.Before(t.last):
		t.disowned, t.last, t.after = t.last, e.RecordedAt, e.Position
	case e.RecordedAt.After(t.last) && !e.RecordedAt.Equal(t.disowned):
		t.last = e.RecordedAt
	}
}

// get returns the time; zero when the ledger was empty.
func (t *ledgerTime) get() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}

// present returns the clock's time as the ledger keeps it: UTC, in whole microseconds.
func (l *ledger) present() time.Time { return l.now().UTC().Truncate(time.Microsecond) }

// clock returns the time at which is decided and recorded: the present, but never before the ledger's last event.
func (l *ledger) clock() time.Time {
	now := l.present()
	if last := l.time.get(); last.After(now) {
		return last
	}
	return now
}

// at returns the time at which a request is decided and recorded.
func (l *ledger) at(req Request) time.Time {
	if req.atPresent {
		return l.present()
	}
	return l.clock()
}

// LedgerTime returns when the ledger's last event was recorded, as far as this process knows; the zero time for an empty ledger.
func (h *Handler) LedgerTime() time.Time { return h.licenses.time.get() }
