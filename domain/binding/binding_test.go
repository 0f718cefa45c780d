package binding_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/machine"
)

var (
	noon      = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	bindingID = uuid.MustParse("00000000-0000-4000-8000-000000000005")
	hashes    = machine.Hashes{machine.CPU: {"c1"}, machine.Board: {"b1"}, machine.Disk: {"d1"}}
)

// happened is the n-th event of a binding's life.
func happened(n int, p event.Payload) event.Event {
	return event.Event{Payload: p, Envelope: event.Envelope{
		Position: event.Position(100 + n), Revision: event.Revision(n), Pending: event.Pending{ID: uuid.New(), Type: p.EventType()},
	}}
}

func bound() event.Event {
	return happened(2, binding.MachineBound{
		BindingID: bindingID, Fingerprint: "f1", Components: hashes, OS: "linux/amd64", Name: []byte("sealed"), SeatsUsed: 1, BoundAt: noon,
	})
}

func TestABindingBeginsWithItsMachine(t *testing.T) {
	t.Parallel()
	e := bound()
	require.Equal(t, binding.Binding{
		ID: bindingID, BoundAt: noon, MachineEvent: e.Ref(),
		Machine: machine.Machine{Fingerprint: "f1", Hashes: hashes, OS: "linux/amd64", Name: []byte("sealed")},
	}, binding.Binding{}.Apply(e))
}

func TestDriftChangesTheHardwareAndNothingElse(t *testing.T) {
	t.Parallel()
	drifted := machine.Hashes{machine.CPU: {"c1"}, machine.Disk: {"d2"}}
	e := happened(3, binding.HardwareDrifted{BindingID: bindingID, PreviousFingerprint: "f1", Fingerprint: "f2",
		Components: drifted, DriftedAt: noon})
	require.Equal(t, binding.Binding{
		ID: bindingID, BoundAt: noon, DriftedAt: noon, MachineEvent: e.Ref(), AsBound: &binding.Hardware{Fingerprint: "f1", Hashes: hashes},
		Machine: machine.Machine{Fingerprint: "f2", Hashes: drifted, OS: "linux/amd64", Name: []byte("sealed")},
	}, binding.Binding{}.Apply(bound()).Apply(e))
}

func TestRebindingReplacesTheMachineWholly(t *testing.T) {
	t.Parallel()
	e := happened(3, binding.MachineRebound{BindingID: bindingID, PreviousFingerprint: "f1", Fingerprint: "f2", Reason: "new laptop",
		ReboundAt: noon.Add(time.Hour)})
	require.Equal(t, binding.Binding{ID: bindingID, BoundAt: noon, MachineEvent: e.Ref(), Machine: machine.Machine{Fingerprint: "f2"}},
		binding.Binding{}.Apply(bound()).Apply(e), "what the new machine did not say is not known of it")
}

func TestAReleasedBindingIsLeftAsItWas(t *testing.T) {
	t.Parallel()
	given := binding.Binding{}.Apply(bound())
	e := happened(3, binding.MachineReleased{BindingID: bindingID, Reason: "sold"})
	expected := given
	expected.MachineEvent = e.Ref()
	require.Equal(t, expected, given.Apply(e))
}

func TestWhichMachineIsRecognised(t *testing.T) {
	t.Parallel()
	given := binding.Binding{}.Apply(bound())
	tests := map[string]struct {
		presented machine.Machine
		policy    machine.Match
		same      bool
		score     machine.Score
	}{
		"the same in every part": {machine.Machine{Fingerprint: "f1", Hashes: hashes}, machine.MatchAll, true, machine.Score{Matched: 3, Of: 3}},
		"the same fingerprint alone": {
			machine.Machine{Fingerprint: "f1"}, machine.MatchAll, true,
			machine.Score{Of: 3, Changed: []machine.Kind{machine.CPU, machine.Board, machine.Disk}},
		},
		"another fingerprint alone": {
			machine.Machine{Fingerprint: "f2"}, machine.MatchAny, false,
			machine.Score{Of: 3, Changed: []machine.Kind{machine.CPU, machine.Board, machine.Disk}},
		},
		"enough components": {
			machine.Machine{Fingerprint: "f2", Hashes: machine.Hashes{machine.CPU: {"c1"}, machine.Board: {"b1"}, machine.Disk: {"d2"}}},
			machine.MatchMost, true,
			machine.Score{Matched: 2, Of: 3, Changed: []machine.Kind{machine.Disk}},
		},
		"too few components": {
			machine.Machine{Fingerprint: "f2", Hashes: machine.Hashes{machine.CPU: {"c1"}, machine.Board: {"b2"}, machine.Disk: {"d2"}}},
			machine.MatchMost, false,
			machine.Score{Matched: 1, Of: 3, Changed: []machine.Kind{machine.Board, machine.Disk}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, binding.Recognition{Same: test.same, Score: test.score}, given.Recognise(test.presented, test.policy))
		})
	}
}

func TestAMachineBoundByAReadyFingerprintIsNotRecognisedByComponents(t *testing.T) {
	t.Parallel()
	ready := binding.Binding{}.Apply(happened(2, binding.MachineBound{BindingID: bindingID, Fingerprint: "f1", BoundAt: noon}))
	for _, policy := range []machine.Match{machine.MatchAny, machine.MatchTwo, machine.MatchMost, machine.MatchAll} {
		require.False(t, ready.Recognise(machine.Machine{Fingerprint: "f2", Hashes: hashes}, policy).Same, policy)
	}
}
