package store_test

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/readmodels/store"
)

func TestWhatIsRepeatedAndWhatIsRejected(t *testing.T) {
	t.Parallel()
	code := func(code string) error { return &pgconn.PgError{Code: code} }
	for _, c := range []struct {
		err                   error
		interrupted, rejected bool
	}{
		{io.ErrUnexpectedEOF, true, false},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, true, false},
		{driver.ErrBadConn, true, false},
		{code("57P01"), true, false},  // terminated by an administrator
		{code("40P01"), true, false},  // deadlock with a switch
		{code("40001"), true, false},  // a replica that had to go on
		{code("0A000"), true, false},  // a view that has other columns now
		{code("57014"), false, false}, // took too long
		{code("53100"), false, false}, // disk full
		{code("22021"), false, true},
		{code("23505"), false, true},
		{code("42804"), false, true},
		{code("54000"), false, true}, // too long for an index
		{sql.ErrNoRows, false, false},
		{errors.New("scan"), false, false},
	} {
		err := fmt.Errorf("query: %w", c.err)
		require.Equal(t, c.interrupted, store.PostgresInterrupted(err), "%v", err)
		require.Equal(t, c.rejected, store.PostgresRejects(err), "%v", err)
	}
}
