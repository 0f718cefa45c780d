package readmodels

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// Plan is a plan with the terms in force for licences issued now.
type Plan struct {
	ID               uuid.UUID
	Tenant           string
	ProductID        uuid.UUID
	ProductCode      string
	Code             string // unique per product
	Name             string
	Type             string // TRIAL, STANDARD, PROFESSIONAL or ENTERPRISE
	MaxMachines      int
	ValidityDays     *int   // nil: perpetual
	ValidityStarts   string // ISSUE or FIRST_ACTIVATION
	Features         json.RawMessage
	PriceMinor       *int64  // in the currency's minor unit; nil: no price
	Currency         *string // ISO 4217; nil: no price
	LeaseSeconds     *int    // nil: node-locked; otherwise floating
	FingerprintMatch string  // ANY, TWO, MOST or ALL
	MaxRebinds       *int    // per RebindWindowDays; nil: no limit
	RebindWindowDays int
	PlanRevision     int // 1 as published
	PublishedAt      time.Time
	RevisedAt        *time.Time // nil: never
	Revision         uint64     // of the plan's stream
	Position         uint64     // of the plan's last event

	row int64
}

const planColumns = `p.published_position, p.id, p.tenant, p.product_id, o.code, p.code, p.name, p.type, p.max_machines,
	p.validity_days, p.validity_starts, p.features, p.price_minor, p.currency, p.lease_seconds, p.fingerprint_match,
	p.max_rebinds, p.rebind_window_days, p.plan_revision, p.published_at, p.revised_at, p.revision, p.position`

const plansFrom = " FROM products o JOIN plans p ON o.id = p.product_id"

func scanPlan(r row) (p Plan, err error) {
	err = r.Scan(&p.row, &p.ID, &p.Tenant, &p.ProductID, &p.ProductCode, &p.Code, &p.Name, &p.Type, &p.MaxMachines,
		&p.ValidityDays, &p.ValidityStarts, jsonColumn[json.RawMessage]{&p.Features}, &p.PriceMinor, &p.Currency, &p.LeaseSeconds, &p.FingerprintMatch,
		&p.MaxRebinds, &p.RebindWindowDays, &p.PlanRevision, timeColumn{&p.PublishedAt}, nullableTime{&p.RevisedAt}, &p.Revision, &p.Position)
	return p, err
}

// Plan finds a plan by its id. It fails with [ErrNotFound]. (Projection: [Catalog].)
func (db *DB) Plan(ctx context.Context, tenant string, id uuid.UUID) (Plan, error) {
	return one(ctx, db, scanPlan, "SELECT "+planColumns+plansFrom+" WHERE p.tenant = $1 AND p.id = $2", tenant, id.String())
}

// PlanOfProduct finds a plan by its code within a product. It fails with [ErrNotFound]. (Projection: [Catalog].)
func (db *DB) PlanOfProduct(ctx context.Context, tenant string, productID uuid.UUID, code string) (Plan, error) {
	return one(ctx, db, scanPlan, "SELECT "+planColumns+plansFrom+" WHERE p.tenant = $1 AND p.product_id = $2 AND p.code = $3",
		tenant, productID.String(), code)
}

// PlanFilter narrows a list of plans.
type PlanFilter struct {
	Product string // id or code; empty for all
}

// Plans lists a tenant's plans in the order they were published. It fails with [ErrBadCursor] or [ErrInvalidQuery].
// (Projection: [Catalog].)
func (db *DB) Plans(ctx context.Context, tenant string, filter PlanFilter, paging Paging) (Page[Plan], error) {
	limit, from, err := db.start(paging, "plans")
	if err != nil {
		return Page[Plan]{}, err
	}
	var w where
	w.equal("p.tenant", tenant)
	if id, ok := parseID(filter.Product); ok {
		w.equal("p.product_id", id)
	} else if filter.Product != "" {
		w.equal("o.code", filter.Product)
	}
	if from != nil {
		w.and("p.published_position > " + w.add(from.Row))
	}
	query := "SELECT " + planColumns + plansFrom + w.String() + " ORDER BY p.published_position LIMIT " + strconv.Itoa(limit+1)
	items, err := list(ctx, db, scanPlan, query, w.arguments...)
	if err != nil {
		return Page[Plan]{}, err
	}
	return paged(db, items, limit, func(p Plan) cursor { return cursor{Order: "plans", Row: p.row} }), nil
}
