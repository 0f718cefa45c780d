package readmodels

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// The states of a licence: the gravest of the facts that hold, revocation before suspension before expiry.
const (
	LicenseActive    = "ACTIVE"
	LicenseSuspended = "SUSPENDED"
	LicenseExpired   = "EXPIRED"
	LicenseRevoked   = "REVOKED"
)

// License is a licence as its last event left it. A licence past its expiry may still be shown as ACTIVE until that event
// is in the ledger; decisions do not depend on this row.
type License struct {
	ID               uuid.UUID
	Tenant           string
	ProductID        uuid.UUID
	ProductCode      string
	PlanID           uuid.UUID
	PlanCode         string
	PlanRevision     int
	PlanType         string  // TRIAL, STANDARD, PROFESSIONAL or ENTERPRISE
	Status           string  // ACTIVE, SUSPENDED, EXPIRED or REVOKED
	CustomerName     *string // nil: the person was erased
	CustomerEmail    *string // nil: the person was erased
	SubjectID        uuid.UUID
	Metadata         map[string]string
	Features         json.RawMessage // an object of scalars
	SeatsUsed        int
	SeatLimit        int
	LeaseSeconds     *int // nil: node-locked; otherwise floating
	OfflineDays      int
	FingerprintMatch string // ANY, TWO, MOST or ALL
	MaxRebinds       *int   // per RebindWindowDays; nil: no limit
	RebindWindowDays int
	KeyGeneration    int
	IssuedAt         time.Time
	ExpiresAt        *time.Time // nil: perpetual, or not begun yet
	ValidityDays     *int       // nil: perpetual
	ValidityStarts   string     // ISSUE or FIRST_ACTIVATION
	SuspendedAt      *time.Time // nil: not suspended now
	ExpiredAt        *time.Time // nil: not expired now
	RevokedAt        *time.Time
	LastReason       *string // of the last suspension, reinstatement, renewal, undone expiry, revocation or new key
	Revision         uint64  // of the licence's stream
	Position         uint64  // of the licence's last event

	row int64
}

// Floating reports whether seats are leased, to be kept by heartbeats, rather than locked to a machine.
func (l License) Floating() bool { return l.LeaseSeconds != nil }

// LicenseSort is the order of a list of licences.
type LicenseSort string

// The orders. Licences without expiry come after all others by expires_at.
const (
	ByIssuedAt     LicenseSort = "issued_at"
	ByExpiresAt    LicenseSort = "expires_at"
	ByCustomerName LicenseSort = "customer_name"
	ByStatus       LicenseSort = "status"
)

// never is how a missing expiry is ordered.
const never = int64(math.MaxInt64)

// key is the expression that is ordered by; an index exists for each.
func (s LicenseSort) key() (string, bool) {
	switch s {
	case ByIssuedAt:
		return "issued_at", true
	case ByExpiresAt:
		return "COALESCE(expires_at, 9223372036854775807)", true
	case ByCustomerName:
		return "customer_name_key", true
	case ByStatus:
		return "status", true
	default:
		return "", false
	}
}

// computed is the same as the key, but no index serves it: to be sorted by when the licences are few.
func (s LicenseSort) computed(key string) string {
	if s == ByCustomerName || s == ByStatus {
		return key + " || ''"
	}
	return key + " + 0"
}

// of is a licence's value of the order, as text.
func (s LicenseSort) of(l License) string {
	switch s {
	case ByExpiresAt:
		if l.ExpiresAt == nil {
			return strconv.FormatInt(never, 10)
		}
		return strconv.FormatInt(l.ExpiresAt.UnixMicro(), 10)
	case ByCustomerName:
		if l.CustomerName == nil {
			return ""
		}
		return CaseFold(*l.CustomerName)
	case ByStatus:
		return l.Status
	default:
		return strconv.FormatInt(l.IssuedAt.UnixMicro(), 10)
	}
}

// value turns the text of a cursor back into what the order compares.
func (s LicenseSort) value(text string) (any, error) {
	if s == ByCustomerName || s == ByStatus {
		return text, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, ErrBadCursor
	}
	return n, nil
}

// LicenseFilter narrows and orders a list of licences. Empty fields do not filter.
type LicenseFilter struct {
	Status     string // ACTIVE, SUSPENDED, EXPIRED or REVOKED
	Product    string // id or code
	Plan       string // id or code; a code names the plans of that code in every product
	Customer   string // the whole e-mail address or name; letter case does not matter
	Search     string // words; each must begin a word of the customer, metadata, product or plan code, or the licence id
	Sort       LicenseSort
	Descending bool
}

// DefaultSort is the order when none is asked for.
const DefaultSort = ByIssuedAt

// The bounds of what may be searched for.
const (
	MaxSearchWords  = 8
	MaxSearchLength = 256
)

const licenseColumns = `issued_position, id, tenant, product_id, product_code, plan_id, plan_code, plan_revision, plan_type,
	status, customer_name, customer_email, subject_id, metadata, features, seats_used, seat_limit, lease_seconds, offline_days,
	fingerprint_match, max_rebinds, rebind_window_days, key_generation, issued_at, expires_at, validity_days, validity_starts,
	suspended_at, expired_at, revoked_at, last_reason, revision, position`

func scanLicense(r row) (l License, err error) {
	err = r.Scan(&l.row, &l.ID, &l.Tenant, &l.ProductID, &l.ProductCode, &l.PlanID, &l.PlanCode, &l.PlanRevision, &l.PlanType,
		&l.Status, &l.CustomerName, &l.CustomerEmail, &l.SubjectID, jsonColumn[map[string]string]{&l.Metadata}, jsonColumn[json.RawMessage]{&l.Features},
		&l.SeatsUsed, &l.SeatLimit, &l.LeaseSeconds, &l.OfflineDays,
		&l.FingerprintMatch, &l.MaxRebinds, &l.RebindWindowDays, &l.KeyGeneration, timeColumn{&l.IssuedAt}, nullableTime{&l.ExpiresAt},
		&l.ValidityDays, &l.ValidityStarts,
		nullableTime{&l.SuspendedAt}, nullableTime{&l.ExpiredAt}, nullableTime{&l.RevokedAt}, &l.LastReason, &l.Revision, &l.Position)
	return l, err
}

// License finds a licence by its id. It fails with [ErrNotFound]. (Projection: [Licenses].)
func (db *DB) License(ctx context.Context, tenant string, id uuid.UUID) (License, error) {
	return one(ctx, db, scanLicense, "SELECT "+licenseColumns+" FROM licenses WHERE tenant = $1 AND id = $2", tenant, id.String())
}

// Licenses lists a tenant's licences. It fails with [ErrBadCursor] or [ErrInvalidQuery].
// (Projections: [Licenses], and [Catalog] when a product or plan is given by code.)
func (db *DB) Licenses(ctx context.Context, tenant string, filter LicenseFilter, paging Paging) (Page[License], error) {
	if filter.Sort == "" {
		filter.Sort = DefaultSort
	}
	key, known := filter.Sort.key()
	if !known {
		return Page[License]{}, fmt.Errorf("%w: licences are ordered by issued_at, expires_at, customer_name or status", ErrInvalidQuery)
	}
	direction, beyond := "ASC", ">"
	if filter.Descending {
		direction, beyond = "DESC", "<"
	}
	order := "licenses " + string(filter.Sort) + " " + direction
	limit, from, err := db.start(paging, order)
	if err != nil {
		return Page[License]{}, err
	}

	within, possible, err := db.resolve(ctx, tenant, filter)
	if err != nil || !possible {
		return Page[License]{}, err
	}
	var w where
	found, err := db.lead(ctx, &w, tenant, filter, within)
	if err != nil {
		return Page[License]{}, err
	}
	if found != "" {
		key = filter.Sort.computed(key)
	}
	w.equal("tenant", tenant)
	if filter.Status != "" {
		w.equal("status", filter.Status)
	}
	for _, s := range within {
		w.oneOf(s.column, s.ids)
	}
	if from != nil {
		value, err := filter.Sort.value(from.Key)
		if err != nil {
			return Page[License]{}, err
		}
		w.and("(" + key + ", issued_position) " + beyond + " (" + w.add(value) + ", " + w.add(from.Row) + ")")
	}
	query := "SELECT " + licenseColumns + " FROM " + found + "licenses" + w.String() +
		" ORDER BY " + key + " " + direction + ", issued_position " + direction + " LIMIT " + strconv.Itoa(limit+1)
	items, err := list(ctx, db, scanLicense, query, w.arguments...)
	if err != nil {
		return Page[License]{}, err
	}
	return paged(db, items, limit, func(l License) cursor {
		return cursor{Order: order, Key: filter.Sort.of(l), Row: l.row}
	}), nil
}

// scope is what a product or a plan narrows a list to.
type scope struct {
	column string
	ids    []string // at least one
}

// resolve checks a filter and finds the products and plans it means; possible is false when no licence can meet it.
func (db *DB) resolve(ctx context.Context, tenant string, filter LicenseFilter) (within []scope, possible bool, err error) {
	if filter.Status != "" && !slices.Contains([]string{LicenseActive, LicenseSuspended, LicenseExpired, LicenseRevoked}, filter.Status) {
		return nil, false, fmt.Errorf("%w: a licence's status is ACTIVE, SUSPENDED, EXPIRED or REVOKED", ErrInvalidQuery)
	}
	for _, by := range []struct{ column, table, idOrCode string }{
		{"product_id", "products", filter.Product},
		{"plan_id", "plans", filter.Plan},
	} {
		if by.idOrCode == "" {
			continue
		}
		var ids []string
		if id, ok := parseID(by.idOrCode); ok {
			ids = []string{id}
		} else if ids, err = list(ctx, db, scanText, "SELECT id FROM "+by.table+" WHERE tenant = $1 AND code = $2", tenant, by.idOrCode); err != nil {
			return nil, false, err
		}
		if len(ids) == 0 {
			return nil, false, nil
		}
		within = append(within, scope{by.column, ids})
	}
	return within, true, nil
}

// lead adds the conditions on customer and search. When a filter is met by few licences, found is a list of these that leads the
// join: an engine left alone may prefer to walk all licences in the order asked for. Its arguments must be the first.
func (db *DB) lead(ctx context.Context, w *where, tenant string, filter LicenseFilter, within []scope) (found string, err error) {
	words, err := searched(filter.Search)
	if err != nil {
		return "", err
	}
	leading := -1
	if filter.Customer != "" {
		// Only the key that can match is asked for, so that one index serves.
		column := "customer_name_key"
		if strings.Contains(filter.Customer, "@") {
			column = "customer_email_key"
		}
		found = "SELECT issued_position AS found FROM licenses WHERE tenant = " + w.add(tenant) + " AND " + column + " = " + w.add(CaseFold(filter.Customer))
	} else if leading, err = db.mostSelectiveWord(ctx, tenant, words); err != nil {
		return "", err
	} else if leading >= 0 {
		found = "SELECT DISTINCT issued_position AS found FROM license_words WHERE tenant = " + w.add(tenant) +
			" AND word >= " + w.add(words[leading]) + " AND word < " + w.add(afterPrefix(words[leading]))
	} else if narrow, err := db.narrowest(ctx, tenant, filter.Sort, within); err != nil {
		return "", err
	} else if narrow != nil {
		var few where
		few.arguments = w.arguments
		few.equal("tenant", tenant)
		few.oneOf(narrow.column, narrow.ids)
		w.arguments = few.arguments
		found = "SELECT issued_position AS found FROM licenses" + few.String()
	}
	for i, word := range words {
		if i != leading {
			w.and("words LIKE " + w.add("% "+likeLiteral(word)+"%") + ` ESCAPE '\'`)
		}
	}
	if found == "" {
		return "", nil
	}
	w.and("issued_position = found")
	return "(" + found + ") AS few CROSS JOIN ", nil
}

// narrowest returns the scope that fewest licences are in, nil when all are in common, or when indexes have the scopes in order.
func (db *DB) narrowest(ctx context.Context, tenant string, sort LicenseSort, within []scope) (narrow *scope, err error) {
	if sort == ByIssuedAt {
		return nil, nil
	}
	least := common
	for i, s := range within {
		var w where
		w.equal("tenant", tenant)
		w.oneOf(s.column, s.ids)
		query := "SELECT COUNT(*) FROM (SELECT 1 FROM licenses" + w.String() + " LIMIT " + w.add(least) + ") AS counted"
		count, err := one(ctx, db, scanCount, query, w.arguments...)
		if err != nil {
			return nil, err
		}
		if count < least {
			narrow, least = &within[i], count
		}
	}
	return narrow, nil
}

// oneOf adds a condition that a column has one of the values, of which there is at least one.
func (w *where) oneOf(column string, values []string) {
	if len(values) == 1 {
		w.equal(column, values[0])
		return
	}
	places := make([]string, len(values))
	for i, v := range values {
		places[i] = w.add(v)
	}
	w.and(column + " IN (" + strings.Join(places, ", ") + ")")
}

func scanText(r row) (s string, err error) {
	err = r.Scan(&s)
	return s, err
}
