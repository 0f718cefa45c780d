// Package backup writes backups of an embedded ledger, and restores them.
package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/adminkey"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/inspect"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/version"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/keyring"
	"github.com/licenseledger/licenseledger/migrations"
)

// Report is what was backed up.
type Report struct {
	Folder string        `json:"folder"`
	Ledger Manifest      `json:"ledger"`
	Keys   *KeysManifest `json:"keys,omitempty"`
}

// Write backs up the ledger into a new folder, and the keys into another one unless its name is empty. The server may run.
func Write(ctx context.Context, c backends.Settings, dir, keysDir string, progress io.Writer) (report Report, err error) {
	if c.EventStore.Shared() {
		return report, hint.New(fmt.Errorf("the ledger is in %s, which has its own backups", c.EventStore),
			c.EventStore.Engine.BackupHint(c.EventStore.Namespace)+", or copy the ledger into a file: licenseledger ledger copy --to "+
				backends.File("PATH").Text)
	}
	if keysDir != "" && c.ReadModels.Shared() {
		return report, hint.New(fmt.Errorf("the keys are in %s, which has its own backups", c.ReadModels),
			c.Keys.Engine.BackupHint(c.Keys.Namespace)+", and store the master key elsewhere")
	}
	if err := rejectNested(dir, keysDir); err != nil {
		return report, err
	}
	if err := backends.RequireLedger(c.EventStore, c.DataDir); err != nil {
		return report, err
	}
	ledger, err := newAtomicDir(dir)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, ledger.discard()) }()
	now := time.Now().UTC().Truncate(time.Second)
	if report.Ledger, err = backupLedger(ctx, c, ledger, now, progress); err != nil {
		return report, err
	}
	// The keys come second: whatever the copied events need is among them.
	if keysDir != "" {
		keys, err := newAtomicDir(keysDir)
		if err != nil {
			return report, err
		}
		defer func() { err = errors.Join(err, keys.discard()) }()
		if report.Keys, err = backupKeys(ctx, c, keys, now); err != nil {
			return report, err
		}
		if err := keys.publish(); err != nil {
			return report, err
		}
	}
	report.Folder = ledger.path
	return report, ledger.publish()
}

// rejectNested returns an error if one of the folders would be in the other.
func rejectNested(dir, keysDir string) error {
	if keysDir == "" {
		return nil
	}
	a, errA := filepath.Abs(dir)
	b, errB := filepath.Abs(keysDir)
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	separator := string(filepath.Separator)
	if strings.HasPrefix(a+separator, b+separator) || strings.HasPrefix(b+separator, a+separator) {
		return hint.New(errors.New("the keys must not be in the same place as the ledger"),
			"choose a folder for the keys that neither contains the other nor is in it")
	}
	return nil
}

func backupLedger(ctx context.Context, c backends.Settings, to *atomicDir, now time.Time, progress io.Writer) (Manifest, error) {
	file := to.in(LedgerFile)
	if err := c.EventStore.Engine.BackupLedger(ctx, c.EventStore, c.DataDir, file); err != nil {
		return Manifest{}, err
	}
	if err := errors.Join(os.Chmod(file, 0o600), syncPath(file)); err != nil {
		return Manifest{}, fmt.Errorf("back up the ledger: %w", err)
	}
	at := backends.File(file)
	summary, err := inspect.VerifyCopy(ctx, at, "", "reading the copy", progress)
	if err != nil {
		return Manifest{}, fmt.Errorf("read the copy: %w", err)
	}
	schema, _, err := backends.TablesVersion(ctx, at, "", migrations.Ledger)
	if err != nil {
		return Manifest{}, err
	}
	epoch, err := epochAt(ctx, at)
	if err != nil {
		return Manifest{}, err
	}
	m := Manifest{
		Format: manifestFormat, MadeAt: now, Program: version.Current().Version, Schema: schema,
		Events: summary.Events, Streams: summary.Streams, Head: uint64(summary.Head), Digest: summary.Digest,
		Installation: inspect.OptionalID(epoch.Installation), Epoch: inspect.OptionalID(epoch.ID),
	}
	return m, writeManifest(to.in(manifestFile), m)
}

// epochAt reads the epoch of the ledger at an endpoint; the zero Epoch when it has none.
func epochAt(ctx context.Context, at engine.Endpoint) (_ eventstore.Epoch, err error) {
	ledger, err := backends.OpenLedger(ctx, at, "")
	if err != nil {
		return eventstore.Epoch{}, err
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	epochs, err := ledger.Epochs(ctx)
	return eventstore.Current(epochs), err
}

// backupKeys copies the keys and those of the secret files that exist.
func backupKeys(ctx context.Context, c backends.Settings, to *atomicDir, now time.Time) (*KeysManifest, error) {
	m := &KeysManifest{Format: manifestFormat, MadeAt: now, Program: version.Current().Version, Files: map[string]string{}}
	temp := to.in("copy-of-" + backends.KeysFile)
	if err := c.Keys.Engine.BackupKeys(ctx, c.Keys, c.DataDir, temp); err != nil {
		return nil, err
	}
	digest, err := copyFile(temp, to.in(backends.KeysFile))
	if err != nil {
		return nil, err
	}
	m.Files[backends.KeysFile] = digest
	witness, err := witnessIn(ctx, temp)
	if err != nil {
		return nil, err
	}
	m.Installation = inspect.OptionalID(witness.Installation)
	if err := os.Remove(temp); err != nil {
		return nil, err
	}
	for _, name := range []string{backends.MasterKeyFile, adminkey.File} {
		digest, err := copyFile(c.In(name), to.in(name))
		if errors.Is(err, os.ErrNotExist) {
			continue // it is in the configuration
		}
		if err != nil {
			return nil, err
		}
		m.Files[name] = digest
	}
	return m, writeManifest(to.in(manifestFile), m)
}

// witnessIn reads what the keys in a file know of their ledger.
func witnessIn(ctx context.Context, file string) (_ keyring.Witness, err error) {
	at := backends.File(engine.Absolute(file))
	db, err := at.Engine.OpenTables(at, "")
	if err != nil {
		return keyring.Witness{}, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	keys, err := keyring.Inspect(ctx, db, at.Engine.Dialect)
	if err != nil {
		return keyring.Witness{}, err
	}
	return keys.Witness(ctx)
}
