package crash_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
)

const (
	refusalsWanted = 2 * customers         // while a fault lasts, before it is repaired
	answersWanted  = 60                    // after it was repaired
	repeatAfter    = 20 * time.Millisecond // a refusal
)

// fault is something that goes wrong beneath a server that goes on running.
type fault struct {
	inject func()
	during func() // looks at the server when clients have been refused; nil: needs no look
	repair func() error
	// transient faults are over, or refuse nobody: the clients get on with their work.
	transient bool
}

// workThrough lets all clients work while a fault strikes, lasts and is repaired. They repeat what is refused.
func (w *harness) workThrough(f fault) {
	w.t.Helper()
	stop := make(chan struct{})
	answers, refusals := make(chan struct{}, customers), make(chan struct{}, customers)
	var working sync.WaitGroup
	for _, c := range w.clients {
		working.Go(func() { c.retryUntil(w.t.Context(), stop, answers, refusals) })
	}
	await := func(what string, n int, news, others <-chan struct{}) {
		late := time.After(timeout)
		for n > 0 {
			select {
			case <-news:
				n--
			case <-others:
			case <-late:
				close(stop)
				w.finish(&working, answers, refusals)
				require.FailNow(w.t, "the clients got too few "+what)
			}
		}
	}
	await("answers", 1+w.random.IntN(mostAnswers), answers, refusals)
	f.inject()
	if f.transient {
		await("answers", answersWanted, answers, refusals)
	} else {
		await("refusals", refusalsWanted, refusals, answers)
	}
	if f.during != nil {
		f.during()
	}
	require.NoError(w.t, f.repair())
	await("answers", answersWanted, answers, refusals)
	close(stop)
	w.finish(&working, answers, refusals)
	for _, c := range w.clients {
		w.refused += c.refused
		w.slowest = max(w.slowest, c.slowest)
		c.refused, c.slowest = 0, 0
	}
}

// retryUntil asks for one thing after the other until stop is closed, and repeats whatever is refused for now
// until it is answered.
func (c *client) retryUntil(ctx context.Context, stop <-chan struct{}, answers, refusals chan<- struct{}) {
	again := time.NewTicker(repeatAfter)
	defer again.Stop()
	for c.wrong == nil {
		select {
		case <-stop:
			return
		default:
		}
		next := c.next()
		r, err := c.send(ctx, next)
		for err == nil && isTemporary(r) {
			c.refused++
			refusals <- struct{}{}
			select {
			case <-stop:
				c.unanswered = next
				return
			case <-again.C:
				r, err = c.send(ctx, next)
			}
		}
		if err != nil { // the server is up all the time
			c.wrong = err
			return
		}
		c.wrong = c.take(next, r)
		c.answered = append(c.answered, next)
		answers <- struct{}{}
	}
}

// isTemporary reports whether an answer says that the same request, or a part of it, may succeed later.
func isTemporary(r blackbox.Response) bool {
	var whole struct {
		api.Problem
		api.BatchOutcome
	}
	if json.Unmarshal(r.Body, &whole) != nil {
		return false
	}
	if r.Status == http.StatusServiceUnavailable && r.Header.Get("Retry-After") != "" {
		return slices.Contains(temporaryCodes(), whole.Code)
	}
	for _, o := range whole.Outcomes {
		if o.Problem != nil && slices.Contains(temporaryCodes(), o.Problem.Code) {
			return true
		}
	}
	return false
}

func temporaryCodes() []api.ProblemCode { return []api.ProblemCode{"UNAVAILABLE", "BUSY", "TIMEOUT"} }
