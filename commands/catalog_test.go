package commands_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands/activation"
	catalogcommands "github.com/licenseledger/licenseledger/commands/catalog"
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/event"
)

// requireInvalid expects input to be refused because of exactly these fields, in any order.
func requireInvalid(t *testing.T, err error, fields ...string) {
	t.Helper()
	var invalid *domainerr.Invalid
	require.ErrorAs(t, err, &invalid)
	var named []string
	for _, f := range invalid.Fields {
		named = append(named, f.Name)
	}
	require.ElementsMatch(t, fields, named)
}

func TestRegisteringAProduct(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	p, err := o.Catalog.RegisterProduct(o.admin(vendor), runtime.Request{Correlation: "request-1"}, catalogcommands.RegisterProduct{
		Code: "cam", Name: "CAM", Platforms: []string{"linux/amd64"}, Algorithm: catalog.RSA2048, OfflineDays: new(7),
		MaxMachinesPerLicense: new(5),
	})
	require.NoError(t, err)
	require.Equal(t, catalog.ProductID(vendor, "cam"), p.ID)
	require.Equal(t, []string{"linux/amd64"}, p.Platforms)
	require.Equal(t, 7, p.OfflineDays)
	require.Equal(t, 5, *p.MaxMachinesPerLicense)
	require.Equal(t, catalog.RSA2048, p.SigningKey().Algorithm)
	require.Equal(t, noon, p.RegisteredAt)
	require.Equal(t, runtime.Outcome{Position: 1, Revision: 1}, p.Outcome)

	e := o.after(0)[0]
	require.Equal(t, catalog.ProductRegisteredType, e.Type)
	require.Equal(t, catalog.ProductStream(p.ID), e.Stream)
	require.Equal(t, noon, e.RecordedAt)
	require.Equal(t, vendor, e.Tenant)
	require.Equal(t, "ada", e.Actor)
	require.Equal(t, "request-1", e.Correlation)
	require.Equal(t, e.CommandID, e.Causation)
	require.NotEmpty(t, e.CommandID)
	require.Empty(t, e.RequestHash, "there was no Idempotency-Key")
}

func TestAProductHasDefaults(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	p := o.product(vendor)
	require.Equal(t, catalog.Ed25519, p.SigningKey().Algorithm)
	require.Equal(t, 3, p.OfflineDays)
	require.Nil(t, p.MaxMachinesPerLicense)
	e := o.after(0)[0]
	require.NotContains(t, e.CommandID+e.Causation, "the product", "the key is recorded as a keyed hash")
	require.NotEmpty(t, e.RequestHash)
	require.NotContains(t, string(e.Data)+e.RequestHash, "the product")
}

func TestRegisteringAProductIsRefused(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	o.product(vendor)
	head := o.head()
	_, err := o.Catalog.RegisterProduct(o.admin(vendor), runtime.Request{}, catalogcommands.RegisterProduct{Code: "cad", Name: "Another"})
	require.ErrorIs(t, err, catalog.ErrProductCodeTaken)
	_, err = o.Catalog.RegisterProduct(o.admin(vendor), runtime.Request{},
		catalogcommands.RegisterProduct{Algorithm: "rsa1024", OfflineDays: new(0)})
	requireInvalid(t, err, "code", "name", "offline_days", "signing_algorithm")
	require.Equal(t, head, o.head())
}

func TestRotatingASigningKey(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	before := o.product(vendor)
	after, err := o.Catalog.RotateSigningKey(o.admin(vendor), runtime.Request{},
		catalogcommands.RotateSigningKey{ProductID: before.ID, Reason: "once a year"})
	require.NoError(t, err)
	require.Len(t, after.SigningKeys, 2)
	require.Equal(t, before.SigningKey(), after.SigningKeys[0])
	require.NotEqual(t, before.SigningKey().ID, after.SigningKey().ID)
	require.Equal(t, before.SigningKey().Algorithm, after.SigningKey().Algorithm)
	require.Equal(t, event.Revision(2), after.Revision)
}

func TestRotatingASigningKeyIsRefused(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	p := o.product(vendor)
	head := o.head()
	_, err := o.Catalog.RotateSigningKey(o.admin(vendor), runtime.Request{},
		catalogcommands.RotateSigningKey{ProductID: uuid.New(), Reason: "once a year"})
	require.ErrorIs(t, err, catalog.ErrProductNotFound)
	_, err = o.Catalog.RotateSigningKey(o.admin(vendor), runtime.Request{},
		catalogcommands.RotateSigningKey{ProductID: p.ID, Reason: strings.Repeat("x", 501)})
	requireInvalid(t, err, "reason")
	require.Equal(t, head, o.head())
}

func TestPublishingAndRevisingAPlan(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	p := o.product(vendor)
	plan, err := o.Catalog.PublishPlan(o.admin(vendor), runtime.Request{},
		catalogcommands.PublishPlan{ProductID: p.ID, Code: "pro", Terms: terms()})
	require.NoError(t, err)
	require.Equal(t, catalog.PlanID(p.ID, "pro"), plan.ID)
	require.Equal(t, terms().WithDefaults(), plan.Terms)
	require.Equal(t, 1, plan.Plan.Revision)
	require.Equal(t, event.Revision(1), plan.Outcome.Revision)

	revised, err := o.Catalog.RevisePlan(o.admin(vendor), runtime.Request{},
		catalogcommands.RevisePlan{PlanID: plan.ID, Terms: terms(seats(9))})
	require.NoError(t, err)
	require.Equal(t, 9, revised.Terms.MaxMachines)
	require.Equal(t, 2, revised.Plan.Revision)
	require.Equal(t, []event.Type{catalog.ProductRegisteredType, catalog.PlanPublishedType, catalog.PlanRevisedType}, o.typesAfter(0))
}

func TestALicensePinsThePlanItWasIssuedUnder(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	plan := o.plan(vendor, seats(1))
	before, err := o.Licensing.IssueLicense(o.admin(vendor), runtime.Request{}, order(plan))
	require.NoError(t, err)
	_, err = o.Catalog.RevisePlan(o.admin(vendor), runtime.Request{}, catalogcommands.RevisePlan{PlanID: plan.ID, Terms: terms(seats(2))})
	require.NoError(t, err)
	after, err := o.Licensing.IssueLicense(o.admin(vendor), runtime.Request{}, order(plan))
	require.NoError(t, err)
	require.Equal(t, 1, before.PlanRevision)
	require.Equal(t, 2, after.PlanRevision)
	require.Equal(t, activation.Seats{Used: 1, Limit: 1}, o.activate(before.Key, 1).Seats)
	require.Equal(t, activation.Seats{Used: 1, Limit: 2}, o.activate(after.Key, 1).Seats)
}

func TestPublishingAndRevisingAPlanIsRefused(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	plan := o.plan(vendor)
	head := o.head()
	publish := func(c catalogcommands.PublishPlan) error {
		_, err := o.Catalog.PublishPlan(o.admin(vendor), runtime.Request{}, c)
		return err
	}
	require.ErrorIs(t, publish(catalogcommands.PublishPlan{ProductID: uuid.New(), Code: "pro", Terms: terms()}), catalog.ErrProductNotFound)
	require.ErrorIs(t, publish(catalogcommands.PublishPlan{ProductID: plan.ProductID, Code: plan.Code, Terms: terms()}),
		catalog.ErrPlanCodeTaken)
	requireInvalid(t, publish(catalogcommands.PublishPlan{ProductID: plan.ProductID, Code: "P", Terms: terms(seats(0))}),
		"code", "max_machines")

	_, err := o.Catalog.RevisePlan(o.admin(vendor), runtime.Request{}, catalogcommands.RevisePlan{PlanID: uuid.New(), Terms: terms()})
	require.ErrorIs(t, err, catalog.ErrPlanNotFound)
	_, err = o.Catalog.RevisePlan(o.admin(vendor), runtime.Request{}, catalogcommands.RevisePlan{PlanID: plan.ID, Terms: terms(seats(0))})
	requireInvalid(t, err, "max_machines")
	require.Equal(t, head, o.head())
}
