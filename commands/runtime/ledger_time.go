package runtime

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// ledgerTime is when the ledger's last event was recorded, as far as this process knows. Nothing is decided or recorded at an earlier
// time, so a clock that was set back puts nothing into the past.
//
// Only events of the types in [aggregate.Definition.ResetsTime] set it back: somebody says that the clock ran ahead when the ledger got
// its time.
type ledgerTime struct {
	mu          sync.Mutex
	resets      map[event.Type]bool
	last        time.Time
	disowned    time.Time      // the time that was last set back; instances that do not know of that yet still record at it
	ignoreUntil event.Position // events up to here count no more: they were there at the start, or before the time was set back
}

// newLedgerTime reads the last event.
func newLedgerTime(ctx context.Context, store eventstore.Store) (*ledgerTime, error) {
	last, _, err := eventstore.Last(ctx, store)
	if err != nil {
		return nil, fmt.Errorf("read the last event of the ledger: %w", err)
	}
	return &ledgerTime{resets: map[event.Type]bool{}, last: last.RecordedAt, ignoreUntil: last.Position}, nil
}

func (t *ledgerTime) allowReset(types []event.Type) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, by := range types {
		t.resets[by] = true
	}
}

// observe takes note of an event. Events may come in any order.
func (t *ledgerTime) observe(e event.Envelope) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.Position <= t.ignoreUntil {
		return
	}
	switch {
	case t.resets[e.Type] && e.RecordedAt.Before(t.last):
		t.disowned, t.last, t.ignoreUntil = t.last, e.RecordedAt, e.Position
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
