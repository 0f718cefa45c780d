package crash_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
)

type object = blackbox.Object

const (
	seatsPerLicense = 5
	batchSize       = 10
)

// license is what a client knows of a licence.
type license struct {
	id         uuid.UUID
	key        string
	status     api.LicenseStatus
	generation int
	machines   map[string]api.Activation // by the name of the machine
	touched    bool                      // since it was last compared
}

func newLicense(l api.LicenseWithKey) *license {
	return &license{id: l.ID, key: l.Key, status: l.Status, machines: map[string]api.Activation{}, touched: true}
}

// command is something that a client asks for, with what came of it.
type command struct {
	id     string // its Idempotency-Key and X-Request-Id, so that its events can be found
	path   string
	body   object
	admin  bool
	about  *license            // nil: it issues licences
	silent bool                // nothing needs to be recorded
	many   int                 // licences of a batch
	may    string              // the refusal that may be the answer, since others compete
	learn  func(answer []byte) // takes the answer into what the client knows

	status   int // 0: there was no answer
	answer   []byte
	position uint64
}

// client works on licences of its own, so that it knows how they are, and competes for seats of the one that all share.
type client struct {
	name   string
	server *blackbox.Server
	shared string // licence key
	random *rand.Rand

	licenses   []*license
	sharedSeat map[string]bool // names of the machines that hold seats of the shared licence
	made       int             // numbers what the client makes
	answered   []*command      // since the last check
	unanswered *command
	past       []*command // answered before, to be repeated
	refused    int        // answers that asked to come again
	slowest    time.Duration
	wrong      error // the answer that should not have been
}

// work asks for one thing after the other until there is no answer.
func (c *client) work(ctx context.Context, answers chan<- struct{}) {
	for c.wrong == nil {
		next := c.next()
		r, err := c.send(ctx, next)
		if err != nil {
			c.unanswered = next
			return
		}
		c.wrong = c.take(next, r)
		c.answered = append(c.answered, next)
		answers <- struct{}{}
	}
}

func (c *client) send(ctx context.Context, k *command) (blackbox.Response, error) {
	sender := c.server.Anyone(nil)
	if k.admin {
		sender = c.server.Admin(nil)
	}
	began := time.Now()
	defer func() { c.slowest = max(c.slowest, time.Since(began)) }()
	return sender.With("Idempotency-Key", k.id).With("X-Request-Id", k.id).Try(ctx, http.MethodPost, k.path, k.body)
}

// take notes the answer to a command.
func (c *client) take(k *command, r blackbox.Response) error {
	k.status, k.answer = r.Status, r.Body
	if r.Status >= http.StatusBadRequest {
		var p api.Problem
		if err := json.Unmarshal(r.Body, &p); err != nil || string(p.Code) != k.may || k.may == "" {
			return fmt.Errorf("%s %v: status %d: %s", k.path, k.body, r.Status, r.Body)
		}
		return nil
	}
	if _, err := fmt.Sscan(r.Header.Get("Ledger-Position"), &k.position); err != nil {
		return fmt.Errorf("%s: Ledger-Position: %w", k.path, err)
	}
	if k.about != nil {
		k.about.touched = true
	}
	k.learn(r.Body)
	return nil
}

// next chooses something that should succeed, as far as the client knows.
func (c *client) next() *command {
	switch n := c.random.IntN(100); {
	case len(c.licenses) == 0 || n < 15:
		return c.issue()
	case n < 19:
		return c.issueBatch()
	case n < 30:
		return c.takeSharedSeat()
	default:
		l := c.licenses[c.random.IntN(len(c.licenses))]
		if len(l.machines) > 0 && c.random.IntN(2) == 0 {
			return c.withMachine(l)
		}
		return c.withLicense(l)
	}
}

func (c *client) new(path string, body object) *command {
	return &command{id: uuid.NewString(), path: path, body: body, learn: func([]byte) {}}
}

func (c *client) newName(what string) string {
	c.made++
	return fmt.Sprintf("%s-%s-%d", what, c.name, c.made)
}

// order is for a customer nobody has heard of.
func order(plan string) object {
	return object{"product": "cad", "plan": plan, "customer": object{"name": "Ada Byron", "email": uuid.NewString() + "@example.com"}}
}

func (c *client) issue() *command {
	k := c.new("/v1/licenses", order("team"))
	k.admin = true
	k.learn = func(answer []byte) { c.licenses = append(c.licenses, newLicense(decoded[api.LicenseWithKey](answer))) }
	return k
}

func (c *client) issueBatch() *command {
	var orders []object
	for range batchSize {
		orders = append(orders, order("team"))
	}
	k := c.new("/v1/licenses/batch", object{"licenses": orders})
	k.admin, k.many = true, batchSize
	k.learn = func(answer []byte) {
		for _, o := range decoded[api.BatchOutcome](answer).Outcomes {
			if o.License != nil {
				c.licenses = append(c.licenses, newLicense(*o.License))
			}
		}
	}
	return k
}

func (c *client) takeSharedSeat() *command {
	name := c.newName("shared")
	k := c.new("/v1/activations", object{"license_key": c.shared, "machine": machine(name)})
	k.may = "SEAT_LIMIT_REACHED"
	k.learn = func([]byte) {
		if c.sharedSeat == nil {
			c.sharedSeat = map[string]bool{}
		}
		c.sharedSeat[name] = true
	}
	return k
}

// machine shows itself by its fingerprint.
func machine(name string) object {
	sum := sha256.Sum256([]byte(name))
	return object{"fingerprint": hex.EncodeToString(sum[:]), "name": name}
}

// withLicense does something to a licence as a whole.
func (c *client) withLicense(l *license) *command {
	change := func(name string, body object) *command {
		k := c.new("/v1/licenses/"+l.id.String()+"/"+name, body)
		k.admin, k.about = true, l
		k.learn = func(answer []byte) { l.status = decoded[api.License](answer).Status }
		return k
	}
	because := object{"reason": c.newName("because")}
	if l.status == "SUSPENDED" {
		return change("reinstate", because)
	}
	switch n := c.random.IntN(10); {
	case n < 4 && len(l.machines) < seatsPerLicense:
		return c.activate(l)
	case n < 6:
		return change("suspend", because)
	case n < 9:
		because["extend_days"] = 1 + c.random.IntN(10)
		return change("renew", because)
	default:
		k := change("reissue-key", because)
		k.learn = func(answer []byte) {
			reissued := decoded[api.LicenseWithKey](answer)
			l.key, l.generation = reissued.Key, reissued.KeyGeneration
		}
		return k
	}
}

func (c *client) activate(l *license) *command {
	name := c.newName("machine")
	k := c.new("/v1/activations", object{"license_key": l.key, "machine": machine(name)})
	k.about = l
	k.learn = func(answer []byte) { l.machines[name] = decoded[api.Activation](answer) }
	return k
}

// withMachine does something to one of a licence's machines.
func (c *client) withMachine(l *license) *command {
	var name string
	for name = range l.machines { // any
		break
	}
	held := l.machines[name]
	var k *command
	switch n := c.random.IntN(10); {
	case n < 3:
		k = c.new("/v1/activations/"+held.ActivationID.String()+"/deactivate", object{"license_key": l.key, "reason": c.newName("because")})
		k.learn = func([]byte) { delete(l.machines, name) }
	case l.status == "SUSPENDED":
		return c.withLicense(l)
	case n < 6:
		other := c.newName("machine")
		k = c.new("/v1/bindings/"+held.BindingID.String()+"/rebind", object{"license_key": l.key, "machine": machine(other),
			"reason": c.newName("because")})
		k.learn = func(answer []byte) {
			delete(l.machines, name)
			l.machines[other] = decoded[api.Activation](answer)
		}
	default:
		k = c.new("/v1/activations/"+held.ActivationID.String()+"/heartbeat", object{"license_key": l.key, "machine": machine(name)})
		k.silent = true
	}
	k.about = l
	return k
}

// decoded reads an answer that the server has given with success; the contract is checked elsewhere.
func decoded[T any](answer []byte) T {
	var into T
	if err := json.Unmarshal(answer, &into); err != nil {
		panic(fmt.Sprintf("%v: %s", err, answer))
	}
	return into
}
