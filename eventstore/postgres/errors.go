package postgres

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/licenseledger/licenseledger/eventstore"
)

// Codes of https://www.postgresql.org/docs/current/errcodes-appendix.html.
const (
	codeUniqueViolation = "23505"
	codeDataCorrupted   = "XX001"
	codeIndexCorrupted  = "XX002"
)

// engineError tells damage, which stays, from unavailability, which may pass.
func engineError(doing string, err error) error {
	if errors.Is(err, eventstore.ErrDamaged) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if isDamage(err) {
		return fmt.Errorf("%s: %w: %w", doing, eventstore.ErrDamaged, err)
	}
	return fmt.Errorf("%s: %w: %w", doing, eventstore.ErrUnavailable, err)
}

func isDamage(err error) bool {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Code {
	case codeDataCorrupted, codeIndexCorrupted:
		return true
	case codeUniqueViolation:
		// Under the ledger's lock these places were free: an index does not show what the table holds, or somebody wrote
		// without the lock.
		switch refused.ConstraintName {
		case "events_have_a_position", "events_have_a_revision", "streams_have_one_name", "streams_pkey":
			return true
		}
	}
	return false
}
