package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// One returns the only row of a query. It fails with [ErrNotFound] or [ErrUnavailable].
func One[T any](ctx context.Context, db *DB, scan func(Row) (T, error), query string, args ...any) (found T, err error) {
	ctx, cancel := db.bounded(ctx)
	defer cancel()
	err = db.withRetry(ctx, db.read, func() (err error) {
		found, err = scan(db.read.QueryRowContext(ctx, query, args...))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return found, ErrNotFound
	}
	if err != nil {
		return found, fmt.Errorf("query the read models: %w", err)
	}
	return found, nil
}

// List returns the rows of a query. It fails with [ErrUnavailable].
func List[T any](ctx context.Context, db *DB, scan func(Row) (T, error), query string, args ...any) (items []T, err error) {
	return listFrom(ctx, db, db.read, scan, query, args)
}

// listFrom is List from another pool than the one that answers queries.
func listFrom[T any](ctx context.Context, db *DB, from *sql.DB, scan func(Row) (T, error), query string,
	args []any) (items []T, err error) {
	ctx, cancel := db.bounded(ctx)
	defer cancel()
	err = db.withRetry(ctx, from, func() (err error) {
		items, err = rowsOf(ctx, from, scan, query, args)
		return err
	})
	return items, err
}

func rowsOf[T any](ctx context.Context, from *sql.DB, scan func(Row) (T, error), query string, args []any) (items []T, err error) {
	rows, err := from.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("query the read models: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read a row of the read models: %w", err)
		}
		items = append(items, item)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("query the read models: %w", err)
	}
	return items, nil
}

// withRetry runs a query, and again after an error that an engine calls retryable: once for each idle connection, as any of
// them may have broken.
func (db *DB) withRetry(ctx context.Context, from *sql.DB, query func() error) error {
	err := query()
	for again := 1 + from.Stats().Idle; again > 0 && err != nil && ctx.Err() == nil && db.engine.isRetryable(err); again-- {
		err = query()
	}
	if err != nil && ctx.Err() == nil && db.engine.isRetryable(err) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return db.explain(ctx, err)
}

// explain adds ErrUnavailable to errors of circumstances that may pass. When ctx has ended, that is the reason.
func (db *DB) explain(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || errors.Is(err, ErrUnavailable) || !db.engine.unavailable(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
