package linearizability_test

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"
)

// never is when an operation ends whose answer was lost: what it asked for may be done at any time later, or not at all.
const never = math.MaxInt64

// history is what was asked and answered in a round.
type history struct {
	began time.Time
	pace  *pace // counts the answers

	lost, repeated, left atomic.Int64             // answers that did not come, and what was done about it
	broken               atomic.Pointer[received] // an answer that no fault explains

	mu         sync.Mutex
	operations []porcupine.Operation
}

// clock returns the nanoseconds since the beginning. It never goes back.
func (h *history) clock() int64 { return int64(time.Since(h.began)) }

func (h *history) add(client int, q question, a answer, call, end int64) {
	h.mu.Lock()
	h.operations = append(h.operations, porcupine.Operation{ClientId: client, Input: q, Output: a, Call: call, Return: end})
	h.mu.Unlock()
	h.pace.tick()
}

// pace lets one goroutine wait for what many get done.
type pace struct {
	ticks atomic.Int64
	news  chan struct{}
}

func newPace() *pace { return &pace{news: make(chan struct{}, 1)} }

func (p *pace) tick() {
	p.ticks.Add(1)
	select {
	case p.news <- struct{}{}:
	default:
	}
}

// await returns after n more ticks, and at the latest when stop is closed or the time is up.
func (p *pace) await(stop <-chan struct{}, n int64, limit time.Duration) {
	late := time.NewTimer(limit)
	defer late.Stop()
	for wanted := p.ticks.Load() + n; p.ticks.Load() < wanted; {
		select {
		case <-p.news:
		case <-late.C:
			return
		case <-stop:
			return
		}
	}
}
