package commands_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/commands/activation"
	catalogcommands "github.com/licenseledger/licenseledger/commands/catalog"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/domaintest"
	"github.com/licenseledger/licenseledger/domain/event"
)

// asked is one command, ready to be sent with a request of its own by any handler.
type asked func(h *commands.Handler, req runtime.Request) (answer any, err error)

// repeatable is a command together with another one of its kind that would be carried out in its place.
type repeatable struct{ command, other asked }

// everyRepeatable lists every command that takes an Idempotency-Key, each at a licence, plan or product of its own.
func everyRepeatable(o *fixture) map[string]repeatable {
	admin, visitor := o.admin(vendor), o.machine()
	p := o.product(vendor)
	plan := o.plan(vendor)
	register := func(name string) asked {
		return func(h *commands.Handler, req runtime.Request) (any, error) {
			return h.Catalog.RegisterProduct(admin, req, catalogcommands.RegisterProduct{Code: "cam", Name: name})
		}
	}
	rotate := func(reason string) asked {
		return func(h *commands.Handler, req runtime.Request) (any, error) {
			return h.Catalog.RotateSigningKey(admin, req, catalogcommands.RotateSigningKey{ProductID: p.ID, Reason: reason})
		}
	}
	publish := func(seatsOfPlan int) asked {
		return func(h *commands.Handler, req runtime.Request) (any, error) {
			return h.Catalog.PublishPlan(admin, req, catalogcommands.PublishPlan{ProductID: p.ID, Code: "pro", Terms: terms(seats(seatsOfPlan))})
		}
	}
	revise := func(seatsOfPlan int) asked {
		return func(h *commands.Handler, req runtime.Request) (any, error) {
			return h.Catalog.RevisePlan(admin, req, catalogcommands.RevisePlan{PlanID: plan.ID, Terms: terms(seats(seatsOfPlan))})
		}
	}
	issue := func(name string) asked {
		c := order(o.plan(vendor))
		c.Customer.Name = name
		return func(h *commands.Handler, req runtime.Request) (any, error) {
			return h.Licensing.IssueLicense(admin, req, c)
		}
	}
	issueMany := func(name string) asked {
		c := order(plan)
		c.Customer.Name = name
		return func(h *commands.Handler, req runtime.Request) (any, error) {
			outcomes, err := h.Licensing.IssueLicenses(admin, req, []licensing.IssueLicense{c})
			if err != nil {
				return nil, err
			}
			return outcomes[0].Issued, outcomes[0].Err
		}
	}
	suspended, active, renewable, doomed, leaked := o.issue(), o.issue(), o.issue(validFor(10)), o.issue(), o.issue()
	o.suspend(suspended.ID)
	reinstate := func(reason string) asked {
		return func(h *commands.Handler, req runtime.Request) (any, error) {
			return h.Licensing.ReinstateLicense(admin, req, licensing.ReinstateLicense{LicenseID: suspended.ID, Reason: reason})
		}
	}
	suspend := func(reason string) asked {
		return func(h *commands.Handler, req runtime.Request) (any, error) {
			return h.Licensing.SuspendLicense(admin, req, licensing.SuspendLicense{LicenseID: active.ID, Reason: reason})
		}
	}
	renew := func(days int) asked {
		return func(h *commands.Handler, req runtime.Request) (any, error) {
			return h.Licensing.RenewLicense(admin, req, licensing.RenewLicense{LicenseID: renewable.ID, Reason: "paid", ExtendDays: &days})
		}
	}
	revoke := func(reason string) asked {
		return func(h *commands.Handler, req runtime.Request) (any, error) {
			return h.Licensing.RevokeLicense(admin, req, licensing.RevokeLicense{LicenseID: doomed.ID, Reason: reason})
		}
	}
	reissue := func(reason string) asked {
		return func(h *commands.Handler, req runtime.Request) (any, error) {
			return h.Licensing.ReissueKey(admin, req, licensing.ReissueKey{LicenseID: leaked.ID, Reason: reason})
		}
	}
	empty, returning, leased, movable, occupied := o.issue(), o.issue(floating(60)), o.issue(floating(60)), o.issue(), o.issue()
	o.activate(returning.Key, 1)
	beating, moving, leaving := o.activate(leased.Key, 1), o.activate(movable.Key, 1), o.activate(occupied.Key, 1)
	activate := func(key string, n int) asked {
		return func(h *commands.Handler, req runtime.Request) (any, error) {
			return h.Activation.ActivateMachine(visitor, req, activation.ActivateMachine{LicenseKey: o.key(key), Machine: machineNo(n)})
		}
	}
	heartbeat := func(os string) asked {
		m := machineNo(1)
		m.OS = os
		return func(h *commands.Handler, req runtime.Request) (any, error) {
			return h.Activation.Heartbeat(visitor, req, activation.Heartbeat{ActivationID: beating.ID, LicenseKey: o.key(leased.Key), Machine: m})
		}
	}
	rebind := func(n int) asked {
		return func(h *commands.Handler, req runtime.Request) (any, error) {
			return h.Activation.RebindMachine(visitor, req, activation.RebindMachine{
				LicenseKey: o.key(movable.Key), BindingID: moving.BindingID, Machine: machineNo(n), Reason: "new laptop",
			})
		}
	}
	deactivate := func(reason string) asked {
		return func(h *commands.Handler, req runtime.Request) (any, error) {
			return h.Activation.Deactivate(visitor, req,
				activation.Deactivate{LicenseKey: o.key(occupied.Key), ActivationID: leaving.ID, Reason: reason})
		}
	}
	return map[string]repeatable{
		"RegisterProduct":  {register("CAM"), register("CAM 2")},
		"RotateSigningKey": {rotate("once a year"), rotate("leaked")},
		"PublishPlan":      {publish(1), publish(2)},
		"RevisePlan":       {revise(8), revise(9)},
		"IssueLicense":     {issue("Ada Byron"), issue("Ada Lovelace")},
		"IssueLicenses":    {issueMany("Ada Byron"), issueMany("Ada Lovelace")},
		"SuspendLicense":   {suspend("unpaid"), suspend("fraud")},
		"ReinstateLicense": {reinstate("paid"), reinstate("forgiven")},
		"RenewLicense":     {renew(1), renew(2)},
		"RevokeLicense":    {revoke("fraud"), revoke("stolen")},
		"ReissueKey":       {reissue("leaked"), reissue("lost")},
		"ActivateMachine":  {activate(empty.Key, 1), activate(empty.Key, 2)},
		"a return":         {activate(returning.Key, 1), activate(returning.Key, 2)},
		"Heartbeat":        {heartbeat("linux/amd64"), heartbeat("linux/arm64")},
		"RebindMachine":    {rebind(2), rebind(3)},
		"Deactivate":       {deactivate("sold"), deactivate("stolen")},
	}
}

// replayed takes off an answer what says that it is a repetition, and what holds today.
func replayed(answer any) (original any, marked bool) {
	switch a := answer.(type) {
	case catalogcommands.Product:
		marked, a.Replayed = a.Replayed, false
		return a, marked
	case catalogcommands.Plan:
		marked, a.Replayed = a.Replayed, false
		return a, marked
	case licensing.IssuedLicense:
		marked, a.Replayed = a.Replayed, false
		return a, marked
	case licensing.License:
		marked, a.Replayed = a.Replayed, false
		return a, marked
	case activation.Activation:
		marked, a.Replayed, a.Today = a.Replayed, false, nil
		return a, marked
	case activation.Deactivated:
		marked, a.Replayed = a.Replayed, false
		return a, marked
	default:
		panic("an answer of another kind")
	}
}

func TestEveryCommandCanBeRepeatedWithItsIdempotencyKey(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	cases := everyRepeatable(o)
	o.clock.advance(time.Hour) // the lease is over, so that the heartbeat takes a seat again
	firsts := map[string]any{}
	for name, test := range cases {
		before := o.head()
		first, err := test.command(o.Handler, keyed(name))
		require.NoError(t, err, name)
		_, marked := replayed(first)
		require.False(t, marked, name)
		require.Greater(t, o.head(), before, "%s is recorded", name)
		firsts[name] = first
		for _, e := range o.after(before) {
			require.NotContains(t, e.CommandID, name, "the key is recorded as a keyed hash")
			require.NotEmpty(t, e.RequestHash, name)
		}
	}

	// Later, when everything has changed: other instances, another key, a day gone by, licences revoked.
	_, err := o.Catalog.RotateSigningKey(o.admin(vendor), runtime.Request{},
		catalogcommands.RotateSigningKey{ProductID: catalog.ProductID(vendor, "cad"), Reason: "once a year"})
	require.NoError(t, err)
	for _, first := range firsts {
		if a, ok := first.(activation.Activation); ok {
			_, err := o.Licensing.RevokeLicense(o.admin(vendor), runtime.Request{}, licensing.RevokeLicense{LicenseID: a.LicenseID, Reason: "fraud"})
			require.NoError(t, err)
		}
	}
	o.clock.advance(day)
	head := o.head()
	cold := o.handler(o.store, 10)
	for name, test := range cases {
		for _, h := range []*commands.Handler{o.Handler, cold, cold} {
			again, err := test.command(h, keyed(name))
			require.NoError(t, err, name)
			original, marked := replayed(again)
			require.True(t, marked, name)
			domaintest.RequireSame(t, firsts[name], original, "%s: the answer it had then", name)
			_, err = test.other(h, keyed(name))
			require.ErrorIs(t, err, runtime.ErrIdempotencyKeyReused, name)
		}
	}
	require.Equal(t, head, o.head(), "a repetition is not recorded")
}

func TestARepetitionIsAnsweredWhateverTheRevisionIsBy(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue()
	req := keyed("suspend")
	req.IfMatch = []event.Revision{issued.Revision}
	suspend := licensing.SuspendLicense{LicenseID: issued.ID, Reason: "unpaid"}
	first, err := o.Licensing.SuspendLicense(o.admin(vendor), req, suspend)
	require.NoError(t, err)
	again, err := o.Licensing.SuspendLicense(o.admin(vendor), req, suspend)
	require.NoError(t, err, "the revision it asked for was there when it was carried out")
	require.Equal(t, first.Revision, again.Revision)
}

func TestARefusedCommandMayBeSentAgainWithItsIdempotencyKey(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue(seats(1))
	a := o.activate(issued.Key, 1)
	ask := activation.ActivateMachine{LicenseKey: o.key(issued.Key), Machine: machineNo(2)}
	_, err := o.Activation.ActivateMachine(o.machine(), keyed("activate"), ask)
	require.Error(t, err)
	_, err = o.Activation.Deactivate(o.machine(), runtime.Request{},
		activation.Deactivate{LicenseKey: o.key(issued.Key), ActivationID: a.ID, Reason: "sold"})
	require.NoError(t, err)
	activated, err := o.Activation.ActivateMachine(o.machine(), keyed("activate"), ask)
	require.NoError(t, err)
	require.True(t, activated.New)
	require.False(t, activated.Replayed)
}

func TestIdempotencyKeysOfTenantsDoNotMeet(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	one, err := o.Licensing.IssueLicense(o.admin(vendor), keyed("order"), order(o.plan(vendor)))
	require.NoError(t, err)
	two, err := o.Licensing.IssueLicense(o.admin("globex"), keyed("order"), order(o.plan("globex")))
	require.NoError(t, err)
	require.NotEqual(t, one.ID, two.ID)
	require.False(t, two.Replayed)
}

func TestOnlyWhatCanBeWrittenAsJSONCanBeRepeated(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	head := o.head()
	unwritable := terms(func(t *catalog.Terms) { t.Features = catalog.Features{"a": make(chan int)} })
	_, err := o.Catalog.PublishPlan(o.admin(vendor), keyed("publish"), catalogcommands.PublishPlan{Code: "pro", Terms: unwritable})
	require.ErrorContains(t, err, "hash the request")
	require.Equal(t, head, o.head())
}

// TestACustomersKeysNeverMeetAnOperators states what a customer can do to an operator's commands by choosing idempotency keys: nothing.
func TestACustomersKeysNeverMeetAnOperators(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue(validFor(10))
	activate := func(key string, n int) {
		_, err := o.Activation.ActivateMachine(o.machine(), keyed(key), activation.ActivateMachine{
			LicenseKey: o.key(issued.Key), Machine: machineNo(n),
		})
		require.NoError(t, err)
	}
	days := 30
	renew := func() *time.Time {
		renewed, err := o.Licensing.RenewLicense(o.admin(vendor), keyed("invoice-4711"),
			licensing.RenewLicense{LicenseID: issued.ID, Reason: "paid", ExtendDays: &days})
		require.NoError(t, err)
		return renewed.ExpiresAt
	}
	activate("invoice-4711", 1)
	first := renew()
	a := o.activate(issued.Key, 1)
	for n := range event.RememberedCommands + 4 {
		_, err := o.Activation.Deactivate(o.machine(), keyed(fmt.Sprint("down ", n)), activation.Deactivate{
			LicenseKey: o.key(issued.Key), ActivationID: a.ID, Reason: "away",
		})
		require.NoError(t, err)
		activate(fmt.Sprint("up ", n), 1)
		a = o.activate(issued.Key, 1)
	}
	before := o.head()
	require.Equal(t, first, renew())
	require.Equal(t, before, o.head(), "a repeated command is not carried out again")
}
