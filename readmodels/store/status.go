package store

import (
	"context"
	"database/sql"
	"time"
)

// The states of a projection.
const (
	StateRunning    = "RUNNING"    // follows the ledger
	StateRebuilding = "REBUILDING" // new tables are built beside those that serve
	StateFailed     = "FAILED"     // stands before an event it cannot project; see the error
	StateStopped    = "STOPPED"    // nobody writes it here
)

// ProjectionStatus tells where a projection stands.
type ProjectionStatus struct {
	Name             string
	Version          int // of the projector that filled the tables
	Generation       int64
	Position         uint64 // of the last event whose rows are there
	Head             uint64 // of the ledger; 0 when it is not known
	Lag              uint64 // events between position and head
	State            string // RUNNING, REBUILDING, FAILED or STOPPED
	Progress         *Progress
	Error            string // why it is FAILED or STOPPED; names the event, never its content
	UpdatedAt        time.Time
	Checksum         string // SHA-256 of the content when it was last rebuilt; empty: not yet
	ChecksumPosition uint64 // where that checksum was taken
}

// Progress is how far a rebuild has come, in positions of the ledger.
type Progress struct {
	Done  uint64
	Total uint64
}

// Projections tells where the serving generation of every projection stands, by name, as far as the database knows: head and
// lag, and so what a rebuild has before it, belong to the ledger and are left at 0.
func (db *DB) Projections(ctx context.Context) ([]ProjectionStatus, error) {
	return listFrom(ctx, db, db.primary, scanProjection, `SELECT name, version, generation, position, state, error, updated_at, checksum, checksum_position, rebuild_wanted,
			(SELECT MAX(b.position) FROM projections b WHERE b.name = p.name AND b.serving = 0 AND b.state = 'REBUILDING')
		FROM projections p WHERE serving = 1 ORDER BY name`, nil)
}

func scanProjection(r Row) (p ProjectionStatus, err error) {
	var wanted bool
	var built sql.NullInt64
	err = r.Scan(&p.Name, &p.Version, &p.Generation, &p.Position, &p.State, &p.Error, Time{&p.UpdatedAt}, &p.Checksum,
		&p.ChecksumPosition, &wanted, &built)
	if wanted || built.Valid {
		p.State, p.Progress = StateRebuilding, &Progress{Done: uint64(built.Int64)}
	}
	return p, err
}
