package scenarios_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
)

// decidedBy checks that a verdict names events of these types, and that they are in the ledger where it says.
func (v tenantClient) decidedBy(l api.LicenseWithKey, verdict api.Verdict, wanted ...string) {
	v.t.Helper()
	events := map[uint64]api.LedgerEvent{}
	for _, e := range v.events(l) {
		events[e.Position] = e
	}
	var named []string
	for _, cause := range verdict.DecidedBy {
		named = append(named, cause.Type)
		e, there := events[cause.Position]
		require.True(v.t, there, "position %d", cause.Position)
		require.Equal(v.t, e.Type, cause.Type)
		require.Equal(v.t, e.ID, *cause.EventID)
	}
	require.Equal(v.t, wanted, named)
}

func TestAValidMachineIsToldSoWithItsCertificate(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	a := v.activate(l.Key, built("laptop", nil))
	verdict := v.validate(object{
		"license_key": l.Key, "machine": built("laptop", nil), "product": v.product.Code, "entitlements": []string{"export", "projects"},
		"nonce": "6f1d2c",
	})
	require.EqualValues(t, "VALID", verdict.Code)
	require.Equal(t, a.Certificate, *verdict.Certificate)
	require.Equal(t, a.ExpiresAt, *verdict.ExpiresAt)
	require.Equal(t, "6f1d2c", *verdict.Nonce)
	require.Equal(t, l.ID, verdict.License.ID)
	require.Equal(t, api.Seats{Used: 1, Limit: 2}, verdict.License.Seats)
	v.decidedBy(l, verdict, "license.issued.v1", "binding.machine_bound.v1", "activation.granted.v1")
	require.Len(t, v.events(l), 3)
}

func TestALicenseIsValidWithoutAskingForAMachine(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	verdict := v.validate(object{"license_key": l.Key, "product": v.product.ID.String()})
	require.EqualValues(t, "VALID", verdict.Code)
	require.Nil(t, verdict.Certificate)
	require.Nil(t, verdict.Nonce)
	v.decidedBy(l, verdict, "license.issued.v1")
}

func TestValidatingChangedHardwareRecordsTheDrift(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	v.activate(l.Key, built("laptop", nil))
	verdict := v.validate(object{"license_key": l.Key, "machine": built("laptop", object{"disk": "a new disk"})})
	require.EqualValues(t, "VALID", verdict.Code)
	require.Equal(t, []string{"binding.hardware_drifted.v1", "activation.renewed.v1"}, types(v.events(l))[3:])
	v.decidedBy(l, verdict, "license.issued.v1", "binding.hardware_drifted.v1", "activation.renewed.v1")
}

func TestAKeyThatIsNoneIsInvalid(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	verdict := v.validate(object{"license_key": mistyped(l.Key)})
	require.EqualValues(t, "LICENSE_KEY_INVALID", verdict.Code)
	require.Nil(t, verdict.License)
	require.Empty(t, verdict.DecidedBy)
}

func TestWhatTheVendorDecidedIsToldAtOnce(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	v.activate(l.Key, fingerprinted("laptop"))
	question := object{"license_key": l.Key, "machine": fingerprinted("laptop")}
	v.changed(l, "suspend", nil)
	suspended := v.validate(question)
	require.EqualValues(t, "LICENSE_SUSPENDED", suspended.Code)
	require.EqualValues(t, "SUSPENDED", suspended.License.Status)
	require.Nil(t, suspended.Certificate)
	v.decidedBy(l, suspended, "license.suspended.v1")

	v.changed(l, "reinstate", nil)
	valid := v.validate(question)
	require.EqualValues(t, "VALID", valid.Code)
	v.decidedBy(l, valid, "license.reinstated.v1", "license.issued.v1", "binding.machine_bound.v1", "activation.granted.v1")

	v.changed(l, "revoke", nil)
	revoked := v.validate(question)
	require.EqualValues(t, "LICENSE_REVOKED", revoked.Code)
	v.decidedBy(l, revoked, "license.revoked.v1")
}

func TestAMachineWithoutASeatIsNotActivated(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	verdict := v.validate(object{"license_key": l.Key, "machine": fingerprinted("laptop")})
	require.EqualValues(t, "NOT_ACTIVATED", verdict.Code)
	v.decidedBy(l, verdict, "license.issued.v1")
}

func TestAnotherMachineThanThoseActivatedIsAMismatch(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	v.activate(l.Key, fingerprinted("laptop"))
	verdict := v.validate(object{"license_key": l.Key, "machine": fingerprinted("stranger")})
	require.EqualValues(t, "FINGERPRINT_MISMATCH", verdict.Code)
	require.Nil(t, verdict.Certificate)
}

func TestAnotherProductIsAMismatch(t *testing.T) {
	t.Parallel()
	v, other := newTenantClient(t, nil), newTenantClient(t, nil)
	l := v.issue(nil)
	for _, product := range []string{other.product.Code, other.product.ID.String()} {
		verdict := v.validate(object{"license_key": l.Key, "product": product})
		require.EqualValues(t, "PRODUCT_MISMATCH", verdict.Code)
		v.decidedBy(l, verdict, "license.issued.v1")
	}
}

func TestAFeatureThatIsMissingOrOffIsNotEntitledTo(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	for _, feature := range []string{"beta", "unheard-of"} {
		verdict := v.validate(object{"license_key": l.Key, "entitlements": []string{"export", feature}})
		require.EqualValues(t, "ENTITLEMENT_MISSING", verdict.Code)
		v.decidedBy(l, verdict, "license.issued.v1")
	}
}

func TestAQuestionThatBreaksRulesIsRefused(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	v.machine.Post("/v1/validate", object{"license_key": l.Key, "nonce": ""}).Invalid("nonce")
	v.machine.Post("/v1/validate", object{"license_key": l.Key, "machine": object{}}).Invalid("machine")
	v.machine.Post("/v1/validate", object{"license_key": l.Key, "entitlements": make([]string, 65)}).Refused("INVALID_REQUEST")
}

// A genuine key whose licence is not in the ledger is what remains after a restore from an old backup.
func TestAGenuineKeyOfALedgerThatLostItsLicenseIsNotFound(t *testing.T) {
	t.Parallel()
	server := newServer(t, embedded)
	v := newTenantClientOn(t, server, nil, nil)
	l := v.issue(nil)
	a := v.activate(l.Key, fingerprinted("laptop"))
	server.MustStop(t)
	for _, pattern := range []string{"ledger.db*", "readmodels.db*"} {
		files, err := filepath.Glob(filepath.Join(server.Options.DataDir, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, f := range files {
			require.NoError(t, os.Remove(f))
		}
	}
	require.Zero(t, server.Command(t, "installation", "accept").Code, "an empty ledger is accepted on purpose only")
	v = tenantClientOf(t, server.Options)
	verdict := v.validate(object{"license_key": l.Key})
	require.EqualValues(t, "LICENSE_NOT_FOUND", verdict.Code)
	require.Nil(t, verdict.License)
	v.tryActivate(l.Key, fingerprinted("laptop")).Refused("LICENSE_NOT_FOUND")
	v.heartbeat(a, l.Key, fingerprinted("laptop")).Refused("LICENSE_NOT_FOUND")
	v.change(l, "suspend", nil).Refused("LICENSE_NOT_FOUND")
	v.admin.Get("/v1/licenses/" + l.ID.String()).Refused("LICENSE_NOT_FOUND")
}
