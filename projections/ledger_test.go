package projections_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/sqlite"
	"github.com/licenseledger/licenseledger/projections"
	"github.com/licenseledger/licenseledger/projections/runtime"
	"github.com/licenseledger/licenseledger/readmodels/catalog"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/machines"
	"github.com/licenseledger/licenseledger/readmodels/store"
	"github.com/licenseledger/licenseledger/readmodels/timeline"
)

const tenant = "default"

var noon = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

// id makes a readable id.
func id(n int) uuid.UUID { return uuid.MustParse(fmt.Sprintf("00000000-0000-4000-8000-%012d", n)) }

// errErased is how the test's vault says that a person was erased.
var errErased = errors.New("erased")

// errAway is how it says that it cannot be asked now.
var errAway = errors.New("away")

// vault seals personal data for show: it puts the subject before it.
type vault struct {
	mu     sync.Mutex
	erased map[uuid.UUID]bool
	broken error
}

func seal(subject uuid.UUID, plain string) []byte { return append(subject[:], plain...) }

func sealCustomer(subject uuid.UUID, name, email string) []byte {
	data, _ := json.Marshal(license.Customer{Name: name, Email: email})
	return seal(subject, string(data))
}

// breaks makes the vault fail, or not any more.
func (v *vault) breaks(with error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.broken = with
}

// Unseal implements runtime.Unsealer.
func (v *vault) Unseal(_ context.Context, subject uuid.UUID, sealed []byte) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.broken != nil {
		return nil, v.broken
	}
	if v.erased[subject] {
		return nil, fmt.Errorf("unseal: %w", errErased)
	}
	plain, ok := bytes.CutPrefix(sealed, subject[:])
	if !ok {
		return nil, errors.New("sealed for somebody else")
	}
	return plain, nil
}

// fixture is a ledger with its read models.
type fixture struct {
	t         testing.TB
	store     eventstore.Store
	models    *store.DB
	place     database
	vault     *vault
	revisions map[string]event.Revision
}

func newFixture(t testing.TB) *fixture { return newFixtureIn(t, sqliteDatabase) }

// newFixtureIn has the read models in a place of their own.
func newFixtureIn(t testing.TB, place func(testing.TB) database) *fixture {
	t.Helper()
	dir := t.TempDir()
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "ledger.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	w := &fixture{t: t, store: store, place: place(t), vault: &vault{erased: map[uuid.UUID]bool{}},
		revisions: map[string]event.Revision{}}
	w.models = w.place.opened(t)
	return w
}

func (w *fixture) projectors() []runtime.Projector {
	return projections.All(runtime.PersonalData{Unsealer: w.vault, KeyGone: errErased, Unavailable: errAway})
}

// pending is an event as a command would record it.
func pending(t testing.TB, p event.Payload) event.Pending {
	t.Helper()
	data, err := event.Encode(p)
	require.NoError(t, err)
	return event.Pending{ID: uuid.Must(uuid.NewV7()), Type: p.EventType(), RecordedAt: noon, Data: data,
		Metadata: event.Metadata{Tenant: tenant, Actor: "admin", Correlation: "request-1"}}
}

// happened appends payloads to a stream and returns the position of the last.
func (w *fixture) happened(stream string, payloads ...event.Payload) event.Position {
	w.t.Helper()
	events := make([]event.Pending, len(payloads))
	for i, p := range payloads {
		events[i] = pending(w.t, p)
	}
	return w.append(stream, events...)
}

func (w *fixture) append(stream string, events ...event.Pending) event.Position {
	w.t.Helper()
	commit, err := w.store.Append(w.t.Context(), stream, w.revisions[stream], events)
	require.NoError(w.t, err)
	w.revisions[stream] = commit.Revision
	return commit.Position
}

func (w *fixture) config(projectors ...runtime.Projector) runtime.Config {
	if projectors == nil {
		projectors = w.projectors()
	}
	return runtime.Config{Store: w.store, Registry: domain.Events(), ReadModels: w.models, Projectors: projectors,
		Owner: "test", Now: func() time.Time { return noon }, Logger: slog.New(slog.DiscardHandler)}
}

// start runs the projections until the test ends.
func (w *fixture) start(config runtime.Config) *runtime.Runner {
	w.t.Helper()
	runner, err := runtime.Start(w.t.Context(), config)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { require.NoError(w.t, runner.Close()) })
	return runner
}

var all = []string{catalog.Definition.Name, licenses.Definition.Name, machines.Definition.Name, timeline.Definition.Name}

// caughtUp waits until the named projections (all, if none is named) have applied the whole ledger.
func (w *fixture) caughtUp(names ...string) event.Position {
	w.t.Helper()
	if names == nil {
		names = all
	}
	head, err := w.store.Head(w.t.Context())
	require.NoError(w.t, err)
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	require.NoError(w.t, w.models.WaitForPosition(ctx, names, uint64(head)))
	return head
}

// status waits until a projection is as wished, and returns where it stands.
func status(t testing.TB, runner *runtime.Runner, name string, wished func(store.ProjectionStatus) bool) store.ProjectionStatus {
	t.Helper()
	var found store.ProjectionStatus
	require.Eventually(t, func() bool {
		all, err := runner.Status(t.Context())
		require.NoError(t, err)
		for _, s := range all {
			if s.Name == name {
				found = s
				return wished(s)
			}
		}
		return false
	}, 30*time.Second, 2*time.Millisecond, "the projection %s never came there", name)
	return found
}

// well is how a projection stands that has nothing to complain of. The rows of a message are there a moment before that is known.
func well(s store.ProjectionStatus) bool {
	return s.State == store.StateRunning && s.Error == ""
}

func in(state string) func(store.ProjectionStatus) bool {
	return func(s store.ProjectionStatus) bool { return s.State == state }
}

// checksums are the contents of all projections, which must stand at the same position.
func checksums(t testing.TB, runner *runtime.Runner, at event.Position) map[string]string {
	t.Helper()
	sums := map[string]string{}
	for _, name := range all {
		sum, position, err := runner.Checksum(t.Context(), name)
		require.NoError(t, err)
		require.Equal(t, at, position, name)
		sums[name] = sum
	}
	return sums
}
