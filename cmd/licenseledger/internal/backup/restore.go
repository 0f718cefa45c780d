package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/adminkey"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/inspect"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/installation"
	"github.com/licenseledger/licenseledger/migrations"
)

// RestoreReport is what was restored.
type RestoreReport struct {
	DataDir string    `json:"data_dir"`
	Ledger  Manifest  `json:"ledger"`
	Epoch   uuid.UUID `json:"epoch"` // the new one
	Keys    []string  `json:"keys"`  // names of files
}

// restoring begins the names of incomplete files.
const restoring = ".restoring-"

// Restore copies a backup of the ledger, and one of the keys unless its name is empty, into an empty data directory.
func Restore(ctx context.Context, c backends.Settings, dir, keysDir string, progress io.Writer) (report RestoreReport, err error) {
	if c.EventStore.Shared() {
		return report, hint.New(fmt.Errorf("the ledger is configured to be in %s", c.EventStore),
			"restore its own backup, or copy: licenseledger ledger copy --from "+backends.File(filepath.Join(dir, LedgerFile)).Text)
	}
	if keysDir != "" && c.ReadModels.Shared() {
		return report, hint.New(fmt.Errorf("the keys are configured to be in %s", c.ReadModels),
			"restore its own backup, or copy: licenseledger keys copy --from "+backends.File(filepath.Join(keysDir, backends.KeysFile)).Text)
	}
	if err := c.MakeDataDir(); err != nil {
		return report, err
	}
	unlock, err := backends.LockFolder(c.DataDir)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := requireEmpty(c); err != nil {
		return report, err
	}
	files, err := backedUp(ctx, c, dir, keysDir, &report, progress)
	if err != nil {
		return report, err
	}
	if err := files.copyIn(); err != nil {
		return report, errors.Join(err, files.discard())
	}
	at := backends.File(files[len(files)-1].tempPath())
	summary, err := inspect.VerifyCopy(ctx, at, "", "reading the restored ledger", progress)
	if err == nil {
		err = report.Ledger.matches(summary)
	}
	if err != nil {
		return report, errors.Join(fmt.Errorf("the restored ledger: %w", err), files.discard())
	}
	if err := beginRestored(ctx, files[len(files)-1].tempPath(), &report); err != nil {
		return report, errors.Join(fmt.Errorf("the restored ledger: %w", err), files.discard())
	}
	if err := files.publish(); err != nil {
		return report, err
	}
	report.DataDir = engine.Absolute(c.DataDir)
	return report, nil
}

// beginRestored begins a new epoch of a restored ledger: positions after its end are used again. A ledger of a version
// without epochs gets its first one at the next start.
func beginRestored(ctx context.Context, file string, report *RestoreReport) (err error) {
	if report.Ledger.Epoch == nil {
		return nil
	}
	ledger, err := backends.OpenEvents(ctx, backends.File(file), "", slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ledger.Close(), syncPath(file)) }()
	epochs, err := ledger.Epochs(ctx)
	if err != nil {
		return err
	}
	before := eventstore.Current(epochs)
	report.Epoch = backends.NewID()
	return ledger.BeginEpoch(ctx, before.ID, eventstore.Epoch{
		Installation: before.Installation, ID: report.Epoch, After: event.Position(report.Ledger.Head),
		BeganAt: time.Now().UTC().Truncate(time.Microsecond), Reason: eventstore.EpochRestored,
	})
}

// requireEmpty returns an error unless the data directory is empty. It removes what an interrupted restore left there.
func requireEmpty(c backends.Settings) error {
	entries, err := os.ReadDir(c.DataDir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch {
		case e.Name() == backends.LockFile:
		case strings.HasPrefix(e.Name(), restoring):
			if err := os.Remove(c.In(e.Name())); err != nil {
				return err
			}
		default:
			return hint.New(fmt.Errorf("%s is not empty: it contains %s", engine.Absolute(c.DataDir), e.Name()),
				"nothing is overwritten: name a new folder with --data-dir")
		}
	}
	if _, err := os.Stat(c.EventStore.File(c.DataDir)); err == nil {
		return fmt.Errorf("%s exists already", c.EventStore.File(c.DataDir))
	}
	return nil
}

// backedUp lists what is to be copied, the ledger last, and checks that the backups are complete.
func backedUp(ctx context.Context, c backends.Settings, dir, keysDir string, report *RestoreReport, progress io.Writer,
) (restoredFiles, error) {
	if err := readManifest(dir, &report.Ledger); err != nil {
		return nil, err
	}
	backedUp := filepath.Join(dir, LedgerFile)
	at := backends.File(engine.Absolute(backedUp))
	summary, err := inspect.VerifyCopy(ctx, at, "", "reading the backup", progress)
	if err == nil {
		err = report.Ledger.matches(summary)
	}
	if errors.Is(err, migrations.ErrNewerDatabase) {
		return nil, fmt.Errorf("read the backup: %w", err)
	}
	if err != nil {
		return nil, hint.New(fmt.Errorf("the backup is damaged: %w", err), "take another backup")
	}
	var files restoredFiles
	report.Keys = []string{}
	if keysDir != "" {
		var keys KeysManifest
		if err := readManifest(keysDir, &keys); err != nil {
			return nil, err
		}
		if a, b := report.Ledger.Installation, keys.Installation; a != nil && b != nil && *a != *b {
			return nil, backends.ExplainMismatch(fmt.Errorf("%w: the backup of the ledger is that of %s, the backup of the keys that of %s",
				installation.ErrOtherInstallation, *a, *b))
		}
		for _, name := range []string{backends.KeysFile, backends.MasterKeyFile, adminkey.File} {
			if digest, found := keys.Files[name]; found {
				files = append(files, restoredFile{from: filepath.Join(keysDir, name), to: c.In(name), digest: digest})
				report.Keys = append(report.Keys, name)
			}
		}
		if !slices.Contains(report.Keys, backends.KeysFile) {
			return nil, fmt.Errorf("%s contains no %s: it is not a backup of keys", keysDir, backends.KeysFile)
		}
	}
	return append(files, restoredFile{from: backedUp, to: c.EventStore.File(c.DataDir)}), nil
}

type restoredFile struct{ from, to, digest string }

// tempPath is where the file is until all are complete.
func (f restoredFile) tempPath() string {
	return engine.Absolute(filepath.Join(filepath.Dir(f.to), restoring+filepath.Base(f.to)))
}

type restoredFiles []restoredFile

func (all restoredFiles) copyIn() error {
	for _, f := range all {
		digest, err := copyFile(f.from, f.tempPath())
		if err != nil {
			return err
		}
		if f.digest != "" && digest != f.digest {
			return hint.New(fmt.Errorf("%s is not what its manifest says", f.from), "take another backup")
		}
	}
	return nil
}

// publish renames the files to their names, the ledger last.
func (all restoredFiles) publish() error {
	for _, f := range all {
		if err := os.Rename(f.tempPath(), f.to); err != nil {
			return err
		}
		if err := syncPath(filepath.Dir(f.to)); err != nil {
			return err
		}
	}
	return nil
}

func (all restoredFiles) discard() error {
	var failed error
	for _, f := range all {
		if err := os.Remove(f.tempPath()); err != nil && !errors.Is(err, os.ErrNotExist) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}
