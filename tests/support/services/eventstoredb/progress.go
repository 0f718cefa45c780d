package esdbdouble

import "sync"

// progress is how far subscriptions have come.
type progress struct {
	mu         sync.Mutex
	caughtUp   int // how many subscriptions have caught up
	considered int // how many events of $all the latest of them looked at until then
}

func (p *progress) isCaughtUp(considered int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.caughtUp++
	p.considered = considered
}

// CaughtUp is how many subscriptions have caught up so far, and how many events of $all the latest of them looked at until then.
func (s *Server) CaughtUp() (subscriptions, considered int) {
	p := &s.cluster.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.caughtUp, p.considered
}
