package linearizability_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/httpapi/api"
)

// license is what all clients know of a licence. It is only to guess what is worth asking; the history is checked.
type license struct {
	number    int
	id, key   string
	suspended atomic.Bool
	known     [machines]atomic.Pointer[string] // the latest known activation of each machine
}

// client asks one thing after the other, of any licence and any instance.
type client struct {
	number  int
	cluster *cluster
	random  *rand.Rand
	hangsUp bool // hangs up on many an answer
}

// work asks for a number of things.
func (c *client) work(ctx context.Context, licenses []*license, asks int, h *history) error {
	for range asks {
		l := licenses[c.random.IntN(len(licenses))]
		if err := c.ask(ctx, l, c.choose(l), h); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// choose chooses what to ask of a licence.
func (c *client) choose(l *license) question {
	q := question{license: l.number, machine: c.random.IntN(machines)}
	if l.suspended.Load() && c.random.IntN(4) == 0 {
		q.what = reinstate
		return q
	}
	switch n := c.random.IntN(400); {
	case n < 140:
		q.what = activate
	case n < 250:
		q.what = validate
		if known := l.known[q.machine].Load(); known != nil {
			q.what, q.activation = deactivate, *known
		}
	case n < 385:
		q.what = validate
	case n < 395:
		q.what = suspend
	case n < 399:
		q.what = reinstate
	default:
		q.what = revoke
	}
	return q
}

// ask asks until there is an answer, or leaves it open whether what it asked for was done.
func (c *client) ask(ctx context.Context, l *license, q question, h *history) error {
	r := c.request(l, q)
	first := h.clock()
	for attempt := 0; ; attempt++ {
		call := h.clock()
		got, err := c.try(ctx, r)
		if err == nil && got.status < http.StatusInternalServerError {
			a := l.learn(q, got)
			c.record(h, q, a, span{first: first, call: call, end: h.clock()}, attempt > 0, got.replayed)
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		h.lost.Add(1)
		if err == nil && got.status != http.StatusServiceUnavailable {
			h.broken.Store(&got)
		}
		if q.what == validate { // it changes nothing, so a lost answer need not be explained
			return nil
		}
		if c.random.IntN(2) == 0 {
			h.add(c.number, q, answer{code: lost}, first, never)
			h.left.Add(1)
			return nil
		}
		h.repeated.Add(1)
	}
}

// span is when something was asked: for the first time, for the last time, and when that was answered.
type span struct{ first, call, end int64 }

// record notes an answered question. What was done by an attempt before was done at any time since the first one. An attempt whose
// answer was lost may still be under way when a later one is refused, which no key prevents from being done after all.
func (c *client) record(h *history, q question, a answer, s span, again, replayed bool) {
	if replayed {
		s.call = s.first
	}
	h.add(c.number, q, a, s.call, s.end)
	if again && q.what != validate && a.code != granted && a.code != done {
		h.add(c.number, q, answer{code: lost}, s.call, never)
	}
}

// try sends a request to an instance that is up.
func (c *client) try(ctx context.Context, r request) (received, error) {
	limit := timeout
	if c.hangsUp && c.random.IntN(20) == 0 {
		limit = time.Duration(c.random.Int64N(int64(30 * time.Millisecond)))
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for at := c.random.IntN(2); ; at++ {
		got, err := c.cluster.send(ctx, c.cluster.instances[at%2], r)
		if !errors.Is(err, syscall.ECONNREFUSED) { // then nobody has heard it
			return got, err
		}
	}
}

func (c *client) request(l *license, q question) request {
	r := request{key: uuid.NewString()}
	sum := sha256.Sum256([]byte{byte(q.machine)})
	machine := object{"fingerprint": hex.EncodeToString(sum[:])}
	switch q.what {
	case activate:
		r.path, r.body = "/v1/activations", object{"license_key": l.key, "machine": machine}
	case validate:
		r.path, r.body = "/v1/validate", object{"license_key": l.key, "machine": machine}
	case deactivate:
		r.path, r.body = "/v1/activations/"+q.activation+"/deactivate", object{"license_key": l.key, "reason": "moved"}
	default:
		r.path, r.body, r.admin = "/v1/licenses/"+l.id+"/"+q.what, object{"reason": "by chance"}, true
	}
	return r
}

// learn reads an answer and remembers what it says of the licence.
func (l *license) learn(q question, got received) answer {
	if got.status >= http.StatusBadRequest {
		code := string(decoded[api.Problem](got.body).Code)
		l.suspended.Store(code == "LICENSE_SUSPENDED")
		return answer{code: code, used: unknownSeats}
	}
	switch q.what {
	case activate:
		shown := decoded[api.Activation](got.body)
		id := shown.ActivationID.String()
		l.known[q.machine].Store(&id)
		a := answer{code: stands, activation: id, used: shown.Seats.Used}
		if got.status == http.StatusCreated {
			a.code = granted
		}
		return a
	case deactivate:
		return answer{code: done, used: decoded[api.Deactivation](got.body).Seats.Used}
	case validate:
		shown := decoded[api.Verdict](got.body)
		l.suspended.Store(shown.Code == "LICENSE_SUSPENDED")
		a := answer{code: string(shown.Code), used: unknownSeats}
		if shown.License != nil {
			a.used = shown.License.Seats.Used
		}
		return a
	default:
		shown := decoded[api.License](got.body)
		l.suspended.Store(shown.Status == "SUSPENDED")
		return answer{code: done, used: shown.Seats.Used}
	}
}
