// Package backends opens the parts of a ledger: the event store, the read models, the keys and the cache, on the engines that are
// configured.
package backends

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/installation"
	"github.com/licenseledger/licenseledger/keyring"
	"github.com/licenseledger/licenseledger/projections"
	"github.com/licenseledger/licenseledger/projections/runtime"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// Backends are the opened parts of one ledger.
type Backends struct {
	Events     eventstore.Store
	ReadModels *store.DB
	Keys       *keyring.Keyring
	KeysDB     *keyring.Database
	Epoch      eventstore.Epoch // of the ledger
	Registry   *event.Registry

	closers []func() error // in the order of opening
}

// Open opens what is configured and creates what is missing. Embedded parts are opened for this process alone. Ledger and keys that do not
// belong together are refused.
func Open(ctx context.Context, s Settings, logger *slog.Logger) (*Backends, error) {
	b, mismatch, err := openParts(ctx, s, logger, installation.Establish)
	if err == nil && mismatch != nil {
		err = errors.Join(ExplainMismatch(mismatch), b.Close())
	}
	if err != nil {
		return nil, err
	}
	logger.InfoContext(ctx, "ledger and keys belong together", "installation", b.Epoch.Installation, "epoch", b.Epoch.ID)
	if err := installation.Bind(ctx, b.Events, b.KeysDB, b.Epoch); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// OpenToCheck opens what is configured to examine it. Mismatch says why ledger and keys do not belong together; only the ledger is open
// then.
func OpenToCheck(ctx context.Context, s Settings, logger *slog.Logger) (b *Backends, mismatch, err error) {
	return openParts(ctx, s, logger, func(ctx context.Context, ledger eventstore.Store, keys installation.Keys, events *event.Registry,
		_ installation.Now, _ installation.NewID,
	) (eventstore.Epoch, error) {
		found, err := installation.Examine(ctx, ledger, keys, events)
		return found.Epoch, err
	})
}

type establish func(
	context.Context, eventstore.Store, installation.Keys, *event.Registry, installation.Now, installation.NewID,
) (eventstore.Epoch, error)

// openParts opens the ledger, and the keys and read models if establish finds that the keys belong to it; otherwise mismatch says why not.
func openParts(ctx context.Context, s Settings, logger *slog.Logger, establish establish) (_ *Backends, mismatch, err error) {
	b := &Backends{Registry: domain.Events()}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close())
		}
	}()
	if err := s.MakeDataDir(); err != nil {
		return nil, nil, err
	}
	if err := s.requireSafeFolders(ctx, logger); err != nil {
		return nil, nil, err
	}
	if !s.EventStore.Shared() || !s.ReadModels.Shared() {
		if err := b.lock(s.DataDir); err != nil {
			return nil, nil, err
		}
	}
	if err := RequireLedgerFile(ctx, s); err != nil {
		return b, err, nil
	}
	if b.Events, err = OpenEvents(ctx, s.EventStore, s.DataDir, logger); err != nil {
		return nil, nil, withDoctorHint(engine.EventStore, err)
	}
	b.closers = append(b.closers, b.Events.Close)
	if mismatch, err = b.openKeys(ctx, s, establish, logger); mismatch != nil || err != nil {
		return b, mismatch, err
	}
	if b.ReadModels, err = s.ReadModels.Engine.OpenReadModels(ctx, s.ReadModels, s.Replica, s.DataDir, logger); err != nil {
		return nil, nil, withDoctorHint(engine.ReadModels, err)
	}
	b.closers = append(b.closers, b.ReadModels.Close)
	b.ReadModels.SetOrigin(store.Origin{Installation: b.Epoch.Installation.String(), Epoch: b.Epoch.ID.String()})
	return b, nil, nil
}

// OpenEvents opens a ledger and creates it if it is missing.
func OpenEvents(ctx context.Context, at engine.Endpoint, dataDir string, logger *slog.Logger) (eventstore.Store, error) {
	return at.Engine.OpenEvents(ctx, at, dataDir, logger)
}

// OpenKeys opens a database of keys and creates it if it is missing.
func OpenKeys(ctx context.Context, at engine.Endpoint, dataDir string, logger *slog.Logger) (*keyring.Database, error) {
	return at.Engine.OpenKeys(ctx, at, dataDir, logger)
}

// OpenLedger opens a ledger read-only while others may write to it. It creates and upgrades nothing.
func OpenLedger(ctx context.Context, at engine.Endpoint, dataDir string) (engine.Ledger, error) {
	if err := RequireLedger(at, dataDir); err != nil {
		return nil, err
	}
	return at.Engine.OpenLedger(ctx, at, dataDir)
}

// RequireLedger returns an error if there is no ledger. Only one in a file can be missing.
func RequireLedger(at engine.Endpoint, dataDir string) error {
	if at.Shared() {
		return nil
	}
	if _, err := os.Stat(at.File(dataDir)); err != nil {
		return hint.New(fmt.Errorf("there is no ledger in %s", engine.Absolute(dirOf(at, dataDir))),
			"name the server's data directory with --data-dir")
	}
	return nil
}

// withDoctorHint adds a hint to the error of a database that cannot be opened.
func withDoctorHint(setting engine.Part, err error) error {
	return hint.Default(err, "`licenseledger doctor` checks what the setting "+string(setting)+" names")
}

// openKeys opens the keys. They are beside the read models, so that all instances that share these share the keys. Nothing is created,
// neither a master key nor a key ring, before ledger and keys are known to belong together; mismatch says why they do not.
func (b *Backends) openKeys(ctx context.Context, s Settings, establish establish, logger *slog.Logger) (mismatch, err error) {
	if err := RequireKeysFile(ctx, s, b.Events); err != nil {
		return splitMismatch(err)
	}
	if b.KeysDB, err = OpenKeys(ctx, s.Keys, s.DataDir, logger); err != nil {
		return nil, withDoctorHint(engine.ReadModels, err)
	}
	b.closers = append(b.closers, b.KeysDB.Close)
	if b.Epoch, err = establish(ctx, b.Events, b.KeysDB, b.Registry, time.Now, NewID); err != nil {
		return splitMismatch(err)
	}
	var master keyring.MasterKey
	if s.MasterKey != "" {
		master, err = keyring.ParseMasterKey(s.MasterKey)
	} else {
		master, err = keyring.LoadOrCreateMasterKey(ctx, s.In(MasterKeyFile), b.KeysDB)
	}
	if err == nil {
		b.Keys, err = keyring.Open(ctx, keyring.Config{DB: b.KeysDB, Master: master, Random: rand.Reader, Now: time.Now})
		if err == nil || !errors.Is(err, keyring.ErrWrongMasterKey) {
			return nil, err
		}
	}
	return nil, hint.New(err, "set LICENSELEDGER_MASTER_KEY, or put the right "+MasterKeyFile+" (mode 0600) into the data directory")
}

// Close closes what was opened, last first.
func (b *Backends) Close() error {
	var all error
	for i := len(b.closers) - 1; i >= 0; i-- {
		all = errors.Join(all, b.closers[i]())
	}
	b.closers = nil
	return all
}

// Projectors returns the projectors of all projections.
func (b *Backends) Projectors() []runtime.Projector {
	return projections.All(runtime.PersonalData{Unsealer: b.Keys, KeyGone: keyring.ErrKeyGone, Unavailable: keyring.ErrUnavailable})
}

// lease is how long the owner of a projection may miss its heartbeats before another instance takes over. It is shorter than a query
// waits for its Ledger-Position.
const lease = 3 * time.Second

// StartProjections keeps all projections up to date, or those that no other instance owns; with standby none.
func (b *Backends) StartProjections(ctx context.Context, s Settings, standby bool, logger *slog.Logger) (*runtime.Runner, error) {
	c := runtime.Config{
		Store: b.Events, Registry: b.Registry, ReadModels: b.ReadModels, Projectors: b.Projectors(),
		Owner: ProcessName(), Now: time.Now, Logger: logger, Standby: standby,
	}
	if s.ReadModels.Shared() {
		c.Lease = lease
	}
	runner, err := runtime.Start(ctx, c)
	return runner, ExplainMismatch(err)
}

// ProcessName names this process among those that use one database.
func ProcessName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d/%s", host, os.Getpid(), uuid.NewString()[:8])
}

// NewID returns a time-ordered id, so that rows of the same time are stored together.
func NewID() uuid.UUID { return uuid.Must(uuid.NewV7()) }
