package projections_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/catalog"
	readcatalog "github.com/licenseledger/licenseledger/readmodels/catalog"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

func TestARegisteredProductIsFoundByIDAndByCode(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		at := w.happened(productStream, registered())
		w.start(w.config())
		w.caughtUp()

		for _, by := range []string{productID.String(), "acme-cad"} {
			p, err := readcatalog.New(w.models).Product(t.Context(), tenant, by)
			require.NoError(t, err)
			require.Equal(t, productID, p.ID)
			require.Equal(t, []string{"linux", "windows"}, p.Platforms)
			require.Equal(t, ptr(10), p.MaxMachinesPerLicense)
			require.Equal(t, "key-1", p.SigningKeyID)
			require.Equal(t, noon, p.RegisteredAt)
			require.Equal(t, uint64(at), p.Position)
			require.Equal(t, uint64(1), p.Revision)
		}
		_, err := readcatalog.New(w.models).Product(t.Context(), "somebody else", "acme-cad")
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestARotatedKeyRetiresTheOneBeforeAndBothAreListed(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		later := noon.Add(time.Hour)
		w.happened(productStream, registered(),
			catalog.ProductSigningKeyRotated{SigningKey: signingKey(2), PreviousKeyID: "key-1", RotatedAt: later})
		w.start(w.config())
		w.caughtUp()

		keys, err := readcatalog.New(w.models).SigningKeys(t.Context(), productID)
		require.NoError(t, err)
		require.Equal(t, []readcatalog.SigningKey{
			{ID: "key-1", ProductID: productID, Algorithm: "ed25519", Public: []byte{1, 2, 1}, AddedAt: noon, RetiredAt: &later},
			{ID: "key-2", ProductID: productID, Algorithm: "ed25519", Public: []byte{1, 2, 2}, AddedAt: later},
		}, keys)
		p, err := readcatalog.New(w.models).Product(t.Context(), tenant, "acme-cad")
		require.NoError(t, err)
		require.Equal(t, "key-2", p.SigningKeyID)
		_, err = readcatalog.New(w.models).SigningKeys(t.Context(), id(99))
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestARevisedPlanHasItsNewTerms(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.happened(productStream, registered())
		w.happened(planStream, published())
		revised := terms()
		revised.MaxMachines, revised.Price, revised.LeaseSeconds, revised.Features = 5, nil, ptr(60), nil
		w.happened(planStream, catalog.PlanRevised{PlanRevision: 2, Terms: revised, RevisedAt: noon.Add(day)})
		w.start(w.config())
		w.caughtUp()

		p, err := readcatalog.New(w.models).Plan(t.Context(), tenant, planID)
		require.NoError(t, err)
		require.Equal(t, "acme-cad", p.ProductCode)
		require.Equal(t, 2, p.PlanRevision)
		require.Equal(t, 5, p.MaxMachines)
		require.Equal(t, ptr(60), p.LeaseSeconds)
		require.Nil(t, p.PriceMinor)
		require.Nil(t, p.Currency)
		require.JSONEq(t, `{}`, string(p.Features))
		require.Equal(t, noon, p.PublishedAt)
		require.Equal(t, ptr(noon.Add(day)), p.RevisedAt)

		for _, product := range []string{"", "acme-cad", productID.String()} {
			page, err := readcatalog.New(w.models).Plans(t.Context(), tenant, readcatalog.PlanFilter{Product: product}, store.Paging{})
			require.NoError(t, err)
			require.Equal(t, []readcatalog.Plan{p}, page.Items)
		}
	})
}
