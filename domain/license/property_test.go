package license_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
)

// TestWhateverIsAskedAndWheneverTheStreamKeepsItsPromises plays random commands at random times against a licence of a
// random policy, and holds the stream against [reference] after each of them.
func TestWhateverIsAskedAndWheneverTheStreamKeepsItsPromises(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newFixture(t)
		for range 3 {
			t.Repeat(map[string]func(*rapid.T){
				"":           w.check,
				"activate":   w.activate,
				"heartbeat":  w.heartbeat,
				"validate":   w.validate,
				"rebind":     w.rebind,
				"deactivate": w.deactivate,
				"administer": w.administer,
				"drift":      w.drift,
				"wait":       w.wait,
				"wait on":    w.waitForAMoment,
				"record":     w.recordWhatIsDue,
				"run ahead":  w.recordWhatAWrongClockBrings,
			})
		}
		w.replay(t)
	})
}

// fixture is a licence with its machines and a clock, seen by the stream and by the reference.
type fixture struct {
	now      time.Time
	machines []machine.Machine
	ids      int
	gone     []uuid.UUID // bindings and activations that are over

	ledger []event.Envelope
	stream *license.Stream
	shadow *license.Stream // folded from the same bytes, sharing no memory with stream
	ahead  *license.Stream // folded from the same bytes without positions, as events in flight are
	reference
}

func newFixture(t *rapid.T) *fixture {
	e := issued(
		seats(rapid.IntRange(1, 4).Draw(t, "seats")),
		match(rapid.SampledFrom([]machine.Match{machine.MatchAny, machine.MatchTwo, machine.MatchMost, machine.MatchAll}).Draw(t, "match")),
	)
	e.Policy.OfflineDays = rapid.IntRange(1, 3).Draw(t, "offline days")
	e.Policy.RebindWindowDays = rapid.IntRange(1, 3).Draw(t, "rebind window")
	w := &fixture{now: noon, reference: reference{
		limit: e.Policy.PlanMaxMachines, offline: time.Duration(e.Policy.OfflineDays) * day, match: e.Policy.FingerprintMatch,
		window: time.Duration(e.Policy.RebindWindowDays) * day,
	}}
	w.daily = rapid.SampledFrom([]int{1, 2, catalog.DefaultDailyActivations}).Draw(t, "daily activations")
	if w.daily != catalog.DefaultDailyActivations {
		e.Policy.DailyActivationsPerSeat = &w.daily
	}
	if rapid.Bool().Draw(t, "floating") {
		e.Policy.LeaseSeconds, w.lease = new(60), time.Minute
	}
	if n := rapid.IntRange(-1, 2).Draw(t, "max rebinds"); n >= 0 {
		e.Policy.MaxRebinds, w.maxRebinds = &n, &n
	}
	if n := rapid.SampledFrom([]int{0, 30, 40_000, 200_000}).Draw(t, "cool-down"); n > 0 {
		e.Policy.RebindCooldownSeconds, w.cooldown = &n, time.Duration(n)*time.Second
	}
	if own := rapid.IntRange(0, 3).Draw(t, "own limit"); own > 0 {
		e.Policy.LicenseMaxMachines, w.limit = &own, min(w.limit, own)
	}
	days := rapid.IntRange(1, 10).Draw(t, "validity days")
	switch rapid.SampledFrom([]string{"perpetual", "from issue", "from first activation"}).Draw(t, "validity") {
	case "from issue":
		e.ExpiresAt = new(noon.Add(time.Duration(days) * day))
		w.expires = e.ExpiresAt
	case "from first activation":
		e.Policy.ValidityDays, e.Policy.ValidityStarts = &days, catalog.AtFirstActivation
		w.validity = time.Duration(days) * day
	}
	for range 5 {
		w.machines = append(w.machines, machine.Machine{})
		w.equip(t, len(w.machines)-1)
	}
	w.append(t, e)
	return w
}

// equip gives a machine hardware. Values are few, so that machines are like each other now and then.
func (w *fixture) equip(t *rapid.T, i int) {
	hashes := machine.Hashes{}
	for _, kind := range []machine.Kind{machine.CPU, machine.Board, machine.MAC, machine.Disk} {
		values := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 2, rapid.ID).Draw(t, string(kind))
		if len(values) > 0 {
			hashes[kind] = values
		}
	}
	w.machines[i] = known(hashes)
	if len(hashes) == 0 {
		w.machines[i] = machineNo(i) // it presents a ready fingerprint
	}
}

func known(hashes machine.Hashes) machine.Machine {
	return machine.Machine{Fingerprint: machine.Components(hashes).Fingerprint(), Hashes: hashes, OS: "linux/amd64"}
}

// newID returns ids in no order.
func (w *fixture) newID() uuid.UUID {
	w.ids++
	return id(10_000 + w.ids*7_919%100_003)
}

// machine draws one of the machines, by its place in the list so that failures shrink well.
func (w *fixture) machine(t *rapid.T) machine.Machine {
	return w.machines[rapid.IntRange(0, len(w.machines)-1).Draw(t, "machine")]
}

// place draws one of the places; a place that nobody has when there is none, or now and then.
func (w *fixture) place(t *rapid.T) place {
	i := rapid.IntRange(0, len(w.places)).Draw(t, "place")
	switch {
	case i < len(w.places):
		return *w.places[i]
	case len(w.gone) > 0:
		over := rapid.SampledFrom(w.gone).Draw(t, "gone")
		return place{binding: over, activation: over}
	default:
		return place{binding: id(1), activation: id(1)}
	}
}

// ask lets the stream decide a command, and expects the reference's answer.
func (w *fixture) ask(t *rapid.T, c license.Command, answer func() error) {
	w.pass(w.now)
	expected := answer()
	decided, err := w.stream.Decide(c, w.now)
	requireSame(t, w.shadow, w.stream, "deciding leaves the stream as it is")
	decidedAhead, errAhead := w.ahead.Decide(c, w.now)
	require.Equal(t, decided, decidedAhead, "a decision reads no position")
	require.Equal(t, err == nil, errAhead == nil, "a decision reads no position")
	if expected != nil {
		require.ErrorIs(t, err, expected)
		require.Empty(t, decided, "a refusal causes nothing")
		return
	}
	require.NoError(t, err)
	w.append(t, decided...)
}

// append records events and folds them one at a time, each twice: as the stream and as its shadow.
func (w *fixture) append(t *rapid.T, payloads ...event.Payload) {
	command := uuid.NewSHA1(uuid.Nil, []byte{byte(len(w.ledger))}).String()
	for i, p := range payloads {
		data, err := event.Encode(p)
		require.NoError(t, err)
		place := uint64(len(w.ledger) + 1)
		envelope := event.Envelope{
			Position: event.Position(100 + place), Revision: event.Revision(place), Stream: license.StreamName(licenseID),
			Pending: event.Pending{ID: w.newID(), Type: p.EventType(), Data: data, Metadata: event.Metadata{
				Tenant: "default", CommandID: command, RequestHash: fmt.Sprint("hash of ", command),
			}},
		}
		w.ledger = append(w.ledger, envelope)
		next := continued(t, w.stream, envelope)
		requireSame(t, w.shadow, w.stream, "folding leaves the stream as it is")
		w.stream, w.shadow = next, continued(t, w.shadow, envelope)
		envelope.Position = 0
		w.ahead = continued(t, w.ahead, envelope)
		switch e := p.(type) {
		case binding.MachineRebound:
			require.Equal(t, w.movesInWindow(w.now), e.RebindsInWindow)
		case binding.HardwareDrifted:
			require.True(t, e.RebindsInWindow == 0 || e.Moved && e.RebindsInWindow == w.movesInWindow(w.now))
		case binding.MachineBound:
			require.True(t, e.RebindsInWindow == 0 || e.Replaces != nil && e.RebindsInWindow == w.movesInWindow(w.now))
		}
		if used, carried := seatsUsed(payloads, i); carried {
			require.Equal(t, w.stream.SeatsUsed(), used, "seats_used of %s", settles(payloads, i))
		}
	}
}

func continued(t *rapid.T, s *license.Stream, envelopes ...event.Envelope) *license.Stream {
	registry := domain.Events()
	events := make([]event.Event, len(envelopes))
	for i, envelope := range envelopes {
		var err error
		events[i], err = registry.Decode(envelope)
		require.NoError(t, err)
	}
	next, err := license.Fold(s, events...)
	require.NoError(t, err)
	return next
}

// settles returns the event whose seats_used says how many seats are taken after the i-th event. Those of a machine that is
// bound or rebound count the seat that the grant right after them takes.
func settles(payloads []event.Payload, i int) event.Payload {
	if _, grant := payloads[i].(activation.Granted); grant {
		return payloads[i-1]
	}
	switch payloads[i].(type) {
	case binding.MachineBound, binding.MachineRebound:
		return nil
	}
	return payloads[i]
}

func seatsUsed(payloads []event.Payload, i int) (n int, carried bool) {
	switch e := settles(payloads, i).(type) {
	case binding.MachineBound:
		return e.SeatsUsed, true
	case binding.MachineRebound:
		return e.SeatsUsed, true
	case binding.MachineReleased:
		return e.SeatsUsed, true
	case activation.Renewed:
		return e.SeatsUsed, true
	case activation.Lapsed:
		return e.SeatsUsed, true
	default:
		return 0, false
	}
}

func (w *fixture) activate(t *rapid.T) {
	c := license.ActivateMachine{Machine: w.machine(t), BindingID: w.newID(), ActivationID: w.newID(), KeyID: keyID}
	w.ask(t, c, func() error { return w.reference.activate(c.Machine, c.BindingID, c.ActivationID, w.now) })
}

func (w *fixture) heartbeat(t *rapid.T) {
	p := w.place(t)
	m := p.machine
	if m.Fingerprint == "" || rapid.IntRange(0, 3).Draw(t, "another machine") == 0 {
		m = w.machine(t)
	}
	c := license.Heartbeat{ActivationID: p.activation, Machine: m, KeyID: keyID}
	w.ask(t, c, func() error { return w.reference.heartbeat(c.ActivationID, c.Machine, w.now) })
}

func (w *fixture) validate(t *rapid.T) {
	m := w.machine(t)
	w.ask(t, license.Validate{Machine: &m, KeyID: keyID}, func() error { return w.reference.validate(m, w.now) })
}

func (w *fixture) rebind(t *rapid.T) {
	p := w.place(t)
	i := rapid.IntRange(0, len(w.machines)-1).Draw(t, "machine")
	if rapid.Bool().Draw(t, "a new one") {
		w.equip(t, i)
	}
	c := license.RebindMachine{BindingID: p.binding, Machine: w.machines[i], Reason: "new laptop", ActivationID: w.newID(), KeyID: keyID,
		ByOperator: rapid.IntRange(0, 3).Draw(t, "by an operator") == 0}
	w.ask(t, c, func() error {
		err := w.reference.rebind(c.BindingID, c.Machine, c.ActivationID, c.ByOperator, w.now)
		if err == nil {
			w.gone = append(w.gone, p.activation)
		}
		return err
	})
}

func (w *fixture) deactivate(t *rapid.T) {
	p := w.place(t)
	byOperator := rapid.IntRange(0, 3).Draw(t, "by an operator") == 0
	w.ask(t, license.Deactivate{ActivationID: p.activation, Reason: "sold", ByOperator: byOperator}, func() error {
		err := w.reference.deactivate(p.activation, byOperator)
		if err == nil {
			w.gone = append(w.gone, p.activation, p.binding)
		}
		return err
	})
}

// drift changes one component of a machine, or gives it other hardware altogether.
func (w *fixture) drift(t *rapid.T) {
	i := rapid.IntRange(0, len(w.machines)-1).Draw(t, "machine")
	changed := machine.Hashes{}
	for kind, values := range w.machines[i].Hashes {
		changed[kind] = values
	}
	if len(changed) == 0 || rapid.IntRange(0, 3).Draw(t, "altogether") == 0 {
		w.equip(t, i)
		return
	}
	kind := rapid.SampledFrom([]machine.Kind{machine.CPU, machine.Board, machine.MAC, machine.Disk}).Draw(t, "kind")
	changed[kind] = []string{rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"}).Draw(t, "value")}
	w.machines[i] = known(changed)
}

func (w *fixture) wait(t *rapid.T) {
	w.now = w.now.Add(rapid.SampledFrom([]time.Duration{
		time.Microsecond, 10 * time.Second, 29 * time.Second, 31 * time.Second, time.Minute, time.Hour, 13 * time.Hour, day, 2 * day,
	}).Draw(t, "for"))
}

// waitForAMoment goes to one at which a rule begins or ceases to hold, or to just before or after it.
func (w *fixture) waitForAMoment(t *rapid.T) {
	var moments []time.Time
	for _, p := range w.places {
		moments = append(moments, p.until, p.until.Add(-p.until.Sub(p.issued)/2), p.driftedAt.Add(day))
	}
	for _, at := range w.moves {
		moments = append(moments, at.Add(w.window), at.Add(w.cooldown))
	}
	if w.expires != nil {
		moments = append(moments, *w.expires)
	}
	if len(moments) == 0 {
		t.Skip("nothing lies ahead")
	}
	moment := rapid.SampledFrom(moments).Draw(t, "moment").
		Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "microseconds off")) * time.Microsecond)
	if moment.After(w.now) {
		w.now = moment.Truncate(time.Microsecond)
	}
}

func (w *fixture) recordWhatIsDue(t *rapid.T) {
	w.append(t, w.stream.Due(w.now)...)
	require.Empty(t, w.stream.Due(w.now), "what is recorded is not due again")
}

// check holds the stream, as it is now, against the reference.
func (w *fixture) check(t *rapid.T) {
	w.pass(w.now)
	s := w.stream.AsOf(w.now)
	requireSame(t, w.shadow, w.stream, "settling leaves the stream as it is")
	requireSame(t, w.stream, restored(t, w.stream), "a snapshot holds everything")
	require.Empty(t, s.Due(w.now), "nothing is due of what is settled")
	requireInOrder(t, w.stream.Due(w.now))

	require.Equal(t, w.status(), s.Status())
	require.Equal(t, w.expires, s.ExpiresAt)
	require.Equal(t, w.generation, s.KeyGeneration)
	require.LessOrEqual(t, s.SeatsUsed(), w.limit)
	require.Equal(t, w.seats(), s.SeatsUsed())
	for _, p := range w.places {
		held, found := s.ByBinding(p.binding)
		require.True(t, found)
		require.Equal(t, p.activation, held.Activation.ID)
		require.Equal(t, p.machine, held.Binding.Machine)
		require.Equal(t, p.original.Fingerprint, held.Binding.Bound().Fingerprint)
		require.Equal(t, p.original.Hashes, held.Binding.Bound().Hashes)
		require.Equal(t, p.boundAt, held.Binding.BoundAt)
		require.Equal(t, p.driftedAt, held.Binding.DriftedAt)
		require.Equal(t, p.seat, held.Activation.Status == activation.StatusActive)
		require.Equal(t, p.issued, held.Activation.IssuedAt)
		require.Equal(t, p.until, held.Activation.ExpiresAt)
		require.Equal(t, p.certified, held.Activation.Fingerprint)
		same, found := s.ByActivation(p.activation)
		require.True(t, found)
		require.Equal(t, held, same)
	}
	for _, over := range w.gone {
		_, found := s.ByActivation(over)
		require.False(t, found)
		_, found = s.ByBinding(over)
		require.False(t, found)
	}
	for _, m := range w.machines {
		verdict := w.stream.Verdict(license.Validate{Machine: &m}, w.now)
		require.Equal(t, w.verdict(m, w.now), verdict.Code)
		require.NotEmpty(t, verdict.DecidedBy)
		for _, ref := range verdict.DecidedBy {
			require.Equal(t, w.ledger[ref.Revision-1].Ref(), ref, "a verdict points at events of the ledger")
		}
	}
}

func requireInOrder(t *rapid.T, due []event.Payload) {
	var last time.Time
	for _, p := range due {
		var at time.Time
		switch e := p.(type) {
		case activation.Lapsed:
			at = e.LapsedAt
		case license.Expired:
			at = e.ExpiredAt
		}
		require.False(t, at.Before(last), "what time brings about comes in the order of time")
		last = at
	}
}

// replay folds the whole ledger anew.
func (w *fixture) replay(t *rapid.T) {
	requireSame(t, continued(t, nil, w.ledger...), w.stream, "replayed state is live state")
	half := len(w.ledger) / 2
	requireSame(t, continued(t, continued(t, nil, w.ledger[:half]...), w.ledger[half:]...), w.stream, "in any portions")
	requireSame(t, continued(t, restored(t, continued(t, nil, w.ledger[:half+1]...)), w.ledger[half+1:]...), w.stream, "or onto a snapshot")
}
