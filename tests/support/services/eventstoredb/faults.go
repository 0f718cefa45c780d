package esdbdouble

import (
	"context"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// defaultAppendLimit is the largest append that a server can be set to take.
const defaultAppendLimit = 16 << 20

// faults is what goes wrong at will.
type faults struct {
	mu       sync.Mutex
	limit    int
	failing  map[string]bool // types
	damaged  map[uint64]bool // positions
	stalled  chan struct{}   // nil, or closed when appends may go on
	held     chan struct{}   // nil, or closed when answers may go on
	forgets  bool            // repeated appends are conflicts
	losing   int             // how many answers to appends get lost
	cutAfter int             // after how many events a read is cut; negative: not
}

func newFaults() faults {
	return faults{limit: defaultAppendLimit, failing: map[string]bool{}, damaged: map[uint64]bool{}, cutAfter: -1}
}

// LimitAppends sets how many bytes an append may have, as a server's MaxAppendSize does; 16 MiB by default.
func (s *Server) LimitAppends(bytes int) {
	f := &s.cluster.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limit = bytes
}

// FailAppends makes appends with an event of a type fail with a timeout inside the server, storing nothing, until restore is called.
func (s *Server) FailAppends(eventType string) (restore func()) {
	f := &s.cluster.faults
	set := func(failing bool) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.failing[eventType] = failing
	}
	set(true)
	return func() { set(false) }
}

// StallAppends holds up every append before it is stored, until resume is called.
func (s *Server) StallAppends() (resume func()) { return s.cluster.hold(&s.cluster.stalled) }

// HoldAnswers holds up the answer to every append after it was stored, until release is called. A client that goes away gets none.
func (s *Server) HoldAnswers() (release func()) { return s.cluster.hold(&s.cluster.held) }

func (f *faults) hold(what *chan struct{}) (release func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	held := make(chan struct{})
	*what = held
	return sync.OnceFunc(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		close(held)
		*what = nil
	})
}

// ForgetIDs makes the server take every append that is repeated for a conflict, as one does that cannot find out.
func (s *Server) ForgetIDs() {
	f := &s.cluster.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forgets = true
}

// LoseAnswers stores the next n appends and breaks the connections instead of answering.
func (s *Server) LoseAnswers(n int) {
	f := &s.cluster.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	f.losing = n
}

// CutRead breaks the connections when a read or subscription has sent n events, once.
func (s *Server) CutRead(n int) {
	f := &s.cluster.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cutAfter = n
}

// Damage makes the event at a position unreadable.
func (s *Server) Damage(position uint64) {
	f := &s.cluster.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	f.damaged[position] = true
}

func (f *faults) appendLimit() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.limit
}

func (f *faults) isDamaged(position uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.damaged[position]
}

func (f *faults) forgetsIDs() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.forgets
}

// cuts tells whether a read that has sent so many events is cut now.
func (f *faults) cuts(sent int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cutAfter != sent {
		return false
	}
	f.cutAfter = -1
	return true
}

func (f *faults) losesAnswer() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.losing == 0 {
		return false
	}
	f.losing--
	return true
}

// beforeAppend waits while appends are stalled, and fails what is to fail.
func (f *faults) beforeAppend(ctx context.Context, events []*record) error {
	if err := f.wait(ctx, &f.stalled); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range events {
		if f.failing[e.kind] {
			return status.Error(codes.Aborted, "Operation timed out: Prepare phase timeout")
		}
	}
	return nil
}

func (f *faults) beforeAnswer(ctx context.Context) error { return f.wait(ctx, &f.held) }

func (f *faults) wait(ctx context.Context, what *chan struct{}) error {
	f.mu.Lock()
	gate := *what
	f.mu.Unlock()
	if gate == nil {
		return ctx.Err()
	}
	select {
	case <-gate:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
