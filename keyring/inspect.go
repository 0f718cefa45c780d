package keyring

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
)

// CheckMasterKey tells, changing nothing, whether a master key is the one that a keys database was made with. It fails with
// [ErrWrongMasterKey], and with [ErrNoKeys] when the database is new.
func CheckMasterKey(ctx context.Context, db *sql.DB, master MasterKey) error {
	var recorded []byte
	err := db.QueryRowContext(ctx, `SELECT master_check FROM ring`).Scan(&recorded)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNoKeys
	}
	if err != nil {
		return fmt.Errorf("read ring: %w", err)
	}
	if master.held == nil {
		return ErrWrongMasterKey
	}
	check, err := (*master.held).derive("master check")
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(recorded, check[:]) != 1 {
		return ErrWrongMasterKey
	}
	return nil
}
