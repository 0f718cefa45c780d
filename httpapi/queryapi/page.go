package queryapi

import (
	"context"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/problem"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

type urlKey struct{}

// rememberURL lets a handler say where the next page is.
func rememberURL(next StrictHandlerFunc, _ string) StrictHandlerFunc {
	return func(c *echo.Context, request any) (any, error) {
		r := c.Request()
		c.SetRequest(r.WithContext(context.WithValue(r.Context(), urlKey{}, r.URL)))
		return next(c, request)
	}
}

// nextLink is the Link header (RFC 8288) to the same list with other parameters.
func nextLink(ctx context.Context, parameters map[string]string) *string {
	asked, known := ctx.Value(urlKey{}).(*url.URL)
	if !known {
		return nil
	}
	query := asked.Query()
	for name, value := range parameters {
		query.Set(name, value)
	}
	link := "<" + asked.EscapedPath() + "?" + query.Encode() + `>; rel="next"`
	return &link
}

// paging reads which part of a list is asked for.
func paging(cursor *string, limit *int) (store.Paging, error) {
	var p store.Paging
	if cursor != nil {
		p.Cursor = *cursor
	}
	if limit != nil {
		if *limit < 1 || *limit > store.MaxLimit {
			return p, problem.Field("limit", "must be 1 to "+strconv.Itoa(store.MaxLimit))
		}
		p.Limit = *limit
	}
	return p, nil
}

// page describes the rows of a list and where the next ones are.
func page[Row, Item any](ctx context.Context, rows store.Page[Row], describe func(Row) (Item, error)) (items []Item,
	cursor *api.NextCursor, link *string, err error) {
	items = make([]Item, len(rows.Items))
	for i, row := range rows.Items {
		if items[i], err = describe(row); err != nil {
			return nil, nil, nil, err
		}
	}
	if rows.Next == "" {
		return items, nil, nil, nil
	}
	return items, &rows.Next, nextLink(ctx, map[string]string{"cursor": rows.Next}), nil
}

// etag is the entity tag of a revision.
func etag(revision uint64) string { return `"` + strconv.FormatUint(revision, 10) + `"` }

// value is what an optional parameter holds, and the zero value when it is absent.
func value[T any](optional *T) T {
	if optional == nil {
		var zero T
		return zero
	}
	return *optional
}
