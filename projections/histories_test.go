package projections_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/machines"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// history is a licence whose commands are drawn at random and decided by the domain.
type history struct {
	w       *fixture
	n       int
	stream  *license.Stream
	now     time.Time
	made    int
	decided []event.Payload
}

// record folds what was decided and keeps it to be appended.
func (h *history) record(rt *rapid.T, payloads []event.Payload) {
	events := make([]event.Event, len(payloads))
	for i, p := range payloads {
		events[i] = event.Event{Payload: p,
			Envelope: event.Envelope{Revision: event.Revision(len(h.decided) + i + 1), Pending: event.Pending{Type: p.EventType()}}}
	}
	var err error
	h.stream, err = license.Fold(h.stream, events...)
	require.NoError(rt, err)
	h.decided = append(h.decided, payloads...)
}

func (h *history) fresh() uuid.UUID {
	h.made++
	return id(h.n*100_000 + h.made)
}

func (h *history) box(rt *rapid.T) machine.Machine {
	n := rapid.IntRange(1, 5).Draw(rt, "machine")
	hashes := machine.Hashes{}
	for i, kind := range machine.Kinds()[:5] {
		value := fmt.Sprintf("%d-%d", n, i)
		if rapid.IntRange(0, 9).Draw(rt, "changed") == 0 {
			value += "-new"
		}
		hashes[kind] = []string{value}
	}
	return machine.Machine{Fingerprint: print(rapid.IntRange(n*10, n*10+1).Draw(rt, "print")), Hashes: hashes, OS: "linux",
		Name: seal(subjectID, fmt.Sprintf("host-%d", n))}
}

func (h *history) held(rt *rapid.T) license.BoundMachine {
	found, _ := h.stream.Find(h.box(rt))
	return found
}

func (h *history) command(rt *rapid.T) license.Command {
	switch rapid.IntRange(0, 13).Draw(rt, "command") {
	case 0:
		return license.Suspend{Reason: "unpaid"}
	case 1:
		return license.Reinstate{Reason: "paid"}
	case 2:
		return license.Renew{Reason: "order", ExtendDays: ptr(rapid.IntRange(1, 20).Draw(rt, "days"))}
	case 3:
		return license.ReissueKey{Reason: "leaked"}
	case 4:
		if rapid.IntRange(0, 9).Draw(rt, "for good") == 0 {
			return license.Revoke{Reason: "fraud"}
		}
		return license.Deactivate{ActivationID: h.held(rt).Activation.ID, Reason: "sold"}
	case 5:
		return license.Deactivate{ActivationID: h.held(rt).Activation.ID, Reason: "sold"}
	case 6, 7:
		return license.RebindMachine{BindingID: h.held(rt).Binding.ID, Machine: h.box(rt), Reason: "broken",
			ActivationID: h.fresh(), KeyID: "key-1"}
	case 8:
		return license.UndoExpiry{Reason: "wrong clock", LedgerTime: h.now}
	case 9, 10:
		return license.Heartbeat{ActivationID: h.held(rt).Activation.ID, Machine: h.box(rt), KeyID: "key-1"}
	default:
		return license.ActivateMachine{Machine: h.box(rt), BindingID: h.fresh(), ActivationID: h.fresh(), KeyID: "key-1"}
	}
}

// step lets time pass and asks one command; a refusal is an answer too.
func (h *history) step(rt *rapid.T) {
	h.now = h.now.Add(time.Duration(rapid.IntRange(0, 72).Draw(rt, "hours")) * time.Hour)
	if decided, err := h.stream.Decide(h.command(rt), h.now); err == nil {
		h.record(rt, decided)
	}
	if rapid.Bool().Draw(rt, "time is noticed") {
		h.record(rt, h.stream.Due(h.now))
	}
	if rapid.IntRange(0, 9).Draw(rt, "a clock runs ahead") == 0 {
		h.record(rt, h.stream.Due(h.now.Add(11*day)))
	}
}

func TestAfterAnyHistoryRebuiltRowsAreTheLiveRowsAndSayWhatTheDomainSays(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		// One ledger for all histories: their licences do not meet, and a rebuild has more to do each time.
		w := newFixture(t)
		w.happened(productStream, registered())
		w.happened(planStream, published())
		runner := w.start(w.config())
		run := 0
		rapid.Check(t, func(rt *rapid.T) {
			run++
			var histories []*history
			for n := range rapid.IntRange(1, 3).Draw(rt, "licenses") {
				h := &history{w: w, n: run*10 + n, now: noon}
				h.record(rt, []event.Payload{issued(func(e *license.Issued) {
					e.LicenseID = id(h.n)
					e.ExpiresAt = ptr(noon.Add(time.Duration(rapid.IntRange(5, 60).Draw(rt, "valid")) * day))
					if rapid.Bool().Draw(rt, "from first activation") {
						e.ExpiresAt, e.Policy.ValidityStarts = nil, catalog.AtFirstActivation
					}
					if rapid.Bool().Draw(rt, "floating") {
						e.Policy.LeaseSeconds = ptr(24 * 3600)
					}
				})})
				histories = append(histories, h)
			}
			for range rapid.IntRange(5, 30).Draw(rt, "steps") {
				rapid.SampledFrom(histories).Draw(rt, "of").step(rt)
			}

			// The histories meet in the ledger a few events at a time.
			for pending := true; pending; {
				pending = false
				for _, h := range histories {
					n := min(len(h.decided), rapid.IntRange(1, 20).Draw(rt, "at a time"))
					if n > 0 {
						w.happened(license.StreamName(id(h.n)), h.decided[:n]...)
						h.decided, pending = h.decided[n:], true
					}
				}
			}
			w.caughtUp()
			for _, h := range histories {
				l, err := licenses.New(w.models).Find(t.Context(), tenant, id(h.n))
				require.NoError(rt, err)
				require.Equal(rt, string(h.stream.Status()), l.Status)
				require.Equal(rt, h.stream.SeatsUsed(), l.SeatsUsed)
				require.Equal(rt, h.stream.ExpiresAt, l.ExpiresAt)
				require.Equal(rt, []bool{h.stream.Suspension != nil, h.stream.Expiry != nil, h.stream.Revocation != nil},
					[]bool{l.SuspendedAt != nil, l.ExpiredAt != nil, l.RevokedAt != nil})
				require.EqualValues(rt, w.revisions[license.StreamName(id(h.n))], l.Revision)
				page, err := machines.New(w.models).OfLicense(t.Context(), tenant, id(h.n), store.Paging{Limit: store.MaxLimit})
				require.NoError(rt, err)
				seated := 0
				for _, m := range page.Items {
					held, there := h.stream.ByBinding(m.BindingID)
					require.Equal(rt, there, m.Status != machines.Released)
					if m.Status == machines.Bound {
						seated++
					}
					if there {
						require.Equal(rt, string(held.Binding.Machine.Fingerprint), m.Fingerprint)
						require.Equal(rt, held.Activation.ID, m.Activation.ID)
						require.Equal(rt, string(held.Activation.Status), m.Activation.Status)
					}
				}
				require.Equal(rt, l.SeatsUsed, seated)
			}
		})
		for _, name := range all {
			rebuilt, err := runner.Rebuild(t.Context(), name, nil)
			require.NoError(t, err)
			require.True(t, rebuilt.Same(), "the rebuilt %s differ from the live ones", name)
		}
		requireDerivable(t, w)
	})
}
