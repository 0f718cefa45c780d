package commands_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/commands/activation"
	catalogcommands "github.com/licenseledger/licenseledger/commands/catalog"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/domaintest"
)

// TestAnInstanceThatStartsAnewAnswersLikeTheOneThatWasThere plays random commands against licences, and then compares what the
// handler has in memory with what another one reads from the ledger.
func TestAnInstanceThatStartsAnewAnswersLikeTheOneThatWasThere(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	plans := []catalogcommands.Plan{o.plan(vendor, seats(2), rebinds(2)), o.plan(vendor, seats(2), floating(60), validFor(2)),
		o.plan(vendor, seats(3), validFor(1), func(t *catalog.Terms) {
			t.ValidityStarts = catalog.AtFirstActivation
		})}
	rapid.Check(t, func(t *rapid.T) {
		p := &run{fixture: o, t: t}
		for _, plan := range plans {
			answer, ok := p.do("issue", func(req runtime.Request) (any, error) {
				return o.Licensing.IssueLicense(o.admin(vendor), req, order(plan))
			})
			require.True(t, ok)
			issued := answer.(licensing.IssuedLicense)
			p.licenses = append(p.licenses, sold{id: issued.ID, key: issued.Key})
		}
		t.Repeat(map[string]func(*rapid.T){
			"activate":   p.activate,
			"heartbeat":  p.heartbeat,
			"validate":   p.validate,
			"rebind":     p.rebind,
			"deactivate": p.deactivate,
			"administer": p.administer,
			"wait":       p.wait,
			"recordDue":  p.recordDue,
			"repeat":     p.repeat,
		})
		p.compare()
	})
}

// run is one sequence of commands.
type run struct {
	*fixture
	t        *rapid.T
	licenses []sold
	places   []placed
	done     []carried
}

type sold struct {
	id  uuid.UUID
	key string
}

type placed struct {
	license             int // of licenses
	binding, activation uuid.UUID
	machine             int
}

// carried is a command that was carried out, to be repeated.
type carried struct {
	name   string
	req    runtime.Request
	send   func(runtime.Request) (any, error)
	answer any
}

const machinesOfAPlay = 4

// do sends a command with an Idempotency-Key of its own. Only the domain may say no.
func (p *run) do(name string, send func(runtime.Request) (any, error)) (answer any, ok bool) {
	req := keyed(p.ids.next().String())
	before := p.head()
	answer, err := send(req)
	if err != nil {
		var refused *domainerr.Error
		var invalid *domainerr.Invalid
		require.True(p.t, errors.As(err, &refused) || errors.As(err, &invalid), "%s: %v", name, err)
		require.Equal(p.t, before, p.head(), "%s: a refusal records nothing", name)
		return nil, false
	}
	if p.head() > before && name != "validate" {
		p.done = append(p.done, carried{name, req, send, answer})
	}
	return answer, true
}

func (p *run) license(t *rapid.T) (int, sold) {
	i := rapid.IntRange(0, len(p.licenses)-1).Draw(t, "license")
	return i, p.licenses[i]
}

func (p *run) place(t *rapid.T) placed {
	if len(p.places) == 0 {
		t.Skip("nobody has a place yet")
	}
	return p.places[rapid.IntRange(0, len(p.places)-1).Draw(t, "place")]
}

func machineOfAPlay(t *rapid.T) int { return rapid.IntRange(1, machinesOfAPlay).Draw(t, "machine") }

func (p *run) holds(t *rapid.T, license, machine int, answer any) {
	a := answer.(activation.Activation)
	require.LessOrEqual(t, a.Seats.Used, a.Seats.Limit)
	require.NotEmpty(t, a.Certificate)
	p.places = append(p.places, placed{license, a.BindingID, a.ID, machine})
}

func (p *run) activate(t *rapid.T) {
	i, l := p.license(t)
	n := machineOfAPlay(t)
	if answer, ok := p.do("activate", func(req runtime.Request) (any, error) {
		return p.Activation.ActivateMachine(p.fixture.machine(), req, activation.ActivateMachine{LicenseKey: p.key(l.key), Machine: machineNo(n)})
	}); ok {
		p.holds(t, i, n, answer)
	}
}

func (p *run) heartbeat(t *rapid.T) {
	at := p.place(t)
	key := p.licenses[at.license].key
	if answer, ok := p.do("heartbeat", func(req runtime.Request) (any, error) {
		return p.Activation.Heartbeat(p.fixture.machine(), req,
			activation.Heartbeat{LicenseKey: p.key(key), ActivationID: at.activation, Machine: machineNo(at.machine)})
	}); ok {
		p.holds(t, at.license, at.machine, answer)
	}
}

func (p *run) validate(t *rapid.T) {
	_, l := p.license(t)
	m := machineNo(machineOfAPlay(t))
	p.do("validate", func(req runtime.Request) (any, error) {
		return p.Activation.Validate(p.fixture.machine(), req, activation.Validate{LicenseKey: p.key(l.key), Machine: &m})
	})
}

func (p *run) rebind(t *rapid.T) {
	at := p.place(t)
	n := machineOfAPlay(t)
	key := p.licenses[at.license].key
	if answer, ok := p.do("rebind", func(req runtime.Request) (any, error) {
		return p.Activation.RebindMachine(p.fixture.machine(), req,
			activation.RebindMachine{LicenseKey: p.key(key), BindingID: at.binding, Machine: machineNo(n), Reason: "new laptop"})
	}); ok {
		p.holds(t, at.license, n, answer)
	}
}

func (p *run) deactivate(t *rapid.T) {
	at := p.place(t)
	p.do("deactivate", func(req runtime.Request) (any, error) {
		return p.Activation.Deactivate(p.admin(vendor), req,
			activation.Deactivate{LicenseID: p.licenses[at.license].id, ActivationID: at.activation, Reason: "sold"})
	})
}

func (p *run) administer(t *rapid.T) {
	i, l := p.license(t)
	what := rapid.SampledFrom([]string{"suspend", "reinstate", "reinstate", "renew", "renew", "reissue", "revoke"}).Draw(t, "what")
	days := rapid.IntRange(1, 3).Draw(t, "days")
	if what == "revoke" && days < 3 {
		what = "reinstate" // or most licences would be revoked soon
	}
	answer, ok := p.do(what, func(req runtime.Request) (any, error) {
		ctx := p.admin(vendor)
		switch what {
		case "suspend":
			return p.Licensing.SuspendLicense(ctx, req, licensing.SuspendLicense{LicenseID: l.id, Reason: "unpaid"})
		case "reinstate":
			return p.Licensing.ReinstateLicense(ctx, req, licensing.ReinstateLicense{LicenseID: l.id, Reason: "paid"})
		case "renew":
			return p.Licensing.RenewLicense(ctx, req, licensing.RenewLicense{LicenseID: l.id, Reason: "paid", ExtendDays: &days})
		case "revoke":
			return p.Licensing.RevokeLicense(ctx, req, licensing.RevokeLicense{LicenseID: l.id, Reason: "fraud"})
		default:
			return p.Licensing.ReissueKey(ctx, req, licensing.ReissueKey{LicenseID: l.id, Reason: "leaked"})
		}
	})
	if reissued, new := answer.(licensing.IssuedLicense); ok && new {
		p.licenses[i].key = reissued.Key
	}
}

func (p *run) wait(t *rapid.T) {
	p.clock.advance(rapid.SampledFrom([]time.Duration{time.Second, 31 * time.Second, time.Minute, time.Hour, day, 2 * day}).Draw(t, "for"))
}

func (p *run) recordDue(t *rapid.T) {
	_, l := p.license(t)
	_, err := recordDue(p.system(), p.Handler, l.id)
	require.NoError(t, err)
}

// repeat sends a command once more, unless the licence key it was sent with is useless by now.
func (p *run) repeat(t *rapid.T) {
	c := p.done[rapid.IntRange(0, len(p.done)-1).Draw(t, "command")]
	before := p.head()
	answer, err := c.send(c.req)
	require.Equal(t, before, p.head())
	var refused *domainerr.Error
	if errors.As(err, &refused) {
		require.Equal(t, "LICENSE_KEY_INVALID", refused.Code, c.name)
		return
	}
	require.NoError(t, err, c.name)
	original, marked := replayed(answer)
	require.True(t, marked, c.name)
	domaintest.RequireSame(t, c.answer, original, c.name)
}

// compare asks both handlers everything. The old one is asked first, so that whatever has to be recorded is.
func (p *run) compare() {
	before := p.answers(p.Handler)
	head := p.head()
	domaintest.RequireSame(p.t, before, p.answers(p.handler(p.store, 100)))
	require.Equal(p.t, head, p.head())
	for _, verdict := range before {
		require.LessOrEqual(p.t, verdict.License.SeatsUsed(), verdict.License.Policy.Seats())
	}
}

func (p *run) answers(h *commands.Handler) map[string]activation.Verdict {
	answers := map[string]activation.Verdict{}
	for round := range 2 { // the first may record something, which the answers before it did not know
		for i, l := range p.licenses {
			for n := range machinesOfAPlay + 1 {
				ask := activation.Validate{LicenseKey: p.key(l.key)}
				if n > 0 {
					m := machineNo(n)
					ask.Machine = &m
				}
				verdict, err := h.Activation.Validate(p.fixture.machine(), runtime.Request{}, ask)
				require.NoError(p.t, err)
				if round == 1 {
					answers[fmt.Sprintf("licence %d, machine %d", i, n)] = verdict
				}
			}
		}
	}
	return answers
}
