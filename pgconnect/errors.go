package pgconnect

import (
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
)

// Unavailable reports whether an error of the driver is about circumstances that may pass: the server cannot be reached, is
// starting or shutting down, follows another one, lacks connections, memory or disk, or a statement took longer than
// it may. Codes, and their classes, which are the first two letters, are those of
// https://www.postgresql.org/docs/current/errcodes-appendix.html.
func Unavailable(err error) bool {
	var connecting *pgconn.ConnectError
	if errors.As(err, &connecting) || Disconnected(err) {
		return true
	}
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Code {
	case "25006", // read-only transaction: the server was demoted
		"25P03", "25P04", // the transaction was idle, or took, for too long
		"55P03",                            // lock not available in time
		"57014",                            // query canceled: by the statement timeout or by an administrator
		"57P01", "57P02", "57P03", "57P05": // the server shuts down, crashed, starts; the session was idle for too long
		return true
	}
	switch Class(err) {
	case "08", // connection exception
		"40", // transaction rollback: deadlock, serialization failure, conflict with the recovery of a replica
		"53", // insufficient resources: connections, memory, disk
		"58": // system error: I/O
		return true
	default:
		return false
	}
}

// Class is that of the server's error; it is empty for others.
func Class(err error) string {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || len(refused.Code) < 2 {
		return ""
	}
	return refused.Code[:2]
}

// Disconnected tells the errors of a connection that broke from the others a server does not send.
func Disconnected(err error) bool {
	var network net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) ||
		errors.As(err, &network) || pgconn.SafeToRetry(err)
}

// Broken reports whether the connection of a query was broken, by the network or because the server ended it. The same query may
// succeed on another connection.
func Broken(err error) bool {
	var connecting *pgconn.ConnectError
	if errors.As(err, &connecting) {
		return false
	}
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return Disconnected(err)
	}
	switch refused.Code {
	case "57P01", "57P02", "57P05": // the server shuts down, or so an administrator said; crashed; the session was idle for too long
		return true
	}
	return Class(err) == "08" // connection exception
}
