package commands_test

import (
	"context"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	catalogcommands "github.com/licenseledger/licenseledger/commands/catalog"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/domaintest"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/keyring"
)

func TestIssuingALicense(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	plan := o.plan(vendor, seats(5))
	before := o.head()
	expires := noon.Add(48*time.Hour + 1500*time.Nanosecond).In(time.FixedZone("", 3600))
	issued, err := o.Licensing.IssueLicense(o.admin(vendor), runtime.Request{}, licensing.IssueLicense{
		Product: "cad", Plan: plan.Code, Customer: ada(), MaxMachines: new(2), ExpiresAt: &expires, Metadata: map[string]string{"order": "17"},
	})
	require.NoError(t, err)
	require.Equal(t, license.StatusActive, issued.Status())
	require.Equal(t, plan.ID, issued.PlanID)
	require.Equal(t, plan.ProductID, issued.ProductID)
	require.Equal(t, 2, issued.Policy.Seats())
	require.Equal(t, noon.Add(48*time.Hour+time.Microsecond), *issued.ExpiresAt, "times are kept in UTC and whole microseconds")
	require.Equal(t, map[string]string{"order": "17"}, issued.Metadata)
	require.Equal(t, ada(), *issued.License.Customer)
	require.Equal(t, event.Revision(1), issued.Revision)
	require.Equal(t, o.head(), issued.Position)

	key, err := o.ring.ParseLicenseKey(t.Context(), issued.Key)
	require.NoError(t, err)
	require.Equal(t, keyring.LicenseID(key.Serial), issued.ID, "the key leads to the licence")
	require.Equal(t, license.Serial(key.Serial), issued.Serial)

	stored := o.after(before)
	require.Len(t, stored, 1)
	for _, secret := range []string{"Ada", "Byron", "example.com", issued.Key, strings.ReplaceAll(issued.Key, "-", "")} {
		require.NotContains(t, string(stored[0].Data), secret)
	}
}

func TestProductsAndPlansAreNamedByCodeOrID(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	plan := o.plan(vendor)
	// Codes that look like ids: of 36 characters, and of 32 digits.
	for _, code := range []string{"00000000-0000-4000-8000-000000000001", strings.Repeat("deadbeef", 4)} {
		p, err := o.Catalog.RegisterProduct(o.admin(vendor), runtime.Request{}, catalogcommands.RegisterProduct{Code: code, Name: "Odd"})
		require.NoError(t, err)
		_, err = o.Catalog.PublishPlan(o.admin(vendor), runtime.Request{},
			catalogcommands.PublishPlan{ProductID: p.ID, Code: code, Terms: terms()})
		require.NoError(t, err)
		issued, err := o.Licensing.IssueLicense(o.admin(vendor), runtime.Request{},
			licensing.IssueLicense{Product: code, Plan: code, Customer: ada()})
		require.NoError(t, err)
		require.Equal(t, code, issued.ProductCode)
		require.Equal(t, code, issued.PlanCode)
	}
	for _, product := range []string{"cad", plan.ProductID.String()} {
		for _, named := range []string{plan.Code, plan.ID.String()} {
			issued, err := o.Licensing.IssueLicense(o.admin(vendor), runtime.Request{},
				licensing.IssueLicense{Product: product, Plan: named, Customer: ada()})
			require.NoError(t, err)
			require.Equal(t, plan.ID, issued.PlanID)
		}
	}
}

func TestIssuingALicenseIsRefused(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	plan := o.plan(vendor)
	other, err := o.Catalog.RegisterProduct(o.admin(vendor), runtime.Request{}, catalogcommands.RegisterProduct{Code: "cam", Name: "CAM"})
	require.NoError(t, err)
	head := o.head()
	yesterday := noon.Add(-day)
	tests := map[string]struct {
		change   func(*licensing.IssueLicense)
		expected error
		fields   []string
	}{
		"an unknown product":        {func(c *licensing.IssueLicense) { c.Product = "cax" }, catalog.ErrProductNotFound, nil},
		"an unknown product id":     {func(c *licensing.IssueLicense) { c.Product = uuid.NewString() }, catalog.ErrProductNotFound, nil},
		"no product":                {func(c *licensing.IssueLicense) { c.Product = "" }, catalog.ErrProductNotFound, nil},
		"an unknown plan":           {func(c *licensing.IssueLicense) { c.Plan = "gold" }, catalog.ErrPlanNotFound, nil},
		"an unknown plan id":        {func(c *licensing.IssueLicense) { c.Plan = uuid.NewString() }, catalog.ErrPlanNotFound, nil},
		"a plan of another product": {func(c *licensing.IssueLicense) { c.Product = other.Code }, catalog.ErrPlanNotFound, nil},
		"that product's plan, by its id": {func(c *licensing.IssueLicense) { c.Product, c.Plan = other.Code, plan.ID.String() },
			catalog.ErrPlanNotFound, nil},
		"nobody": {func(c *licensing.IssueLicense) { c.Customer = license.Customer{} }, nil,
			[]string{"customer.name", "customer.email"}},
		"all that is wrong at once": {func(c *licensing.IssueLicense) {
			c.Customer.Email, c.MaxMachines, c.ExpiresAt = "ada", new(0), &yesterday
		}, nil, []string{"customer.email", "max_machines", "expires_at"}},
	}
	for name, test := range tests {
		c := order(plan)
		test.change(&c)
		_, err := o.Licensing.IssueLicense(o.admin(vendor), runtime.Request{}, c)
		if test.expected != nil {
			require.ErrorIs(t, err, test.expected, name)
			continue
		}
		requireInvalid(t, err, test.fields...)
	}
	require.Equal(t, head, o.head())
}

func TestIssuingWithAnIdempotencyKeyGivesTheSameLicense(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	plan := o.plan(vendor)
	first, err := o.Licensing.IssueLicense(o.admin(vendor), keyed("order-17"), order(plan))
	require.NoError(t, err)
	head := o.head()
	second, err := o.Licensing.IssueLicense(o.admin(vendor), keyed("order-17"), order(plan))
	require.NoError(t, err)
	require.True(t, second.Replayed)
	second.Replayed = false
	domaintest.RequireSame(t, first, second)
	third, err := o.Licensing.IssueLicense(o.admin(vendor), keyed("order-18"), order(plan))
	require.NoError(t, err)
	require.NotEqual(t, first.ID, third.ID)
	require.Equal(t, head+1, o.head())
}

// TestAnOrderThatIsForgottenIsNotFilledTwice: a licence remembers 256 keyed commands; the one that issued it may be gone.
func TestAnOrderThatIsForgottenIsNotFilledTwice(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	plan := o.plan(vendor)
	issued, err := o.Licensing.IssueLicense(o.admin(vendor), keyed("order-17"), order(plan))
	require.NoError(t, err)
	var pending []event.Pending
	for range event.RememberedCommands {
		data, err := event.Encode(license.Renewed{Reason: "again", ExpiresAt: noon.Add(day), RenewedAt: noon})
		require.NoError(t, err)
		id := o.ids.next()
		pending = append(pending, event.Pending{ID: id, Type: license.RenewedType, RecordedAt: noon, Data: data, Metadata: event.Metadata{
			Tenant: vendor, Actor: "ada", CommandID: id.String(), RequestHash: "hash",
		}})
	}
	_, err = o.store.Append(t.Context(), license.StreamName(issued.ID), 1, pending)
	require.NoError(t, err)
	head := o.head()
	again, err := o.handler(o.store, 10).Licensing.IssueLicense(o.admin(vendor), keyed("order-17"), order(plan))
	require.NoError(t, err)
	require.True(t, again.Replayed)
	again.Replayed = false
	domaintest.RequireSame(t, issued, again)
	other := order(plan)
	other.MaxMachines = new(1)
	_, err = o.handler(o.store, 10).Licensing.IssueLicense(o.admin(vendor), keyed("order-17"), other)
	require.ErrorIs(t, err, runtime.ErrIdempotencyKeyReused)
	require.Equal(t, head, o.head())
}

func TestIssuingABatch(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	plan := o.plan(vendor)
	batch := make([]licensing.IssueLicense, 70) // more than are issued side by side
	for i := range batch {
		batch[i] = order(plan)
	}
	batch[3].Plan = "gold"
	batch[69].Customer.Email = "nobody"
	before := o.head()
	first, err := o.Licensing.IssueLicenses(o.admin(vendor), keyed("orders"), batch)
	require.NoError(t, err)
	require.Len(t, first, len(batch))
	require.Equal(t, before+1+68, o.head(), "the claim of the key; what is refused leaves the others untouched")
	seen := map[string]bool{}
	for i, outcome := range first {
		switch i {
		case 3:
			require.ErrorIs(t, outcome.Err, catalog.ErrPlanNotFound)
		case 69:
			requireInvalid(t, outcome.Err, "customer.email")
		default:
			require.NoError(t, outcome.Err)
			require.False(t, seen[outcome.Issued.Key])
			seen[outcome.Issued.Key] = true
		}
	}

	second, err := o.Licensing.IssueLicenses(o.admin(vendor), keyed("orders"), batch)
	require.NoError(t, err)
	for i := range first {
		require.Equal(t, first[i].Err == nil, second[i].Issued.Replayed)
		require.Equal(t, first[i].Issued.Key, second[i].Issued.Key)
	}
	more := append(slices.Clone(batch), order(plan))
	mended := slices.Clone(batch)
	mended[69].Customer.Email = "ada@example.com"
	for name, other := range map[string][]licensing.IssueLicense{"more": more, "fewer": batch[:2], "mended": mended} {
		_, err := o.Licensing.IssueLicenses(o.admin(vendor), keyed("orders"), other)
		require.ErrorIs(t, err, runtime.ErrIdempotencyKeyReused, name)
	}
	require.Equal(t, before+1+68, o.head(), "nothing was issued twice, and nothing under the key of another batch")
}

func TestABatchWithoutAnIdempotencyKeyIssuesAnew(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	batch := []licensing.IssueLicense{order(o.plan(vendor))}
	one, err := o.Licensing.IssueLicenses(o.admin(vendor), runtime.Request{}, batch)
	require.NoError(t, err)
	two, err := o.Licensing.IssueLicenses(o.admin(vendor), runtime.Request{}, batch)
	require.NoError(t, err)
	require.NotEqual(t, one[0].Issued.ID, two[0].Issued.ID)
}

func TestTheSizeOfABatch(t *testing.T) {
	t.Parallel()
	o, ledger := newFaultyFixture(t)
	ledger.readsWith(func(context.Context, string, event.Revision) iter.Seq2[event.Envelope, error] { // faster than asking the ledger
		return func(yield func(event.Envelope, error) bool) { yield(event.Envelope{}, eventstore.ErrStreamNotFound) }
	})
	for _, size := range []int{0, licensing.MaxBatch + 1} {
		_, err := o.Licensing.IssueLicenses(o.admin(vendor), runtime.Request{}, make([]licensing.IssueLicense, size))
		requireInvalid(t, err, "licenses")
	}
	outcomes, err := o.Licensing.IssueLicenses(o.admin(vendor), runtime.Request{}, make([]licensing.IssueLicense, licensing.MaxBatch))
	require.NoError(t, err)
	for _, outcome := range outcomes {
		require.ErrorIs(t, outcome.Err, catalog.ErrProductNotFound)
	}
}
