package commands_test

import (
	"context"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/domaintest"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/eventstore"
)

// remembering is a cache in memory that keeps what it is given at once.
type remembering struct {
	mu        sync.Mutex
	kept      map[uuid.UUID]*license.Stream
	saves     []event.Revision
	notified  int
	announced chan struct{}
}

func newRemembering() *remembering {
	return &remembering{kept: map[uuid.UUID]*license.Stream{}, announced: make(chan struct{})}
}

func (r *remembering) Load(_ context.Context, id uuid.UUID) *license.Stream {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.kept[id]
}

func (r *remembering) Save(s *license.Stream) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept[s.ID] = s
	r.saves = append(r.saves, s.StreamState().Revision)
}

func (r *remembering) Announce() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notified++
}

func (r *remembering) Announced() <-chan struct{} { return r.announced }

// reader counts what is read of licences.
type reader struct {
	eventstore.Store
	reads, events atomic.Int64
}

func (r *reader) ReadStream(ctx context.Context, stream string, after event.Revision) iter.Seq2[event.Envelope, error] {
	if !strings.HasPrefix(stream, "license-") {
		return r.Store.ReadStream(ctx, stream, after)
	}
	r.reads.Add(1)
	return func(yield func(event.Envelope, error) bool) {
		for e, err := range r.Store.ReadStream(ctx, stream, after) {
			r.events.Add(1)
			if !yield(e, err) {
				return
			}
		}
	}
}

// worn is a licence with a machine and a number of events, all of them recorded through h.
func (o *fixture) worn(h *commands.Handler, events int) licensing.IssuedLicense {
	o.t.Helper()
	issued, err := h.Licensing.IssueLicense(o.admin(vendor), runtime.Request{}, order(o.plan(vendor, seats(2), rebinds(3))))
	require.NoError(o.t, err)
	_, err = h.Activation.ActivateMachine(o.machine(), keyed("activate"),
		activation.ActivateMachine{LicenseKey: o.key(issued.Key), Machine: machineNo(1)})
	require.NoError(o.t, err)
	for n := 3; n < events; n++ {
		o.turn(h, issued.ID, n)
	}
	return issued
}

// turn suspends a licence of odd revision, and reinstates one of even revision.
func (o *fixture) turn(h *commands.Handler, id uuid.UUID, revision int) {
	o.t.Helper()
	var err error
	if revision%2 == 1 {
		_, err = h.Licensing.SuspendLicense(o.admin(vendor), runtime.Request{}, licensing.SuspendLicense{LicenseID: id, Reason: "unpaid"})
	} else {
		_, err = h.Licensing.ReinstateLicense(o.admin(vendor), runtime.Request{}, licensing.ReinstateLicense{LicenseID: id, Reason: "paid"})
	}
	require.NoError(o.t, err)
}

// requireSameAnswers asks h, and an instance that knows the ledger only, what they think of a licence.
func (o *fixture) requireSameAnswers(h *commands.Handler, store eventstore.Store, key string) {
	o.t.Helper()
	m := machineNo(1)
	ask := activation.Validate{LicenseKey: o.key(key), Machine: &m}
	expected, err := o.handler(store, 10).Activation.Validate(o.machine(), runtime.Request{}, ask)
	require.NoError(o.t, err)
	answer, err := h.Activation.Validate(o.machine(), runtime.Request{}, ask)
	require.NoError(o.t, err)
	domaintest.RequireSame(o.t, expected, answer)
}

func TestAColdLicenceIsContinuedFromItsSnapshot(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	cache := newRemembering()
	issued := o.worn(o.handlerWith(o.store, 10, cache), 41)
	require.Equal(t, []event.Revision{16, 32}, cache.saves, "a snapshot is taken now and then")

	ledger := &reader{Store: o.store}
	cold := o.handlerWith(ledger, 10, cache)
	o.requireSameAnswers(cold, o.store, issued.Key)
	require.Equal(t, int64(1), ledger.reads.Load())
	require.Equal(t, int64(41-32+1), ledger.events.Load(), "what is new, and the snapshot's last to be sure")
	o.requireSameAnswers(cold, o.store, issued.Key)
	require.Equal(t, int64(1), ledger.reads.Load(), "it is not cold any more")
	require.Equal(t, []event.Revision{16, 32}, cache.saves)

	repeated, err := o.handlerWith(o.store, 10, cache).Activation.ActivateMachine(o.machine(), keyed("activate"),
		activation.ActivateMachine{LicenseKey: o.key(issued.Key), Machine: machineNo(1)})
	require.NoError(t, err)
	require.True(t, repeated.Replayed, "commands are remembered in it")
}

func TestAColdLicenceOfManyEventsIsSavedWhenItIsFolded(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued, young := o.worn(o.Handler, 20), o.worn(o.Handler, 12)
	cache := newRemembering()
	cold := o.handlerWith(o.store, 10, cache)
	o.requireSameAnswers(cold, o.store, issued.Key)
	o.requireSameAnswers(cold, o.store, young.Key)
	require.Equal(t, []event.Revision{20}, cache.saves, "a young licence is folded as fast")

	for n := 20; n < 40; n++ {
		o.turn(o.Handler, issued.ID, n)
	}
	o.requireSameAnswers(o.handlerWith(o.store, 10, cache), o.store, issued.Key)
	require.Equal(t, []event.Revision{20, 40}, cache.saves, "so is one whose snapshot has fallen behind")
}

func TestASnapshotOfAnotherHistoryIsNotBelieved(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	cache := newRemembering()
	h := o.handlerWith(o.store, 10, cache)
	issued, another := o.worn(h, 20), o.worn(h, 22)
	for name, snapshot := range map[string]*license.Stream{
		"of another licence": cache.kept[another.ID],
		"of the future":      o.continuation(cache.kept[issued.ID], 30),
		"of another past":    o.continuation(cache.kept[issued.ID], 18),
	} {
		cold := newRemembering()
		cold.kept[issued.ID] = snapshot
		o.requireSameAnswers(o.handlerWith(o.store, 10, cold), o.store, issued.Key)
		require.Equal(t, []event.Revision{20}, cold.saves, name)
	}
}

// continuation is a licence as it might have gone on.
func (o *fixture) continuation(s *license.Stream, until event.Revision) *license.Stream {
	o.t.Helper()
	for s.StreamState().Revision < until {
		var err error
		s, err = license.Fold(s, event.Event{Payload: license.Revoked{}, Envelope: event.Envelope{
			Position: s.StreamState().Position + 1, Revision: s.StreamState().Revision + 1,
			Pending: event.Pending{ID: o.ids.next(), Metadata: event.Metadata{Tenant: vendor}},
		}})
		require.NoError(o.t, err)
	}
	return s
}

func TestAReadThatFailsBehindASnapshotIsAnError(t *testing.T) {
	t.Parallel()
	o, ledger := newFaultyFixture(t)
	cache := newRemembering()
	issued := o.worn(o.handlerWith(o.store, 10, cache), 20)
	ledger.readsWith(func(context.Context, string, event.Revision) iter.Seq2[event.Envelope, error] {
		return func(yield func(event.Envelope, error) bool) { yield(event.Envelope{}, eventstore.ErrUnavailable) }
	})
	_, err := o.handlerWith(ledger, 10, cache).Activation.Validate(o.machine(), runtime.Request{},
		activation.Validate{LicenseKey: o.key(issued.Key)})
	require.ErrorIs(t, err, eventstore.ErrUnavailable)
}

func TestEveryAppendIsAnnouncedAndNothingElse(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	cache := newRemembering()
	issued := o.worn(o.handlerWith(o.store, 10, cache), 5)
	before := cache.notified
	h := o.handlerWith(o.store, 10, cache)
	o.turn(h, issued.ID, 5)
	require.Equal(t, before+1, cache.notified)
	_, err := h.Licensing.ReinstateLicense(o.admin(vendor), runtime.Request{},
		licensing.ReinstateLicense{LicenseID: uuid.New(), Reason: "paid"})
	require.ErrorIs(t, err, license.ErrNotFound)
	o.requireSameAnswers(h, o.store, issued.Key)
	require.Equal(t, before+1, cache.notified)
}

func TestAnInstanceThatIsToldOfAnAppendReadsAtOnce(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	synctest.Test(t, func(t *testing.T) {
		ledger, cache := &counted{}, newRemembering()
		h := o.handlerWith(ledger, 10, cache)
		ctx, stop := context.WithCancel(t.Context())
		followed := make(chan struct{})
		go func() {
			h.RunReadIndex(ctx, slog.New(slog.DiscardHandler))
			close(followed)
		}()
		synctest.Wait()
		before := ledger.looks.Load()
		cache.announced <- struct{}{} // no time passes
		synctest.Wait()
		require.Equal(t, before+1, ledger.looks.Load())
		stop()
		<-followed
	})
}
