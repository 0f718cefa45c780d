package commands_test

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands/activation"
	catalogcommands "github.com/licenseledger/licenseledger/commands/catalog"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/license"
)

const vendor = "acme"

// keyed is a request with an Idempotency-Key.
func keyed(key string) runtime.Request {
	return runtime.Request{IdempotencyKey: key, Correlation: "request of " + key}
}

// product registers a vendor's product "cad"; once, however often it is asked for.
func (o *fixture) product(tenant string) catalogcommands.Product {
	o.t.Helper()
	p, err := o.Catalog.RegisterProduct(o.admin(tenant), keyed("the product"), catalogcommands.RegisterProduct{Code: "cad", Name: "CAD Suite"})
	require.NoError(o.t, err)
	return p
}

// terms are those of a plan of three seats, node-locked and perpetual.
func terms(changes ...func(*catalog.Terms)) catalog.Terms {
	t := catalog.Terms{Name: "Professional", Type: catalog.Professional, MaxMachines: 3,
		Features: catalog.Features{"export": true, "render": false}}
	for _, apply := range changes {
		apply(&t)
	}
	return t
}

func seats(n int) func(*catalog.Terms) { return func(t *catalog.Terms) { t.MaxMachines = n } }
func floating(secs int) func(*catalog.Terms) {
	return func(t *catalog.Terms) { t.LeaseSeconds = &secs }
}
func validFor(days int) func(*catalog.Terms) {
	return func(t *catalog.Terms) { t.ValidityDays = &days }
}
func rebinds(n int) func(*catalog.Terms) { return func(t *catalog.Terms) { t.MaxRebinds = &n } }

// plan publishes a plan of a vendor's product under a code of its own.
func (o *fixture) plan(tenant string, changes ...func(*catalog.Terms)) catalogcommands.Plan {
	o.t.Helper()
	p, err := o.Catalog.PublishPlan(o.admin(tenant), runtime.Request{}, catalogcommands.PublishPlan{
		ProductID: o.product(tenant).ID, Code: "plan-" + o.ids.next().String()[24:], Terms: terms(changes...),
	})
	require.NoError(o.t, err)
	return p
}

func ada() license.Customer { return license.Customer{Name: "Ada Byron", Email: "ada@example.com"} }

// order is of a plan of the vendor's product, for ada.
func order(plan catalogcommands.Plan) licensing.IssueLicense {
	return licensing.IssueLicense{Product: "cad", Plan: plan.Code, Customer: ada()}
}

// issue sells a licence under a plan of its own.
func (o *fixture) issue(changes ...func(*catalog.Terms)) licensing.IssuedLicense {
	o.t.Helper()
	issued, err := o.Licensing.IssueLicense(o.admin(vendor), runtime.Request{}, order(o.plan(vendor, changes...)))
	require.NoError(o.t, err)
	return issued
}

// machineNo is machine n with a ready fingerprint.
func machineNo(n int) activation.PresentedMachine {
	return activation.PresentedMachine{Fingerprint: fmt.Sprintf("%064x", n), Name: fmt.Sprintf("host-%d", n), OS: "linux/amd64"}
}

// machineWith is a machine known by components, given as "kind=value".
func machineWith(components ...string) activation.PresentedMachine {
	p := activation.PresentedMachine{Components: map[string][]string{}, OS: "linux/amd64"}
	for _, component := range components {
		kind, value, _ := strings.Cut(component, "=")
		p.Components[kind] = append(p.Components[kind], value)
	}
	return p
}

// activate gives machine n a seat.
func (o *fixture) activate(key string, n int) activation.Activation {
	o.t.Helper()
	a, err := o.Activation.ActivateMachine(o.machine(), runtime.Request{},
		activation.ActivateMachine{LicenseKey: o.key(key), Machine: machineNo(n)})
	require.NoError(o.t, err)
	return a
}

// verdict validates a licence key for machine n.
func (o *fixture) verdict(key string, n int) activation.Verdict {
	o.t.Helper()
	m := machineNo(n)
	v, err := o.Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(key), Machine: &m})
	require.NoError(o.t, err)
	return v
}

func (o *fixture) suspend(id uuid.UUID) {
	o.t.Helper()
	_, err := o.Licensing.SuspendLicense(o.admin(vendor), runtime.Request{}, licensing.SuspendLicense{LicenseID: id, Reason: "unpaid"})
	require.NoError(o.t, err)
}
