package projections_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/machine"
	"github.com/licenseledger/licenseledger/readmodels/machines"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

func TestEventsChangeAMachine(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		later := noon.Add(time.Hour)
		lapsed := activation.Lapsed{ActivationID: activationID(1), BindingID: bindingID(1), LapsedAt: later}
		drifted := binding.HardwareDrifted{BindingID: bindingID(1), PreviousFingerprint: print(1), Fingerprint: print(8), Matched: 3, Compared: 4,
			Changed: []machine.Kind{machine.Disk}, DriftedAt: later}
		for name, c := range map[string]struct {
			happened []event.Payload
			want     func(*testing.T, machines.Machine)
		}{
			"bound and activated": {nil, func(t *testing.T, m machines.Machine) {
				require.Equal(t, machines.Bound, m.Status)
				require.Equal(t, ptr("host-1"), m.Name)
				require.Equal(t, string(print(1)), m.Fingerprint)
				require.Equal(t, "linux/amd64", m.OS)
				require.Nil(t, m.DriftMatched)
				require.Equal(t, &machines.Activation{ID: activationID(1), Status: machines.ActivationActive, GrantedAt: noon,
					ExpiresAt: noon.Add(day)}, m.Activation)
			}},
			"back with changed hardware, twice": {[]event.Payload{drifted, drifted}, func(t *testing.T, m machines.Machine) {
				require.Equal(t, string(print(8)), m.Fingerprint)
				require.Equal(t, ptr(string(print(1))), m.PreviousFingerprint)
				require.Equal(t, 2, m.DriftCount)
				require.Equal(t, []*int{ptr(3), ptr(4)}, []*int{m.DriftMatched, m.DriftCompared})
				require.Equal(t, later, m.LastSeenAt)
			}},
			"idle once its lease lapsed": {[]event.Payload{lapsed}, func(t *testing.T, m machines.Machine) {
				require.Equal(t, machines.Idle, m.Status)
				require.Equal(t, machines.ActivationLapsed, m.Activation.Status)
				require.Equal(t, noon, m.LastSeenAt)
			}},
			"bound again when it comes back": {[]event.Payload{lapsed, activation.Renewed{ActivationID: activationID(1), BindingID: bindingID(1),
				Fingerprint: print(1), SeatsUsed: 1, RenewedAt: later, ExpiresAt: later.Add(day)}}, func(t *testing.T, m machines.Machine) {
				require.Equal(t, machines.Bound, m.Status)
				require.Equal(t, later, m.LastSeenAt)
				require.Equal(t, &machines.Activation{ID: activationID(1), Status: machines.ActivationActive, GrantedAt: noon, RenewedAt: &later,
					ExpiresAt: later.Add(day)}, m.Activation)
			}},
			"moved to another computer": {[]event.Payload{
				activation.Ended{ActivationID: activationID(1), BindingID: bindingID(1), Reason: "broken", EndedAt: later},
				binding.MachineRebound{BindingID: bindingID(1), PreviousFingerprint: print(1), Fingerprint: print(2), OS: "windows/amd64",
					Name: seal(subjectID, "new-host"), Reason: "broken", RebindsInWindow: 1, SeatsUsed: 1, ReboundAt: later},
				activation.Granted{ActivationID: activationID(2), BindingID: bindingID(1), Fingerprint: print(2), KeyID: "key-1", GrantedAt: later,
					ExpiresAt: later.Add(day)},
			}, func(t *testing.T, m machines.Machine) {
				require.Equal(t, machines.Bound, m.Status)
				require.Equal(t, 1, m.RebindCount)
				require.Equal(t, ptr("new-host"), m.Name)
				require.Equal(t, ptr(string(print(1))), m.PreviousFingerprint)
				require.Equal(t, ptr("broken"), m.LastReason)
				require.Equal(t, activationID(2), m.Activation.ID)
				require.Equal(t, machines.ActivationActive, m.Activation.Status)
			}},
			"released": {[]event.Payload{
				activation.Ended{ActivationID: activationID(1), BindingID: bindingID(1), Reason: "sold", EndedAt: later},
				binding.MachineReleased{BindingID: bindingID(1), Reason: "sold", SeatsUsed: 0, ReleasedAt: later},
			}, func(t *testing.T, m machines.Machine) {
				require.Equal(t, machines.Released, m.Status)
				require.Equal(t, &later, m.ReleasedAt)
				require.Equal(t, &machines.Activation{ID: activationID(1), Status: machines.ActivationEnded, GrantedAt: noon, ExpiresAt: noon.Add(day),
					EndedAt: &later, LastReason: ptr("sold")}, m.Activation)
			}},
		} {
			for _, together := range []bool{true, false} {
				t.Run(name+map[bool]string{true: ", in one batch", false: ", event by event"}[together], func(t *testing.T) {
					t.Parallel()
					w := newFixture(t)
					if !together {
						w.start(w.config())
					}
					for _, p := range append([]event.Payload{issued(), bound(1, 1), granted(1, noon.Add(day))}, c.happened...) {
						w.happened(licenseStream, p)
						if !together {
							w.caughtUp()
						}
					}
					if together {
						w.start(w.config())
					}
					head := w.caughtUp()
					m, err := machines.New(w.models).Find(t.Context(), tenant, bindingID(1))
					require.NoError(t, err)
					require.Equal(t, licenseID, m.LicenseID)
					require.Equal(t, uint64(head), m.Position)
					c.want(t, m)
				})
			}
		}
	})
}

func TestCommandsFindTheLicenseOfABindingAndOfAnyActivation(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.happened(licenseStream, issued(), bound(1, 1), granted(1, noon),
			activation.Ended{ActivationID: activationID(1), BindingID: bindingID(1), Reason: "moved", EndedAt: noon},
			activation.Granted{ActivationID: activationID(2), BindingID: bindingID(1), Fingerprint: print(1), GrantedAt: noon, ExpiresAt: noon})
		w.start(w.config())
		w.caughtUp()

		found, err := machines.New(w.models).LicenseOfBinding(t.Context(), tenant, bindingID(1))
		require.NoError(t, err)
		require.Equal(t, licenseID, found)
		for _, a := range []int{1, 2} {
			found, err := machines.New(w.models).LicenseOfActivation(t.Context(), tenant, activationID(a))
			require.NoError(t, err)
			require.Equal(t, licenseID, found)
		}
		_, err = machines.New(w.models).LicenseOfActivation(t.Context(), tenant, activationID(3))
		require.ErrorIs(t, err, store.ErrNotFound)
		_, err = machines.New(w.models).LicenseOfBinding(t.Context(), "somebody else", bindingID(1))
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestTheMachinesOfALicenseComeInPages(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.happened(licenseStream, issued())
		for n := 1; n <= 5; n++ {
			w.happened(licenseStream, bound(n, n))
		}
		w.start(w.config())
		w.caughtUp()
		var found []int
		for paging := (store.Paging{Limit: 2}); ; {
			page, err := machines.New(w.models).OfLicense(t.Context(), tenant, licenseID, paging)
			require.NoError(t, err)
			require.LessOrEqual(t, len(page.Items), 2)
			for _, m := range page.Items {
				for n := range 6 {
					if m.BindingID == bindingID(n) {
						found = append(found, n)
					}
				}
			}
			if page.Next == "" {
				break
			}
			paging.Cursor = page.Next
		}
		require.Equal(t, []int{1, 2, 3, 4, 5}, found)
	})
}
