package projections_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/machines"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

func TestAnIssuedLicenseShowsWhatItLivesBy(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		at := w.happened(licenseStream, issued())
		w.start(w.config())
		w.caughtUp()

		l, err := licenses.New(w.models).Find(t.Context(), tenant, licenseID)
		require.NoError(t, err)
		require.JSONEq(t, `{"export":true,"tier":"gold"}`, string(l.Features))
		l.Features = nil
		require.EqualExportedValues(t, licenses.License{
			ID: licenseID, Tenant: tenant, ProductID: productID, ProductCode: "acme-cad", PlanID: planID, PlanCode: "pro", PlanRevision: 2,
			PlanType: "PROFESSIONAL", Status: licenses.Active, CustomerName: ptr("Ada Lovelace"), CustomerEmail: ptr("ada.l@Example.com"),
			SubjectID: subjectID, Metadata: map[string]string{"order": "PO-4711"}, SeatLimit: 3, OfflineDays: 3, FingerprintMatch: "MOST",
			MaxRebinds: ptr(2), RebindWindowDays: 30, IssuedAt: noon, ExpiresAt: ptr(noon.Add(365 * day)), ValidityDays: ptr(365),
			ValidityStarts: "ISSUE",
			Revision:       1, Position: uint64(at),
		}, l)
		_, err = licenses.New(w.models).Find(t.Context(), "somebody else", licenseID)
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestEventsChangeALicense(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		suspended := license.Suspended{Reason: "unpaid", SuspendedAt: noon}
		expired := license.Expired{ExpiredAt: noon.Add(365 * day)}
		renewed := license.Renewed{Reason: "paid", ExpiresAt: noon.Add(730 * day), RenewedAt: noon}
		for name, c := range map[string]struct {
			happened []event.Payload
			want     func(*testing.T, licenses.License)
		}{
			"suspended": {[]event.Payload{suspended}, func(t *testing.T, l licenses.License) {
				require.Equal(t, licenses.Suspended, l.Status)
				require.Equal(t, &noon, l.SuspendedAt)
				require.Equal(t, ptr("unpaid"), l.LastReason)
			}},
			"reinstated": {[]event.Payload{suspended, license.Reinstated{Reason: "paid", ReinstatedAt: noon}},
				func(t *testing.T, l licenses.License) {
					require.Equal(t, licenses.Active, l.Status)
					require.Nil(t, l.SuspendedAt)
					require.Equal(t, ptr("paid"), l.LastReason)
				}},
			"expired": {[]event.Payload{expired}, func(t *testing.T, l licenses.License) {
				require.Equal(t, licenses.Expired, l.Status)
				require.Equal(t, ptr(noon.Add(365*day)), l.ExpiredAt)
			}},
			"renewed after it expired": {[]event.Payload{expired, renewed}, func(t *testing.T, l licenses.License) {
				require.Equal(t, licenses.Active, l.Status)
				require.Equal(t, ptr(noon.Add(730*day)), l.ExpiresAt)
				require.Nil(t, l.ExpiredAt)
			}},
			"renewed while suspended": {[]event.Payload{suspended, renewed}, func(t *testing.T, l licenses.License) {
				require.Equal(t, licenses.Suspended, l.Status)
				require.Equal(t, ptr(noon.Add(730*day)), l.ExpiresAt)
			}},
			"expired while suspended": {[]event.Payload{suspended, expired}, func(t *testing.T, l licenses.License) {
				require.Equal(t, licenses.Suspended, l.Status)
				require.Equal(t, &noon, l.SuspendedAt)
				require.Equal(t, ptr(noon.Add(365*day)), l.ExpiredAt)
			}},
			"renewed after it expired while suspended": {[]event.Payload{suspended, expired, renewed}, func(t *testing.T, l licenses.License) {
				require.Equal(t, licenses.Suspended, l.Status)
				require.Nil(t, l.ExpiredAt)
			}},
			"given its time back": {[]event.Payload{expired,
				license.ExpiryUndone{Reason: "wrong clock", ExpiresAt: noon.Add(365 * day), UndoneAt: noon}},
				func(t *testing.T, l licenses.License) {
					require.Equal(t, licenses.Active, l.Status)
					require.Nil(t, l.ExpiredAt)
					require.Equal(t, ptr("wrong clock"), l.LastReason)
				}},
			"revoked": {[]event.Payload{suspended, license.Revoked{Reason: "fraud", RevokedAt: noon}}, func(t *testing.T, l licenses.License) {
				require.Equal(t, licenses.Revoked, l.Status)
				require.Equal(t, &noon, l.RevokedAt)
				require.Equal(t, &noon, l.SuspendedAt)
			}},
			"given a new key": {[]event.Payload{license.KeyReissued{Reason: "leaked", Generation: 4, ReissuedAt: noon}},
				func(t *testing.T, l licenses.License) {
					require.Equal(t, 4, l.KeyGeneration)
				}},
			"begun": {[]event.Payload{license.ValidityStarted{StartedAt: noon, ExpiresAt: noon.Add(day)}}, func(t *testing.T, l licenses.License) {
				require.Equal(t, ptr(noon.Add(day)), l.ExpiresAt)
			}},
			"bound to two machines": {[]event.Payload{bound(1, 1), granted(1, noon), bound(2, 2)}, func(t *testing.T, l licenses.License) {
				require.Equal(t, 2, l.SeatsUsed)
				require.Equal(t, uint64(4), l.Revision)
			}},
			"left by a machine": {[]event.Payload{bound(1, 1),
				binding.MachineReleased{BindingID: bindingID(1), Reason: "sold", SeatsUsed: 0, ReleasedAt: noon}},
				func(t *testing.T, l licenses.License) { require.Zero(t, l.SeatsUsed) }},
			"free again when a lease lapses": {[]event.Payload{bound(1, 1), granted(1, noon),
				activation.Lapsed{ActivationID: activationID(1), BindingID: bindingID(1), SeatsUsed: 0}},
				func(t *testing.T, l licenses.License) { require.Zero(t, l.SeatsUsed) }},
			"taken again when a lease is renewed": {[]event.Payload{bound(1, 1), granted(1, noon),
				activation.Lapsed{ActivationID: activationID(1), BindingID: bindingID(1)},
				activation.Renewed{ActivationID: activationID(1), BindingID: bindingID(1), Fingerprint: print(1), SeatsUsed: 1, RenewedAt: noon}},
				func(t *testing.T, l licenses.License) { require.Equal(t, 1, l.SeatsUsed) }},
			"moved to another machine": {[]event.Payload{bound(1, 1), granted(1, noon),
				activation.Ended{ActivationID: activationID(1), BindingID: bindingID(1)},
				binding.MachineRebound{BindingID: bindingID(1), Fingerprint: print(9), SeatsUsed: 1, ReboundAt: noon}},
				func(t *testing.T, l licenses.License) { require.Equal(t, 1, l.SeatsUsed) }},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newFixture(t)
				w.happened(licenseStream, issued())
				last := w.happened(licenseStream, c.happened...)
				w.start(w.config())
				w.caughtUp()
				l, err := licenses.New(w.models).Find(t.Context(), tenant, licenseID)
				require.NoError(t, err)
				require.Equal(t, uint64(last), l.Position)
				require.Equal(t, uint64(w.revisions[licenseStream]), l.Revision)
				c.want(t, l)
			})
		}
	})
}

func TestALicenseIsFoundByTheBeginningsOfItsWords(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.happened(licenseStream, issued())
		w.start(w.config())
		w.caughtUp()
		for search, found := range map[string]bool{
			"ada": true, "LOVE": true, "ada love": true, "ada.l@example.com": true, "example": true, "po-4711": true, "4711": true, "acme-c": true,
			"cad": true, "pro": true, licenseID.String()[:9]: true, "ada nobody": false, "vlace": false, "a_a": false,
		} {
			page, err := licenses.New(w.models).List(t.Context(), tenant, licenses.Filter{Search: search}, store.Paging{})
			require.NoError(t, err)
			require.Equal(t, found, len(page.Items) == 1, "searching for %q", search)
			page, err = licenses.New(w.models).List(t.Context(), "somebody else", licenses.Filter{Search: search}, store.Paging{})
			require.NoError(t, err)
			require.Empty(t, page.Items)
		}
		for _, withoutWords := range []string{"%", "  "} {
			_, err := licenses.New(w.models).List(t.Context(), tenant, licenses.Filter{Search: withoutWords}, store.Paging{})
			require.ErrorIs(t, err, store.ErrInvalidQuery)
		}
	})
}

func TestAnErasedPersonLeavesNoNameBehind(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.vault.erased[subjectID] = true
		w.happened(licenseStream, issued(), bound(1, 1))
		w.start(w.config())
		w.caughtUp()

		l, err := licenses.New(w.models).Find(t.Context(), tenant, licenseID)
		require.NoError(t, err)
		require.Nil(t, l.CustomerName)
		require.Nil(t, l.CustomerEmail)
		m, err := machines.New(w.models).Find(t.Context(), tenant, bindingID(1))
		require.NoError(t, err)
		require.Nil(t, m.Name)
		page, err := licenses.New(w.models).List(t.Context(), tenant, licenses.Filter{Search: "ada"}, store.Paging{})
		require.NoError(t, err)
		require.Empty(t, page.Items)
		page, err = licenses.New(w.models).List(t.Context(), tenant, licenses.Filter{Search: "acme"}, store.Paging{})
		require.NoError(t, err)
		require.Len(t, page.Items, 1)
	})
}

func TestASuspendedLicenseWhoseTimeRanOutIsDue(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.happened(licenseStream, issued(), license.Suspended{Reason: "unpaid", SuspendedAt: noon})
		w.start(w.config())
		w.caughtUp()
		expiry := noon.Add(365 * day)
		due, err := licenses.New(w.models).Expired(t.Context(), expiry, 10)
		require.NoError(t, err)
		require.Equal(t, []uuid.UUID{licenseID}, due)
		w.happened(licenseStream, license.Expired{ExpiredAt: expiry})
		w.caughtUp()
		due, err = licenses.New(w.models).Expired(t.Context(), expiry, 10)
		require.NoError(t, err)
		require.Empty(t, due, "what is recorded is not due again")
	})
}
