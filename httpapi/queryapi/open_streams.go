package queryapi

import (
	"sync"

	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/httpapi/problem"
)

// openStreams counts the streams that clients hold open. Each costs a connection, a goroutine and a page of events for as long as its
// client likes, so there is a bound for all together and one for each principal.
type openStreams struct {
	most, mostEach int

	mu   sync.Mutex
	all  int
	each map[owner]int
}

// owner is who holds streams open.
type owner struct{ tenant, actor string }

// enter counts one more stream, until leave is called, which is to be done once. It fails with [problem.ErrTooManyStreams].
func (o *openStreams) enter(p access.Principal) (leave func(), err error) {
	who := owner{p.Tenant, p.Actor}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.each[who] >= o.mostEach:
		return nil, problem.ErrTooManyStreams.WithMessage("you have %d streams of the ledger open, "+
			"which is the most for one principal", o.mostEach)
	case o.all >= o.most:
		return nil, problem.ErrTooManyStreams.WithMessage("%d streams of the ledger are open, which is the most for this server", o.most)
	}
	if o.each == nil {
		o.each = map[owner]int{}
	}
	o.all++
	o.each[who]++
	return func() { o.leave(who) }, nil
}

func (o *openStreams) leave(who owner) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all--
	if o.each[who]--; o.each[who] == 0 {
		delete(o.each, who)
	}
}
