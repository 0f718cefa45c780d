package keyring

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Ping reports whether the keys database can be read. It fails with [ErrUnavailable] or [ErrDamaged].
func (k *Keyring) Ping(ctx context.Context) error {
	ctx, cancel := k.db.bounded(ctx)
	defer cancel()
	var there bool
	err := k.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM ring)`).Scan(&there)
	if err != nil {
		return unavailable("read the ring", err)
	}
	if !there {
		return fmt.Errorf("%w: the ring is gone", ErrDamaged)
	}
	return nil
}

// Writable reports whether keys can be stored. It writes only if the latest attempt to store something failed: then it writes a row as it
// is, until that succeeds. It fails with [ErrUnavailable] or ctx's error.
func (k *Keyring) Writable(ctx context.Context) error {
	if !k.unwritable.Load() {
		return nil
	}
	err := k.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE ring SET master_check = master_check`); err != nil {
			return unavailable("write the ring as it is", err)
		}
		return nil
	}, func() {})
	if err == nil {
		k.unwritable.Store(false)
	}
	return err
}

// note remembers that storing something failed. A transaction that succeeded proves nothing: it may have had nothing to store.
func (k *Keyring) note(err error) {
	if errors.Is(err, ErrUnavailable) {
		k.unwritable.Store(true)
	}
}
