package commands_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/commands/runtime"
	domainactivation "github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
)

func TestMachinesThatShareOnlyPlaceholdersTakeASeatEach(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue(seats(20))
	for n := range 20 {
		activated, err := o.Activation.ActivateMachine(o.machine(), runtime.Request{}, activation.ActivateMachine{
			LicenseKey: o.key(issued.Key),
			Machine: machineWith("board=To be filled by O.E.M.", "bios=03000200-0400-0500-0006-000700080009", "memory=00000000",
				"os_id=ffffffff-ffff-ffff-ffff-ffffffffffff", fmt.Sprintf("disk=WD-%d", n)),
		})
		require.NoError(t, err)
		require.Equal(t, n+1, activated.Seats.Used)
	}
}

// boundBefore binds a machine as a version before 0.8 did: placeholders identified it, and every spelling counted.
func boundBefore(o *fixture, id uuid.UUID, at event.Revision, presented machine.Components) {
	o.t.Helper()
	bindingID := uuid.New()
	events := make([]event.Pending, 2)
	for i, p := range []event.Payload{
		binding.MachineBound{BindingID: bindingID, Fingerprint: presented.Fingerprint(), SeatsUsed: 1, BoundAt: noon,
			Components: o.ring.HashComponents(vendor, presented)},
		domainactivation.Granted{ActivationID: uuid.New(), BindingID: bindingID, Fingerprint: presented.Fingerprint(), GrantedAt: noon,
			ExpiresAt: noon.Add(day)},
	} {
		data, err := event.Encode(p)
		require.NoError(o.t, err)
		events[i] = event.Pending{ID: uuid.New(), Type: p.EventType(), RecordedAt: noon, Data: data,
			Metadata: event.Metadata{Tenant: vendor, Actor: "machine"}}
	}
	_, err := o.store.Append(o.t.Context(), license.StreamName(id), at, events)
	require.NoError(o.t, err)
}

func TestAMachineThatAnEarlierVersionBoundKeepsItsSeat(t *testing.T) {
	t.Parallel()
	before := machine.Components{
		machine.Board: {"to be filled by o.e.m."}, machine.BIOS: {"{4c4c4544-0042-3510-8052-b4c04f4d3132}"},
		machine.MAC: {"00-1b-44-11-3a-b7"}, machine.Disk: {"wd-1"},
	}
	same := []string{"board=To be filled by O.E.M.", "bios={4C4C4544-0042-3510-8052-B4C04F4D3132}"}
	for name, presented := range map[string][]string{
		"unchanged":                         append(same, "mac=00-1B-44-11-3A-B7", "disk=WD-1"),
		"with another disk":                 append(same, "mac=00-1B-44-11-3A-B7", "disk=WD-2"),
		"with another network card":         append(same, "mac=00-1B-44-11-3A-B8", "disk=WD-1"),
		"known by what was spelled anew":    append(same, "mac=00-1B-44-11-3A-B7"),
		"of which only the model's name is": {"board=To be filled by O.E.M.", "disk=WD-9"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newFixture(t)
			issued := o.issue(seats(2))
			boundBefore(o, issued.ID, issued.Revision, before)
			h := o.handler(o.store, 10)
			head := o.head()
			ask := activation.ActivateMachine{LicenseKey: o.key(issued.Key), Machine: machineWith(presented...)}
			activated, err := h.Activation.ActivateMachine(o.machine(), runtime.Request{}, ask)
			require.NoError(t, err)
			if len(presented) == 2 {
				require.Equal(t, 2, activated.Seats.Used, "a placeholder makes no two machines the same")
				return
			}
			require.Equal(t, 1, activated.Seats.Used)
			events := o.after(head)
			drifted := events[0].Payload.(binding.HardwareDrifted)
			components, _, err := machine.NewComponents(machineWith(presented...).Components)
			require.NoError(t, err)
			require.Equal(t, components.Fingerprint(), drifted.Fingerprint, "it is recorded anew")

			again, err := h.Activation.ActivateMachine(o.machine(), runtime.Request{}, ask)
			require.NoError(t, err)
			require.Equal(t, activated.ID, again.ID)
			require.Equal(t, head+2, o.head(), "and only once")
		})
	}
}
