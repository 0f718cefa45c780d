package catchup

import "sync"

// Broadcast wakes any number of goroutines when the ledger has grown. The zero value is ready; it is safe for concurrent use.
type Broadcast struct {
	mu   sync.Mutex
	next chan struct{}
}

// Notify wakes all who wait.
func (b *Broadcast) Notify() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next != nil {
		close(b.next)
		b.next = nil
	}
}

// Wait returns a channel that is closed by the next Notify. Call it before reading the ledger, so that no Notify in between is missed.
func (b *Broadcast) Wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = make(chan struct{})
	}
	return b.next
}
