package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/sqlite"
	"github.com/licenseledger/licenseledger/keyring"
	"github.com/licenseledger/licenseledger/migrations"
)

// aboutKeys is why ledger and keys are kept apart.
const aboutKeys = "Keys are never put beside the ledger. In the ledger personal data is sealed; whoever has both backups can read everything and\n" +
	"sign certificates. Keep them in different places, with different people. Without the keys a restored ledger cannot validate\n" +
	"licence keys or show names. And a backup of keys brings back whom you erased after it: keep few, and not for long."

func newBackupCommand() *cobra.Command {
	var keysDir string
	var asJSON bool
	command := &cobra.Command{
		Use:   "backup DIR",
		Short: "Back up the embedded ledger while the server runs",
		Long: "Write the ledger, as it is at one moment, and a manifest into a new folder. The server may run and goes on writing. The copy is\n" +
			"read back before the folder gets its name, so a folder of that name is a whole backup; nothing is ever overwritten. Read models\n" +
			"are not part of it: they are derived again.\n\n" + aboutKeys,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := configOf(cmd)
			if err != nil {
				return err
			}
			report, err := backup(cmd.Context(), c, args[0], keysDir, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), report)
			}
			return report.print(cmd.OutOrStdout())
		},
	}
	command.Flags().StringVar(&keysDir, "keys", "", "another new folder for the keys: "+keysFile+", "+masterKeyFile+" and "+adminKeyFile+", as far as they are files")
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return command
}

// backupReport is what was backed up.
type backupReport struct {
	Folder string        `json:"folder"`
	Ledger manifest      `json:"ledger"`
	Keys   *keysManifest `json:"keys,omitempty"`
}

func backup(ctx context.Context, c config, dir, keysDir string, progress io.Writer) (report backupReport, err error) {
	if c.EventStore.shared() {
		return report, &advice{fmt.Errorf("the ledger is in %s, which has its own backups", c.EventStore),
			"use what belongs to it, such as base backups or pg_dump, or copy the ledger into a file: licenseledger ledger copy --to sqlite:PATH"}
	}
	if keysDir != "" && c.ReadModels.shared() {
		return report, &advice{fmt.Errorf("the keys are in %s, which has its own backups", c.ReadModels),
			"use pg_dump --schema " + c.Keys.schema + ", and keep the master key elsewhere"}
	}
	if err := apart(dir, keysDir); err != nil {
		return report, err
	}
	if err := c.existing(); err != nil {
		return report, err
	}
	ledger, err := beginFolder(dir)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, ledger.abandon()) }()
	now := time.Now().UTC().Truncate(time.Second)
	if report.Ledger, err = backupLedger(ctx, c, ledger, now, progress); err != nil {
		return report, err
	}
	// The keys come second: whatever the copied events need is among them.
	if keysDir != "" {
		keys, err := beginFolder(keysDir)
		if err != nil {
			return report, err
		}
		defer func() { err = errors.Join(err, keys.abandon()) }()
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

// apart refuses to put keys and ledger in one place.
func apart(dir, keysDir string) error {
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
		return &advice{errors.New("the keys must not be in one place with the ledger"), "choose a folder for the keys that neither holds the other nor is in it"}
	}
	return nil
}

func backupLedger(ctx context.Context, c config, to *newFolder, now time.Time, progress io.Writer) (manifest, error) {
	file := to.in(backupLedgerFile)
	if err := sqlite.Backup(ctx, c.EventStore.file(c.DataDir), file); err != nil {
		return manifest{}, err
	}
	if err := errors.Join(os.Chmod(file, 0o600), syncPath(file)); err != nil {
		return manifest{}, fmt.Errorf("back up the ledger: %w", err)
	}
	at, _ := parseLocation("sqlite:"+file, engineSQLite)
	summary, err := verifyCopy(ctx, at, "", "reading the copy", progress)
	if err != nil {
		return manifest{}, fmt.Errorf("read the copy: %w", err)
	}
	schema, _, err := versionOf(ctx, at, "", migrations.SQLite, migrations.Ledger)
	if err != nil {
		return manifest{}, err
	}
	epoch, err := epochAt(ctx, at)
	if err != nil {
		return manifest{}, err
	}
	m := manifest{
		Format: manifestFormat, MadeAt: now, Program: programVersion(), Schema: schema,
		Events: summary.Events, Streams: summary.Streams, Head: uint64(summary.Head), Digest: summary.Digest,
		Installation: given(epoch.Installation), Epoch: given(epoch.ID),
	}
	return m, writeManifest(to.in(manifestFile), m)
}

// epochAt reads the epoch of the ledger at a location; the zero Epoch when it has none.
func epochAt(ctx context.Context, at location) (_ eventstore.Epoch, err error) {
	ledger, err := openLedger(ctx, at, "")
	if err != nil {
		return eventstore.Epoch{}, err
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	epochs, err := ledger.Epochs(ctx)
	return eventstore.Current(epochs), err
}

// backupKeys copies the keys and those of the secret files that exist.
func backupKeys(ctx context.Context, c config, to *newFolder, now time.Time) (*keysManifest, error) {
	m := &keysManifest{Format: manifestFormat, MadeAt: now, Program: programVersion(), Files: map[string]string{}}
	aside := to.in("copy-of-" + keysFile)
	if err := keyring.BackupSQLite(ctx, c.in(keysFile), aside); err != nil {
		return nil, err
	}
	digest, err := copyFile(aside, to.in(keysFile))
	if err != nil {
		return nil, err
	}
	m.Files[keysFile] = digest
	witness, err := witnessIn(ctx, aside)
	if err != nil {
		return nil, err
	}
	m.Installation = given(witness.Installation)
	if err := os.Remove(aside); err != nil {
		return nil, err
	}
	for _, name := range []string{masterKeyFile, adminKeyFile} {
		digest, err := copyFile(c.in(name), to.in(name))
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

// witnessIn reads what the keys in a file remember of their ledger.
func witnessIn(ctx context.Context, file string) (_ keyring.Witness, err error) {
	at, _ := parseLocation("sqlite:"+absolute(file), engineSQLite)
	db, err := openTables(at, "")
	if err != nil {
		return keyring.Witness{}, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	keys, err := keyring.Inspect(ctx, db, migrations.SQLite)
	if err != nil {
		return keyring.Witness{}, err
	}
	return keys.Witness(ctx)
}

func (r backupReport) print(out io.Writer) error {
	rows := [][]string{
		{"events", fmt.Sprint(r.Ledger.Events)}, {"head", fmt.Sprint(r.Ledger.Head)}, {"digest", r.Ledger.Digest},
	}
	keys := "not backed up (--keys)"
	if r.Keys != nil {
		keys = "in their own folder, with " + masterKeyFile
		if r.Keys.Files[masterKeyFile] == "" {
			keys = "in their own folder; the master key is in the configuration: keep it safe as well"
		}
	}
	return printTable(out, []string{"BACKUP", r.Folder}, append(rows, []string{"keys", keys}))
}
