package scenarios_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/tests/support/blackbox"
	"github.com/licenseledger/licenseledger/tests/support/engines"
	"github.com/licenseledger/licenseledger/tests/support/process"
)

// fixture is what all scenarios share. It is set up before the first and does not change.
var fixture struct {
	binary   string
	engines  *engines.Engines
	contract *blackbox.Contract
	coverage *blackbox.Coverage
	shared   *blackbox.Server // for every scenario that does not need one of its own

	migrationTarget func() (*engines.Engines, error) // PostgreSQL for scenarios that move there, started for the first of them
}

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := setUp(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func setUp(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "licenseledger-tests-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if fixture.binary, err = process.Binary(context.Background(), dir); err != nil {
		return 1, err
	}
	if fixture.engines, err = engines.Chosen(); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, fixture.engines.Close()) }()
	var moved *engines.Engines
	fixture.migrationTarget = sync.OnceValues(func() (_ *engines.Engines, err error) {
		moved, err = engines.Start(engines.PostgreSQL, engines.PostgreSQL)
		return moved, err
	})
	defer func() {
		if moved != nil {
			err = errors.Join(err, moved.Close())
		}
	}()
	if fixture.contract, err = blackbox.ReadContract(); err != nil {
		return 1, err
	}
	fixture.coverage = &blackbox.Coverage{}
	options := process.Options{Binary: fixture.binary, DataDir: filepath.Join(dir, "shared")}
	if err := fixture.engines.NewLedger(context.Background(), &options); err != nil {
		return 1, err
	}
	if fixture.shared, err = blackbox.Launch(options, fixture.contract, fixture.coverage); err != nil {
		return 1, err
	}
	defer fixture.shared.Kill()
	if code = m.Run(); code != 0 {
		return code, nil
	}
	if err := fixture.shared.Stop(); err != nil {
		return 1, err
	}
	checked, err := options.Command(context.Background(), "fsck")
	if err != nil || checked.Code != 0 {
		return 1, errors.Join(err, fmt.Errorf("after all scenarios fsck says:\n%s%s", checked.Out, checked.Err))
	}
	if everythingRan() {
		return 0, everythingSeen()
	}
	return 0, nil
}

// everythingRan reports whether no scenario was left out.
func everythingRan() bool {
	for _, name := range []string{"test.run", "test.skip", "test.list"} {
		if flag.Lookup(name).Value.String() != "" {
			return false
		}
	}
	return true
}

// unprovokable are the codes that nobody can bring about from outside, each with the reason.
var unprovokable = map[string]string{
	"INTERNAL":        "it takes a defect of the program",
	"BUSY":            "it takes more at once than the queues hold; the bounds are tested where the queues are",
	"UNAVAILABLE":     "it takes a storage that fails, or a request in the moment of shutting down",
	"TIMEOUT":         "it takes a storage that hangs",
	"REQUEST_TIMEOUT": "it takes a body that stands still for 30 seconds; the time is shorter where it is tested",
	"LICENSE_EXISTS":  "it takes two keys that lead to the same 64-bit serial",
	"FORBIDDEN":       "it takes a credential that permits less than everything; today there is the admin key only",
}

// everythingSeen checks that every endpoint answered, and that every code was given as an answer.
func everythingSeen() error {
	var all []string
	for _, e := range fixture.contract.Endpoints() {
		all = append(all, e.Operation)
	}
	problems, verdicts := fixture.contract.Codes()
	for _, code := range append(problems, verdicts...) {
		if unprovokable[code] == "" {
			all = append(all, code)
		}
	}
	if missing := fixture.coverage.Missing(all); len(missing) > 0 {
		return fmt.Errorf("no scenario brings about %q", missing)
	}
	return nil
}

// newPostgres is the location of a new database that nobody else uses.
func newPostgres(t *testing.T) string {
	t.Helper()
	postgres, err := fixture.migrationTarget()
	require.NoError(t, err)
	var o process.Options
	require.NoError(t, postgres.NewLedger(t.Context(), &o))
	_, location, _ := strings.Cut(o.Env[0], "=")
	return location
}

// embedded keeps everything of a server in files, for scenarios that are about these files.
func embedded(o *process.Options) { o.Env = nil }

// newServer starts a server for one scenario. At the end it must stop properly, if it still runs.
func newServer(t *testing.T, adjust ...func(*process.Options)) *blackbox.Server {
	t.Helper()
	options := process.Options{Binary: fixture.binary, DataDir: filepath.Join(t.TempDir(), "data")}
	require.NoError(t, fixture.engines.NewLedger(t.Context(), &options))
	for _, a := range adjust {
		a(&options)
	}
	server, err := blackbox.Launch(options, fixture.contract, fixture.coverage)
	require.NoError(t, err)
	t.Cleanup(func() {
		select {
		case <-server.Exited():
		default:
			require.NoError(t, server.Stop())
		}
	})
	return server
}
