package catalog

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/readmodels/store"
)

// Plan is a plan with the terms in force for licences issued now.
type Plan struct {
	ID                      uuid.UUID
	Tenant                  string
	ProductID               uuid.UUID
	ProductCode             string
	Code                    string // unique per product
	Name                    string
	Type                    string // TRIAL, STANDARD, PROFESSIONAL or ENTERPRISE
	MaxMachines             int
	ValidityDays            *int   // nil: perpetual
	ValidityStarts          string // ISSUE or FIRST_ACTIVATION
	Features                json.RawMessage
	PriceMinor              *int64  // in the currency's minor unit; nil: no price
	Currency                *string // ISO 4217; nil: no price
	LeaseSeconds            *int    // nil: node-locked; otherwise floating
	FingerprintMatch        string  // ANY, TWO, MOST or ALL
	MaxRebinds              *int    // per RebindWindowDays; nil: no limit
	RebindWindowDays        int
	RebindCooldownSeconds   *int // seconds; nil: none
	DailyActivationsPerSeat *int // of machines; nil: the default
	PlanRevision            int  // 1 as published
	PublishedAt             time.Time
	RevisedAt               *time.Time // nil: never
	Revision                uint64     // of the plan's stream
	Position                uint64     // of the plan's last event

	row int64
}

var planColumns = store.Columns[Plan]{
	store.Col("p.published_position", func(p *Plan) any { return &p.row }),
	store.Col("p.id", func(p *Plan) any { return &p.ID }),
	store.Col("p.tenant", func(p *Plan) any { return &p.Tenant }),
	store.Col("p.product_id", func(p *Plan) any { return &p.ProductID }),
	store.Col("o.code", func(p *Plan) any { return &p.ProductCode }),
	store.Col("p.code", func(p *Plan) any { return &p.Code }),
	store.Col("p.name", func(p *Plan) any { return &p.Name }),
	store.Col("p.type", func(p *Plan) any { return &p.Type }),
	store.Col("p.max_machines", func(p *Plan) any { return &p.MaxMachines }),
	store.Col("p.validity_days", func(p *Plan) any { return &p.ValidityDays }),
	store.Col("p.validity_starts", func(p *Plan) any { return &p.ValidityStarts }),
	store.Col("p.features", func(p *Plan) any { return store.JSON[json.RawMessage]{Into: &p.Features} }),
	store.Col("p.price_minor", func(p *Plan) any { return &p.PriceMinor }),
	store.Col("p.currency", func(p *Plan) any { return &p.Currency }),
	store.Col("p.lease_seconds", func(p *Plan) any { return &p.LeaseSeconds }),
	store.Col("p.fingerprint_match", func(p *Plan) any { return &p.FingerprintMatch }),
	store.Col("p.max_rebinds", func(p *Plan) any { return &p.MaxRebinds }),
	store.Col("p.rebind_window_days", func(p *Plan) any { return &p.RebindWindowDays }),
	store.Col("p.rebind_cooldown_seconds", func(p *Plan) any { return &p.RebindCooldownSeconds }),
	store.Col("p.daily_activations_per_seat", func(p *Plan) any { return &p.DailyActivationsPerSeat }),
	store.Col("p.plan_revision", func(p *Plan) any { return &p.PlanRevision }),
	store.Col("p.published_at", func(p *Plan) any { return store.Time{Into: &p.PublishedAt} }),
	store.Col("p.revised_at", func(p *Plan) any { return store.NullableTime{Into: &p.RevisedAt} }),
	store.Col("p.revision", func(p *Plan) any { return &p.Revision }),
	store.Col("p.position", func(p *Plan) any { return &p.Position }),
}

const planTables = "products o JOIN plans p ON o.id = p.product_id"

var planList = store.Listing[Plan]{Order: "plans", Select: planColumns.String(), Scan: planColumns.Scan, From: planTables,
	Column: "p.published_position", Row: func(p Plan) int64 { return p.row }}

// Plan finds a plan by its id. It fails with [store.ErrNotFound].
func (q Queries) Plan(ctx context.Context, tenant string, id uuid.UUID) (Plan, error) {
	return store.One(ctx, q.db, planColumns.Scan, "SELECT "+planColumns.String()+" FROM "+planTables+" WHERE p.tenant = $1 AND p.id = $2",
		tenant, id.String())
}

// PlanFilter narrows a list of plans.
type PlanFilter struct {
	Product string // id or code; empty for all
}

// Plans lists a tenant's plans in the order they were published.
// It fails with [store.ErrBadCursor], [store.ErrOtherEpoch] or [store.ErrInvalidQuery].
func (q Queries) Plans(ctx context.Context, tenant string, filter PlanFilter, paging store.Paging) (store.Page[Plan], error) {
	var w store.Where
	w.Equal("p.tenant", tenant)
	if id, ok := store.ParseID(filter.Product); ok {
		w.And("(p.product_id = " + w.Add(id) + " OR o.code = " + w.Add(filter.Product) + ")") // a code may look like an id
	} else if filter.Product != "" {
		w.Equal("o.code", filter.Product)
	}
	return planList.Page(ctx, q.db, w, paging)
}
