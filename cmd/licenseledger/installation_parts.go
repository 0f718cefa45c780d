package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"

	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/installation"
	"github.com/licenseledger/licenseledger/keyring"
	"github.com/licenseledger/licenseledger/migrations"
)

// examineInstallation compares a ledger with the keys, which are only looked into.
func examineInstallation(ctx context.Context, c config, ledger installation.Ledger) (found installation.Findings, err error) {
	at, dialect := c.Keys, migrations.SQLite
	if at.engine == enginePostgreSQL {
		dialect = migrations.PostgreSQL
	} else if isMissing(at, c.DataDir) {
		return installation.Examine(ctx, ledger, noKeys{}, domain.Events())
	}
	db, err := openTables(at, c.DataDir)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	keys, err := keyring.Inspect(ctx, db, dialect)
	if errors.Is(err, migrations.ErrNoDatabase) {
		return installation.Examine(ctx, ledger, noKeys{}, domain.Events())
	}
	if err != nil {
		return found, err
	}
	return installation.Examine(ctx, ledger, keys, domain.Events())
}

// isMissing reports whether a location is a file that does not exist.
func isMissing(l location, dataDir string) bool {
	if l.shared() {
		return false
	}
	_, err := os.Stat(l.file(dataDir))
	return errors.Is(err, os.ErrNotExist)
}

// requireLedgerFile refuses to make a ledger in a file where there are keys of one: the right one is somewhere else.
func requireLedgerFile(ctx context.Context, c config) error {
	if !isMissing(c.EventStore, c.DataDir) {
		return nil
	}
	_, err := examineInstallation(ctx, c, noLedger{})
	if isMisfit(err) {
		return err
	}
	return nil // what else is wrong with the keys is told when they are opened
}

// requireKeysFile refuses to make a file of keys beside a ledger that has events: the right one is somewhere else.
func (s *stores) requireKeysFile(ctx context.Context, c config) error {
	if !isMissing(c.Keys, c.DataDir) {
		return nil
	}
	head, err := s.events.Head(ctx)
	if err == nil && head > 0 {
		err = fmt.Errorf("%w: %s does not exist", installation.ErrKeysMissing, absolute(c.Keys.file(c.DataDir)))
	}
	return err
}

// requireSigningKeys refuses keys that are older than the ledger, as far as the catalogue can tell.
func (s *stores) requireSigningKeys(ctx context.Context) error {
	named, err := s.readModels.SigningKeyIDs(ctx)
	if err != nil {
		return err
	}
	held, err := s.keysDB.SigningKeyIDs(ctx)
	if err != nil {
		return err
	}
	for _, id := range named {
		if !held[id] {
			return misfit(fmt.Errorf("%w: signing key %s", installation.ErrKeysIncomplete, id))
		}
	}
	return nil
}

// advanceWitness has the keys remember how far the ledger has come.
func (s *stores) advanceWitness(ctx context.Context) error {
	return installation.Advance(ctx, s.events, s.keysDB, s.epoch)
}

// noKeys is a keys database that was not made yet.
type noKeys struct{}

func (noKeys) HoldsKeys(context.Context) (bool, error)               { return false, nil }
func (noKeys) HoldsSigningKey(context.Context, string) (bool, error) { return false, nil }
func (noKeys) SigningKeys(context.Context) (int, error)              { return 0, nil }
func (noKeys) Witness(context.Context) (keyring.Witness, error)      { return keyring.Witness{}, nil }

// noLedger is a ledger that was not made yet.
type noLedger struct{}

func (noLedger) Head(context.Context) (event.Position, error)       { return 0, nil }
func (noLedger) Epochs(context.Context) ([]eventstore.Epoch, error) { return nil, nil }
func (noLedger) ReadAll(context.Context, event.Position) iter.Seq2[event.Envelope, error] {
	return func(func(event.Envelope, error) bool) {}
}

func (noLedger) ReadEvent(context.Context, event.Position) (event.Envelope, error) {
	return event.Envelope{}, eventstore.ErrEventNotFound
}

func (noLedger) Close() error { return nil }
