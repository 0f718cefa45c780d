package commands_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/commands/activation"
	catalogcommands "github.com/licenseledger/licenseledger/commands/catalog"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/eventstore"
)

// faulty is a ledger whose methods can be replaced, one at a time.
type faulty struct {
	eventstore.Store
	append atomic.Pointer[appending]
	read   atomic.Pointer[reading]
}

type (
	appending func(ctx context.Context, stream string, expected event.Revision, events []event.Pending) (eventstore.Commit, error)
	reading   func(ctx context.Context, stream string, after event.Revision) iter.Seq2[event.Envelope, error]
)

func (f *faulty) Append(ctx context.Context, stream string, expected event.Revision, events []event.Pending) (eventstore.Commit, error) {
	if replaced := f.append.Load(); replaced != nil {
		return (*replaced)(ctx, stream, expected, events)
	}
	return f.Store.Append(ctx, stream, expected, events)
}

func (f *faulty) ReadStream(ctx context.Context, stream string, after event.Revision) iter.Seq2[event.Envelope, error] {
	if replaced := f.read.Load(); replaced != nil {
		return (*replaced)(ctx, stream, after)
	}
	return f.Store.ReadStream(ctx, stream, after)
}

// appendsWith replaces Append until the returned function is called.
func (f *faulty) appendsWith(a appending) (restore func()) {
	f.append.Store(&a)
	return func() { f.append.Store(nil) }
}

func (f *faulty) readsWith(r reading) (restore func()) {
	f.read.Store(&r)
	return func() { f.read.Store(nil) }
}

func newFaultyFixture(t *testing.T) (*fixture, *faulty) {
	t.Helper()
	f := &faulty{}
	return newFixture(t, func(s eventstore.Store) eventstore.Store {
		f.Store = s
		return f
	}), f
}

func TestAnAppendThatWasStoredThoughItFailedHasOneEffectWhenItIsRepeated(t *testing.T) {
	t.Parallel()
	o, ledger := newFaultyFixture(t)
	issued := o.issue()
	before := o.head()
	ask := activation.ActivateMachine{LicenseKey: o.key(issued.Key), Machine: machineNo(1)}

	restore := ledger.appendsWith(func(ctx context.Context, stream string, expected event.Revision,
		events []event.Pending) (eventstore.Commit, error) {
		_, err := ledger.Store.Append(ctx, stream, expected, events)
		require.NoError(t, err)
		return eventstore.Commit{}, fmt.Errorf("%w: the connection broke", eventstore.ErrUnavailable)
	})
	_, err := o.Activation.ActivateMachine(o.machine(), keyed("activate"), ask)
	require.ErrorIs(t, err, eventstore.ErrUnavailable)
	restore()

	first, err := o.Activation.ActivateMachine(o.machine(), keyed("activate"), ask)
	require.NoError(t, err)
	require.True(t, first.Replayed)
	require.True(t, first.New)
	require.Equal(t, activation.Seats{Used: 1, Limit: 3}, first.Seats)
	require.Equal(t, []event.Type{binding.MachineBoundType, "activation.granted.v1"}, o.typesAfter(before))
	second, err := o.Activation.ActivateMachine(o.machine(), keyed("activate"), ask)
	require.NoError(t, err)
	require.Equal(t, first, second)
}

func TestAnAppendWithAnUnknownOutcomeIsLookedUpBeforeTheNextAnswer(t *testing.T) {
	t.Parallel()
	o, ledger := newFaultyFixture(t)
	issued := o.issue()
	o.activate(issued.Key, 1)
	restore := ledger.appendsWith(func(ctx context.Context, stream string, expected event.Revision,
		events []event.Pending) (eventstore.Commit, error) {
		_, err := ledger.Store.Append(ctx, stream, expected, events)
		require.NoError(t, err)
		return eventstore.Commit{}, eventstore.ErrUnavailable
	})
	_, err := o.Licensing.SuspendLicense(o.admin(vendor), runtime.Request{}, licensing.SuspendLicense{LicenseID: issued.ID, Reason: "unpaid"})
	require.ErrorIs(t, err, eventstore.ErrUnavailable)
	restore()
	require.Equal(t, license.LicenseSuspended, o.verdict(issued.Key, 1).Code)
}

func TestAnAppendThatFailedAndWasNotStoredHasOneEffectWhenItIsRepeated(t *testing.T) {
	t.Parallel()
	o, ledger := newFaultyFixture(t)
	plan := o.plan(vendor)
	before := o.head()
	for _, failure := range []error{eventstore.ErrUnavailable, eventstore.ErrBusy} {
		restore := ledger.appendsWith(func(context.Context, string, event.Revision, []event.Pending) (eventstore.Commit, error) {
			return eventstore.Commit{}, failure
		})
		_, err := o.Licensing.IssueLicense(o.admin(vendor), keyed("issue"), order(plan))
		require.ErrorIs(t, err, failure)
		restore()
	}
	require.Equal(t, before, o.head())
	issued, err := o.Licensing.IssueLicense(o.admin(vendor), keyed("issue"), order(plan))
	require.NoError(t, err)
	require.False(t, issued.Replayed)
	require.Equal(t, []event.Type{license.IssuedType}, o.typesAfter(before))
}

func TestAClientThatLeavesDoesNotLeaveItsAppendUncertain(t *testing.T) {
	t.Parallel()
	o, ledger := newFaultyFixture(t)
	issued := o.issue()
	o.activate(issued.Key, 1)

	taken, release := make(chan struct{}), make(chan struct{})
	ledger.appendsWith(func(ctx context.Context, stream string, expected event.Revision, events []event.Pending) (eventstore.Commit, error) {
		type outcome struct {
			commit eventstore.Commit
			err    error
		}
		done := make(chan outcome, 1)
		go func() {
			close(taken)
			<-release
			commit, err := ledger.Store.Append(context.WithoutCancel(ctx), stream, expected, events)
			done <- outcome{commit, err}
		}()
		select {
		case o := <-done:
			return o.commit, o.err
		case <-ctx.Done(): // as every engine does: the append may still be stored
			return eventstore.Commit{}, ctx.Err()
		}
	})
	ctx, leave := context.WithCancel(o.admin(vendor))
	revoked := make(chan error, 1)
	go func() {
		_, err := o.Licensing.RevokeLicense(ctx, runtime.Request{}, licensing.RevokeLicense{LicenseID: issued.ID, Reason: "fraud"})
		revoked <- err
	}()
	<-taken
	leave()
	require.Equal(t, license.Valid, o.verdict(issued.Key, 1).Code, "nothing is recorded yet")
	close(release)
	require.NoError(t, <-revoked)
	require.Equal(t, license.LicenseRevoked, o.verdict(issued.Key, 1).Code)
}

func TestACommandThatAlwaysComesTooLateGivesUp(t *testing.T) {
	t.Parallel()
	o, ledger := newFaultyFixture(t)
	issued := o.issue()
	attempts := 0
	ledger.appendsWith(func(context.Context, string, event.Revision, []event.Pending) (eventstore.Commit, error) {
		attempts++
		return eventstore.Commit{}, eventstore.ErrWrongExpectedRevision
	})
	_, err := o.Licensing.SuspendLicense(o.admin(vendor), runtime.Request{}, licensing.SuspendLicense{LicenseID: issued.ID, Reason: "unpaid"})
	require.ErrorIs(t, err, runtime.ErrContended)
	require.Equal(t, 16, attempts)
}

func TestAReadThatFailsMidwayIsAnErrorAndLeavesNoTrace(t *testing.T) {
	t.Parallel()
	o, ledger := newFaultyFixture(t)
	issued := o.issue()
	o.activate(issued.Key, 1)
	o.suspend(issued.ID)
	head := o.head()

	broken := errors.New("the disk is broken")
	restore := ledger.readsWith(func(ctx context.Context, stream string, after event.Revision) iter.Seq2[event.Envelope, error] {
		return func(yield func(event.Envelope, error) bool) {
			for envelope := range ledger.Store.ReadStream(ctx, stream, after) {
				if !yield(envelope, nil) {
					return
				}
				yield(event.Envelope{}, broken)
				return
			}
		}
	})
	cold := o.handler(ledger, 10)
	m := machineNo(1)
	ask := activation.Validate{LicenseKey: o.key(issued.Key), Machine: &m}
	reinstate := licensing.ReinstateLicense{LicenseID: issued.ID, Reason: "paid"}
	_, err := cold.Activation.Validate(o.machine(), runtime.Request{}, ask)
	require.ErrorIs(t, err, broken)
	_, err = cold.Licensing.ReinstateLicense(o.admin(vendor), runtime.Request{}, reinstate)
	require.ErrorIs(t, err, broken)
	_, err = cold.Licensing.IssueLicense(o.admin(vendor), runtime.Request{},
		licensing.IssueLicense{Product: "cad", Plan: issued.PlanCode, Customer: ada()})
	require.ErrorIs(t, err, broken)
	_, err = cold.Catalog.PublishPlan(o.admin(vendor), runtime.Request{},
		catalogcommands.PublishPlan{ProductID: issued.ProductID, Code: "pro", Terms: terms()})
	require.ErrorIs(t, err, broken)
	require.Equal(t, head, o.head())
	restore()

	verdict, err := cold.Activation.Validate(o.machine(), runtime.Request{}, ask)
	require.NoError(t, err)
	require.Equal(t, license.LicenseSuspended, verdict.Code, "no half of a licence was kept")
}

func TestAReplayThatCannotReadIsAnError(t *testing.T) {
	t.Parallel()
	o, ledger := newFaultyFixture(t)
	issued := o.issue()
	suspend := licensing.SuspendLicense{LicenseID: issued.ID, Reason: "unpaid"}
	_, err := o.Licensing.SuspendLicense(o.admin(vendor), keyed("suspend"), suspend)
	require.NoError(t, err)
	other := o.handler(ledger, 10)
	_, err = other.Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(issued.Key)})
	require.NoError(t, err, "it knows the licence now, but not what the command answered")
	broken := errors.New("the disk is broken")
	ledger.readsWith(func(context.Context, string, event.Revision) iter.Seq2[event.Envelope, error] {
		return func(yield func(event.Envelope, error) bool) { yield(event.Envelope{}, broken) }
	})
	_, err = other.Licensing.SuspendLicense(o.admin(vendor), keyed("suspend"), suspend)
	require.ErrorIs(t, err, broken)
}

func TestAnEventOfANewerProgramStopsTheCommandInsteadOfBeingSkipped(t *testing.T) {
	t.Parallel()
	o, ledger := newFaultyFixture(t)
	issued := o.issue()
	head := o.head()
	ledger.readsWith(func(ctx context.Context, stream string, after event.Revision) iter.Seq2[event.Envelope, error] {
		return func(yield func(event.Envelope, error) bool) {
			for envelope, err := range ledger.Store.ReadStream(ctx, stream, after) {
				if envelope.Type == license.IssuedType {
					envelope.Type = "license.issued.v9"
				}
				if !yield(envelope, err) {
					return
				}
			}
		}
	})
	cold := o.handler(ledger, 10)
	_, err := cold.Licensing.SuspendLicense(o.admin(vendor), runtime.Request{},
		licensing.SuspendLicense{LicenseID: issued.ID, Reason: "unpaid"})
	require.ErrorIs(t, err, event.ErrUnknownType)
	require.Equal(t, head, o.head())
}

func TestAForeignEventInAStreamStopsTheCommand(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue()
	data, err := event.Encode(catalog.PlanRevised{})
	require.NoError(t, err)
	_, err = o.store.Append(t.Context(), license.StreamName(issued.ID), 1, []event.Pending{
		{ID: o.ids.next(), Type: catalog.PlanRevisedType, RecordedAt: noon, Metadata: event.Metadata{Tenant: vendor}, Data: data},
	})
	require.NoError(t, err)
	head := o.head()
	cold := o.handler(o.store, 10)
	for range 2 {
		_, err = cold.Licensing.SuspendLicense(o.admin(vendor), runtime.Request{},
			licensing.SuspendLicense{LicenseID: issued.ID, Reason: "unpaid"})
		require.ErrorContains(t, err, "plan.revised.v1")
	}
	require.Equal(t, head, o.head())
}

// TestWhatAnAppendAnswersIsNotTrustedBlindly: a commit that cannot be folded is an error, and is not cached.
func TestWhatAnAppendAnswersIsNotTrustedBlindly(t *testing.T) {
	t.Parallel()
	o, ledger := newFaultyFixture(t)
	issued := o.issue()
	for name, distort := range map[string]func(*event.Envelope){
		"an unknown type": func(e *event.Envelope) { e.Type = "license.paused.v1" },
		"a foreign type":  func(e *event.Envelope) { e.Type = catalog.PlanRevisedType },
	} {
		restore := ledger.appendsWith(func(ctx context.Context, stream string, expected event.Revision,
			events []event.Pending) (eventstore.Commit, error) {
			commit, err := ledger.Store.Append(ctx, stream, expected, events)
			for i := range commit.Events {
				if stream == license.StreamName(issued.ID) {
					distort(&commit.Events[i])
				}
			}
			return commit, err
		})
		_, err := o.Licensing.ReissueKey(o.admin(vendor), keyed(name), licensing.ReissueKey{LicenseID: issued.ID, Reason: "leaked"})
		require.Error(t, err, name)
		restore()
		again, err := o.Licensing.ReissueKey(o.admin(vendor), keyed(name), licensing.ReissueKey{LicenseID: issued.ID, Reason: "leaked"})
		require.NoError(t, err, name)
		require.True(t, again.Replayed, name)
	}
}

func TestWaitingForATurnEndsWithTheContext(t *testing.T) {
	t.Parallel()
	o, ledger := newFaultyFixture(t)
	issued := o.issue()
	taken, release := make(chan struct{}), make(chan struct{})
	ledger.appendsWith(func(ctx context.Context, stream string, expected event.Revision, events []event.Pending) (eventstore.Commit, error) {
		close(taken)
		<-release
		return ledger.Store.Append(ctx, stream, expected, events)
	})
	suspended := make(chan error, 1)
	suspend := licensing.SuspendLicense{LicenseID: issued.ID, Reason: "unpaid"}
	go func() {
		_, err := o.Licensing.SuspendLicense(o.admin(vendor), runtime.Request{}, suspend)
		suspended <- err
	}()
	<-taken
	ctx, leave := context.WithTimeout(o.admin(vendor), time.Millisecond)
	defer leave()
	_, err := o.Licensing.SuspendLicense(ctx, runtime.Request{}, suspend)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	close(release)
	require.NoError(t, <-suspended)
}

func TestACacheOfNegativeSizeIsRefused(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	_, err := commands.New(t.Context(), commands.Config{Store: o.store, Events: domain.Events(), Keyring: o.ring, CachedLicenses: -1})
	require.Error(t, err)
}

// A key is claimed before the command that it is for. Whatever ends the process in between, a repetition has one effect.
func TestACrashBetweenAClaimAndItsCommandLeavesOneEffect(t *testing.T) {
	t.Parallel()
	away := errors.New("the process is gone")
	for name, stored := range map[string]bool{"before the command is stored": false, "after it is stored": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, ledger := newFaultyFixture(t)
			issued := o.issue(validFor(30))
			renew := licensing.RenewLicense{LicenseID: issued.ID, Reason: "paid", ExtendDays: new(30)}
			head := o.head()
			ledger.appendsWith(func(ctx context.Context, stream string, expected event.Revision, events []event.Pending) (eventstore.Commit, error) {
				commit, err := eventstore.Commit{}, away
				if claim := stream != license.StreamName(issued.ID); claim || stored {
					commit, err = ledger.Store.Append(ctx, stream, expected, events)
					if !claim {
						err = away
					}
				}
				return commit, err
			})
			_, err := o.Licensing.RenewLicense(o.admin(vendor), keyed("invoice-17"), renew)
			require.ErrorIs(t, err, away)

			restarted := o.handler(o.store, 10)
			other := renew
			other.ExtendDays = new(31)
			_, err = restarted.Licensing.RenewLicense(o.admin(vendor), keyed("invoice-17"), other)
			require.ErrorIs(t, err, runtime.ErrIdempotencyKeyReused)
			for range 2 {
				renewed, err := restarted.Licensing.RenewLicense(o.admin(vendor), keyed("invoice-17"), renew)
				require.NoError(t, err)
				require.Equal(t, issued.ExpiresAt.AddDate(0, 0, 30), *renewed.ExpiresAt)
			}
			require.Equal(t, []event.Type{license.RenewedType}, o.typesAfter(head))
		})
	}
}
