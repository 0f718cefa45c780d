package queryapi

import (
	"context"
	"errors"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/problem"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

type urlKey struct{}

// rememberURL keeps the request's URL in the context, from which [nextLink] makes the address of the next page.
func rememberURL(next StrictHandlerFunc, _ string) StrictHandlerFunc {
	return func(c *echo.Context, request any) (any, error) {
		r := c.Request()
		c.SetRequest(r.WithContext(context.WithValue(r.Context(), urlKey{}, r.URL)))
		return next(c, request)
	}
}

// nextLink returns the Link header (RFC 8288) that leads to the same list with other parameters.
func nextLink(ctx context.Context, parameters map[string]string) *string {
	current, known := ctx.Value(urlKey{}).(*url.URL)
	if !known {
		return nil
	}
	query := current.Query()
	for name, value := range parameters {
		query.Set(name, value)
	}
	link := "<" + current.EscapedPath() + "?" + query.Encode() + `>; rel="next"`
	return &link
}

// listQuery holds what all lists have in common: the parameters, and the projections that the rows come from.
type listQuery struct {
	cursor         *string
	limit          *int
	ledgerPosition *string
	projections    []string
}

// rowsQuery queries a page of rows of a tenant.
type rowsQuery[Row any] func(ctx context.Context, tenant string, paging store.Paging) (store.Page[Row], error)

// page is what a list responds with.
type page[Item any] struct {
	items      []Item // never nil
	nextCursor *api.NextCursor
	link       *string // the Link header
}

// list checks the parameters, waits for the projections, queries a page of rows and converts each row.
func list[Row, Item any](
	ctx context.Context, s server, q listQuery, rows rowsQuery[Row], toItem func(Row) (Item, error),
) (page[Item], error) {
	paging, err := q.paging()
	if err != nil {
		return page[Item]{}, err
	}
	tenant, err := s.tenantAt(ctx, q.ledgerPosition, q.projections...)
	if err != nil {
		return page[Item]{}, err
	}
	found, err := rows(ctx, tenant, paging)
	if err != nil {
		return page[Item]{}, err
	}
	out := page[Item]{items: make([]Item, len(found.Items))}
	for i, row := range found.Items {
		if out.items[i], err = toItem(row); err != nil {
			return page[Item]{}, err
		}
	}
	if found.Next != "" {
		out.nextCursor, out.link = &found.Next, nextLink(ctx, map[string]string{"cursor": found.Next})
	}
	return out, nil
}

func (q listQuery) paging() (store.Paging, error) {
	if q.limit != nil && (*q.limit < 1 || *q.limit > store.MaxLimit) {
		return store.Paging{}, problem.Field("limit", "must be 1 to "+strconv.Itoa(store.MaxLimit))
	}
	return store.Paging{Cursor: api.Value(q.cursor), Limit: api.Value(q.limit)}, nil
}

// withoutError makes a conversion that cannot fail fit for list.
func withoutError[Row, Item any](toItem func(Row) Item) func(Row) (Item, error) {
	return func(row Row) (Item, error) { return toItem(row), nil }
}

// notFoundAs replaces [store.ErrNotFound] by the error that names the resource.
func notFoundAs(named, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return named
	}
	return err
}
