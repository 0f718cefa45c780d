package commands_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands/activation"
	catalogcommands "github.com/licenseledger/licenseledger/commands/catalog"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/keyring"
)

// TestNothingIsRecordedThatNeedsAKeyWhichIsNotStored: a key is durable before the event that names it.
func TestNothingIsRecordedThatNeedsAKeyWhichIsNotStored(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	plan := o.plan(vendor)
	head := o.head()
	require.NoError(t, o.keys.Close())
	_, err := o.Catalog.RegisterProduct(o.admin(vendor), runtime.Request{}, catalogcommands.RegisterProduct{Code: "cam", Name: "CAM"})
	require.ErrorContains(t, err, "store signing key")
	_, err = o.Catalog.RotateSigningKey(o.admin(vendor), runtime.Request{},
		catalogcommands.RotateSigningKey{ProductID: plan.ProductID, Reason: "once a year"})
	require.ErrorContains(t, err, "store signing key")
	_, err = o.Licensing.IssueLicense(o.admin(vendor), runtime.Request{}, order(plan))
	require.ErrorContains(t, err, "find or make subjects")
	require.Equal(t, head, o.head())
}

// foreign appends what another ring sealed or signed, and returns the licence key.
func (o *fixture) foreign(keyID string, subject uuid.UUID, customer []byte) (id uuid.UUID, key string) {
	o.t.Helper()
	serial := o.ids.last.Add(1)
	id = keyring.LicenseID(serial)
	productID := catalog.ProductID(vendor, "foreign-"+keyID)
	o.record(catalog.ProductStream(productID), catalog.ProductRegistered{
		ProductID: productID, Code: "foreign", Name: "Foreign", OfflineDays: 3, SigningKey: catalog.SigningKey{ID: keyID}, RegisteredAt: noon,
	})
	o.record(license.StreamName(id), license.Issued{
		LicenseID: id, Serial: license.Serial(serial), ProductID: productID, ProductCode: "foreign",
		Policy: license.Policy{PlanMaxMachines: 1, OfflineDays: 3}, SubjectID: subject, Customer: customer, IssuedAt: noon,
	})
	return id, o.ring.FormatLicenseKey(keyring.LicenseKey{Serial: serial})
}

// record appends the first event of a stream.
func (o *fixture) record(stream string, p event.Payload) {
	o.t.Helper()
	data, err := event.Encode(p)
	require.NoError(o.t, err)
	_, err = o.store.Append(o.t.Context(), stream, 0, []event.Pending{
		{ID: o.ids.next(), Type: p.EventType(), RecordedAt: noon, Metadata: event.Metadata{Tenant: vendor}, Data: data},
	})
	require.NoError(o.t, err)
}

func TestAKeyThatTheRingDoesNotHaveIsAnErrorOfOurs(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	subject, err := o.ring.Subject(t.Context(), vendor, "ada@example.com")
	require.NoError(t, err)
	_, key := o.foreign("lost", subject, nil)
	m := machineNo(1)
	_, err = o.Activation.ActivateMachine(o.machine(), runtime.Request{}, activation.ActivateMachine{LicenseKey: o.key(key), Machine: m})
	require.ErrorIs(t, err, keyring.ErrUnknownSigningKey)
	_, err = o.Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(key), Machine: &m})
	require.ErrorIs(t, err, keyring.ErrUnknownSigningKey)
}

func TestACustomerThatCannotBeOpenedIsAnErrorThatNamesTheLicense(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	subject, err := o.ring.Subject(t.Context(), vendor, "ada@example.com")
	require.NoError(t, err)
	scribble, err := o.ring.Seal(t.Context(), subject, []byte("scribble"))
	require.NoError(t, err)
	for name, customer := range map[string][]byte{"sealed by another ring": []byte("xyz"), "something else": scribble} {
		id, _ := o.foreign(name[:6], subject, customer)
		_, err := o.Licensing.SuspendLicense(o.admin(vendor), runtime.Request{}, licensing.SuspendLicense{LicenseID: id, Reason: "unpaid"})
		require.ErrorContains(t, err, id.String(), name)
		require.NotContains(t, err.Error(), "scribble")
		_, err = o.Licensing.ReissueKey(o.admin(vendor), runtime.Request{}, licensing.ReissueKey{LicenseID: id, Reason: "leaked"})
		require.ErrorContains(t, err, id.String(), name)
	}
	_, key := o.foreign("stranger", uuid.New(), nil)
	_, err = o.Activation.ActivateMachine(o.machine(), runtime.Request{},
		activation.ActivateMachine{LicenseKey: o.key(key), Machine: machineNo(1)})
	require.ErrorIs(t, err, keyring.ErrUnknownSubject)
	require.NotContains(t, o.typesAfter(0), event.Type("binding.machine_bound.v1"))
}
