// Package machines is the read model of the machines of every licence and of their activations.
package machines

import (
	"context"
	"embed"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/readmodels/store"
)

//go:embed sqlite.sql postgres.sql
var schema embed.FS

// Definition describes the tables.
var Definition = store.Definition{Name: "machines", Version: 1, Schema: schema, Tables: []store.Table{
	{Name: "machines", Key: "binding_id", Order: []string{"bound_position"}},
	{Name: "activations", Key: "id", Order: []string{"granted_position"}},
	{Name: "machine_subjects", Key: "license_id", Order: []string{"issued_position"}},
}}

// Queries answers questions about machines. Each is limited to one tenant unless it says otherwise.
type Queries struct{ db *store.DB }

// New returns the queries of a database.
func New(db *store.DB) Queries { return Queries{db} }

// The states of a machine.
const (
	Bound    = "BOUND"    // holds a seat
	Idle     = "IDLE"     // floating, and its lease lapsed: holds no seat until it comes back
	Released = "RELEASED" // its binding has ended
)

// The states of an activation.
const (
	ActivationActive = "ACTIVE"
	ActivationLapsed = "LAPSED"
	ActivationEnded  = "ENDED"
)

// Machine is a machine's binding to a licence, with its latest activation.
type Machine struct {
	BindingID           uuid.UUID
	LicenseID           uuid.UUID
	Tenant              string
	Fingerprint         string  // 64 hexadecimal digits
	PreviousFingerprint *string // before the last drift or rebind
	OS                  string  // may be empty
	Name                *string // host name; nil: none given, or the person was erased
	Status              string  // BOUND, IDLE or RELEASED
	BoundAt             time.Time
	LastSeenAt          time.Time // last granted, renewed, bound, drifted or rebound
	ReleasedAt          *time.Time
	DriftCount          int
	DriftMatched        *int // component kinds that matched at the last drift …
	DriftCompared       *int // … of so many compared; both nil: never drifted
	RebindCount         int
	LastReason          *string
	Position            uint64      // of the binding's or its activation's last event
	Activation          *Activation // the latest; nil: none yet

	row int64
}

// Activation is the permission of a bound machine to run.
type Activation struct {
	ID         uuid.UUID
	Status     string // ACTIVE, LAPSED or ENDED
	GrantedAt  time.Time
	RenewedAt  *time.Time // nil: never
	ExpiresAt  time.Time
	EndedAt    *time.Time
	LastReason *string
}

// joined is a row of the join: a machine, and its latest activation or NULL in all of its columns.
type joined struct {
	Machine
	latest struct {
		id                               uuid.NullUUID
		status                           *string
		granted, renewed, expires, ended *time.Time
		reason                           *string
	}
}

var columns = store.Columns[joined]{
	store.Col("m.bound_position", func(m *joined) any { return &m.row }),
	store.Col("m.binding_id", func(m *joined) any { return &m.BindingID }),
	store.Col("m.license_id", func(m *joined) any { return &m.LicenseID }),
	store.Col("m.tenant", func(m *joined) any { return &m.Tenant }),
	store.Col("m.fingerprint", func(m *joined) any { return &m.Fingerprint }),
	store.Col("m.previous_fingerprint", func(m *joined) any { return &m.PreviousFingerprint }),
	store.Col("m.os", func(m *joined) any { return &m.OS }),
	store.Col("m.name", func(m *joined) any { return &m.Name }),
	store.Col("m.status", func(m *joined) any { return &m.Status }),
	store.Col("m.bound_at", func(m *joined) any { return store.Time{Into: &m.BoundAt} }),
	store.Col("m.last_seen_at", func(m *joined) any { return store.Time{Into: &m.LastSeenAt} }),
	store.Col("m.released_at", func(m *joined) any { return store.NullableTime{Into: &m.ReleasedAt} }),
	store.Col("m.drift_count", func(m *joined) any { return &m.DriftCount }),
	store.Col("m.drift_matched", func(m *joined) any { return &m.DriftMatched }),
	store.Col("m.drift_compared", func(m *joined) any { return &m.DriftCompared }),
	store.Col("m.rebind_count", func(m *joined) any { return &m.RebindCount }),
	store.Col("m.last_reason", func(m *joined) any { return &m.LastReason }),
	store.Col("m.position", func(m *joined) any { return &m.Position }),
	store.Col("a.id", func(m *joined) any { return &m.latest.id }),
	store.Col("a.status", func(m *joined) any { return &m.latest.status }),
	store.Col("a.granted_at", func(m *joined) any { return store.NullableTime{Into: &m.latest.granted} }),
	store.Col("a.renewed_at", func(m *joined) any { return store.NullableTime{Into: &m.latest.renewed} }),
	store.Col("a.expires_at", func(m *joined) any { return store.NullableTime{Into: &m.latest.expires} }),
	store.Col("a.ended_at", func(m *joined) any { return store.NullableTime{Into: &m.latest.ended} }),
	store.Col("a.last_reason", func(m *joined) any { return &m.latest.reason }),
}

const joinedTables = "machines m LEFT JOIN activations a ON a.id = m.activation_id"

func scan(r store.Row) (Machine, error) {
	m, err := columns.Scan(r)
	if a := m.latest; err == nil && a.id.Valid {
		m.Activation = &Activation{ID: a.id.UUID, Status: *a.status, GrantedAt: *a.granted, RenewedAt: a.renewed, ExpiresAt: *a.expires,
			EndedAt: a.ended, LastReason: a.reason}
	}
	return m.Machine, err
}

var listing = store.Listing[Machine]{Order: "machines", Select: columns.String(), Scan: scan, From: joinedTables,
	Column: "m.bound_position",
	Row:    func(m Machine) int64 { return m.row }}

// OfLicense lists the machines ever bound to a licence, in the order they were first bound.
// It fails with [store.ErrBadCursor], [store.ErrOtherEpoch] or [store.ErrInvalidQuery].
func (q Queries) OfLicense(ctx context.Context, tenant string, licenseID uuid.UUID, paging store.Paging) (store.Page[Machine], error) {
	var w store.Where
	w.Equal("m.tenant", tenant)
	w.Equal("m.license_id", licenseID.String())
	return listing.Page(ctx, q.db, w, paging)
}

// Find finds a machine by the id of its binding. It fails with [store.ErrNotFound].
func (q Queries) Find(ctx context.Context, tenant string, bindingID uuid.UUID) (Machine, error) {
	return store.One(ctx, q.db, scan, "SELECT "+columns.String()+" FROM "+joinedTables+" WHERE m.tenant = $1 AND m.binding_id = $2",
		tenant, bindingID.String())
}

// LicenseOfActivation returns the licence that an activation, past or present, belongs to. It fails with [store.ErrNotFound].
func (q Queries) LicenseOfActivation(ctx context.Context, tenant string, activationID uuid.UUID) (uuid.UUID, error) {
	return store.One(ctx, q.db, store.Scalar[uuid.UUID], "SELECT license_id FROM activations WHERE tenant = $1 AND id = $2",
		tenant, activationID.String())
}

// LicenseOfBinding returns the licence that a binding, past or present, belongs to. It fails with [store.ErrNotFound].
func (q Queries) LicenseOfBinding(ctx context.Context, tenant string, bindingID uuid.UUID) (uuid.UUID, error) {
	return store.One(ctx, q.db, store.Scalar[uuid.UUID], "SELECT license_id FROM machines WHERE tenant = $1 AND binding_id = $2",
		tenant, bindingID.String())
}

// Lapsed names up to limit licences of any tenant of which a lease has ended by now without an event that says so, the
// longest due first.
func (q Queries) Lapsed(ctx context.Context, now time.Time, limit int) ([]uuid.UUID, error) {
	return store.List(ctx, q.db, store.Scalar[uuid.UUID], `SELECT license_id FROM activations
		WHERE lapses_at <= $1 AND lapses_at IS NOT NULL GROUP BY license_id ORDER BY MIN(lapses_at) LIMIT $2`,
		now.UnixMicro(), limit)
}
