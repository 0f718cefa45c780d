package readmodels

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// The states of a machine.
const (
	MachineBound    = "BOUND"    // holds a seat
	MachineIdle     = "IDLE"     // floating, and its lease lapsed: holds no seat until it comes back
	MachineReleased = "RELEASED" // its binding has ended
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

const machineColumns = `m.bound_position, m.binding_id, m.license_id, m.tenant, m.fingerprint, m.previous_fingerprint, m.os, m.name, m.status,
	m.bound_at, m.last_seen_at, m.released_at, m.drift_count, m.drift_matched, m.drift_compared, m.rebind_count, m.last_reason, m.position,
	a.id, a.status, a.granted_at, a.renewed_at, a.expires_at, a.ended_at, a.last_reason`

const machinesFrom = " FROM machines m LEFT JOIN activations a ON a.id = m.activation_id"

func scanMachine(r row) (m Machine, err error) {
	var (
		id                 uuid.NullUUID
		status             *string
		granted, expires   *time.Time
		renewed, ended     *time.Time
		reasonOfActivation *string
	)
	err = r.Scan(&m.row, &m.BindingID, &m.LicenseID, &m.Tenant, &m.Fingerprint, &m.PreviousFingerprint, &m.OS, &m.Name, &m.Status,
		timeColumn{&m.BoundAt}, timeColumn{&m.LastSeenAt}, nullableTime{&m.ReleasedAt}, &m.DriftCount, &m.DriftMatched, &m.DriftCompared,
		&m.RebindCount, &m.LastReason, &m.Position,
		&id, &status, nullableTime{&granted}, nullableTime{&renewed}, nullableTime{&expires}, nullableTime{&ended}, &reasonOfActivation)
	if err != nil || !id.Valid {
		return m, err
	}
	m.Activation = &Activation{ID: id.UUID, Status: *status, GrantedAt: *granted, RenewedAt: renewed, ExpiresAt: *expires,
		EndedAt: ended, LastReason: reasonOfActivation}
	return m, nil
}

// MachinesOfLicense lists the machines ever bound to a licence, in the order they were first bound. It fails with [ErrBadCursor] or [ErrInvalidQuery]. (Projection: [Machines].)
func (db *DB) MachinesOfLicense(ctx context.Context, tenant string, licenseID uuid.UUID, paging Paging) (Page[Machine], error) {
	limit, from, err := db.start(paging, "machines")
	if err != nil {
		return Page[Machine]{}, err
	}
	var w where
	w.equal("m.tenant", tenant)
	w.equal("m.license_id", licenseID.String())
	if from != nil {
		w.and("m.bound_position > " + w.add(from.Row))
	}
	query := "SELECT " + machineColumns + machinesFrom + w.String() + " ORDER BY m.bound_position LIMIT " + strconv.Itoa(limit+1)
	items, err := list(ctx, db, scanMachine, query, w.arguments...)
	if err != nil {
		return Page[Machine]{}, err
	}
	return paged(db, items, limit, func(m Machine) cursor { return cursor{Order: "machines", Row: m.row} }), nil
}

// Machine finds a machine by the id of its binding. It fails with [ErrNotFound]. (Projection: [Machines].)
func (db *DB) Machine(ctx context.Context, tenant string, bindingID uuid.UUID) (Machine, error) {
	return one(ctx, db, scanMachine, "SELECT "+machineColumns+machinesFrom+" WHERE m.tenant = $1 AND m.binding_id = $2", tenant, bindingID.String())
}

// LicenseOfActivation tells which licence an activation, past or present, belongs to. It fails with [ErrNotFound].
// (Projection: [Machines].)
func (db *DB) LicenseOfActivation(ctx context.Context, tenant string, activationID uuid.UUID) (uuid.UUID, error) {
	return one(ctx, db, scanID, "SELECT license_id FROM activations WHERE tenant = $1 AND id = $2", tenant, activationID.String())
}

// LicenseOfBinding tells which licence a binding, past or present, belongs to. It fails with [ErrNotFound].
// (Projection: [Machines].)
func (db *DB) LicenseOfBinding(ctx context.Context, tenant string, bindingID uuid.UUID) (uuid.UUID, error) {
	return one(ctx, db, scanID, "SELECT license_id FROM machines WHERE tenant = $1 AND binding_id = $2", tenant, bindingID.String())
}

func scanID(r row) (id uuid.UUID, err error) {
	err = r.Scan(&id)
	return id, err
}
