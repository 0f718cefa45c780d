package scenarios_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
)

func TestAMachineThatActivatesTakesASeatAndHoldsACertificate(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	answer := v.tryActivate(l.Key, built("laptop", nil))
	activated := blackbox.Created[api.Activation](answer)
	require.Equal(t, l.ID, activated.LicenseID)
	require.Equal(t, api.Seats{Used: 1, Limit: 2}, activated.Seats)
	require.WithinDuration(t, time.Now().Add(3*24*time.Hour), activated.ExpiresAt, time.Hour)
	require.Equal(t, []string{"license.issued.v1", "binding.machine_bound.v1", "activation.granted.v1"}, types(v.events(l)))
	require.Equal(t, `"3"`, answer.ETag())

	machines := v.machines(l)
	require.Len(t, machines, 1)
	require.Equal(t, activated.BindingID, machines[0].BindingID)
	require.Equal(t, "laptop", *machines[0].Name)
	require.Equal(t, "linux/amd64", machines[0].OS)
	require.EqualValues(t, "BOUND", machines[0].Status)
	require.Equal(t, activated.ActivationID, machines[0].Activation.ID)
	require.EqualValues(t, "ACTIVE", machines[0].Activation.Status)
	require.Equal(t, 1, v.license(l).Seats.Used)
}

func TestTheSameMachineAgainTakesNoOtherSeatAndGetsWhatItHas(t *testing.T) {
	t.Parallel()
	for name, machine := range map[string]object{"fingerprint": fingerprinted("laptop"), "components": built("laptop", nil)} {
		t.Run("by "+name, func(t *testing.T) {
			t.Parallel()
			v := newTenantClient(t, nil)
			l := v.issue(nil)
			first := v.activate(l.Key, machine)
			again := blackbox.OK[api.Activation](v.tryActivate(strings.ToLower(strings.ReplaceAll(l.Key, "-", " ")), machine))
			require.Equal(t, first, again)
			require.Len(t, v.events(l), 3)
		})
	}
}

func TestUpperCaseDigitsMakeTheSameFingerprint(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	machine := fingerprinted("laptop")
	first := v.activate(l.Key, machine)
	machine["fingerprint"] = strings.ToUpper(machine["fingerprint"].(string))
	require.Equal(t, first, blackbox.OK[api.Activation](v.tryActivate(l.Key, machine)))
}

func TestAMachineWithAReplacedPartIsTheSameMachine(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, object{"max_machines": 1})
	l := v.issue(nil)
	first := v.activate(l.Key, built("laptop", nil))
	drifted := blackbox.OK[api.Activation](v.tryActivate(l.Key, built("laptop", object{"disk": "a new disk"})))
	require.Equal(t, first.ActivationID, drifted.ActivationID)
	require.Equal(t, first.BindingID, drifted.BindingID)
	require.Equal(t, 1, drifted.Seats.Used)
	require.NotEqual(t, first.Certificate, drifted.Certificate)

	events := v.events(l)
	require.Equal(t, []string{"binding.hardware_drifted.v1", "activation.renewed.v1"}, types(events)[3:])
	require.JSONEq(t, `["disk"]`, member(t, events[3].Data, "changed"))
	require.Equal(t, "4", member(t, events[3].Data, "matched"))
	require.Equal(t, "5", member(t, events[3].Data, "compared"))
	machine := v.machines(l)[0]
	require.Equal(t, 1, machine.Drifts.Count)
	require.Equal(t, 4, *machine.Drifts.Matched)
	require.Equal(t, 5, *machine.Drifts.Compared)
	require.NotNil(t, machine.PreviousFingerprint)
}

func TestHowMuchMustMatchIsThePlansChoice(t *testing.T) {
	t.Parallel()
	for match, replaced := range map[string]struct{ same, another object }{
		"ANY": {object{"cpu": "x", "board": "x", "bios": "x", "disk": "x"},
			object{"cpu": "x", "board": "x", "bios": "x", "disk": "x", "mac": "x"}},
		"TWO":  {object{"cpu": "x", "board": "x", "bios": "x"}, object{"cpu": "x", "board": "x", "bios": "x", "disk": "x"}},
		"MOST": {object{"cpu": "x", "board": "x"}, object{"cpu": "x", "board": "x", "bios": "x"}},
		"ALL":  {object{"mac": []string{"02:00:laptop", "another"}}, object{"cpu": "x"}},
	} {
		t.Run(match, func(t *testing.T) {
			t.Parallel()
			v := newTenantClient(t, object{"fingerprint_match": match})
			l := v.issue(object{"max_machines": 1})
			v.activate(l.Key, built("laptop", nil))
			v.tryActivate(l.Key, built("laptop", replaced.another)).Refused("SEAT_LIMIT_REACHED")
			blackbox.OK[api.Activation](v.tryActivate(l.Key, built("laptop", replaced.same)))
		})
	}
}

func TestTheLeastLimitOfProductPlanAndLicenseIsInForce(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string]struct{ product, plan, license int }{
		"product": {1, 3, 2}, "plan": {3, 1, 2}, "license": {3, 2, 1},
	} {
		t.Run("of the "+name, func(t *testing.T) {
			t.Parallel()
			v := newTenantClientOn(t, fixture.shared, object{"max_machines_per_license": limits.product}, object{"max_machines": limits.plan})
			l := v.issue(object{"max_machines": limits.license})
			require.Equal(t, 1, l.Seats.Limit)
			v.activate(l.Key, fingerprinted("first"))
			v.tryActivate(l.Key, fingerprinted("second")).Refused("SEAT_LIMIT_REACHED")
		})
	}
}

func TestAHundredMachinesAtOnceGetExactlyTenSeats(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, object{"max_machines": 10})
	l := v.issue(nil)
	answers := make([]blackbox.Response, 100)
	var machines errgroup.Group
	for i := range answers {
		machines.Go(func() (err error) {
			answers[i], err = v.machine.Try(t.Context(), http.MethodPost, "/v1/activations",
				object{"license_key": l.Key, "machine": fingerprinted(fmt.Sprint(i))})
			return err
		})
	}
	require.NoError(t, machines.Wait())
	outcomes := map[int]int{}
	for _, a := range answers {
		outcomes[a.Status]++
		if a.Status != http.StatusCreated {
			require.Contains(t, string(a.Body), "SEAT_LIMIT_REACHED")
		}
	}
	require.Equal(t, map[int]int{http.StatusCreated: 10, http.StatusUnprocessableEntity: 90}, outcomes)
	require.Equal(t, api.Seats{Used: 10, Limit: 10}, v.license(l).Seats)
	require.Len(t, v.machines(l), 10)
}

func TestAMachineMustShowOneKindOfIdentity(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	v.tryActivate(l.Key, object{}).Invalid("machine")
	v.tryActivate(l.Key, with(built("laptop", nil), fingerprinted("laptop"))).Invalid("machine")
	v.tryActivate(l.Key, object{"fingerprint": "abc"}).Invalid("machine.fingerprint")
	v.tryActivate(l.Key, object{"components": object{"cpu": " "}}).Invalid("machine.components")
	v.tryActivate(l.Key, object{"components": object{"board": "To be filled by O.E.M."}}).Invalid("machine.components")
	v.tryActivate(l.Key, object{"fingerprint": strings.Repeat("0", 64)}).Invalid("machine.fingerprint")
	v.tryActivate(l.Key, object{"components": object{"tyres": "summer"}}).Refused("INVALID_REQUEST")
	v.tryActivate(l.Key, object{"components": object{"cpu": strings.Repeat("x", 257)}}).Invalid("machine.components.cpu")
}

func TestAWrongKeyActivatesNothing(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	v.activate("“"+strings.ReplaceAll(l.Key, "-", "–")+"”\r\n", fingerprinted("laptop")) // as a mail program leaves it
	for _, key := range []string{mistyped(l.Key), "0A1B2-C3D4E-5F6G7-H8J9K-MNPQR", "not a key", l.Key + "0"} {
		problem := v.tryActivate(key, fingerprinted("laptop")).Refused("LICENSE_KEY_INVALID")
		require.NotContains(t, fmt.Sprint(problem), key)
	}
}

func TestAHeartbeatKeepsAnActivationAndRecordsNothing(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	a := v.activate(l.Key, built("laptop", nil))
	require.Equal(t, a, blackbox.OK[api.Activation](v.heartbeat(a, l.Key, built("laptop", nil))))
	require.Len(t, v.events(l), 3)
}

func TestAHeartbeatOfChangedHardwareRecordsTheDrift(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	a := v.activate(l.Key, built("laptop", nil))
	renewed := blackbox.OK[api.Activation](v.heartbeat(a, l.Key, built("laptop", object{"cpu": "a new cpu"})))
	require.Equal(t, a.ActivationID, renewed.ActivationID)
	require.NotEqual(t, a.Certificate, renewed.Certificate)
	require.Equal(t, []string{"binding.hardware_drifted.v1", "activation.renewed.v1"}, types(v.events(l))[3:])
}

func TestAHeartbeatMustComeFromTheActivatedMachine(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l, other := v.issue(nil), v.issue(nil)
	a := v.activate(l.Key, fingerprinted("laptop"))
	v.activate(l.Key, fingerprinted("desktop"))
	v.heartbeat(a, l.Key, fingerprinted("stranger")).Refused("FINGERPRINT_MISMATCH")
	v.heartbeat(a, l.Key, fingerprinted("desktop")).Refused("FINGERPRINT_MISMATCH")
	v.heartbeat(a, other.Key, fingerprinted("laptop")).Refused("NOT_FOUND")
	v.heartbeat(a, mistyped(l.Key), fingerprinted("laptop")).Refused("LICENSE_KEY_INVALID")
}
