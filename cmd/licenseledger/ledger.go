package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/eventstoredb"
	"github.com/licenseledger/licenseledger/eventstore/postgres"
	"github.com/licenseledger/licenseledger/eventstore/sqlite"
	"github.com/licenseledger/licenseledger/installation"
	"github.com/licenseledger/licenseledger/keyring"
	"github.com/licenseledger/licenseledger/projections"
	"github.com/licenseledger/licenseledger/projections/runtime"
	"github.com/licenseledger/licenseledger/readmodels"
)

// The files in the data directory whose names are not configured.
const (
	keysFile      = "keys.db"    // secrets, sealed, beside read models in SQLite; never in a backup of the ledger
	masterKeyFile = "master.key" // opens the keys
	lockFile      = "lock"       // held by the one process that works on the directory
)

// stores are the opened parts of one ledger: its events, its read models, its keys.
type stores struct {
	events     eventstore.Store
	readModels *readmodels.DB
	keys       *keyring.Keyring
	keysDB     *keyring.Database
	epoch      eventstore.Epoch // of the ledger
	registry   *event.Registry
	closers    []func() error // in the order of opening
}

// openStores opens what is configured, making what is missing. What lies in files is opened for this process alone. Parts that do not belong
// together are refused.
func openStores(ctx context.Context, c config, logger *slog.Logger) (*stores, error) {
	s, unfit, err := openParts(ctx, c, logger, installation.Establish)
	if err == nil && unfit != nil {
		err = errors.Join(misfit(unfit), s.Close())
	}
	if err != nil {
		return nil, err
	}
	logger.InfoContext(ctx, "ledger and keys belong together", "installation", s.epoch.Installation, "epoch", s.epoch.ID)
	if err := installation.Bind(ctx, s.events, s.keysDB, s.epoch); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// openToCheck opens what is configured to look into it; unfit says why ledger and keys do not belong together. Without keys only the ledger is
// open then.
func openToCheck(ctx context.Context, c config, logger *slog.Logger) (s *stores, unfit, err error) {
	return openParts(ctx, c, logger, func(ctx context.Context, ledger eventstore.Store, keys installation.Keys, events *event.Registry, _ installation.Now, _ installation.NewID) (eventstore.Epoch, error) {
		found, err := installation.Examine(ctx, ledger, keys, events)
		return found.Epoch, err
	})
}

type establish func(context.Context, eventstore.Store, installation.Keys, *event.Registry, installation.Now, installation.NewID) (eventstore.Epoch, error)

// openParts opens the ledger, and the keys and read models if establish finds that the keys belong to it; otherwise unfit says why not.
func openParts(ctx context.Context, c config, logger *slog.Logger, establish establish) (_ *stores, unfit, err error) {
	s := &stores{registry: domain.Events()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := c.makeDataDir(); err != nil {
		return nil, nil, err
	}
	if !c.EventStore.shared() || !c.ReadModels.shared() {
		if err := s.lock(c); err != nil {
			return nil, nil, err
		}
	}
	if err := requireLedgerFile(ctx, c); err != nil {
		return s, err, nil
	}
	if s.events, err = openEvents(ctx, c.EventStore, c.DataDir, logger); err != nil {
		return nil, nil, notOpened("eventstore", err)
	}
	s.closers = append(s.closers, s.events.Close)
	if unfit, err = s.openKeys(ctx, c, establish, logger); unfit != nil || err != nil {
		return s, unfit, err
	}
	if s.readModels, err = openReadModels(ctx, c, logger); err != nil {
		return nil, nil, err
	}
	s.closers = append(s.closers, s.readModels.Close)
	s.readModels.SetOrigin(readmodels.Origin{Installation: s.epoch.Installation.String(), Epoch: s.epoch.ID.String()})
	return s, nil, nil
}

// openEvents opens the ledger itself, the truth, making it if it is missing.
func openEvents(ctx context.Context, l location, dataDir string, logger *slog.Logger) (eventstore.Store, error) {
	switch l.engine {
	case engineSQLite:
		return sqlite.Open(ctx, l.file(dataDir), sqlite.Logger(logger))
	case enginePostgreSQL:
		return postgres.Open(ctx, l.text, postgres.Schema(l.schema), postgres.MaxConnections(cmp.Or(l.connections, postgres.DefaultConnections)), postgres.Logger(logger))
	case engineESDB:
		return eventstoredb.Open(ctx, l.text, eventstoredb.StreamPrefix(l.prefix), eventstoredb.Logger(logger))
	}
	return nil, fmt.Errorf("%w: %s", errNoEngine, l)
}

// errNoEngine says that the program cannot keep something there.
var errNoEngine = errors.New("there is no engine for this location")

// readableLedger is a ledger that is only read.
type readableLedger interface {
	installation.Ledger
	Close() error
}

// openLedger opens a ledger to be read, while others may be writing to it. Nothing is made and nothing upgraded.
func openLedger(ctx context.Context, l location, dataDir string) (readableLedger, error) {
	switch l.engine {
	case engineSQLite:
		if err := existing(l, dataDir); err != nil {
			return nil, err
		}
		return sqlite.OpenLedger(ctx, l.file(dataDir))
	case enginePostgreSQL:
		return postgres.OpenLedger(ctx, l.text, postgres.Schema(l.schema))
	}
	return openEvents(ctx, l, dataDir, slog.New(slog.DiscardHandler)) // opening makes nothing
}

// notOpened adds what to do about a database that cannot be opened.
func notOpened(setting string, err error) error {
	var advised *advice
	if err == nil || errors.As(err, &advised) {
		return err
	}
	return &advice{err, "`licenseledger doctor` checks what the setting " + setting + " names"}
}

// openReadModels opens what is derived from the events at any time.
func openReadModels(ctx context.Context, c config, logger *slog.Logger) (*readmodels.DB, error) {
	if c.ReadModels.engine != enginePostgreSQL {
		db, err := readmodels.OpenSQLite(ctx, c.ReadModels.file(c.DataDir), readmodels.Logger(logger))
		return db, notOpened("readmodels", err)
	}
	options := []readmodels.PostgresOption{readmodels.Schema(c.ReadModels.schema), readmodels.MaxConnections(c.ReadModels.connections)}
	if c.Replica.text != "" {
		options = append(options, readmodels.Replica(c.Replica.text))
	}
	db, err := readmodels.OpenPostgres(ctx, c.ReadModels.text, options...)
	return db, notOpened("readmodels", err)
}

// errInUse says that another process works on the data directory.
var errInUse = errors.New("the data directory is in use by another licenseledger process")

// lock keeps other processes off the data directory.
func (s *stores) lock(c config) error {
	unlock, err := lockFolder(c.DataDir)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, unlock)
	return nil
}

// lockFolder takes the lock of a data directory. The operating system gives it back when the process ends, however it ends.
func lockFolder(dir string) (unlock func() error, err error) {
	lock := flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if !locked {
		absolute, _ := filepath.Abs(dir)
		return nil, &advice{fmt.Errorf("%w: %s", errInUse, absolute), "stop that process, or choose another --data-dir"}
	}
	return lock.Unlock, nil
}

// openKeys opens the keys, which are beside the read models so that whoever shares these shares the keys. Nothing is made, neither a master
// key nor a ring, before ledger and keys are known to belong together; unfit says why they do not.
func (s *stores) openKeys(ctx context.Context, c config, establish establish, logger *slog.Logger) (unfit, err error) {
	if err := s.requireKeysFile(ctx, c); err != nil {
		return fitOrNot(err)
	}
	if s.keysDB, err = openKeysAt(ctx, c.Keys, c.DataDir, logger); err != nil {
		return nil, notOpened("readmodels", err)
	}
	s.closers = append(s.closers, s.keysDB.Close)
	if s.epoch, err = establish(ctx, s.events, s.keysDB, s.registry, time.Now, newID); err != nil {
		return fitOrNot(err)
	}
	var master keyring.MasterKey
	if c.MasterKey != "" {
		master, err = keyring.ParseMasterKey(c.MasterKey)
	} else {
		master, err = keyring.LoadOrCreateMasterKey(ctx, c.in(masterKeyFile), s.keysDB)
	}
	if err == nil {
		s.keys, err = keyring.Open(ctx, keyring.Config{DB: s.keysDB, Master: master, Random: rand.Reader, Now: time.Now})
		if err == nil || !errors.Is(err, keyring.ErrWrongMasterKey) {
			return nil, err
		}
	}
	return nil, &advice{err, "set LICENSELEDGER_MASTER_KEY, or put the right " + masterKeyFile + " (mode 0600) into the data directory"}
}

// fitOrNot tells parts that do not belong together from other failures.
func fitOrNot(err error) (unfit, failed error) {
	if isMisfit(err) {
		return err, nil
	}
	return nil, err
}

// Close closes what was opened, last first.
func (s *stores) Close() error {
	var all error
	for i := len(s.closers) - 1; i >= 0; i-- {
		all = errors.Join(all, s.closers[i]())
	}
	s.closers = nil
	return all
}

func (s *stores) projectors() []runtime.Projector {
	return projections.All(runtime.PersonalData{Unsealer: s.keys, KeyGone: keyring.ErrKeyGone, Unavailable: keyring.ErrUnavailable})
}

// lease is how long the owner of a projection may be silent before another instance takes it over: shorter than a query waits for its
// Ledger-Position.
const lease = 3 * time.Second

// startProjections follows the ledger with all projections, or with those that no other instance keeps.
func (s *stores) startProjections(ctx context.Context, c config, logger *slog.Logger) (*runtime.Runner, error) {
	p := runtime.Config{
		Store: s.events, Registry: s.registry, ReadModels: s.readModels, Projectors: s.projectors(),
		Owner: owner(), Now: time.Now, Logger: logger, Standby: c.Role == roleAPI,
	}
	if c.ReadModels.shared() {
		p.Lease = lease
	}
	return runtime.Start(ctx, p)
}

// owner names this process where several might work on one database.
func owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d/%s", host, os.Getpid(), uuid.NewString()[:8])
}
