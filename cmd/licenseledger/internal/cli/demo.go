package cli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/keyring"
)

// demo takes a licence through its life on a server and prints what happens.
type demo struct {
	admin   apiClient
	machine apiClient // what a machine sends: no API key, the licence key is in the request
	out     io.Writer
	steps   int
	seen    uint64 // position up to which events were shown

	product, plan      string // ids
	license, key       string
	binding            string
	activation, signed string
}

func newDemo(admin apiClient, out io.Writer) *demo {
	return &demo{admin: admin, machine: apiClient{server: admin.server}, out: out}
}

type object = map[string]any

// run takes a licence through its whole life.
func (d *demo) run(ctx context.Context) error {
	// The demo shows its own events only: those after the ledger's head as it is now.
	var page api.LedgerPage
	if _, err := d.admin.call(ctx, http.MethodGet, "/v1/ledger/events?limit=1", nil, &page); err != nil {
		return err
	}
	d.seen = page.Head
	for _, step := range []func(context.Context) error{
		d.registerProduct, d.publishPlan, d.issue, d.activate, d.validate, d.heartbeat, d.changeHardware, d.rebind,
		d.suspend, d.validateSuspended, d.reinstate, d.renew, d.verify, d.history, d.revoke, d.validateRevoked,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	d.say("\nThat was a licence's whole life: %d steps, every one of them in the ledger.", d.steps)
	return nil
}

func (d *demo) registerProduct(ctx context.Context) error {
	var product api.Product
	code := "demo-" + strings.ToLower(rand.Text()[:8])
	header, err := d.admin.call(ctx, http.MethodPost, "/v1/products", object{"code": code, "name": "Demo CAD"}, &product)
	d.product = product.ID.String()
	return d.printStep(ctx, header, err, "A vendor registers the product %s; its signing key is made with it", code)
}

func (d *demo) publishPlan(ctx context.Context) error {
	var plan api.Plan
	header, err := d.admin.call(ctx, http.MethodPost, "/v1/products/"+d.product+"/plans", object{
		"code": "pro", "name": "Professional", "type": "PROFESSIONAL", "max_machines": 2, "validity_days": 365,
		"features": object{"export": true, "projects": 50}, "price_minor": 49900, "currency": "EUR", "max_rebinds": 3,
	}, &plan)
	d.plan = plan.ID.String()
	return d.printStep(ctx, header, err, "and publishes a plan: two machines, one year, 499.00 EUR")
}

func (d *demo) issue(ctx context.Context) error {
	var issued api.LicenseWithKey
	header, err := d.admin.call(ctx, http.MethodPost, "/v1/licenses", object{
		"product": d.product, "plan": d.plan, "customer": object{"name": "Ada Byron", "email": "ada@example.com"},
	}, &issued)
	d.license, d.key = issued.ID.String(), issued.Key
	return d.printStep(ctx, header, err, "A licence is issued; its key, shown here only, is %s", issued.Key)
}

// workstation is a machine that identifies itself by its components.
func workstation(disk string) object {
	return object{"name": "ada-workstation", "os": "linux/amd64", "components": object{
		"cpu": "GenuineIntel-6-158", "board": "PF-1F2G3H", "disk": disk, "mac": []string{"02:42:ac:11:00:02"},
	}}
}

func (d *demo) activate(ctx context.Context) error {
	var a api.Activation
	header, err := d.machine.call(ctx, http.MethodPost, "/v1/activations", object{"license_key": d.key, "machine": workstation("disk-1")}, &a)
	d.remember(a)
	return d.printStep(ctx, header, err, "A machine activates: it takes seat %d of %d and gets a certificate", a.Seats.Used, a.Seats.Limit)
}

func (d *demo) remember(a api.Activation) {
	d.binding, d.activation, d.signed = a.BindingID.String(), a.ActivationID.String(), a.Certificate
}

func (d *demo) validate(ctx context.Context) error {
	return d.ask(ctx, object{"license_key": d.key, "machine": workstation("disk-1"), "entitlements": []string{"export"}}, "The machine validates")
}

func (d *demo) ask(ctx context.Context, question object, title string) error {
	var verdict api.Verdict
	header, err := d.machine.call(ctx, http.MethodPost, "/v1/validate", question, &verdict)
	var because []string
	for _, cause := range verdict.DecidedBy {
		because = append(because, fmt.Sprintf("%s at %d", cause.Type, cause.Position))
	}
	return d.printStep(ctx, header, err, "%s: %s, decided by %s", title, verdict.Code, strings.Join(because, ", "))
}

func (d *demo) heartbeat(ctx context.Context) error {
	var a api.Activation
	header, err := d.machine.call(ctx, http.MethodPost, "/v1/activations/"+d.activation+"/heartbeat",
		object{"license_key": d.key, "machine": workstation("disk-1")}, &a)
	return d.printStep(ctx, header, err, "It sends a heartbeat; nothing changes, so nothing is recorded")
}

func (d *demo) changeHardware(ctx context.Context) error {
	var a api.Activation
	header, err := d.machine.call(ctx, http.MethodPost, "/v1/activations/"+d.activation+"/heartbeat",
		object{"license_key": d.key, "machine": workstation("disk-2")}, &a)
	d.remember(a)
	return d.printStep(ctx, header, err, "Its disk is replaced; most of it is unchanged, so it is still the same machine")
}

func (d *demo) rebind(ctx context.Context) error {
	var a api.Activation
	header, err := d.machine.call(ctx, http.MethodPost, "/v1/licenses/"+d.license+"/bindings/"+d.binding+"/rebind", object{
		"license_key": d.key, "reason": "new laptop",
		"machine": object{"name": "ada-laptop", "os": "linux/arm64", "components": object{"cpu": "Apple-M9", "board": "C02-77", "os_id": "9f1c"}},
	}, &a)
	d.remember(a)
	return d.printStep(ctx, header, err, "The seat moves to a new laptop: %d of %d used, as before", a.Seats.Used, a.Seats.Limit)
}

func (d *demo) change(ctx context.Context, command string, body object, title string) error {
	var l api.License
	header, err := d.admin.call(ctx, http.MethodPost, "/v1/licenses/"+d.license+"/"+command, body, &l)
	return d.printStep(ctx, header, err, "%s: %s", title, l.Status)
}

func (d *demo) suspend(ctx context.Context) error {
	return d.change(ctx, "suspend", object{"reason": "payment overdue"}, "The vendor suspends the licence")
}

func (d *demo) validateSuspended(ctx context.Context) error {
	return d.ask(ctx, object{"license_key": d.key}, "Validating ends at once")
}

func (d *demo) reinstate(ctx context.Context) error {
	return d.change(ctx, "reinstate", object{"reason": "paid"}, "The licence is reinstated")
}

func (d *demo) renew(ctx context.Context) error {
	return d.change(ctx, "renew", object{"reason": "second year", "extend_days": 365}, "and renewed for a year")
}

func (d *demo) verify(ctx context.Context) error {
	var keys json.RawMessage
	if _, err := d.machine.waiting(d.seen).call(ctx, http.MethodGet, "/v1/products/"+d.product+"/jwks.json", nil, &keys); err != nil {
		return err
	}
	certificate, err := keyring.Verify(d.signed, keys, time.Now())
	if err != nil {
		return fmt.Errorf("verify the certificate: %w", err)
	}
	d.title("The laptop's certificate is verified offline, with the product's public keys:")
	return printCertificate(d.out, certificate, false)
}

func (d *demo) history(ctx context.Context) error {
	var history api.HistoryPage
	request := "/v1/licenses/" + d.license + "/history?limit=200"
	if _, err := d.admin.waiting(d.seen).call(ctx, http.MethodGet, request, nil, &history); err != nil {
		return err
	}
	d.title("The licence's history, as an admin reads it:")
	rows := make([][]string, len(history.Items))
	for i, entry := range history.Items {
		reason := ""
		if entry.Reason != nil {
			reason = *entry.Reason
		}
		rows[i] = []string{entry.RecordedAt.Format(time.TimeOnly), entry.Actor, entry.Summary, reason}
	}
	return printTable(d.out, []string{"TIME", "WHO", "WHAT", "WHY"}, rows)
}

func (d *demo) revoke(ctx context.Context) error {
	return d.change(ctx, "revoke", object{"reason": "end of the demo"}, "The licence is revoked for good")
}

func (d *demo) validateRevoked(ctx context.Context) error {
	return d.ask(ctx, object{"license_key": d.key}, "It validates no more")
}

// printStep prints a step and the events it caused.
func (d *demo) printStep(ctx context.Context, header http.Header, err error, title string, args ...any) error {
	if err != nil {
		return err
	}
	d.title(title, args...)
	position, err := strconv.ParseUint(header.Get("Ledger-Position"), 10, 64)
	if err != nil || position <= d.seen {
		return nil //nolint:nilerr // an answer without a position caused no events
	}
	var page api.LedgerPage
	if _, err := d.admin.call(ctx, http.MethodGet, fmt.Sprintf("/v1/ledger/events?limit=100&after=%d", d.seen), nil, &page); err != nil {
		return err
	}
	for _, e := range page.Items {
		d.say("     %6d  %-28s revision %d of %s", e.Position, e.Type, e.Revision, e.Stream)
		d.seen = e.Position
	}
	return nil
}

func (d *demo) title(text string, args ...any) {
	d.steps++
	d.say("%3d. %s", d.steps, fmt.Sprintf(text, args...))
}

func (d *demo) say(text string, args ...any) {
	_, _ = fmt.Fprintf(d.out, text+"\n", args...)
}
