package scenarios_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/tests/support/process"
	"github.com/licenseledger/licenseledger/tests/support/services"
)

type finding struct{ Check, Result, Found, Advice string }

// diagnosed is what the doctor finds, by check; only those that are not ok when something is wrong.
func diagnosed(t *testing.T, o process.Options) (healthy bool, found map[string]finding) {
	t.Helper()
	ran := run(t, o, "doctor", "--json")
	var diagnosis struct {
		Healthy  bool
		Findings []finding
	}
	require.NoError(t, json.Unmarshal([]byte(ran.Out), &diagnosis), ran.Out+ran.Err)
	require.Equal(t, diagnosis.Healthy, ran.Code == 0)
	found = map[string]finding{}
	for _, f := range diagnosis.Findings {
		found[f.Check] = f
	}
	require.NotContains(t, ran.Out+ran.Err, "hunter2")
	return diagnosis.Healthy, found
}

func TestTheDoctorFindsAGoodConfigurationGoodAndChangesNothing(t *testing.T) {
	t.Parallel()
	o := onItsOwn(t)
	healthy, _ := diagnosed(t, o)
	require.True(t, healthy, "before the first start")
	require.NoDirExists(t, o.DataDir)

	server := newServer(t, embedded)
	healthy, found := diagnosed(t, server.Options)
	require.True(t, healthy, "while the server runs: %v", found)
	server.MustStop(t)
	before := listed(t, server.Options.DataDir)
	healthy, found = diagnosed(t, server.Options)
	require.True(t, healthy)
	require.Contains(t, found["master key"].Found, "opens the keys")
	require.Equal(t, before, listed(t, server.Options.DataDir))

	o = onItsOwn(t)
	database := newPostgres(t)
	o.Env = []string{"LICENSELEDGER_EVENTSTORE=" + database}
	healthy, found = diagnosed(t, o)
	require.True(t, healthy, found)
	for _, check := range []string{"server", "durability", "encoding", "connections", "clock"} {
		require.Equal(t, "ok", found["eventstore: "+check].Result, check)
	}
	conn := services.Connect(t, database)
	var schemas int
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'licenseledger%'").Scan(&schemas))
	require.NoError(t, conn.Close(t.Context()))
	require.Zero(t, schemas)
	require.Contains(t, run(t, o, "doctor").Out, "WHAT TO DO")
}

// listed names the files of a folder with their sizes and times.
func listed(t *testing.T, folder string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		all = append(all, info.Name()+info.ModTime().String()+info.Mode().String())
	}
	return all
}

func TestTheDoctorSaysWhatToMend(t *testing.T) {
	t.Parallel()
	limited := newPostgres(t)
	name := limited[strings.LastIndex(strings.SplitN(limited, "?", 2)[0], "/")+1 : strings.Index(limited, "?")]
	services.Execute(t, limited, "ALTER DATABASE "+name+" CONNECTION LIMIT 10")
	for _, c := range []struct {
		name, check, message string
		spoil                func(o *process.Options)
	}{
		{"another master key", "master key", "not the one", func(o *process.Options) {
			o.Env = []string{"LICENSELEDGER_MASTER_KEY=//////////////////////////////////////////8="}
		}},
		{"no master key", "master key", "sealed with one", func(o *process.Options) {
			require.NoError(t, os.Remove(filepath.Join(o.DataDir, "master.key")))
		}},
		{"an exposed master key", "master key", "0600", func(o *process.Options) {
			require.NoError(t, os.Chmod(filepath.Join(o.DataDir, "master.key"), 0o644))
		}},
		{"an exposed admin key", "admin key", "chmod 600", func(o *process.Options) {
			require.NoError(t, os.Chmod(filepath.Join(o.DataDir, "admin.key"), 0o644))
		}},
		{"an exposed ledger", "file ledger.db", "chmod 600", func(o *process.Options) {
			require.NoError(t, os.Chmod(filepath.Join(o.DataDir, "ledger.db"), 0o640))
		}},
		{"a ledger that is none", "eventstore: tables", "backup", func(o *process.Options) {
			require.NoError(t, os.WriteFile(filepath.Join(o.DataDir, "ledger.db"), []byte(strings.Repeat("no database ", 1000)), 0o600))
		}},
		{"a ledger of a later program", "eventstore: tables", "version 99", func(o *process.Options) {
			damageFile(t, filepath.Join(o.DataDir, "ledger.db"), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)")
		}},
		{"no server", "eventstore: server", "start the server", func(o *process.Options) {
			o.Env = []string{"LICENSELEDGER_EVENTSTORE=postgres://ada:hunter2@127.0.0.1:1/ledger"}
		}},
		{"commits that get lost", "eventstore: durability", "synchronous_commit = on", func(o *process.Options) {
			o.Env = []string{"LICENSELEDGER_EVENTSTORE=" + limited + "&synchronous_commit=off"}
		}},
		{"few connections", "eventstore: connections", "26 for every", func(o *process.Options) {
			o.Env = []string{"LICENSELEDGER_EVENTSTORE=" + limited}
		}},
		{"fewer connections", "eventstore: connections", "15 for every", func(o *process.Options) {
			o.Env = []string{"LICENSELEDGER_EVENTSTORE=" + limited, "LICENSELEDGER_EVENTSTORE_CONNECTIONS=5"}
		}},
		{"a standby", "eventstore: writing", "primary", func(o *process.Options) {
			o.Env = []string{"LICENSELEDGER_EVENTSTORE=" + limited + "&default_transaction_read_only=on"}
		}},
		{"a wrong setting", "configuration", "listen", func(o *process.Options) { o.Env = []string{"LICENSELEDGER_LISTEN=everywhere"} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newSoldLedger(t)
			c.spoil(&g.options)
			healthy, found := diagnosed(t, g.options)
			require.False(t, healthy)
			require.Equal(t, "FAIL", found[c.check].Result, found)
			require.Contains(t, found[c.check].Found+found[c.check].Advice, c.message)
		})
	}
}

func TestTheDoctorLooksForTheRedis(t *testing.T) {
	t.Parallel()
	server, err := services.StartRedis()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	o := onItsOwn(t)
	o.Env = []string{"LICENSELEDGER_REDIS=" + server.URL()}
	healthy, found := diagnosed(t, o)
	require.True(t, healthy)
	require.Equal(t, "ok", found["redis"].Result)

	server.Kill()
	healthy, found = diagnosed(t, o)
	require.True(t, healthy, "nothing is lost without it")
	require.Equal(t, "warning", found["redis"].Result)
	require.NotEmpty(t, found["redis"].Advice)
}
