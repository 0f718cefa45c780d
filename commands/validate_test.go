package commands_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/keyring"
)

func TestValidatingAnswersFromTheAggregateAndAppendsNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
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
	o := newOffice(t)
	unknown := o.ring.FormatLicenseKey(keyring.LicenseKey{Serial: 1})
	good, unused, suspended, revoked, expired, leased := o.issue(), o.issue(), o.issue(), o.issue(), o.issue(validFor(1)), o.issue(floating(60))
	for _, issued := range []commands.IssuedLicense{good, suspended, revoked, expired, leased} {
		o.activate(issued.Key, 1)
	}
	o.suspend(suspended.ID)
	_, err := o.RevokeLicense(o.admin(vendor), commands.Request{}, commands.RevokeLicense{LicenseID: revoked.ID, Reason: "fraud"})
	require.NoError(t, err)
	o.clock.advance(day)
	head := o.head()
	first, second := box(1), box(2)
	tests := map[string]struct {
		ask      commands.Validate
		expected license.Code
	}{
		"no key":                    {commands.Validate{}, license.KeyInvalid},
		"a mistyped key":            {commands.Validate{LicenseKey: good.Key[1:] + "0"}, license.KeyInvalid},
		"a key of no licence":       {commands.Validate{LicenseKey: unknown}, license.NotFound},
		"suspended":                 {commands.Validate{LicenseKey: suspended.Key, Machine: &first}, license.LicenseSuspended},
		"revoked":                   {commands.Validate{LicenseKey: revoked.Key}, license.LicenseRevoked},
		"expired, unrecorded":       {commands.Validate{LicenseKey: expired.Key, Machine: &first}, license.LicenseExpired},
		"lapsed, unrecorded":        {commands.Validate{LicenseKey: leased.Key, Machine: &first}, license.LeaseLapsed},
		"not activated":             {commands.Validate{LicenseKey: unused.Key, Machine: &first}, license.NotActivated},
		"another machine":           {commands.Validate{LicenseKey: good.Key, Machine: &second}, license.FingerprintMismatch},
		"another product":           {commands.Validate{LicenseKey: good.Key, Product: "cam"}, license.ProductMismatch},
		"its product by id":         {commands.Validate{LicenseKey: good.Key, Product: good.ProductID.String()}, license.Valid},
		"a feature":                 {commands.Validate{LicenseKey: good.Key, Machine: &first, Product: "cad", Entitlements: []string{"export"}}, license.Valid},
		"a feature switched off":    {commands.Validate{LicenseKey: good.Key, Entitlements: []string{"render"}}, license.EntitlementMissing},
		"a feature that is unknown": {commands.Validate{LicenseKey: good.Key, Entitlements: []string{"export", "x"}}, license.EntitlementMissing},
		"the key alone":             {commands.Validate{LicenseKey: good.Key}, license.Valid},
	}
	for name, test := range tests {
		verdict, err := o.Validate(o.machine(), commands.Request{}, test.ask)
		require.NoError(t, err, name)
		require.Equal(t, test.expected, verdict.Code, name)
		require.Equal(t, test.expected == license.Valid && test.ask.Machine != nil, verdict.Activation != nil, name)
		known := test.expected != license.KeyInvalid && test.expected != license.NotFound
		require.Equal(t, known, verdict.License != nil, name)
		require.Equal(t, known, len(verdict.DecidedBy) > 0, name)
		require.Equal(t, known, verdict.Revision > 0, name)
	}
	require.Equal(t, head, o.head())
	verdict, err := o.Validate(o.machine(), commands.Request{}, commands.Validate{LicenseKey: expired.Key})
	require.NoError(t, err)
	require.Equal(t, license.StatusExpired, verdict.License.Status(), "the licence is shown as it is now")
}

func TestHowManyFeaturesAValidationMayAskFor(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	key := o.issue().Key
	ask := make([]string, commands.MaxEntitlements+1)
	for i := range ask {
		ask[i] = "export"
	}
	_, err := o.Validate(o.machine(), commands.Request{}, commands.Validate{LicenseKey: key, Entitlements: ask})
	requireInvalid(t, err, "entitlements")
	verdict, err := o.Validate(o.machine(), commands.Request{}, commands.Validate{LicenseKey: key, Entitlements: ask[1:]})
	require.NoError(t, err)
	require.Equal(t, license.Valid, verdict.Code)
}

func TestAValidMachineGetsAFreshCertificateInTime(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	issued := o.issue()
	activated := o.activate(issued.Key, 1)
	o.clock.advance(2 * day)
	before := o.head()

	var all sync.WaitGroup
	verdicts := make([]commands.Verdict, 50)
	errs := make([]error, len(verdicts))
	m := box(1)
	for i := range verdicts {
		all.Go(func() {
			verdicts[i], errs[i] = o.Validate(o.machine(), commands.Request{}, commands.Validate{LicenseKey: issued.Key, Machine: &m})
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
	o := newOffice(t)
	issued := o.issue()
	_, err := o.ActivateMachine(o.machine(), commands.Request{}, commands.ActivateMachine{LicenseKey: issued.Key, Machine: rig("cpu=1", "board=2", "disk=3")})
	require.NoError(t, err)
	before := o.head()
	changed := rig("cpu=1", "board=2", "disk=4")
	for range 2 {
		verdict, err := o.Validate(o.machine(), commands.Request{Correlation: "request-9"}, commands.Validate{LicenseKey: issued.Key, Machine: &changed})
		require.NoError(t, err)
		require.Equal(t, license.Valid, verdict.Code)
	}
	events := o.after(before)
	require.Len(t, events, 2)
	require.Equal(t, binding.HardwareDriftedType, events[0].Type)
	require.Equal(t, "request-9", events[0].Correlation)
	require.Empty(t, events[0].RequestHash)
}
