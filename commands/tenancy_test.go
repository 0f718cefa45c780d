package commands_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/tenancy"
)

// deal is a product, a plan, a licence and a machine of one vendor.
type deal struct {
	plan      commands.Plan
	issued    commands.IssuedLicense
	activated commands.Activation
}

func (o *office) deal() deal {
	plan := o.plan(vendor)
	issued, err := o.IssueLicense(o.admin(vendor), commands.Request{}, order(plan))
	require.NoError(o.t, err)
	return deal{plan: plan, issued: issued, activated: o.activate(issued.Key, 1)}
}

// adminCommands are what only admins may do to a deal; machineCommands what machines may do too, with the licence key.
func adminCommands(o *office, d deal) map[string]func(context.Context) error {
	id := d.issued.ID
	return map[string]func(context.Context) error{
		"RegisterProduct": func(ctx context.Context) error {
			_, err := o.RegisterProduct(ctx, commands.Request{}, commands.RegisterProduct{Code: "cad", Name: "CAD"})
			return err
		},
		"RotateSigningKey": func(ctx context.Context) error {
			_, err := o.RotateSigningKey(ctx, commands.Request{}, commands.RotateSigningKey{ProductID: d.plan.ProductID})
			return err
		},
		"PublishPlan": func(ctx context.Context) error {
			_, err := o.PublishPlan(ctx, commands.Request{}, commands.PublishPlan{ProductID: d.plan.ProductID, Code: "free", Terms: terms()})
			return err
		},
		"PublishPlan, taken": func(ctx context.Context) error {
			_, err := o.PublishPlan(ctx, commands.Request{}, commands.PublishPlan{ProductID: d.plan.ProductID, Code: d.plan.Code, Terms: terms()})
			return err
		},
		"RevisePlan": func(ctx context.Context) error {
			_, err := o.RevisePlan(ctx, commands.Request{}, commands.RevisePlan{PlanID: d.plan.ID, Terms: terms()})
			return err
		},
		"IssueLicense": func(ctx context.Context) error {
			_, err := o.IssueLicense(ctx, commands.Request{}, commands.IssueLicense{
				Product: d.plan.ProductID.String(), Plan: d.plan.ID.String(), Customer: ada(),
			})
			return err
		},
		"IssueLicenses": func(ctx context.Context) error {
			outcomes, err := o.IssueLicenses(ctx, commands.Request{}, []commands.IssueLicense{{
				Product: d.plan.ProductID.String(), Plan: d.plan.ID.String(), Customer: ada(),
			}})
			if err != nil {
				return err
			}
			return outcomes[0].Err
		},
		"SuspendLicense": func(ctx context.Context) error {
			_, err := o.SuspendLicense(ctx, commands.Request{}, commands.SuspendLicense{LicenseID: id, Reason: "why"})
			return err
		},
		"ReinstateLicense": func(ctx context.Context) error {
			_, err := o.ReinstateLicense(ctx, commands.Request{}, commands.ReinstateLicense{LicenseID: id, Reason: "why"})
			return err
		},
		"RenewLicense": func(ctx context.Context) error {
			_, err := o.RenewLicense(ctx, commands.Request{}, commands.RenewLicense{LicenseID: id, Reason: "why", ExpiresAt: new(noon.Add(day))})
			return err
		},
		"RevokeLicense": func(ctx context.Context) error {
			_, err := o.RevokeLicense(ctx, commands.Request{}, commands.RevokeLicense{LicenseID: id, Reason: "why"})
			return err
		},
		"UndoExpiry": func(ctx context.Context) error {
			_, err := o.UndoExpiry(ctx, commands.Request{}, commands.UndoExpiry{LicenseID: id, Reason: "why"})
			return err
		},
		"ReissueKey": func(ctx context.Context) error {
			_, err := o.ReissueKey(ctx, commands.Request{}, commands.ReissueKey{LicenseID: id, Reason: "why"})
			return err
		},
		"RebindMachine, by the licence's id": func(ctx context.Context) error {
			_, err := o.RebindMachine(ctx, commands.Request{}, commands.RebindMachine{
				LicenseID: id, BindingID: d.activated.BindingID, Machine: box(2), Reason: "why",
			})
			return err
		},
		"Deactivate, by the licence's id": func(ctx context.Context) error {
			_, err := o.Deactivate(ctx, commands.Request{}, commands.Deactivate{LicenseID: id, ActivationID: d.activated.ID, Reason: "why"})
			return err
		},
	}
}

func machineCommands(o *office, d deal) map[string]func(context.Context) error {
	key := d.issued.Key
	return map[string]func(context.Context) error{
		"ActivateMachine": func(ctx context.Context) error {
			_, err := o.ActivateMachine(ctx, commands.Request{}, commands.ActivateMachine{LicenseKey: key, Machine: box(2)})
			return err
		},
		"Heartbeat": func(ctx context.Context) error {
			_, err := o.Heartbeat(ctx, commands.Request{}, commands.Heartbeat{LicenseKey: key, ActivationID: d.activated.ID, Machine: box(1)})
			return err
		},
		"RebindMachine": func(ctx context.Context) error {
			_, err := o.RebindMachine(ctx, commands.Request{}, commands.RebindMachine{
				LicenseKey: key, BindingID: d.activated.BindingID, Machine: box(3), Reason: "why",
			})
			return err
		},
		"Deactivate": func(ctx context.Context) error {
			_, err := o.Deactivate(ctx, commands.Request{}, commands.Deactivate{LicenseKey: key, ActivationID: d.activated.ID, Reason: "why"})
			return err
		},
		"Validate": func(ctx context.Context) error {
			verdict, err := o.Validate(ctx, commands.Request{}, commands.Validate{LicenseKey: key})
			if err == nil && verdict.Code == license.NotFound {
				return license.ErrNotFound // which a verdict says in its own way
			}
			return err
		},
	}
}

func elapse(o *office, d deal) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := o.Elapse(ctx, d.issued.ID)
		return err
	}
}

func TestNobodyMayDoNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d := o.deal()
	head := o.head()
	require.ErrorIs(t, elapse(o, d)(t.Context()), tenancy.ErrNoPrincipal)
	for name, ask := range adminCommands(o, d) {
		require.ErrorIs(t, ask(t.Context()), tenancy.ErrNoPrincipal, name)
	}
	for name, ask := range machineCommands(o, d) {
		require.ErrorIs(t, ask(t.Context()), tenancy.ErrNoPrincipal, name)
	}
	require.Equal(t, head, o.head())
}

func TestEveryRoleMayDoItsOwn(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d := o.deal()
	head := o.head()
	for name, ask := range adminCommands(o, d) {
		require.ErrorIs(t, ask(o.machine()), tenancy.ErrForbidden, name)
		require.ErrorIs(t, ask(o.system()), tenancy.ErrForbidden, name)
	}
	for name, ask := range machineCommands(o, d) {
		require.ErrorIs(t, ask(o.system()), tenancy.ErrForbidden, name)
	}
	require.ErrorIs(t, elapse(o, d)(o.admin(vendor)), tenancy.ErrForbidden)
	require.ErrorIs(t, elapse(o, d)(o.machine()), tenancy.ErrForbidden)
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
	o := newOffice(t)
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
		"whether a plan exists cannot be told")
	require.Equal(t, head, o.head())
}

func TestWhatIsRecordedBelongsToTheTenantOfItsStream(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d := o.deal()
	for _, ask := range []string{"ActivateMachine", "RebindMachine"} {
		require.NoError(t, machineCommands(o, d)[ask](o.machine()), ask)
	}
	for _, e := range o.after(0) {
		require.Equal(t, vendor, e.Tenant, e.Type)
	}
}
