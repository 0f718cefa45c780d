package scenarios_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/tests/support/process"
)

// restored is a data directory that holds a backup, with the same configuration otherwise.
func restored(t *testing.T, o process.Options, folder, keys string) process.Options {
	t.Helper()
	o.DataDir = filepath.Join(t.TempDir(), "restored")
	ran := run(t, o, "restore", folder, "--keys", keys)
	require.Zero(t, ran.Code, ran.Err)
	return o
}

func TestABackupThatIsMadeUnderLoadIsWholeAndComesBack(t *testing.T) {
	t.Parallel()
	server := newServer(t, embedded)
	v := newTenantClientOn(t, server, nil, nil)
	sold := v.customers("Ada Byron")["Ada Byron"]
	g := soldLedger{key: sold.Key, activated: v.activate(sold.Key, built("laptop", nil))}
	here := t.TempDir()
	finished := make(chan process.Ran, 3)
	go func() {
		defer close(finished)
		for n := range cap(finished) {
			ran, err := server.Options.Command(t.Context(), "backup", filepath.Join(here, fmt.Sprint("ledger-", n)), "--keys",
				filepath.Join(here, fmt.Sprint("keys-", n)))
			if err != nil {
				ran = process.Ran{Code: -1, Err: err.Error()}
			}
			finished <- ran
		}
	}()
	backups := 0
	for n := 0; backups < cap(finished); n++ {
		v.issue(object{"customer": object{"name": "Grace Hopper", "email": fmt.Sprintf("grace-%d@example.com", n)}})
		select {
		case ran := <-finished:
			require.Zero(t, ran.Code, ran.Out+ran.Err)
			backups++
		default:
		}
	}
	server.MustStop(t)
	for n := range backups {
		o := restored(t, server.Options, filepath.Join(here, fmt.Sprint("ledger-", n)), filepath.Join(here, fmt.Sprint("keys-", n)))
		if n == 0 {
			early := run(t, o, "fsck")
			require.NotZero(t, early.Code)
			require.Contains(t, early.Err, "start the server once", "there are no read models yet")
		}
		g.answersAsBefore(t, o)
	}
	for _, name := range []string{"ledger-0", "keys-0"} {
		info, err := os.Stat(filepath.Join(here, name))
		require.NoError(t, err)
		require.EqualValues(t, 0o700, info.Mode().Perm())
		entries, err := os.ReadDir(filepath.Join(here, name))
		require.NoError(t, err)
		for _, e := range entries {
			info, err := e.Info()
			require.NoError(t, err)
			require.EqualValues(t, 0o600, info.Mode().Perm(), e.Name())
		}
	}
	entries, err := os.ReadDir(filepath.Join(here, "ledger-0"))
	require.NoError(t, err)
	require.Len(t, entries, 2, "no keys beside the ledger")
	entries, err = os.ReadDir(here)
	require.NoError(t, err)
	require.Len(t, entries, 2*backups, "nothing unfinished is left")
}

func TestABackupNeverOverwritesAndNeverPutsKeysBesideTheLedger(t *testing.T) {
	t.Parallel()
	g := newSoldLedger(t)
	here := t.TempDir()
	folder := filepath.Join(here, "backup")
	require.Zero(t, run(t, g.options, "backup", folder).Code)
	elsewhere := filepath.Join(here, "elsewhere")
	for _, c := range []struct {
		message, dataDir string
		arguments        []string
	}{
		{"exists already", g.options.DataDir, []string{"backup", folder}},
		{"must not be in the same place", g.options.DataDir, []string{"backup", filepath.Join(here, "a"), "--keys",
			filepath.Join(here, "a", "keys")}},
		{"must not be in the same place", g.options.DataDir, []string{"backup", filepath.Join(here, "a", "ledger"), "--keys",
			filepath.Join(here, "a")}},
		{"must not be in the same place", g.options.DataDir, []string{"backup", filepath.Join(here, "a"), "--keys",
			filepath.Join(here, "b", "..", "a")}},
		{"must exist and be writable", g.options.DataDir, []string{"backup", filepath.Join(here, "no", "such", "folder")}},
		{"there is no ledger", elsewhere, []string{"backup", filepath.Join(here, "b")}},
		{"is not empty", g.options.DataDir, []string{"restore", folder}},
		{"not a complete backup", elsewhere, []string{"restore", here}},
	} {
		o := g.options
		o.DataDir = c.dataDir
		ran := run(t, o, c.arguments...)
		require.Equal(t, 1, ran.Code, c.message)
		require.Contains(t, ran.Err, c.message)
	}
}

func TestADamagedBackupIsNotRestored(t *testing.T) {
	t.Parallel()
	g := newSoldLedger(t)
	for name, damage := range map[string]func(folder, keys string){
		"an event is changed": func(folder, _ string) {
			damageFile(t, filepath.Join(folder, "ledger.db"), "DROP TRIGGER events_are_never_changed",
				"UPDATE events SET actor = 'mallory' WHERE position = 2")
		},
		"an event is gone": func(folder, _ string) {
			damageFile(t, filepath.Join(folder, "ledger.db"), "DROP TRIGGER events_are_never_removed",
				"DELETE FROM events WHERE position = (SELECT max(position) FROM events)")
		},
		"the file is cut":     func(folder, _ string) { require.NoError(t, os.Truncate(filepath.Join(folder, "ledger.db"), 20_000)) },
		"the keys are others": func(_, keys string) { require.NoError(t, os.Truncate(filepath.Join(keys, "keys.db"), 20_000)) },
		"there is no ledger":  func(folder, _ string) { require.NoError(t, os.Remove(filepath.Join(folder, "ledger.db"))) },
	} {
		here := t.TempDir()
		folder, keys := filepath.Join(here, "ledger"), filepath.Join(here, "keys")
		require.Zero(t, run(t, g.options, "backup", folder, "--keys", keys).Code)
		damage(folder, keys)
		o := g.options
		o.DataDir = filepath.Join(here, "restored")
		ran := run(t, o, "restore", folder, "--keys", keys)
		require.Equal(t, 1, ran.Code, name)
		entries, err := os.ReadDir(o.DataDir)
		require.NoError(t, err)
		require.LessOrEqual(t, len(entries), 1, "%s: nothing but the lock is left", name)
	}
}

// damageFile changes a database behind the program's back.
func damageFile(t *testing.T, file string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	for _, statement := range statements {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err, statement)
	}
}
