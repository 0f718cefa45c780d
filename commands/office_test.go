package commands_test

import (
	"context"
	"flag"
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
	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/tenancy"
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

// office is a handler with everything behind it: a ledger and a key ring in files, a clock and ids.
type office struct {
	*commands.Handler
	t     testing.TB
	store eventstore.Store
	keys  *keyring.Database
	ring  *keyring.Keyring
	clock *clock
	ids   *ids
}

// newOffice opens an office at noon. The handler reaches the ledger through the decorators, if any.
func newOffice(t testing.TB, decorators ...func(eventstore.Store) eventstore.Store) *office {
	t.Helper()
	o := &office{t: t, clock: &clock{}, ids: &ids{}}
	o.clock.set(noon)
	dir := t.TempDir()
	for name, content := range emptyOffice(t) {
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
func (o *office) openFiles(t testing.TB, dir string, seed byte) (closeFiles func()) {
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
	makeEmptyOffice  sync.Once
	emptyOfficeFiles = map[string][]byte{}
)

// emptyOffice returns the files of an office that was opened and closed, by name: copying them is faster than having each test
// migrate databases of its own.
func emptyOffice(t testing.TB) map[string][]byte {
	t.Helper()
	makeEmptyOffice.Do(func() {
		dir := t.TempDir()
		closeFiles := (&office{clock: &clock{}}).openFiles(t, dir, 0)
		closeFiles()
		for _, name := range []string{ledgerFile, keysFile} {
			content, err := os.ReadFile(filepath.Join(dir, name))
			require.NoError(t, err)
			emptyOfficeFiles[name] = content
		}
	})
	return emptyOfficeFiles
}

// handler returns a further handler of the office, with cold caches: another instance of the program, or the same one
// after a restart.
func (o *office) handler(store eventstore.Store, cached int) *commands.Handler {
	o.t.Helper()
	return o.handlerWith(store, cached, nil)
}

// handlerWith returns one that shares a cache with others.
func (o *office) handlerWith(store eventstore.Store, cached int, cache commands.Cache) *commands.Handler {
	o.t.Helper()
	h, err := commands.New(o.t.Context(), commands.Config{
		Store: store, Events: domain.Events(), Keyring: o.ring, Now: o.clock.now, NewID: o.ids.next,
		Issuer: "https://licenses.example", CachedLicenses: cached, Shared: true, Cache: cache,
	})
	require.NoError(o.t, err)
	return h
}

func (o *office) admin(tenant string) context.Context {
	return tenancy.With(o.t.Context(), tenancy.Principal{Tenant: tenant, Actor: "ada", Role: tenancy.Admin})
}

func (o *office) machine() context.Context {
	return tenancy.With(o.t.Context(), tenancy.Principal{Tenant: "elsewhere", Actor: "machine", Role: tenancy.Machine})
}

func (o *office) system() context.Context {
	return tenancy.With(o.t.Context(), tenancy.Principal{Actor: "system", Role: tenancy.System})
}

// head is the position of the ledger's last event.
func (o *office) head() event.Position {
	o.t.Helper()
	head, err := o.store.Head(o.t.Context())
	require.NoError(o.t, err)
	return head
}

// after returns the ledger's events after a position.
func (o *office) after(position event.Position) []event.Event {
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

// typesAfter returns the types of the ledger's events after a position.
func (o *office) typesAfter(position event.Position) []event.Type {
	o.t.Helper()
	var types []event.Type
	for _, e := range o.after(position) {
		types = append(types, e.Type)
	}
	return types
}
