package scenarios_test

import (
	"database/sql"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
	"github.com/licenseledger/licenseledger/tests/support/engines"
	"github.com/licenseledger/licenseledger/tests/support/process"
)

type ledgerSummary struct {
	Events, Head uint64
	Streams      int
	Digest       string
}

// jsonOutput is what a command printed as JSON; the command must succeed.
func jsonOutput[T any](t *testing.T, o process.Options, arguments ...string) (value T) {
	t.Helper()
	ran := run(t, o, append(arguments, "--json")...)
	require.Zero(t, ran.Code, ran.Out+ran.Err)
	require.NoError(t, json.Unmarshal([]byte(ran.Out), &value), ran.Out)
	return value
}

// soldLedger is a stopped embedded server that has sold a licence, and how to ask after it.
type soldLedger struct {
	options   process.Options
	key       string
	activated api.Activation
}

func newSoldLedger(t *testing.T, customers ...string) soldLedger {
	t.Helper()
	server := newServer(t, embedded)
	v := newTenantClientOn(t, server, nil, nil)
	sold := v.customers(append([]string{"Ada Byron"}, customers...)...)
	g := soldLedger{options: server.Options, key: sold["Ada Byron"].Key}
	g.activated = v.activate(g.key, built("laptop", nil))
	v.license(sold["Ada Byron"]) // waits until the read models are there
	server.MustStop(t)
	return g
}

// answersAsBefore starts a server and requires it to validate the licence with the certificate of then.
func (g soldLedger) answersAsBefore(t *testing.T, o process.Options) {
	t.Helper()
	server, err := blackbox.Launch(o, fixture.contract, fixture.coverage)
	require.NoError(t, err)
	t.Cleanup(server.Kill)
	v := tenantClient{t: t, server: server, admin: server.Admin(t), machine: server.Anyone(t)}
	verdict := v.validate(object{"license_key": g.key, "machine": built("laptop", nil)})
	require.EqualValues(t, "VALID", verdict.Code)
	require.Equal(t, g.activated.Certificate, *verdict.Certificate)
	caughtUp(t, v.admin)
	require.NoError(t, server.Stop())
	checked, err := o.Command(t.Context(), "fsck")
	require.NoError(t, err)
	require.Zero(t, checked.Code, checked.Out+checked.Err)
}

func TestALedgerGrowsFromAFileToPostgreSQLAndBackWithoutLosingAnEvent(t *testing.T) {
	t.Parallel()
	g := newSoldLedger(t)
	database := newPostgres(t)
	before := jsonOutput[ledgerSummary](t, g.options, "ledger", "verify")

	there := g.options
	there.Env = []string{"LICENSELEDGER_COPY_TO=" + database}
	ran := run(t, there, "ledger", "copy", "--from", "sqlite:ledger.db")
	require.Zero(t, ran.Code, ran.Err)
	require.Contains(t, ran.Out, "the same: 0 events were there")
	require.Contains(t, ran.Out, before.Digest)

	onPostgres := g.options
	onPostgres.Env = []string{"LICENSELEDGER_EVENTSTORE=" + database}
	require.Equal(t, before, jsonOutput[ledgerSummary](t, onPostgres, "ledger", "verify"))

	back := g.options
	back.Env = []string{"LICENSELEDGER_COPY_FROM=" + database}
	file := filepath.Join(t.TempDir(), "back.db")
	require.Zero(t, run(t, back, "ledger", "copy", "--to", "sqlite:"+file).Code)
	require.Equal(t, before, jsonOutput[ledgerSummary](t, g.options, "ledger", "verify", "--at", "sqlite:"+file))

	refused := run(t, onPostgres, "backup", filepath.Join(t.TempDir(), "backup"))
	require.Equal(t, 1, refused.Code)
	require.Contains(t, refused.Err, "pg_dump")
	g.answersAsBefore(t, onPostgres)
}

func TestKeysMoveToPostgreSQLSealed(t *testing.T) {
	t.Parallel()
	g := newSoldLedger(t)
	there := g.options
	there.Env = []string{"LICENSELEDGER_COPY_TO=" + newPostgres(t)}
	ran := run(t, there, "keys", "copy", "--from", "sqlite:keys.db")
	require.Zero(t, ran.Code, ran.Err)
	again := run(t, there, "keys", "copy", "--from", "sqlite:keys.db")
	require.Equal(t, 1, again.Code)
	require.Contains(t, again.Err, "holds keys already")

	require.NoError(t, os.Rename(filepath.Join(g.options.DataDir, "keys.db"), filepath.Join(g.options.DataDir, "old.db")))
	back := g.options
	back.Env = []string{strings.Replace(there.Env[0], "COPY_TO", "COPY_FROM", 1)}
	ran = run(t, back, "keys", "copy", "--to", "sqlite:keys.db")
	require.Zero(t, ran.Code, ran.Err)
	g.answersAsBefore(t, g.options)
}

func TestACopyIsRefusedWhereItWouldHarm(t *testing.T) {
	t.Parallel()
	g, other := newSoldLedger(t), newSoldLedger(t)
	for name, c := range map[string]struct {
		message   string
		arguments []string
	}{
		"another ledger": {"event 1 of the source is", []string{"--from", "sqlite:ledger.db", "--to",
			"sqlite:" + filepath.Join(other.options.DataDir, "ledger.db")}},
		"itself":             {"the source is the target", []string{"--from", "sqlite:ledger.db", "--to", "sqlite:./ledger.db"}},
		"nothing":            {"there is no ledger", []string{"--from", "sqlite:nothing.db", "--to", "sqlite:new.db"}},
		"from nowhere":       {"LICENSELEDGER_COPY_FROM", []string{"--to", "sqlite:new.db"}},
		"a visible password": {"LICENSELEDGER_COPY_TO", []string{"--from", "sqlite:ledger.db", "--to", "postgres://ada:hunter2@db/ledger"}},
		"no engine":          {"not an endpoint", []string{"--from", "sqlite:ledger.db", "--to", "mysql://db"}},
	} {
		ran := run(t, g.options, append([]string{"ledger", "copy"}, c.arguments...)...)
		require.Equal(t, 1, ran.Code, name)
		require.Contains(t, ran.Err, c.message, name)
		require.NotContains(t, ran.Err, "hunter2", name)
	}
	other.answersAsBefore(t, other.options)

	running := newServer(t, embedded)
	ran := run(t, running.Options, "ledger", "copy", "--from", "sqlite:ledger.db", "--to", "sqlite:"+filepath.Join(t.TempDir(), "new.db"))
	require.Equal(t, 1, ran.Code)
	require.Contains(t, ran.Err, "in use by another licenseledger process")
}

func TestAKilledCopyGoesOnWhereItEnded(t *testing.T) {
	t.Parallel()
	g := newSoldLedger(t)
	multiply(t, filepath.Join(g.options.DataDir, "ledger.db"), 60_000)
	before := jsonOutput[ledgerSummary](t, g.options, "ledger", "verify")
	file := filepath.Join(t.TempDir(), "copy.db")
	arguments := []string{"ledger", "copy", "--from", "sqlite:ledger.db", "--to", "sqlite:" + file}
	for range 3 {
		killAfter(t, exec.Command(g.options.Binary, append(arguments, "--data-dir", g.options.DataDir)...), file, 1<<20)
	}
	type report struct{ Present, Appended uint64 }
	finished := jsonOutput[report](t, g.options, arguments...)
	t.Logf("%d events were there, %d were appended", finished.Present, finished.Appended)
	require.Positive(t, finished.Present)
	require.Positive(t, finished.Appended, "it was never killed in the middle")
	require.Equal(t, before.Events, finished.Present+finished.Appended)
	require.Equal(t, before, jsonOutput[ledgerSummary](t, g.options, "ledger", "verify", "--at", "sqlite:"+file))
}

// multiply adds events to a ledger in a file, each in a stream of its own.
func multiply(t *testing.T, file string, events int) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	var streams, head int
	require.NoError(t, db.QueryRow("SELECT (SELECT max(id) FROM streams), (SELECT max(position) FROM events)").Scan(&streams, &head))
	const numbers = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?) "
	_, err = db.Exec(numbers+"INSERT INTO streams (id, name) SELECT ? + n, 'another-' || n FROM numbers", events, streams)
	require.NoError(t, err)
	_, err = db.Exec(numbers+`INSERT INTO events (position, stream, revision, id, type, recorded_at, tenant, actor, correlation,
		  causation, command_id, request_hash, data)
		SELECT ? + n, ? + n, 1, randomblob(16), type, recorded_at, tenant, actor, correlation, causation, command_id, request_hash, data
		  FROM numbers, (SELECT * FROM events WHERE type = 'license.issued.v1' LIMIT 1)`, events, head, streams)
	require.NoError(t, err)
}

// killAfter runs a command and kills it when it has written so many bytes to a database.
func killAfter(t *testing.T, command *exec.Cmd, database string, bytes int64) {
	t.Helper()
	size := sizeOf(database)
	require.NoError(t, command.Start())
	exited := make(chan struct{})
	go func() {
		_ = command.Wait()
		close(exited)
	}()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for sizeOf(database) < size+bytes {
		select {
		case <-exited:
			return
		case <-look.C:
		}
	}
	_ = command.Process.Kill()
	<-exited
}

// sizeOf is that of a database with its log.
func sizeOf(file string) (size int64) {
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(file + suffix); err == nil {
			size += info.Size()
		}
	}
	return size
}

func TestALedgerGrowsToEventStoreDBAndBack(t *testing.T) {
	t.Parallel()
	g := newSoldLedger(t, "Grace Hopper", "Barbara Liskov")
	before := jsonOutput[ledgerSummary](t, g.options, "ledger", "verify")
	database, err := engines.Start(engines.EventStoreDB, engines.SQLite)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, database.Close()) })
	onEventStoreDB := g.options
	require.NoError(t, database.NewLedger(t.Context(), &onEventStoreDB))
	_, location, _ := strings.Cut(onEventStoreDB.Env[0], "=")

	there := g.options
	there.Env = []string{"LICENSELEDGER_COPY_TO=" + location}
	for _, text := range []string{"the same: 0 events were there", " 0 were copied"} {
		ran := run(t, there, "ledger", "copy", "--from", "sqlite:ledger.db")
		require.Zero(t, ran.Code, ran.Err)
		require.Contains(t, ran.Out, text)
	}
	copied := jsonOutput[ledgerSummary](t, onEventStoreDB, "ledger", "verify")
	require.Equal(t, before.Digest, copied.Digest)
	require.Equal(t, before.Events, copied.Events)

	back := g.options
	back.Env = []string{"LICENSELEDGER_COPY_FROM=" + location}
	require.Zero(t, run(t, back, "ledger", "copy", "--to", "sqlite:back.db").Code)
	require.Equal(t, before, jsonOutput[ledgerSummary](t, g.options, "ledger", "verify", "--at", "sqlite:back.db"))
	healthy, found := diagnosed(t, onEventStoreDB)
	require.True(t, healthy, found)
}
