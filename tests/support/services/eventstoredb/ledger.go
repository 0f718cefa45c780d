package esdbdouble

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	// noStream is the revision of a stream without events.
	noStream = -1
	// recordOverhead is about what a record of the log needs beside its texts.
	recordOverhead = 120
	// statsEvery is after how many appends the server writes an event of its own.
	statsEvery = 3
)

// record is an event in the log.
type record struct {
	position    uint64 // its place in the log, its commit position
	transaction uint64 // the place of the first event of its append, its prepare position
	stream      string
	revision    int64
	id          uuid.UUID
	kind        string
	contentType string
	created     time.Time
	data        []byte
	metadata    []byte
}

func (r *record) size() int {
	return recordOverhead + len(r.stream) + len(r.kind) + len(r.data) + len(r.metadata)
}

// ledger is the log of a cluster, in memory.
type ledger struct {
	mu      sync.Mutex
	log     []*record
	streams map[string][]*record
	end     uint64 // where the next record goes
	appends int
	grown   chan struct{} // closed at the next append
}

func newLedger() *ledger {
	// The log of a new server begins with records that are no events, and has events of its own.
	l := &ledger{streams: map[string][]*record{}, end: 1487, grown: make(chan struct{})}
	l.store([]*record{{stream: "$user-admin", id: uuid.New(), kind: "$UserCreated", contentType: jsonContent, data: []byte(`{}`)}})
	return l
}

// decision is the answer to an append.
type decision struct {
	conflict bool
	current  int64   // revision of the stream
	last     *record // of the append, when it is no conflict
}

// append checks and stores events as servers do; idempotent ones recognize repeats.
func (l *ledger) append(expected int64, events []*record, idempotent bool) decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	stream := l.streams[events[0].stream]
	current := int64(len(stream)) + noStream
	if expected == current {
		l.store(events)
		if l.appends++; l.appends%statsEvery == 0 {
			l.store([]*record{{
				stream: "$stats-127.0.0.1:2113", id: uuid.New(), kind: "$statsCollected", contentType: jsonContent, data: []byte(`{"proc":{}}`),
			}})
		}
		return decision{current: events[len(events)-1].revision, last: events[len(events)-1]}
	}
	// The server's idempotency: known when every id stands where it would be stored, else a conflict.
	for i, e := range events {
		at := expected + 1 + int64(i)
		if !idempotent || at >= int64(len(stream)) || stream[at].id != e.id {
			return decision{conflict: true, current: current}
		}
	}
	last := stream[expected+int64(len(events))]
	return decision{current: last.revision, last: last}
}

// store puts records of one stream at the end of the log.
func (l *ledger) store(events []*record) {
	transaction := l.end
	for _, r := range events {
		r.position, r.transaction = l.end, transaction
		r.revision = int64(len(l.streams[r.stream]))
		r.created = time.Now()
		l.end += uint64(r.size())
		l.log = append(l.log, r)
		l.streams[r.stream] = append(l.streams[r.stream], r)
	}
	close(l.grown)
	l.grown = make(chan struct{})
}

// slice returns up to n records of a stream from a revision on; found tells whether the stream has any.
func (l *ledger) slice(stream string, from uint64, n int) (page []*record, found bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	records := l.streams[stream]
	from = min(from, uint64(len(records)))
	return slices.Clone(records[from:min(from+uint64(n), uint64(len(records)))]), len(records) > 0
}

// place is where a read of $all is, between two records: the index of the next one in the log.
type place int

// seek returns the place before the record at a position, or after it, or the end when the position lies beyond it. A position
// where no event is cannot be read from.
func (l *ledger) seek(position uint64, after bool) (place, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i, found := slices.BinarySearchFunc(l.log, position, func(r *record, p uint64) int {
		switch {
		case r.position < p:
			return -1
		case r.position > p:
			return 1
		}
		return 0
	})
	switch {
	case found && after:
		return place(i + 1), nil
	case !found && i < len(l.log):
		return 0, fmt.Errorf("position %d is not that of an event", position)
	}
	return place(i), nil
}

func (l *ledger) last() place {
	l.mu.Lock()
	defer l.mu.Unlock()
	return place(len(l.log))
}

// forward returns up to n records from a place on, and a channel that is closed when the log grows.
func (l *ledger) forward(from place, n int) ([]*record, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.log[from:min(int(from)+n, len(l.log))]), l.grown
}

// backward returns up to n records before a place, the last one first.
func (l *ledger) backward(from place, n int) []*record {
	l.mu.Lock()
	defer l.mu.Unlock()
	page := slices.Clone(l.log[max(0, int(from)-n):from])
	slices.Reverse(page)
	return page
}
