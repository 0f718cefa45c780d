package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/sqlite"
	"github.com/licenseledger/licenseledger/installation"
	"github.com/licenseledger/licenseledger/migrations"
)

func newRestoreCommand() *cobra.Command {
	var keysDir string
	var asJSON bool
	command := &cobra.Command{
		Use:   "restore DIR",
		Short: "Bring a backup back into an empty data directory",
		Long: "Copy a backup of the ledger, and with --keys one of the keys, into an empty data directory. The ledger is read before and\n" +
			"after, and must be the one of its manifest both times. It begins a new epoch: consumers of the feed are told that positions\n" +
			"after its end are used again. The next start of the server derives the read models.\n\n" + aboutKeys,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := configOf(cmd)
			if err != nil {
				return err
			}
			report, err := restore(cmd.Context(), c, args[0], keysDir, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), report)
			}
			return report.print(cmd.OutOrStdout())
		},
	}
	command.Flags().StringVar(&keysDir, "keys", "", "folder that `backup --keys` made")
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return command
}

// restoreReport is what was brought back.
type restoreReport struct {
	DataDir string    `json:"data_dir"`
	Ledger  manifest  `json:"ledger"`
	Epoch   uuid.UUID `json:"epoch"` // the new one
	Keys    []string  `json:"keys"`  // names of files
}

// restoring begins the names of files that are not whole yet.
const restoring = ".restoring-"

func restore(ctx context.Context, c config, dir, keysDir string, progress io.Writer) (report restoreReport, err error) {
	if c.EventStore.shared() {
		return report, &advice{fmt.Errorf("the ledger is configured to be in %s", c.EventStore),
			"bring back its own backup, or copy: licenseledger ledger copy --from sqlite:" + filepath.Join(dir, backupLedgerFile)}
	}
	if keysDir != "" && c.ReadModels.shared() {
		return report, &advice{fmt.Errorf("the keys are configured to be in %s", c.ReadModels),
			"bring back its own backup, or copy: licenseledger keys copy --from sqlite:" + filepath.Join(keysDir, keysFile)}
	}
	if err := c.makeDataDir(); err != nil {
		return report, err
	}
	unlock, err := lockFolder(c.DataDir)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := c.requireEmpty(); err != nil {
		return report, err
	}
	files, err := c.backedUp(ctx, dir, keysDir, &report, progress)
	if err != nil {
		return report, err
	}
	if err := files.bringBack(); err != nil {
		return report, errors.Join(err, files.abandon())
	}
	at, _ := parseLocation("sqlite:"+files[len(files)-1].aside(), engineSQLite)
	summary, err := verifyCopy(ctx, at, "", "reading the restored ledger", progress)
	if err == nil {
		err = report.Ledger.is(summary)
	}
	if err != nil {
		return report, errors.Join(fmt.Errorf("the restored ledger: %w", err), files.abandon())
	}
	if err := beginRestored(ctx, files[len(files)-1].aside(), &report); err != nil {
		return report, errors.Join(fmt.Errorf("the restored ledger: %w", err), files.abandon())
	}
	if err := files.publish(); err != nil {
		return report, err
	}
	report.DataDir, _ = filepath.Abs(c.DataDir)
	return report, nil
}

// beginRestored begins a new epoch of a restored ledger: positions after its end are used again. A ledger of a version that knew no epochs
// gets its first one at the next start.
func beginRestored(ctx context.Context, file string, report *restoreReport) (err error) {
	if report.Ledger.Epoch == nil {
		return nil
	}
	ledger, err := sqlite.Open(ctx, file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ledger.Close(), syncPath(file)) }()
	epochs, err := ledger.Epochs(ctx)
	if err != nil {
		return err
	}
	before := eventstore.Current(epochs)
	report.Epoch = newID()
	return ledger.BeginEpoch(ctx, before.ID, eventstore.Epoch{
		Installation: before.Installation, ID: report.Epoch, After: event.Position(report.Ledger.Head),
		BeganAt: time.Now().UTC().Truncate(time.Microsecond), Reason: eventstore.EpochRestored,
	})
}

// requireEmpty refuses a data directory with anything in it, and removes what a restore that was broken off left there.
func (c config) requireEmpty() error {
	entries, err := os.ReadDir(c.DataDir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch {
		case e.Name() == lockFile:
		case strings.HasPrefix(e.Name(), restoring):
			if err := os.Remove(c.in(e.Name())); err != nil {
				return err
			}
		default:
			absolute, _ := filepath.Abs(c.DataDir)
			return &advice{fmt.Errorf("%s is not empty: it holds %s", absolute, e.Name()), "nothing is overwritten: name a new folder with --data-dir"}
		}
	}
	if _, err := os.Stat(c.EventStore.file(c.DataDir)); err == nil {
		return fmt.Errorf("%s exists already", c.EventStore.file(c.DataDir))
	}
	return nil
}

// backedUp lists what is to be copied, the ledger last, and checks that the backups are whole.
func (c config) backedUp(ctx context.Context, dir, keysDir string, report *restoreReport, progress io.Writer) (restoredFiles, error) {
	if err := readManifest(dir, &report.Ledger); err != nil {
		return nil, err
	}
	backedUp := filepath.Join(dir, backupLedgerFile)
	at, _ := parseLocation("sqlite:"+absolute(backedUp), engineSQLite)
	summary, err := verifyCopy(ctx, at, "", "reading the backup", progress)
	if err == nil {
		err = report.Ledger.is(summary)
	}
	if errors.Is(err, migrations.ErrNewerDatabase) {
		return nil, fmt.Errorf("read the backup: %w", err)
	}
	if err != nil {
		return nil, &advice{fmt.Errorf("the backup is damaged: %w", err), "take another backup"}
	}
	var files restoredFiles
	report.Keys = []string{}
	if keysDir != "" {
		var keys keysManifest
		if err := readManifest(keysDir, &keys); err != nil {
			return nil, err
		}
		if a, b := report.Ledger.Installation, keys.Installation; a != nil && b != nil && *a != *b {
			return nil, misfit(fmt.Errorf("%w: the backup of the ledger is that of %s, the backup of the keys that of %s", installation.ErrOtherInstallation, *a, *b))
		}
		for _, name := range []string{keysFile, masterKeyFile, adminKeyFile} {
			if digest, found := keys.Files[name]; found {
				files = append(files, restoredFile{from: filepath.Join(keysDir, name), to: c.in(name), digest: digest})
				report.Keys = append(report.Keys, name)
			}
		}
		if !slices.Contains(report.Keys, keysFile) {
			return nil, fmt.Errorf("%s holds no %s: it is no backup of keys", keysDir, keysFile)
		}
	}
	return append(files, restoredFile{from: backedUp, to: c.EventStore.file(c.DataDir)}), nil
}

func absolute(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

type restoredFile struct{ from, to, digest string }

// aside is what the file is called until all are whole.
func (f restoredFile) aside() string {
	return absolute(filepath.Join(filepath.Dir(f.to), restoring+filepath.Base(f.to)))
}

type restoredFiles []restoredFile

func (all restoredFiles) bringBack() error {
	for _, f := range all {
		digest, err := copyFile(f.from, f.aside())
		if err != nil {
			return err
		}
		if f.digest != "" && digest != f.digest {
			return &advice{fmt.Errorf("%s is not what its manifest says", f.from), "take another backup"}
		}
	}
	return nil
}

// publish gives the files their names, the ledger last.
func (all restoredFiles) publish() error {
	for _, f := range all {
		if err := os.Rename(f.aside(), f.to); err != nil {
			return err
		}
		if err := syncPath(filepath.Dir(f.to)); err != nil {
			return err
		}
	}
	return nil
}

func (all restoredFiles) abandon() error {
	var failed error
	for _, f := range all {
		if err := os.Remove(f.aside()); err != nil && !errors.Is(err, os.ErrNotExist) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

func (r restoreReport) print(out io.Writer) error {
	keys := "not restored: put " + keysFile + " and the master key into the data directory before the first start"
	if len(r.Keys) > 0 {
		keys = strings.Join(r.Keys, ", ")
	}
	return printTable(out, []string{"RESTORED", r.DataDir}, [][]string{
		{"backup of", r.Ledger.MadeAt.Format(time.RFC3339)}, {"events", fmt.Sprint(r.Ledger.Events)}, {"head", fmt.Sprint(r.Ledger.Head)},
		{"digest", r.Ledger.Digest}, {"keys", keys}, {"read models", "the next start of the server derives them"},
	})
}
