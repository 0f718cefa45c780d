// Package licenses is the read model of licences: what each is now, and the words it is found by.
package licenses

import (
	"context"
	"embed"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/readmodels/store"
)

//go:embed sqlite.sql postgres.sql
var schema embed.FS

// Definition describes the tables.
var Definition = store.Definition{Name: "licenses", Version: 4, Schema: schema, Tables: []store.Table{
	{Name: "license_words", Order: []string{"tenant", "word", "issued_position"}},
	{Name: "licenses", Key: "id", Order: []string{"issued_position"}},
}}

// Queries answers questions about licences. Each is limited to one tenant unless it says otherwise.
type Queries struct{ db *store.DB }

// New returns the queries of a database.
func New(db *store.DB) Queries { return Queries{db} }

// The states of a licence: the gravest of the facts that hold, revocation before suspension before expiry.
const (
	Active    = "ACTIVE"
	Suspended = "SUSPENDED"
	Expired   = "EXPIRED"
	Revoked   = "REVOKED"
)

// License is a licence as its last event left it. A licence past its expiry may still be shown as ACTIVE until that event
// is in the ledger; decisions do not depend on this row.
type License struct {
	ID                      uuid.UUID
	Tenant                  string
	ProductID               uuid.UUID
	ProductCode             string
	PlanID                  uuid.UUID
	PlanCode                string
	PlanRevision            int
	PlanType                string  // TRIAL, STANDARD, PROFESSIONAL or ENTERPRISE
	Status                  string  // ACTIVE, SUSPENDED, EXPIRED or REVOKED
	CustomerName            *string // nil: the person was erased
	CustomerEmail           *string // nil: the person was erased
	SubjectID               uuid.UUID
	Metadata                map[string]string
	Features                json.RawMessage // an object of scalars
	SeatsUsed               int
	SeatLimit               int
	LeaseSeconds            *int // nil: node-locked; otherwise floating
	OfflineDays             int
	FingerprintMatch        string // ANY, TWO, MOST or ALL
	MaxRebinds              *int   // per RebindWindowDays; nil: no limit
	RebindWindowDays        int
	RebindCooldownSeconds   *int // seconds; nil: none
	DailyActivationsPerSeat *int // of machines; nil: the default
	KeyGeneration           int
	IssuedAt                time.Time
	ExpiresAt               *time.Time // nil: perpetual, or not begun yet
	ValidityDays            *int       // nil: perpetual
	ValidityStarts          string     // ISSUE or FIRST_ACTIVATION
	SuspendedAt             *time.Time // nil: not suspended now
	ExpiredAt               *time.Time // nil: not expired now
	RevokedAt               *time.Time
	LastReason              *string // of the last suspension, reinstatement, renewal, undone expiry, revocation or new key
	Revision                uint64  // of the licence's stream
	Position                uint64  // of the licence's last event

	row int64
}

// Floating reports whether seats are leased, to be kept by heartbeats, rather than locked to a machine.
func (l License) Floating() bool { return l.LeaseSeconds != nil }

var columns = store.Columns[License]{
	store.Col("issued_position", func(l *License) any { return &l.row }),
	store.Col("id", func(l *License) any { return &l.ID }),
	store.Col("tenant", func(l *License) any { return &l.Tenant }),
	store.Col("product_id", func(l *License) any { return &l.ProductID }),
	store.Col("product_code", func(l *License) any { return &l.ProductCode }),
	store.Col("plan_id", func(l *License) any { return &l.PlanID }),
	store.Col("plan_code", func(l *License) any { return &l.PlanCode }),
	store.Col("plan_revision", func(l *License) any { return &l.PlanRevision }),
	store.Col("plan_type", func(l *License) any { return &l.PlanType }),
	store.Col("status", func(l *License) any { return &l.Status }),
	store.Col("customer_name", func(l *License) any { return &l.CustomerName }),
	store.Col("customer_email", func(l *License) any { return &l.CustomerEmail }),
	store.Col("subject_id", func(l *License) any { return &l.SubjectID }),
	store.Col("metadata", func(l *License) any { return store.JSON[map[string]string]{Into: &l.Metadata} }),
	store.Col("features", func(l *License) any { return store.JSON[json.RawMessage]{Into: &l.Features} }),
	store.Col("seats_used", func(l *License) any { return &l.SeatsUsed }),
	store.Col("seat_limit", func(l *License) any { return &l.SeatLimit }),
	store.Col("lease_seconds", func(l *License) any { return &l.LeaseSeconds }),
	store.Col("offline_days", func(l *License) any { return &l.OfflineDays }),
	store.Col("fingerprint_match", func(l *License) any { return &l.FingerprintMatch }),
	store.Col("max_rebinds", func(l *License) any { return &l.MaxRebinds }),
	store.Col("rebind_window_days", func(l *License) any { return &l.RebindWindowDays }),
	store.Col("rebind_cooldown_seconds", func(l *License) any { return &l.RebindCooldownSeconds }),
	store.Col("daily_activations_per_seat", func(l *License) any { return &l.DailyActivationsPerSeat }),
	store.Col("key_generation", func(l *License) any { return &l.KeyGeneration }),
	store.Col("issued_at", func(l *License) any { return store.Time{Into: &l.IssuedAt} }),
	store.Col("expires_at", func(l *License) any { return store.NullableTime{Into: &l.ExpiresAt} }),
	store.Col("validity_days", func(l *License) any { return &l.ValidityDays }),
	store.Col("validity_starts", func(l *License) any { return &l.ValidityStarts }),
	store.Col("suspended_at", func(l *License) any { return store.NullableTime{Into: &l.SuspendedAt} }),
	store.Col("expired_at", func(l *License) any { return store.NullableTime{Into: &l.ExpiredAt} }),
	store.Col("revoked_at", func(l *License) any { return store.NullableTime{Into: &l.RevokedAt} }),
	store.Col("last_reason", func(l *License) any { return &l.LastReason }),
	store.Col("revision", func(l *License) any { return &l.Revision }),
	store.Col("position", func(l *License) any { return &l.Position }),
}

// Find finds a licence by its id. It fails with [store.ErrNotFound].
func (q Queries) Find(ctx context.Context, tenant string, id uuid.UUID) (License, error) {
	return store.One(ctx, q.db, columns.Scan, "SELECT "+columns.String()+" FROM licenses WHERE tenant = $1 AND id = $2", tenant, id.String())
}

// Expired names up to limit licences of any tenant whose validity is over by now without an event that says so, the
// longest due first.
func (q Queries) Expired(ctx context.Context, now time.Time, limit int) ([]uuid.UUID, error) {
	return store.List(ctx, q.db, store.Scalar[uuid.UUID], `SELECT id FROM licenses
		WHERE expires_at <= $1 AND expired_at IS NULL AND revoked_at IS NULL AND expires_at IS NOT NULL ORDER BY expires_at LIMIT $2`,
		now.UnixMicro(), limit)
}
