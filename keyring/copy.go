package keyring

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
)

// ErrHoldsKeys says that keys cannot be copied into a database because it holds keys already.
var ErrHoldsKeys = errors.New("the target holds keys already")

// ErrNoKeys says that a database holds no keys.
var ErrNoKeys = errors.New("there are no keys")

// table is what a copy takes of one: columns in an order that all engines sort the same way.
type table struct {
	name, columns, order string
}

func tables() []table {
	return []table{
		{"ring", "id, master_check, created_at", "id"},
		{"ring_secrets", "purpose, version, sealed, created_at", "purpose, version"},
		{"signing_keys", "key_id, tenant, product_id, algorithm, sealed, created_at", "key_id"},
		{"subjects", "id, tenant, lookup, sealed, created_at, erased_at", "id"},
		{"witness", "id, installation, epoch, position, event_hash", "id"},
	}
}

// copiedRows is how many rows one statement inserts at most.
const copiedRows = 500

// Copy copies all keys into an empty database, in one transaction, and tells how many rows there are. They stay sealed: the target is
// opened with the master key of the source. Nobody may change the source meanwhile: an erasure that the copy misses would leave the
// key in the target. It fails with [ErrNoKeys], [ErrHoldsKeys], or when what was written is not read back the same.
func Copy(ctx context.Context, from, to *Database) (rows int, err error) {
	source, err := from.BeginTx(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("copy keys: read the source: %w", err)
	}
	defer func() { _ = source.Rollback() }() // it only reads
	target, err := to.BeginTx(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("copy keys: write the target: %w", err)
	}
	defer func() { _ = target.Rollback() }() // after a commit it does nothing
	if rows, err = copyKeys(ctx, source, target, to.engine); err != nil {
		return 0, fmt.Errorf("copy keys: %w", err)
	}
	if err := target.Commit(); err != nil {
		return 0, fmt.Errorf("copy keys: commit: %w", err)
	}
	return rows, nil
}

func copyKeys(ctx context.Context, source, target *sql.Tx, e engine) (rows int, err error) {
	if err := e.lockRing(ctx, target); err != nil {
		return 0, err
	}
	if used, err := holdsKeys(ctx, source); err != nil || !used {
		return 0, errors.Join(err, ErrNoKeys)
	}
	if used, err := holdsKeys(ctx, target); err != nil || used {
		return 0, errors.Join(err, ErrHoldsKeys)
	}
	for _, t := range tables() {
		var batch [][]any
		read := sha256.New()
		if err := t.each(ctx, source, func(row []any) error {
			rows++
			add(read, row)
			if batch = append(batch, row); len(batch) < copiedRows {
				return nil
			}
			full := batch
			batch = nil
			return t.insert(ctx, target, full)
		}); err != nil {
			return rows, err
		}
		if err := t.insert(ctx, target, batch); err != nil {
			return rows, err
		}
		written := sha256.New()
		if err := t.each(ctx, target, func(row []any) error {
			add(written, row)
			return nil
		}); err != nil {
			return rows, err
		}
		if a, b := hex.EncodeToString(read.Sum(nil)), hex.EncodeToString(written.Sum(nil)); a != b {
			return rows, fmt.Errorf("the table %s is not read back as it was written", t.name)
		}
	}
	return rows, nil
}

// add gives a row to a hash, as text of which every value has one form on all engines.
func add(h hash.Hash, row []any) {
	for _, value := range row {
		if blob, ok := value.([]byte); ok {
			value = hex.EncodeToString(blob)
		}
		_, _ = fmt.Fprintf(h, "%v\n", value) // a hash never fails
	}
}

func (t table) each(ctx context.Context, from querier, do func(row []any) error) (err error) {
	rows, err := from.QueryContext(ctx, `SELECT `+t.columns+` FROM `+t.name+` ORDER BY `+t.order)
	if err != nil {
		return fmt.Errorf("read %s: %w", t.name, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns := strings.Count(t.columns, ",") + 1
	for rows.Next() {
		row, places := make([]any, columns), make([]any, columns)
		for i := range row {
			places[i] = &row[i]
		}
		if err := rows.Scan(places...); err != nil {
			return fmt.Errorf("read %s: %w", t.name, err)
		}
		if err := do(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (t table) insert(ctx context.Context, to *sql.Tx, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	var values []string
	var all []any
	for _, row := range rows {
		var places []string
		for _, value := range row {
			all = append(all, value)
			places = append(places, fmt.Sprintf("$%d", len(all)))
		}
		values = append(values, "("+strings.Join(places, ", ")+")")
	}
	//nolint:gosec // names of ours, and placeholders
	statement := `INSERT INTO ` + t.name + ` (` + t.columns + `) VALUES ` + strings.Join(values, ", ")
	if _, err := to.ExecContext(ctx, statement, all...); err != nil {
		return fmt.Errorf("write %s: %w", t.name, err)
	}
	return nil
}
