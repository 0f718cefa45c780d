package commands_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/keyring"
)

func TestValidatingAnswersFromTheAggregateAndAppendsNothing(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue(validFor(10))
	activated := o.activate(issued.Key, 1)
	head := o.head()
	o.clock.advance(time.Hour)
	verdict := o.verdict(issued.Key, 1)
	require.Equal(t, license.Valid, verdict.Code)
	require.Equal(t, issued.ID, verdict.License.ID)
	activated.New = false
	require.Equal(t, activated, *verdict.Activation)
	require.Equal(t, activated.Outcome, verdict.Outcome)
	var decided []event.Type
	for _, ref := range verdict.DecidedBy {
		decided = append(decided, ref.Type)
	}
	require.Equal(t, []event.Type{license.IssuedType, binding.MachineBoundType, "activation.granted.v1"}, decided)
	require.Equal(t, head, o.head())
}

func TestEveryVerdict(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	unknown := o.ring.FormatLicenseKey(keyring.LicenseKey{Serial: 1})
	good, unused, suspended, revoked := o.issue(), o.issue(), o.issue(), o.issue()
	expired, leased := o.issue(validFor(1)), o.issue(floating(60))
	for _, issued := range []licensing.IssuedLicense{good, suspended, revoked, expired, leased} {
		o.activate(issued.Key, 1)
	}
	o.suspend(suspended.ID)
	_, err := o.Licensing.RevokeLicense(o.admin(vendor), runtime.Request{}, licensing.RevokeLicense{LicenseID: revoked.ID, Reason: "fraud"})
	require.NoError(t, err)
	o.clock.advance(day)
	head := o.head()
	first, second := machineNo(1), machineNo(2)
	tests := map[string]struct {
		ask      activation.Validate
		expected license.Code
	}{
		"no key":              {activation.Validate{}, license.KeyInvalid},
		"a mistyped key":      {activation.Validate{LicenseKey: o.key(good.Key[1:] + "0")}, license.KeyInvalid},
		"a key of no licence": {activation.Validate{LicenseKey: o.key(unknown)}, license.NotFound},
		"suspended":           {activation.Validate{LicenseKey: o.key(suspended.Key), Machine: &first}, license.LicenseSuspended},
		"revoked":             {activation.Validate{LicenseKey: o.key(revoked.Key)}, license.LicenseRevoked},
		"expired, unrecorded": {activation.Validate{LicenseKey: o.key(expired.Key), Machine: &first}, license.LicenseExpired},
		"lapsed, unrecorded":  {activation.Validate{LicenseKey: o.key(leased.Key), Machine: &first}, license.LeaseLapsed},
		"not activated":       {activation.Validate{LicenseKey: o.key(unused.Key), Machine: &first}, license.NotActivated},
		"another machine":     {activation.Validate{LicenseKey: o.key(good.Key), Machine: &second}, license.FingerprintMismatch},
		"another product":     {activation.Validate{LicenseKey: o.key(good.Key), Product: "cam"}, license.ProductMismatch},
		"its product by id":   {activation.Validate{LicenseKey: o.key(good.Key), Product: good.ProductID.String()}, license.Valid},
		"a feature": {activation.Validate{LicenseKey: o.key(good.Key), Machine: &first, Product: "cad",
			Entitlements: []string{"export"}}, license.Valid},
		"a feature switched off": {activation.Validate{LicenseKey: o.key(good.Key), Entitlements: []string{"render"}},
			license.EntitlementMissing},
		"a feature that is unknown": {activation.Validate{LicenseKey: o.key(good.Key), Entitlements: []string{"export", "x"}},
			license.EntitlementMissing},
		"the key alone": {activation.Validate{LicenseKey: o.key(good.Key)}, license.Valid},
	}
	for name, test := range tests {
		verdict, err := o.Activation.Validate(o.machine(), runtime.Request{}, test.ask)
		require.NoError(t, err, name)
		require.Equal(t, test.expected, verdict.Code, name)
		require.Equal(t, test.expected == license.Valid && test.ask.Machine != nil, verdict.Activation != nil, name)
		known := test.expected != license.KeyInvalid && test.expected != license.NotFound
		require.Equal(t, known, verdict.License != nil, name)
		require.Equal(t, known, len(verdict.DecidedBy) > 0, name)
		require.Equal(t, known, verdict.Revision > 0, name)
	}
	require.Equal(t, head, o.head())
	verdict, err := o.Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(expired.Key)})
	require.NoError(t, err)
	require.Equal(t, license.StatusExpired, verdict.License.Status(), "the licence is shown as it is now")
}

func TestHowManyFeaturesAValidationMayAskFor(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	key := o.issue().Key
	ask := make([]string, activation.MaxEntitlements+1)
	for i := range ask {
		ask[i] = "export"
	}
	_, err := o.Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(key), Entitlements: ask})
	requireInvalid(t, err, "entitlements")
	verdict, err := o.Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(key), Entitlements: ask[1:]})
	require.NoError(t, err)
	require.Equal(t, license.Valid, verdict.Code)
}

func TestAValidMachineGetsAFreshCertificateInTime(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue()
	activated := o.activate(issued.Key, 1)
	o.clock.advance(2 * day)
	before := o.head()

	var all sync.WaitGroup
	verdicts := make([]activation.Verdict, 50)
	errs := make([]error, len(verdicts))
	m := machineNo(1)
	for i := range verdicts {
		all.Go(func() {
			verdicts[i], errs[i] = o.Activation.Validate(o.machine(), runtime.Request{},
				activation.Validate{LicenseKey: o.key(issued.Key), Machine: &m})
		})
	}
	all.Wait()
	require.Equal(t, []event.Type{"activation.renewed.v1"}, o.typesAfter(before), "once, however many ask")
	for i, verdict := range verdicts {
		require.NoError(t, errs[i])
		require.Equal(t, license.Valid, verdict.Code)
		require.Equal(t, verdicts[0].Activation.Certificate, verdict.Activation.Certificate)
		require.NotEqual(t, activated.Certificate, verdict.Activation.Certificate)
		require.Equal(t, noon.Add(5*day), verdict.Activation.ExpiresAt)
		require.Equal(t, before+1, verdict.Position)
	}
}

func TestDriftIsRecordedWhenAMachineIsValidated(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue()
	_, err := o.Activation.ActivateMachine(o.machine(), runtime.Request{},
		activation.ActivateMachine{LicenseKey: o.key(issued.Key), Machine: machineWith("cpu=1", "board=2", "disk=3")})
	require.NoError(t, err)
	before := o.head()
	changed := machineWith("cpu=1", "board=2", "disk=4")
	for range 2 {
		verdict, err := o.Activation.Validate(o.machine(), runtime.Request{Correlation: "request-9"},
			activation.Validate{LicenseKey: o.key(issued.Key), Machine: &changed})
		require.NoError(t, err)
		require.Equal(t, license.Valid, verdict.Code)
	}
	events := o.after(before)
	require.Len(t, events, 2)
	require.Equal(t, binding.HardwareDriftedType, events[0].Type)
	require.Equal(t, "request-9", events[0].Correlation)
	require.Empty(t, events[0].RequestHash)
}
