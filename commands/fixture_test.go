package commands_test

import (
	"context"
	"errors"
	"flag"
	"iter"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/idempotency"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/sqlite"
	"github.com/licenseledger/licenseledger/keyring"
)

func TestMain(m *testing.M) {
	// Every command of a property is durable: fewer sequences than usual, unless the command line says otherwise.
	if err := flag.Set("rapid.checks", "12"); err != nil {
		log.Fatal(err)
	}
	goleak.VerifyTestMain(m)
}

var noon = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// clock is set by hand.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.UnixMicro(c.at.Load()) }
func (c *clock) set(to time.Time)        { c.at.Store(to.UnixMicro()) }
func (c *clock) advance(d time.Duration) { c.at.Add(d.Microseconds()) }

// ids are counted, not drawn.
type ids struct{ last atomic.Uint64 }

func (n *ids) next() uuid.UUID {
	id := uuid.UUID{6: 0x70, 8: 0x80}
	for i, v := 15, n.last.Add(1); v > 0; i, v = i-1, v>>8 {
		id[i] = byte(v)
	}
	return id
}

// predictable is randomness that is the same in every run.
type predictable struct {
	mu     sync.Mutex
	source *rand.ChaCha8
}

func (p *predictable) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.source.Read(b)
}

// fixture is a handler with everything behind it: a ledger and a key ring in files, a clock and ids.
type fixture struct {
	*commands.Handler
	t     testing.TB
	store eventstore.Store
	keys  *keyring.Database
	ring  *keyring.Keyring
	clock *clock
	ids   *ids
}

// newFixture opens a fixture at noon. The handler reaches the ledger through the decorators, if any.
func newFixture(t testing.TB, decorators ...func(eventstore.Store) eventstore.Store) *fixture {
	t.Helper()
	o := &fixture{t: t, clock: &clock{}, ids: &ids{}}
	o.clock.set(noon)
	dir := t.TempDir()
	for name, content := range emptyFixture(t) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	closeFiles := o.openFiles(t, dir, 1)
	t.Cleanup(closeFiles)
	behind := o.store
	for _, decorate := range decorators {
		behind = decorate(behind)
	}
	o.Handler = o.handler(behind, 1_000)
	return o
}

const (
	ledgerFile = "ledger.db"
	keysFile   = "keys.db"
)

// openFiles opens ledger and key ring. What the ring draws follows from the seed.
func (o *fixture) openFiles(t testing.TB, dir string, seed byte) (closeFiles func()) {
	t.Helper()
	ledger, err := sqlite.Open(t.Context(), filepath.Join(dir, ledgerFile))
	require.NoError(t, err)
	o.store = ledger
	o.keys, err = keyring.OpenSQLite(t.Context(), filepath.Join(dir, keysFile))
	require.NoError(t, err)
	master, err := keyring.ParseMasterKey("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	require.NoError(t, err)
	random := &predictable{source: rand.NewChaCha8([32]byte{seed})}
	o.ring, err = keyring.Open(t.Context(), keyring.Config{DB: o.keys, Master: master, Random: random, Now: o.clock.now})
	require.NoError(t, err)
	return func() {
		require.NoError(t, ledger.Close())
		require.NoError(t, o.keys.Close())
	}
}

var (
	makeEmptyFixture sync.Once
	emptyFiles       = map[string][]byte{}
)

// emptyFixture returns the files of a fixture that was opened and closed, by name: copying them is faster than having each test
// migrate databases of its own.
func emptyFixture(t testing.TB) map[string][]byte {
	t.Helper()
	makeEmptyFixture.Do(func() {
		dir := t.TempDir()
		closeFiles := (&fixture{clock: &clock{}}).openFiles(t, dir, 0)
		closeFiles()
		for _, name := range []string{ledgerFile, keysFile} {
			content, err := os.ReadFile(filepath.Join(dir, name))
			require.NoError(t, err)
			emptyFiles[name] = content
		}
	})
	return emptyFiles
}

// handler returns a further handler of the fixture, with cold caches: another instance of the program, or the same one
// after a restart.
func (o *fixture) handler(store eventstore.Store, cached int) *commands.Handler {
	o.t.Helper()
	return o.handlerWith(store, cached, nil)
}

// handlerWith returns one that shares a cache with others.
func (o *fixture) handlerWith(store eventstore.Store, cached int, cache commands.Cache) *commands.Handler {
	o.t.Helper()
	h, err := commands.New(o.t.Context(), commands.Config{
		Store: store, Events: domain.Events(), Keyring: o.ring, Now: o.clock.now, NewID: o.ids.next,
		Issuer: "https://licenses.example", CachedLicenses: cached, Shared: true, Cache: cache,
	})
	require.NoError(o.t, err)
	return h
}

func (o *fixture) admin(tenant string) context.Context {
	return access.With(o.t.Context(), access.Principal{Tenant: tenant, Actor: "ada", Role: access.Admin})
}

func (o *fixture) machine() context.Context {
	return access.With(o.t.Context(), access.Principal{Tenant: "elsewhere", Actor: "machine", Role: access.Machine})
}

func (o *fixture) system() context.Context {
	return access.With(o.t.Context(), access.Principal{Actor: "system", Role: access.System})
}

// head is the position of the ledger's last event.
func (o *fixture) head() event.Position {
	o.t.Helper()
	head, err := o.store.Head(o.t.Context())
	require.NoError(o.t, err)
	return head
}

// after returns the ledger's events after a position.
func (o *fixture) after(position event.Position) []event.Event {
	o.t.Helper()
	var events []event.Event
	for envelope, err := range o.store.ReadAll(o.t.Context(), position) {
		require.NoError(o.t, err)
		decoded, err := domain.Events().Decode(envelope)
		require.NoError(o.t, err)
		events = append(events, decoded)
	}
	return events
}

// recordMany appends what machines caused to a licence's stream, in large appends, and returns the revision after them.
func (o *fixture) recordMany(id uuid.UUID, at event.Revision, happened iter.Seq[event.Payload]) event.Revision {
	o.t.Helper()
	var pending []event.Pending
	flush := func() {
		commit, err := o.store.Append(o.t.Context(), license.StreamName(id), at, pending)
		require.NoError(o.t, err)
		at, pending = commit.Revision, nil
	}
	for p := range happened {
		data, err := event.Encode(p)
		require.NoError(o.t, err)
		pending = append(pending, event.Pending{ID: uuid.New(), Type: p.EventType(), RecordedAt: noon, Data: data,
			Metadata: event.Metadata{Tenant: vendor, Actor: "machine"}})
		if len(pending) == 10_000 {
			flush()
		}
	}
	if len(pending) > 0 {
		flush()
	}
	return at
}

// typesAfter returns the types of the ledger's events after a position, without those that claim an idempotency key.
func (o *fixture) typesAfter(position event.Position) []event.Type {
	o.t.Helper()
	var types []event.Type
	for _, e := range o.after(position) {
		if e.Type != idempotency.KeyClaimedType {
			types = append(types, e.Type)
		}
	}
	return types
}

// key returns a licence key as the edge hands it to commands: none for a text that is not the key of any licence.
func (o *fixture) key(text string) activation.LicenseKey {
	o.t.Helper()
	key, err := o.Activation.ParseLicenseKey(o.t.Context(), text)
	if !errors.Is(err, keyring.ErrLicenseKeyInvalid) {
		require.NoError(o.t, err)
	}
	return key
}

// scheduler has the due events of licences recorded by a handler's command.
func scheduler(h *commands.Handler, due func(ctx context.Context, now time.Time, limit int) ([]uuid.UUID, error)) *runtime.Scheduler {
	return &runtime.Scheduler{Due: due, Now: h.Now, Record: func(ctx context.Context, id uuid.UUID) error {
		_, err := recordDue(ctx, h, id)
		return err
	}}
}

func recordDue(ctx context.Context, h *commands.Handler, id uuid.UUID) (runtime.Outcome, error) {
	return h.Licensing.RecordDue(ctx, runtime.Request{}, licensing.RecordDue{LicenseID: id})
}
