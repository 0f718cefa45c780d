package pgconnect_test

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

	"github.com/licenseledger/licenseledger/pgconnect"
)

func TestCircumstancesThatMayPassAreToldFromMistakesAndDamage(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"08006", "25006", "25P03", "40001", "40P01", "53000", "53100", "53200", "53300", "53400", "55P03",
		"57014", "57P01", "57P02", "57P03", "57P05", "58000", "58030", "58P01"} {
		require.True(t, pgconnect.Unavailable(fmt.Errorf("query: %w", &pgconn.PgError{Code: code})), code)
	}
	for _, code := range []string{"22021", "23505", "25P02", "42P01", "42601", "42501", "54000", "57P04", "XX000", "XX001", "XX002", "", "5"} {
		require.False(t, pgconnect.Unavailable(fmt.Errorf("query: %w", &pgconn.PgError{Code: code})), code)
	}
	for _, broken := range []error{&pgconn.ConnectError{}, io.ErrUnexpectedEOF, driver.ErrBadConn,
		&net.OpError{Op: "read", Err: syscall.ECONNRESET}} {
		require.True(t, pgconnect.Unavailable(fmt.Errorf("query: %w", broken)), "%T", broken)
	}
	for _, other := range []error{nil, sql.ErrNoRows, errors.New("scan")} {
		require.False(t, pgconnect.Unavailable(other), "%v", other)
	}
}

func TestAQueryIsWorthRepeatingWhenItsConnectionWasBroken(t *testing.T) {
	t.Parallel()
	for _, broken := range []error{
		&pgconn.PgError{Code: "57P01"}, &pgconn.PgError{Code: "57P02"}, &pgconn.PgError{Code: "57P05"}, &pgconn.PgError{Code: "08006"},
		io.ErrUnexpectedEOF, driver.ErrBadConn, &net.OpError{Op: "read", Err: syscall.ECONNRESET},
	} {
		require.True(t, pgconnect.Broken(fmt.Errorf("query: %w", broken)), "%v", broken)
	}
	for _, other := range []error{
		nil, errors.New("scan"), &pgconn.ConnectError{}, &pgconn.PgError{Code: "57P03"}, &pgconn.PgError{Code: "57014"},
		&pgconn.PgError{Code: "53300"},
	} {
		require.False(t, pgconnect.Broken(other), "%v", other)
	}
}
