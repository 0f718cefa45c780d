package queryapi

import (
	"sync"

	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/httpapi/problem"
)

// openStreams counts and limits the open streams. Each takes a connection, a goroutine and a page of events until its client leaves, so
// there is a limit for all streams and one for each principal.
type openStreams struct {
	limit, limitPerOwner int

	mu      sync.Mutex
	total   int
	byOwner map[owner]int
}

// owner identifies the principal who opened a stream.
type owner struct{ tenant, actor string }

// enter counts one more stream until the caller calls leave, once. It fails with [problem.ErrTooManyStreams].
func (o *openStreams) enter(p access.Principal) (leave func(), err error) {
	who := owner{p.Tenant, p.Actor}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.byOwner[who] >= o.limitPerOwner:
		return nil, problem.ErrTooManyStreams.WithMessage(
			"you have %d streams of the ledger open, which is the most for one principal", o.limitPerOwner)
	case o.total >= o.limit:
		return nil, problem.ErrTooManyStreams.WithMessage("%d streams of the ledger are open, which is the most for this server", o.limit)
	}
	if o.byOwner == nil {
		o.byOwner = map[owner]int{}
	}
	o.total++
	o.byOwner[who]++
	return func() { o.leave(who) }, nil
}

func (o *openStreams) leave(who owner) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.total--
	if o.byOwner[who]--; o.byOwner[who] == 0 {
		delete(o.byOwner, who)
	}
}
