package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/licenseledger/licenseledger/pgconnect"
)

// postgresEngine is a schema that several processes write, each its own projections. Transactions run under READ COMMITTED:
// the checkpoint's row is locked by its compare-and-set, and only its holder writes the projection's rows.
type postgresEngine struct{ write *sql.DB }

func (*postgresEngine) name() string { return "postgres" }

func (*postgresEngine) isolation() sql.IsolationLevel { return sql.LevelRepeatableRead }

func (*postgresEngine) withoutTimeouts(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `SET LOCAL statement_timeout = 0`)
	return err
}

func (*postgresEngine) lock(ctx context.Context, tx *sql.Tx, projection string) error {
	_, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.' || $1::text, 0))`, projection)
	return err
}

func (*postgresEngine) prepare(_ context.Context, changes *Changes) (func(context.Context, *sql.Tx) error, error) {
	statements, err := changes.bulk()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, tx *sql.Tx) error {
		for _, s := range statements {
			if err := expectRows(s.Rows, ErrRejected)(tx.ExecContext(ctx, s.SQL, s.Args...)); err != nil {
				return fmt.Errorf("write rows with %.80q: %w", s.SQL, err)
			}
		}
		return nil
	}, nil
}

// lookup asks the primary, where the rows of the batch before are. The driver keeps the statement prepared.
func (e *postgresEngine) lookup(ctx context.Context, _ generationOf, query, key string, value *any) error {
	return e.write.QueryRowContext(ctx, query, key).Scan(value)
}

// The driver lets go of its least used statements by itself.
func (*postgresEngine) evict(generationOf) error { return nil }

func (*postgresEngine) close() error { return nil }

// Codes and their classes, which are the first two letters, of https://www.postgresql.org/docs/current/errcodes-appendix.html.
func (*postgresEngine) isPermanent(err error) bool {
	switch pgconnect.Class(err) {
	case "22", // data exception
		"23", // integrity constraint violation
		"42", // syntax error or access rule violation
		"54": // program limit exceeded
		return true
	default:
		return false
	}
}

func (*postgresEngine) unavailable(err error) bool { return pgconnect.Unavailable(err) }

func (*postgresEngine) isRetryable(err error) bool {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return pgconnect.Disconnected(err)
	}
	switch refused.Code {
	case "0A000", // a prepared statement whose columns are others now
		"26000",                   // a prepared statement that is gone
		"42P01",                   // a table or a view that was exchanged
		"XX000",                   // the same, noticed late
		"55P03",                   // lock not available in time
		"57P01", "57P02", "57P03": // the server shuts down, crashed or starts
		return true
	}
	switch pgconnect.Class(err) {
	case "08", // connection exception
		"40": // transaction rollback: deadlock, serialization failure, conflict with the recovery of a replica
		return true
	default:
		return false
	}
}
