package commands_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands/activation"
	catalogcommands "github.com/licenseledger/licenseledger/commands/catalog"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/license"
)

// deal is a product, a plan, a licence and a machine of one vendor.
type deal struct {
	plan      catalogcommands.Plan
	issued    licensing.IssuedLicense
	activated activation.Activation
}

func (o *fixture) deal() deal {
	plan := o.plan(vendor)
	issued, err := o.Licensing.IssueLicense(o.admin(vendor), runtime.Request{}, order(plan))
	require.NoError(o.t, err)
	return deal{plan: plan, issued: issued, activated: o.activate(issued.Key, 1)}
}

// adminCommands are what only admins may do to a deal; machineCommands what machines may do too, with the licence key.
func adminCommands(o *fixture, d deal) map[string]func(context.Context) error {
	id := d.issued.ID
	return map[string]func(context.Context) error{
		"RegisterProduct": func(ctx context.Context) error {
			_, err := o.Catalog.RegisterProduct(ctx, runtime.Request{}, catalogcommands.RegisterProduct{Code: "cad", Name: "CAD"})
			return err
		},
		"RotateSigningKey": func(ctx context.Context) error {
			_, err := o.Catalog.RotateSigningKey(ctx, runtime.Request{},
				catalogcommands.RotateSigningKey{ProductID: d.plan.ProductID, Reason: "once a year"})
			return err
		},
		"PublishPlan": func(ctx context.Context) error {
			_, err := o.Catalog.PublishPlan(ctx, runtime.Request{},
				catalogcommands.PublishPlan{ProductID: d.plan.ProductID, Code: "free", Terms: terms()})
			return err
		},
		"PublishPlan, taken": func(ctx context.Context) error {
			_, err := o.Catalog.PublishPlan(ctx, runtime.Request{},
				catalogcommands.PublishPlan{ProductID: d.plan.ProductID, Code: d.plan.Code, Terms: terms()})
			return err
		},
		"RevisePlan": func(ctx context.Context) error {
			_, err := o.Catalog.RevisePlan(ctx, runtime.Request{}, catalogcommands.RevisePlan{PlanID: d.plan.ID, Terms: terms()})
			return err
		},
		"IssueLicense": func(ctx context.Context) error {
			_, err := o.Licensing.IssueLicense(ctx, runtime.Request{}, licensing.IssueLicense{
				Product: d.plan.ProductID.String(), Plan: d.plan.ID.String(), Customer: ada(),
			})
			return err
		},
		"IssueLicenses": func(ctx context.Context) error {
			outcomes, err := o.Licensing.IssueLicenses(ctx, runtime.Request{}, []licensing.IssueLicense{{
				Product: d.plan.ProductID.String(), Plan: d.plan.ID.String(), Customer: ada(),
			}})
			if err != nil {
				return err
			}
			return outcomes[0].Err
		},
		"SuspendLicense": func(ctx context.Context) error {
			_, err := o.Licensing.SuspendLicense(ctx, runtime.Request{}, licensing.SuspendLicense{LicenseID: id, Reason: "why"})
			return err
		},
		"ReinstateLicense": func(ctx context.Context) error {
			_, err := o.Licensing.ReinstateLicense(ctx, runtime.Request{}, licensing.ReinstateLicense{LicenseID: id, Reason: "why"})
			return err
		},
		"RenewLicense": func(ctx context.Context) error {
			_, err := o.Licensing.RenewLicense(ctx, runtime.Request{},
				licensing.RenewLicense{LicenseID: id, Reason: "why", ExpiresAt: new(noon.Add(day))})
			return err
		},
		"RevokeLicense": func(ctx context.Context) error {
			_, err := o.Licensing.RevokeLicense(ctx, runtime.Request{}, licensing.RevokeLicense{LicenseID: id, Reason: "why"})
			return err
		},
		"UndoExpiry": func(ctx context.Context) error {
			_, err := o.Licensing.UndoExpiry(ctx, runtime.Request{}, licensing.UndoExpiry{LicenseID: id, Reason: "why"})
			return err
		},
		"ReissueKey": func(ctx context.Context) error {
			_, err := o.Licensing.ReissueKey(ctx, runtime.Request{}, licensing.ReissueKey{LicenseID: id, Reason: "why"})
			return err
		},
		"RebindMachine, by the licence's id": func(ctx context.Context) error {
			_, err := o.Activation.RebindMachine(ctx, runtime.Request{}, activation.RebindMachine{
				LicenseID: id, BindingID: d.activated.BindingID, Machine: machineNo(2), Reason: "why",
			})
			return err
		},
		"Deactivate, by the licence's id": func(ctx context.Context) error {
			_, err := o.Activation.Deactivate(ctx, runtime.Request{},
				activation.Deactivate{LicenseID: id, ActivationID: d.activated.ID, Reason: "why"})
			return err
		},
	}
}

func machineCommands(o *fixture, d deal) map[string]func(context.Context) error {
	key := d.issued.Key
	return map[string]func(context.Context) error{
		"ActivateMachine": func(ctx context.Context) error {
			_, err := o.Activation.ActivateMachine(ctx, runtime.Request{}, activation.ActivateMachine{LicenseKey: o.key(key), Machine: machineNo(2)})
			return err
		},
		"Heartbeat": func(ctx context.Context) error {
			_, err := o.Activation.Heartbeat(ctx, runtime.Request{},
				activation.Heartbeat{LicenseKey: o.key(key), ActivationID: d.activated.ID, Machine: machineNo(1)})
			return err
		},
		"RebindMachine": func(ctx context.Context) error {
			_, err := o.Activation.RebindMachine(ctx, runtime.Request{}, activation.RebindMachine{
				LicenseKey: o.key(key), BindingID: d.activated.BindingID, Machine: machineNo(3), Reason: "why",
			})
			return err
		},
		"Deactivate": func(ctx context.Context) error {
			_, err := o.Activation.Deactivate(ctx, runtime.Request{},
				activation.Deactivate{LicenseKey: o.key(key), ActivationID: d.activated.ID, Reason: "why"})
			return err
		},
		"Validate": func(ctx context.Context) error {
			verdict, err := o.Activation.Validate(ctx, runtime.Request{}, activation.Validate{LicenseKey: o.key(key)})
			if err == nil && verdict.Code == license.NotFound {
				return license.ErrNotFound // which a verdict says in its own way
			}
			return err
		},
	}
}

func elapse(o *fixture, d deal) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := recordDue(ctx, o.Handler, d.issued.ID)
		return err
	}
}

func TestNobodyMayDoNothing(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	d := o.deal()
	head := o.head()
	require.ErrorIs(t, elapse(o, d)(t.Context()), access.ErrNoPrincipal)
	for name, ask := range adminCommands(o, d) {
		require.ErrorIs(t, ask(t.Context()), access.ErrNoPrincipal, name)
	}
	for name, ask := range machineCommands(o, d) {
		require.ErrorIs(t, ask(t.Context()), access.ErrNoPrincipal, name)
	}
	require.Equal(t, head, o.head())
}

func TestEveryRoleMayDoItsOwn(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	d := o.deal()
	head := o.head()
	for name, ask := range adminCommands(o, d) {
		require.ErrorIs(t, ask(o.machine()), access.ErrForbidden, name)
		require.ErrorIs(t, ask(o.system()), access.ErrForbidden, name)
	}
	for name, ask := range machineCommands(o, d) {
		require.ErrorIs(t, ask(o.system()), access.ErrForbidden, name)
	}
	require.ErrorIs(t, elapse(o, d)(o.admin(vendor)), access.ErrForbidden)
	require.ErrorIs(t, elapse(o, d)(o.machine()), access.ErrForbidden)
	require.Equal(t, head, o.head())

	require.NoError(t, elapse(o, d)(o.system()))
	for _, name := range []string{"ActivateMachine", "Heartbeat", "Validate", "RebindMachine"} {
		require.NoError(t, machineCommands(o, d)[name](o.machine()), name)
	}
	require.NoError(t, machineCommands(o, d)["ActivateMachine"](o.admin(vendor)))
}

// TestATenantSeesNothingOfAnother: what belongs to another tenant is answered exactly as what does not exist.
func TestATenantSeesNothingOfAnother(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	d := o.deal()
	globex := o.admin("globex")
	require.NoError(t, adminCommands(o, d)["RegisterProduct"](globex), "codes are free in every tenant")
	head := o.head()
	expected := map[string]error{
		"RegisterProduct":    catalog.ErrProductCodeTaken, // its own of a line before
		"RotateSigningKey":   catalog.ErrProductNotFound,
		"PublishPlan":        catalog.ErrProductNotFound,
		"PublishPlan, taken": catalog.ErrProductNotFound,
		"RevisePlan":         catalog.ErrPlanNotFound,
		"IssueLicense":       catalog.ErrProductNotFound,
		"IssueLicenses":      catalog.ErrProductNotFound,
	}
	for name, ask := range adminCommands(o, d) {
		wanted, special := expected[name]
		if !special {
			wanted = license.ErrNotFound
		}
		require.ErrorIs(t, ask(globex), wanted, name)
	}
	for name, ask := range machineCommands(o, d) {
		require.ErrorIs(t, ask(globex), license.ErrNotFound, name)
	}
	require.EqualError(t, adminCommands(o, d)["PublishPlan"](globex), adminCommands(o, d)["PublishPlan, taken"](globex).Error(),
		"whether a plan exists cannot be learned")
	require.Equal(t, head, o.head())
}

func TestWhatIsRecordedBelongsToTheTenantOfItsStream(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	d := o.deal()
	for _, ask := range []string{"ActivateMachine", "RebindMachine"} {
		require.NoError(t, machineCommands(o, d)[ask](o.machine()), ask)
	}
	for _, e := range o.after(0) {
		require.Equal(t, vendor, e.Tenant, e.Type)
	}
}
