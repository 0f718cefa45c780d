package readmodels

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// DueLicenses names up to limit licences of any tenant for which the passage of time has brought something about by now
// that the ledger did not say when the read models were written: an expiry, or the end of a lease. Those longest due come
// first. (Projections: [Licenses], [Machines].)
func (db *DB) DueLicenses(ctx context.Context, now time.Time, limit int) ([]uuid.UUID, error) {
	expired, err := list(ctx, db, scanID, `SELECT id FROM licenses
		WHERE expires_at <= $1 AND expired_at IS NULL AND revoked_at IS NULL AND expires_at IS NOT NULL ORDER BY expires_at LIMIT $2`,
		now.UnixMicro(), limit)
	if err != nil {
		return nil, err
	}
	lapsed, err := list(ctx, db, scanID, `SELECT license_id FROM activations
		WHERE lapses_at <= $1 AND lapses_at IS NOT NULL GROUP BY license_id ORDER BY MIN(lapses_at) LIMIT $2`,
		now.UnixMicro(), limit)
	return append(expired, lapsed...), err
}
