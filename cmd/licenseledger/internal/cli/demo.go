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

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/client"
	"github.com/licenseledger/licenseledger/keyring"
)

// demo takes a licence through its life on a server and prints what happens.
type demo struct {
	admin   *client.Client
	machine *client.Client // as machines are, without an API key: the licence key is in the request
	out     io.Writer
	steps   int
	seen    uint64 // position up to which events were shown

	product, plan       uuid.UUID
	license             uuid.UUID
	key                 string
	binding, activation uuid.UUID
	certificate         string
}

func newDemo(address, key string, out io.Writer) (*demo, error) {
	admin, err := newClient(address, key)
	if err != nil {
		return nil, err
	}
	machine, err := newClient(address, "")
	return &demo{admin: admin, machine: machine, out: out}, err
}

// run takes a licence through its whole life.
func (d *demo) run(ctx context.Context) error {
	// The demo shows its own events only: those after the ledger's head as it is now.
	page, _, err := answer[api.LedgerPage](d.admin.ListLedgerEvents(ctx, &api.ListLedgerEventsParams{Limit: new(1)}))
	if err != nil {
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
	code := "demo-" + strings.ToLower(rand.Text()[:8])
	product, header, err := answer[api.Product](d.admin.RegisterProduct(ctx, nil, api.RegisterProduct{Code: code, Name: "Demo CAD"}))
	d.product = product.ID
	return d.printStep(ctx, header, err, "A vendor registers the product %s; its signing key is created with it", code)
}

func (d *demo) publishPlan(ctx context.Context) error {
	plan, header, err := answer[api.Plan](d.admin.PublishPlan(ctx, d.product, nil, api.PublishPlan{
		Code: "pro", Name: "Professional", Type: api.PROFESSIONAL, MaxMachines: 2, ValidityDays: new(365),
		Features: &api.Features{"export": true, "projects": 50}, PriceMinor: new(int64(49900)), Currency: new("EUR"), MaxRebinds: new(3),
	}))
	d.plan = plan.ID
	return d.printStep(ctx, header, err, "and publishes a plan: two machines, one year, 499.00 EUR")
}

func (d *demo) issue(ctx context.Context) error {
	issued, header, err := answer[api.LicenseWithKey](d.admin.IssueLicense(ctx, nil, api.IssueLicense{
		Product: d.product.String(), Plan: d.plan.String(), Customer: api.Customer{Name: "Ada Byron", Email: "ada@example.com"},
	}))
	d.license, d.key = issued.ID, issued.Key
	return d.printStep(ctx, header, err, "A licence is issued; its key, shown here only, is %s", issued.Key)
}

// workstation is a machine that identifies itself by its components.
func workstation(disk string) api.Machine {
	return api.Machine{Name: new("ada-workstation"), OS: new("linux/amd64"), Components: &api.Components{
		"cpu": {"GenuineIntel-6-158"}, "board": {"PF-1F2G3H"}, "disk": {disk}, "mac": {"02:42:ac:11:00:02"},
	}}
}

func (d *demo) activate(ctx context.Context) error {
	a, header, err := answer[api.Activation](d.machine.ActivateMachine(ctx, nil,
		api.ActivateMachine{LicenseKey: d.key, Machine: workstation("disk-1")}))
	d.remember(a)
	return d.printStep(ctx, header, err, "A machine activates: it takes seat %d of %d and gets a certificate", a.Seats.Used, a.Seats.Limit)
}

func (d *demo) remember(a api.Activation) {
	d.binding, d.activation, d.certificate = a.BindingID, a.ActivationID, a.Certificate
}

func (d *demo) validate(ctx context.Context) error {
	return d.ask(ctx, api.Validate{LicenseKey: d.key, Machine: new(workstation("disk-1")), Entitlements: []string{"export"}},
		"The machine validates")
}

func (d *demo) ask(ctx context.Context, question api.Validate, title string) error {
	verdict, header, err := answer[api.Verdict](d.machine.Validate(ctx, nil, question))
	var because []string
	for _, cause := range verdict.DecidedBy {
		because = append(because, fmt.Sprintf("%s at %d", cause.Type, cause.Position))
	}
	return d.printStep(ctx, header, err, "%s: %s, decided by %s", title, verdict.Code, strings.Join(because, ", "))
}

func (d *demo) heartbeat(ctx context.Context) error {
	_, header, err := answer[api.Activation](d.machine.Heartbeat(ctx, d.activation, nil,
		api.Heartbeat{LicenseKey: d.key, Machine: workstation("disk-1")}))
	return d.printStep(ctx, header, err, "It sends a heartbeat; nothing changes, so nothing is recorded")
}

func (d *demo) changeHardware(ctx context.Context) error {
	a, header, err := answer[api.Activation](d.machine.Heartbeat(ctx, d.activation, nil,
		api.Heartbeat{LicenseKey: d.key, Machine: workstation("disk-2")}))
	d.remember(a)
	return d.printStep(ctx, header, err, "Its disk is replaced; most of it is unchanged, so it is still the same machine")
}

func (d *demo) rebind(ctx context.Context) error {
	laptop := api.Machine{Name: new("ada-laptop"), OS: new("linux/arm64"), Components: &api.Components{
		"cpu": {"Apple-M9"}, "board": {"C02-77"}, "os_id": {"9f1c"},
	}}
	a, header, err := answer[api.Activation](d.machine.Rebind(ctx, d.license, d.binding, nil,
		api.RebindJSONRequestBody{LicenseKey: &d.key, Reason: "new laptop", Machine: laptop}))
	d.remember(a)
	return d.printStep(ctx, header, err, "The seat moves to a new laptop: %d of %d used, as before", a.Seats.Used, a.Seats.Limit)
}

// changed prints a step that changed the licence.
func (d *demo) changed(ctx context.Context, title string, response *http.Response, err error) error {
	l, header, err := answer[api.License](response, err)
	return d.printStep(ctx, header, err, "%s: %s", title, l.Status)
}

func (d *demo) suspend(ctx context.Context) error {
	response, err := d.admin.SuspendLicense(ctx, d.license, nil, api.SuspendLicenseJSONRequestBody{Reason: "payment overdue"})
	return d.changed(ctx, "The vendor suspends the licence", response, err)
}

func (d *demo) validateSuspended(ctx context.Context) error {
	return d.ask(ctx, api.Validate{LicenseKey: d.key}, "Validating ends at once")
}

func (d *demo) reinstate(ctx context.Context) error {
	response, err := d.admin.ReinstateLicense(ctx, d.license, nil, api.ReinstateLicenseJSONRequestBody{Reason: "paid"})
	return d.changed(ctx, "The licence is reinstated", response, err)
}

func (d *demo) renew(ctx context.Context) error {
	response, err := d.admin.RenewLicense(ctx, d.license, nil, api.RenewLicense{Reason: "second year", ExtendDays: new(365)})
	return d.changed(ctx, "and renewed for a year", response, err)
}

func (d *demo) verify(ctx context.Context) error {
	keys, _, err := answer[json.RawMessage](d.machine.GetProductKeys(ctx, d.product, nil, waitFor(d.seen)))
	if err != nil {
		return err
	}
	certificate, err := keyring.Verify(d.certificate, keys, time.Now())
	if err != nil {
		return fmt.Errorf("verify the certificate: %w", err)
	}
	d.title("The laptop's certificate is verified offline, with the product's public keys:")
	return printCertificate(d.out, verifiedOf(certificate))
}

func (d *demo) history(ctx context.Context) error {
	history, _, err := answer[api.HistoryPage](d.admin.GetLicenseHistory(ctx, d.license, &api.GetLicenseHistoryParams{Limit: new(200)},
		waitFor(d.seen)))
	if err != nil {
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
	response, err := d.admin.RevokeLicense(ctx, d.license, nil, api.RevokeLicenseJSONRequestBody{Reason: "end of the demo"})
	return d.changed(ctx, "The licence is revoked for good", response, err)
}

func (d *demo) validateRevoked(ctx context.Context) error {
	return d.ask(ctx, api.Validate{LicenseKey: d.key}, "It validates no more")
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
	page, _, err := answer[api.LedgerPage](d.admin.ListLedgerEvents(ctx, &api.ListLedgerEventsParams{Limit: new(100), After: &d.seen}))
	if err != nil {
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
