package commands

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/aggregate"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// ledger is where the repositories read and append. It knows all of them: whoever makes one registers it.
type ledger struct {
	store    eventstore.Store
	events   *event.Registry
	now      func() time.Time
	time     *ledgerTime
	newID    func() uuid.UUID
	follower *follower                              // nil when nobody else appends
	announce func()                                 // tells other instances of an append
	newest   atomic.Pointer[event.UnknownTypeError] // met last

	mu           sync.RWMutex // guards repositories
	repositories map[aggregate.Prefix]following
}

// following is a repository of whatever kind.
type following interface {
	// follow keeps what is cached of an aggregate level with one append to its stream.
	follow(id uuid.UUID, together []event.Envelope)
}

func newLedger(c Config) *ledger {
	return &ledger{
		store: c.Store, events: c.Events, now: c.Now, newID: c.NewID, announce: func() {},
		repositories: map[aggregate.Prefix]following{},
	}
}

// register has a repository follow the streams under a prefix. Equal prefixes are refused; different ones cannot be confused, see
// [aggregate.Prefix].
func (l *ledger) register(prefix aggregate.Prefix, r following) error {
	if err := prefix.Validate(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, taken := l.repositories[prefix]; taken {
		return fmt.Errorf("two kinds of aggregate have the stream prefix %q", string(prefix))
	}
	l.repositories[prefix] = r
	return nil
}

// startFollower keeps all repositories, and the ledger's time, level with what other instances append. grown receives when one tells of an
// append; nil: none does.
func (l *ledger) startFollower(grown <-chan struct{}) {
	l.follower = newFollower(l.store, l.time.after, grown, func(together []event.Envelope) {
		for _, e := range together {
			l.time.observe(e)
		}
		l.follow(together)
	})
}

// follow hands the events of one append to the repository of their stream. A stream that belongs to no repository is passed over: nothing
// of it is cached here, so nothing can be stale. A newer version of the program, on another instance, may write such streams.
func (l *ledger) follow(together []event.Envelope) {
	l.notice(together)
	prefix, id, ok := aggregate.Split(together[0].Stream)
	if !ok {
		return
	}
	l.mu.RLock()
	r := l.repositories[prefix]
	l.mu.RUnlock()
	if r != nil {
		r.follow(id, together)
	}
}
