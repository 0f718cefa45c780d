package eventstoredb

import "sync"

// inFlight counts running calls. After drain no call may start, and all have ended.
type inFlight struct {
	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup
}

// enter reports whether a call may start. One that may must leave.
func (g *inFlight) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.calls.Add(1)
	}
	return !g.closed
}

func (g *inFlight) leave() { g.calls.Done() }

func (g *inFlight) drain() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.calls.Wait()
}
