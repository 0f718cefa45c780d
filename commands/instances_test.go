package commands_test

import (
	"context"
	"iter"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/commands/catalog"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/eventstore"
)

// other is a further instance that has a licence cached as it is now.
func (o *fixture) other(key string) *commands.Handler {
	o.t.Helper()
	h := o.handler(o.store, 10)
	_, err := h.Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(key)})
	require.NoError(o.t, err)
	return h
}

func (o *fixture) code(h *commands.Handler, key string) license.Code {
	o.t.Helper()
	v, err := h.Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(key)})
	require.NoError(o.t, err)
	return v.Code
}

func TestARevocationIsObeyedByOtherInstancesAtOnce(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue()
	other := o.other(issued.Key)
	_, err := o.Licensing.RevokeLicense(o.admin(vendor), runtime.Request{}, licensing.RevokeLicense{LicenseID: issued.ID, Reason: "fraud"})
	require.NoError(t, err)
	require.Equal(t, license.LicenseRevoked, o.code(other, issued.Key))
}

func TestASeatFreedOnOneInstanceIsThereOnAnother(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue(seats(1))
	first := o.activate(issued.Key, 1)
	other := o.other(issued.Key)
	_, err := o.Activation.Deactivate(o.machine(), runtime.Request{},
		activation.Deactivate{LicenseKey: o.key(issued.Key), ActivationID: first.ID, Reason: "retired"})
	require.NoError(t, err)
	_, err = other.Activation.ActivateMachine(o.machine(), runtime.Request{},
		activation.ActivateMachine{LicenseKey: o.key(issued.Key), Machine: machineNo(2)})
	require.NoError(t, err)
}

func TestWhatIsAsWishedOnlyByStaleKnowledgeIsDone(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue()
	o.suspend(issued.ID)
	other := o.other(issued.Key)
	_, err := o.Licensing.ReinstateLicense(o.admin(vendor), runtime.Request{},
		licensing.ReinstateLicense{LicenseID: issued.ID, Reason: "paid"})
	require.NoError(t, err)
	again, err := other.Licensing.SuspendLicense(o.admin(vendor), runtime.Request{},
		licensing.SuspendLicense{LicenseID: issued.ID, Reason: "unpaid again"})
	require.NoError(t, err)
	require.Equal(t, event.Revision(4), again.Revision)
	require.Equal(t, license.LicenseSuspended, o.code(o.Handler, issued.Key))
}

func TestARevisionReadFromOneInstanceIsKnownToAnother(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue()
	other := o.other(issued.Key)
	o.suspend(issued.ID)
	seen := event.Revision(2)
	reinstated, err := other.Licensing.ReinstateLicense(o.admin(vendor), runtime.Request{IfMatch: []event.Revision{seen}},
		licensing.ReinstateLicense{LicenseID: issued.ID, Reason: "paid"})
	require.NoError(t, err)
	require.Equal(t, event.Revision(3), reinstated.Revision)
}

func TestAKeyReissuedByOneInstanceOpensAtAnother(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue()
	other := o.other(issued.Key)
	reissued, err := o.Licensing.ReissueKey(o.admin(vendor), runtime.Request{}, licensing.ReissueKey{LicenseID: issued.ID, Reason: "leaked"})
	require.NoError(t, err)
	require.Equal(t, license.Valid, o.code(other, reissued.Key))
	require.Equal(t, license.KeyInvalid, o.code(other, issued.Key))
	_, err = other.Activation.ActivateMachine(o.machine(), runtime.Request{},
		activation.ActivateMachine{LicenseKey: o.key(reissued.Key), Machine: machineNo(1)})
	require.NoError(t, err)
}

func TestAPlanRevisedByOneInstanceIsSoldByAnother(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	plan := o.plan(vendor, seats(1))
	other := o.handler(o.store, 10)
	_, err := other.Licensing.IssueLicense(o.admin(vendor), runtime.Request{}, order(plan))
	require.NoError(t, err)
	_, err = o.Catalog.RevisePlan(o.admin(vendor), runtime.Request{}, catalog.RevisePlan{PlanID: plan.ID, Terms: terms(seats(7))})
	require.NoError(t, err)
	issued, err := other.Licensing.IssueLicense(o.admin(vendor), runtime.Request{}, order(plan))
	require.NoError(t, err)
	require.Equal(t, 7, issued.Policy.Seats())
}

// A licence that is read from the ledger just before another instance changes it must not be remembered as it was.
func TestAReadThatIsOvertakenIsNotRemembered(t *testing.T) {
	t.Parallel()
	o, ledger := newFaultyFixture(t)
	issued := o.issue()
	slow := o.handler(ledger, 10)
	began, goOn := make(chan struct{}), make(chan struct{})
	restore := ledger.readsWith(func(ctx context.Context, stream string, after event.Revision) iter.Seq2[event.Envelope, error] {
		return func(yield func(event.Envelope, error) bool) {
			var read []event.Envelope
			for e, err := range ledger.Store.ReadStream(ctx, stream, after) {
				require.NoError(t, err)
				read = append(read, e)
			}
			close(began)
			<-goOn
			for _, e := range read {
				if !yield(e, nil) {
					return
				}
			}
		}
	})
	overtaken := make(chan license.Code)
	go func() { overtaken <- o.code(slow, issued.Key) }()
	<-began
	restore()
	elsewhere := o.handler(o.store, 10)
	_, err := elsewhere.Licensing.RevokeLicense(o.admin(vendor), runtime.Request{},
		licensing.RevokeLicense{LicenseID: issued.ID, Reason: "fraud"})
	require.NoError(t, err)
	o.issueThrough(slow) // which makes the slow one catch up beyond the revocation
	close(goOn)
	require.Equal(t, license.Valid, <-overtaken, "it was when the question came")
	require.Equal(t, license.LicenseRevoked, o.code(slow, issued.Key))
}

func (o *fixture) issueThrough(h *commands.Handler) {
	o.t.Helper()
	_, err := h.Licensing.IssueLicense(o.admin(vendor), runtime.Request{}, order(o.plan(vendor)))
	require.NoError(o.t, err)
}

func TestALedgerThatCannotBeReadAnswersNothing(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue()
	ledger := &endless{Store: o.store}
	other := o.handler(ledger, 10)
	require.Equal(t, license.Valid, o.code(other, issued.Key))
	ledger.broken = true
	_, err := other.Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(issued.Key)})
	require.ErrorIs(t, err, eventstore.ErrUnavailable, "what is cached may be out of date")
	_, err = other.Licensing.SuspendLicense(o.admin("another vendor"), runtime.Request{},
		licensing.SuspendLicense{LicenseID: issued.ID, Reason: "unpaid"})
	require.ErrorIs(t, err, eventstore.ErrUnavailable, "so may a refusal be")
}

// endless is a ledger whose end cannot be found once it is broken.
type endless struct {
	eventstore.Store
	broken bool
}

func (e *endless) Head(ctx context.Context) (event.Position, error) {
	if e.broken {
		return 0, eventstore.ErrUnavailable
	}
	return e.Store.Head(ctx)
}

// counted counts how often somebody looks for the end of the ledger, and is empty.
type counted struct {
	eventstore.Store
	looks atomic.Int64
}

func (c *counted) Head(context.Context) (event.Position, error) {
	c.looks.Add(1)
	return 0, nil
}

func TestAnInstanceFollowsTheLedgerWhileNobodyAsks(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	synctest.Test(t, func(t *testing.T) {
		ledger := &counted{}
		h := o.handler(ledger, 10)
		ctx, stop := context.WithCancel(t.Context())
		followed := make(chan struct{})
		go func() {
			h.RunReadIndex(ctx, slog.New(slog.DiscardHandler))
			close(followed)
		}()
		synctest.Wait()
		require.Equal(t, int64(2), ledger.looks.Load(), "at the start and when it begins to follow")
		<-time.After(time.Second)
		synctest.Wait()
		require.Greater(t, ledger.looks.Load(), int64(5))
		stop()
		<-followed
	})
}

// measured counts how often somebody looks for the end of a ledger.
type measured struct {
	eventstore.Store
	looks atomic.Int64
}

func (a *measured) Head(ctx context.Context) (event.Position, error) {
	a.looks.Add(1)
	return a.Store.Head(ctx)
}

func TestAValidationLooksForTheEndOfTheLedgerOnce(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue()
	o.activate(issued.Key, 1)
	ledger := &measured{Store: o.store}
	h := o.handler(ledger, 10)
	m := machineNo(1)
	for range 2 { // cold, and from memory
		before := ledger.looks.Load()
		v, err := h.Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(issued.Key), Machine: &m})
		require.NoError(t, err)
		require.Equal(t, license.Valid, v.Code)
		require.Equal(t, before+1, ledger.looks.Load())
	}
}
