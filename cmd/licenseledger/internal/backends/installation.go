package backends

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/installation"
	"github.com/licenseledger/licenseledger/keyring"
	"github.com/licenseledger/licenseledger/migrations"
	"github.com/licenseledger/licenseledger/readmodels/catalog"
)

// ExamineInstallation compares a ledger with the keys, which are only read.
func ExamineInstallation(ctx context.Context, s Settings, ledger installation.Ledger) (found installation.Findings, err error) {
	if IsMissing(s.Keys, s.DataDir) {
		return installation.Examine(ctx, ledger, noKeys{}, domain.Events())
	}
	db, err := s.Keys.Engine.OpenTables(s.Keys, s.DataDir)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	keys, err := keyring.Inspect(ctx, db, s.Keys.Engine.Dialect)
	if errors.Is(err, migrations.ErrNoDatabase) {
		return installation.Examine(ctx, ledger, noKeys{}, domain.Events())
	}
	if err != nil {
		return found, err
	}
	return installation.Examine(ctx, ledger, keys, domain.Events())
}

// IsMissing reports whether an endpoint is a file that does not exist.
func IsMissing(at engine.Endpoint, dataDir string) bool {
	if at.Shared() {
		return false
	}
	_, err := os.Stat(at.File(dataDir))
	return errors.Is(err, os.ErrNotExist)
}

// RequireLedgerFile returns an error if the ledger's file is missing and there are keys of a ledger. The ledger must be somewhere else
// then, and creating one would hide the mistake.
func RequireLedgerFile(ctx context.Context, s Settings) error {
	if !IsMissing(s.EventStore, s.DataDir) {
		return nil
	}
	_, err := ExamineInstallation(ctx, s, NoLedger{})
	if IsMismatch(err) {
		return err
	}
	return nil // opening the keys reports other errors
}

// RequireKeysFile returns an error if the file of the keys is missing and the ledger has events. The keys must be somewhere else then.
func RequireKeysFile(ctx context.Context, s Settings, events eventstore.Store) error {
	if !IsMissing(s.Keys, s.DataDir) {
		return nil
	}
	head, err := events.Head(ctx)
	if err == nil && head > 0 {
		err = fmt.Errorf("%w: %s does not exist", installation.ErrKeysMissing, engine.Absolute(s.Keys.File(s.DataDir)))
	}
	return err
}

// RequireSigningKeys returns an error if the keys are older than the ledger, as far as the catalogue can show that.
func (b *Backends) RequireSigningKeys(ctx context.Context) error {
	named, err := catalog.New(b.ReadModels).SigningKeyIDs(ctx)
	if err != nil {
		return err
	}
	held, err := b.KeysDB.SigningKeyIDs(ctx)
	if err != nil {
		return err
	}
	for _, id := range named {
		if !held[id] {
			return ExplainMismatch(fmt.Errorf("%w: signing key %s", installation.ErrKeysIncomplete, id))
		}
	}
	return nil
}

// AdvanceWitness stores the ledger's head with the keys.
func (b *Backends) AdvanceWitness(ctx context.Context) error {
	return installation.Advance(ctx, b.Events, b.KeysDB, b.Epoch)
}

// noKeys is a database of keys that does not exist yet.
type noKeys struct{}

func (noKeys) HoldsKeys(context.Context) (bool, error)               { return false, nil }
func (noKeys) HoldsSigningKey(context.Context, string) (bool, error) { return false, nil }
func (noKeys) SigningKeys(context.Context) (int, error)              { return 0, nil }
func (noKeys) Witness(context.Context) (keyring.Witness, error)      { return keyring.Witness{}, nil }

// NoLedger is a ledger that does not exist yet.
type NoLedger struct{}

// Head implements [engine.Ledger].
func (NoLedger) Head(context.Context) (event.Position, error) { return 0, nil }

// Epochs implements [engine.Ledger].
func (NoLedger) Epochs(context.Context) ([]eventstore.Epoch, error) { return nil, nil }

// ReadAll implements [engine.Ledger].
func (NoLedger) ReadAll(context.Context, event.Position) iter.Seq2[event.Envelope, error] {
	return func(func(event.Envelope, error) bool) {}
}

// ReadEvent implements [engine.Ledger].
func (NoLedger) ReadEvent(context.Context, event.Position) (event.Envelope, error) {
	return event.Envelope{}, eventstore.ErrEventNotFound
}

// Close implements [engine.Ledger].
func (NoLedger) Close() error { return nil }
