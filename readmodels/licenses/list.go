package licenses

import (
	"context"
	"strconv"

	"github.com/licenseledger/licenseledger/readmodels/store"
)

// Filter narrows and orders a list of licences. Empty fields do not filter.
type Filter struct {
	Status     string // ACTIVE, SUSPENDED, EXPIRED or REVOKED
	Product    string // id or code
	Plan       string // id or code; a code names the plans of that code in every product
	Customer   string // the whole e-mail address or name; letter case does not matter
	Search     string // words; each must begin a word of the customer, metadata, product or plan code, or the licence id
	Sort       Sort
	Descending bool
}

// DefaultSort is the order when none is asked for.
const DefaultSort = ByIssuedAt

// The bounds of what may be searched for.
const (
	MaxSearchWords  = 8
	MaxSearchLength = 256 // characters
)

// List lists a tenant's licences. It fails with [store.ErrBadCursor] or [store.ErrInvalidQuery].
// When a product or plan is given by code, it asks the read model of the catalog too.
func (q Queries) List(ctx context.Context, tenant string, filter Filter, paging store.Paging) (store.Page[License], error) {
	if filter.Sort == "" {
		filter.Sort = DefaultSort
	}
	key, known := filter.Sort.key()
	if !known {
		return store.Page[License]{}, &store.InvalidQueryError{Parameter: "sort", Rule: "must be issued_at, expires_at, customer_name or status"}
	}
	direction, beyond := "ASC", ">"
	if filter.Descending {
		direction, beyond = "DESC", "<"
	}
	order := "licenses " + string(filter.Sort) + " " + direction
	of := store.Filtered(tenant, filter.Status, filter.Product, filter.Plan, filter.Customer, filter.Search)
	limit, from, err := q.db.Start(paging, of, order)
	if err != nil {
		return store.Page[License]{}, err
	}

	words, err := searchWords(filter.Search)
	if err != nil {
		return store.Page[License]{}, err
	}
	scopes, possible, err := q.resolve(ctx, tenant, filter)
	if err != nil || !possible {
		return store.Page[License]{}, err
	}
	var w store.Where
	found, err := q.candidates(ctx, &w, tenant, filter, words, scopes)
	if err != nil {
		return store.Page[License]{}, err
	}
	if found != "" {
		key = filter.Sort.computed(key)
	}
	w.Equal("tenant", tenant)
	if filter.Status != "" {
		w.Equal("status", filter.Status)
	}
	for _, s := range scopes {
		w.OneOf(s.column, s.ids)
	}
	if from != nil {
		value, err := filter.Sort.value(from.Key)
		if err != nil {
			return store.Page[License]{}, err
		}
		w.And("(" + key + ", issued_position) " + beyond + " (" + w.Add(value) + ", " + w.Add(from.Row) + ")")
	}
	query := "SELECT " + columns.String() + " FROM " + found + "licenses" + w.String() +
		" ORDER BY " + key + " " + direction + ", issued_position " + direction + " LIMIT " + strconv.Itoa(limit+1)
	items, err := store.List(ctx, q.db, columns.Scan, query, w.Arguments...)
	if err != nil {
		return store.Page[License]{}, err
	}
	return store.NewPage(q.db, items, limit, func(l License) store.Cursor {
		return store.Cursor{Filter: of, Order: order, Key: filter.Sort.of(l), Row: l.row}
	}), nil
}
