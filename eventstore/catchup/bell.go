package catchup

import "sync"

// Bell tells any number of listeners that the ledger has grown. The zero value is ready; it is safe for concurrent use.
type Bell struct {
	mu   sync.Mutex
	next chan struct{}
}

// Ring wakes everyone who is listening.
func (b *Bell) Ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next != nil {
		close(b.next)
		b.next = nil
	}
}

// Listen returns a channel that is closed at the next ring. Listen first, look at the ledger then: a ring between the two
// is heard.
func (b *Bell) Listen() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = make(chan struct{})
	}
	return b.next
}
