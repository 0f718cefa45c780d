package commands_test

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/license"
)

const vendor = "acme"

// keyed is a request with an Idempotency-Key.
func keyed(key string) commands.Request {
	return commands.Request{IdempotencyKey: key, Correlation: "request of " + key}
}

// product registers a vendor's product "cad"; once, however often it is asked for.
func (o *office) product(tenant string) commands.Product {
	o.t.Helper()
	p, err := o.RegisterProduct(o.admin(tenant), keyed("the product"), commands.RegisterProduct{Code: "cad", Name: "CAD Suite"})
	require.NoError(o.t, err)
	return p
}

// terms are those of a plan of three seats, node-locked and perpetual.
func terms(changes ...func(*catalog.Terms)) catalog.Terms {
	t := catalog.Terms{Name: "Professional", Type: catalog.Professional, MaxMachines: 3, Features: catalog.Features{"export": true, "render": false}}
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
func (o *office) plan(tenant string, changes ...func(*catalog.Terms)) commands.Plan {
	o.t.Helper()
	p, err := o.PublishPlan(o.admin(tenant), commands.Request{}, commands.PublishPlan{
		ProductID: o.product(tenant).ID, Code: "plan-" + o.ids.next().String()[24:], Terms: terms(changes...),
	})
	require.NoError(o.t, err)
	return p
}

func ada() license.Customer { return license.Customer{Name: "Ada Byron", Email: "ada@example.com"} }

// order is of a plan of the vendor's product, for ada.
func order(plan commands.Plan) commands.IssueLicense {
	return commands.IssueLicense{Product: "cad", Plan: plan.Code, Customer: ada()}
}

// issue sells a licence under a plan of its own.
func (o *office) issue(changes ...func(*catalog.Terms)) commands.IssuedLicense {
	o.t.Helper()
	issued, err := o.IssueLicense(o.admin(vendor), commands.Request{}, order(o.plan(vendor, changes...)))
	require.NoError(o.t, err)
	return issued
}

// box is machine n with a ready fingerprint.
func box(n int) commands.PresentedMachine {
	return commands.PresentedMachine{Fingerprint: fmt.Sprintf("%064x", n), Name: fmt.Sprintf("host-%d", n), OS: "linux/amd64"}
}

// rig is a machine known by components, given as "kind=value".
func rig(components ...string) commands.PresentedMachine {
	p := commands.PresentedMachine{Components: map[string][]string{}, OS: "linux/amd64"}
	for _, component := range components {
		kind, value, _ := strings.Cut(component, "=")
		p.Components[kind] = append(p.Components[kind], value)
	}
	return p
}

// activate gives machine n a seat.
func (o *office) activate(key string, n int) commands.Activation {
	o.t.Helper()
	a, err := o.ActivateMachine(o.machine(), commands.Request{}, commands.ActivateMachine{LicenseKey: key, Machine: box(n)})
	require.NoError(o.t, err)
	return a
}

// verdict validates a licence key for machine n.
func (o *office) verdict(key string, n int) commands.Verdict {
	o.t.Helper()
	m := box(n)
	v, err := o.Validate(o.machine(), commands.Request{}, commands.Validate{LicenseKey: key, Machine: &m})
	require.NoError(o.t, err)
	return v
}

func (o *office) suspend(id uuid.UUID) {
	o.t.Helper()
	_, err := o.SuspendLicense(o.admin(vendor), commands.Request{}, commands.SuspendLicense{LicenseID: id, Reason: "unpaid"})
	require.NoError(o.t, err)
}
