package eventstoredb

import (
	"sync/atomic"

	"github.com/licenseledger/licenseledger/eventstore"
)

// exportConnections is how many connections exports share. A server takes about a hundred calls at a time on each, and a
// subscription is one call for as long as it is open.
const exportConnections = 6

// exports are readers of the same ledger, each with a connection of its own that is made when it is needed first.
type exports struct {
	readers []*Store
	turn    atomic.Uint64
}

func newExports(url string, o options) (*exports, error) {
	e := &exports{}
	for range exportConnections {
		s, err := newStore(url, o)
		if err != nil {
			return nil, err
		}
		e.readers = append(e.readers, s)
	}
	return e, nil
}

func (e *exports) close() {
	for _, s := range e.readers {
		s.end()
		s.feeds.drain()
		s.server.close()
	}
}

// Exports reads through connections of its own, as [eventstore.Store] promises.
func (s *Store) Exports() eventstore.Reader {
	return s.exports.readers[s.exports.turn.Add(1)%exportConnections]
}
