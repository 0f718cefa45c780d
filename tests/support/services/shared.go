package services

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// PostgresVariable names a server to use instead of a private one: a connection string with the right to make schemas.
const PostgresVariable = "LICENSELEDGER_TEST_POSTGRES"

// Shared is the PostgreSQL server that all tests of a binary share, each in a schema of its own. A package of tests declares
// one and gives its TestMain to it:
//
//	var postgres services.Shared
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(postgres.With(m)) }
type Shared struct {
	url     string
	schemas atomic.Int64
}

// Tests is a [testing.M].
type Tests interface{ Run() int }

// With returns the tests of m with a server around them: the one named by LICENSELEDGER_TEST_POSTGRES, or a private one.
func (s *Shared) With(m Tests) Tests { return running{shared: s, tests: m} }

type running struct {
	shared *Shared
	tests  Tests
}

// Run starts the server, runs the tests and stops the server.
func (r running) Run() (code int) {
	if r.shared.url = os.Getenv(PostgresVariable); r.shared.url == "" {
		server, err := StartPostgres()
		if err != nil {
			fmt.Fprintln(os.Stderr, "start PostgreSQL for the tests:", err)
			return 1
		}
		defer func() {
			if err := server.Stop(); err != nil {
				fmt.Fprintln(os.Stderr, "stop PostgreSQL:", err)
				code = 1
			}
		}()
		r.shared.url = server.URL()
	}
	return r.tests.Run()
}

// URL is the connection string of the shared server.
func (s *Shared) URL() string { return s.url }

// Schema returns the name of a schema that nobody else uses and that does not exist yet. It is dropped at the end of the test.
func (s *Shared) Schema(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test_%d_%d_%d", time.Now().UnixNano(), os.Getpid(), s.schemas.Add(1))
	t.Cleanup(func() { Execute(t, s.url, "DROP SCHEMA IF EXISTS "+name+" CASCADE") })
	return name
}

// Execute runs statements as another client would.
func Execute(t testing.TB, url string, statements ...string) {
	t.Helper()
	conn := Connect(t, url)
	for _, statement := range statements {
		_, err := conn.Exec(context.WithoutCancel(t.Context()), statement)
		require.NoError(t, err, statement)
	}
	require.NoError(t, conn.Close(context.WithoutCancel(t.Context())))
}

// Connect opens a connection beside those of the program. The caller closes it.
func Connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.WithoutCancel(t.Context()), url)
	require.NoError(t, err)
	return conn
}
