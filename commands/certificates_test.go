package commands_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/commands/activation"
	catalogcommands "github.com/licenseledger/licenseledger/commands/catalog"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
	"github.com/licenseledger/licenseledger/keyring"
)

// verified checks a certificate offline against a product's published keys.
func verified(t *testing.T, certificate string, p catalogcommands.Product, now time.Time) keyring.Certificate {
	t.Helper()
	set, err := keyring.JWKS(p.SigningKeys)
	require.NoError(t, err)
	verified, err := keyring.Verify(certificate, set, now)
	require.NoError(t, err)
	return verified
}

func TestACertificateSaysWhatTheLedgerSays(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue()
	a := o.activate(issued.Key, 1)
	require.Equal(t, keyring.Certificate{
		Issuer: "https://licenses.example", License: issued.ID, Product: issued.ProductID, ProductCode: "cad",
		Plan: issued.PlanCode, PlanType: catalog.Professional, Features: catalog.Features{"export": true, "render": false},
		Fingerprint: machine.Fingerprint(machineNo(1).Fingerprint), Activation: a.ID, Binding: a.BindingID,
		NotBefore: noon, IssuedAt: noon, ExpiresAt: noon.Add(3 * day), OfflineUntil: noon.Add(3 * day),
		Position: a.Position, Revision: a.Revision,
	}, verified(t, a.Certificate, o.product(vendor), noon))
}

func TestARenewedCertificateKeepsItsBeginning(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue()
	o.activate(issued.Key, 1)
	later := noon.Add(2 * day)
	o.clock.set(later)
	renewed := verified(t, o.verdict(issued.Key, 1).Activation.Certificate, o.product(vendor), later)
	require.Equal(t, noon, renewed.NotBefore)
	require.Equal(t, later, renewed.IssuedAt)
	require.Equal(t, later.Add(3*day), renewed.ExpiresAt)
	require.Equal(t, o.head(), renewed.Position)
}

func TestCertificatesOutliveTheRotationOfTheirKey(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []catalog.Algorithm{catalog.Ed25519, catalog.RSA2048} {
		t.Run(string(algorithm), func(t *testing.T) {
			t.Parallel()
			o := newFixture(t)
			p, err := o.Catalog.RegisterProduct(o.admin(vendor), runtime.Request{},
				catalogcommands.RegisterProduct{Code: "cam", Name: "CAM", Algorithm: algorithm})
			require.NoError(t, err)
			_, err = o.Catalog.PublishPlan(o.admin(vendor), runtime.Request{},
				catalogcommands.PublishPlan{ProductID: p.ID, Code: "pro", Terms: terms()})
			require.NoError(t, err)
			issued, err := o.Licensing.IssueLicense(o.admin(vendor), runtime.Request{},
				licensing.IssueLicense{Product: "cam", Plan: "pro", Customer: ada()})
			require.NoError(t, err)
			ask := activation.ActivateMachine{LicenseKey: o.key(issued.Key), Machine: machineNo(1)}
			before, err := o.Activation.ActivateMachine(o.machine(), keyed("activate"), ask)
			require.NoError(t, err)

			rotated, err := o.Catalog.RotateSigningKey(o.admin(vendor), runtime.Request{},
				catalogcommands.RotateSigningKey{ProductID: p.ID, Reason: "once a year"})
			require.NoError(t, err)
			verified(t, before.Certificate, rotated, noon)

			for name, h := range map[string]*commands.Handler{"warm": o.Handler, "cold": o.handler(o.store, 10)} {
				again, err := h.Activation.ActivateMachine(o.machine(), keyed("activate"), ask)
				require.NoError(t, err, name)
				require.Equal(t, before.Certificate, again.Certificate, "%s: the same event gives the same bytes", name)
				m := machineNo(1)
				verdict, err := h.Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(issued.Key), Machine: &m})
				require.NoError(t, err, name)
				require.Equal(t, before.Certificate, verdict.Activation.Certificate, name)
			}

			after := o.activate(issued.Key, 2)
			verified(t, after.Certificate, rotated, noon)
			set, err := keyring.JWKS(p.SigningKeys)
			require.NoError(t, err)
			_, err = keyring.Verify(after.Certificate, set, noon)
			require.ErrorIs(t, err, keyring.ErrCertificateUnknownKey, "the new key signs from now on")

			o.clock.advance(2 * day)
			renewed := o.verdict(issued.Key, 1)
			require.Equal(t, license.Valid, renewed.Code)
			_, err = keyring.Verify(renewed.Activation.Certificate, set, noon.Add(2*day))
			require.ErrorIs(t, err, keyring.ErrCertificateUnknownKey)
			verified(t, renewed.Activation.Certificate, rotated, noon.Add(2*day))
		})
	}
}
