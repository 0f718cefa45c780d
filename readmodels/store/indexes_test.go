package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/readmodels/catalog"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/machines"
	"github.com/licenseledger/licenseledger/readmodels/store"
	"github.com/licenseledger/licenseledger/readmodels/storetest"
	"github.com/licenseledger/licenseledger/readmodels/timeline"
	"github.com/licenseledger/licenseledger/tests/support/services"
)

// tolerable is how many rows a page may cost: a search looks at so many at most before it takes another way.
const tolerable = 5_000

// filling makes realistic rows: products of which a few sell most, names that differ, addresses of shared domains.
var filling = []string{
	`CREATE FUNCTION id(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT '00000000-0000-4000-8000-' || lpad(n::text, 12, '0') $$`,
	`CREATE FUNCTION owner(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT CASE n % 4 WHEN 0 THEN 'other' ELSE 'default' END $$`,
	`INSERT INTO products_g1 SELECT n, id(n), owner(n), 'product-' || n, 'P', '[]', 3, NULL, 'ed25519', 'k', n, 1, n FROM generate_series(1, 400) n`,
	`INSERT INTO signing_keys_g1 SELECT n, n, owner(n), id(n), 'ed25519', 'AAAA', n, NULL FROM generate_series(1, 400) n`,
	`INSERT INTO plans_g1 SELECT n, id(n), owner(n), id(1 + n % 400), 'plan-' || n % 5, 'P', 'STANDARD', 1, NULL, 'ISSUE', '{}', NULL, NULL, NULL,
		'MOST', NULL, 30, NULL, NULL, 1, n, NULL, 1, n FROM generate_series(1, 1200) n`,
	`INSERT INTO licenses_g1 (issued_position, id, tenant, product_id, product_code, plan_id, plan_code, plan_revision, plan_type,
		customer_name, customer_email, customer_name_key, customer_email_key, subject_id, metadata, features, seats_used,
		seat_limit, lease_seconds, offline_days,
		fingerprint_match, rebind_window_days, key_generation, issued_at, expires_at, validity_starts, suspended_at, expired_at,
		revoked_at, words, revision, position)
		SELECT n, id(n), owner(n), id(product), 'product-' || product, id(product * 3), 'plan-' || product * 3 % 5, 1, 'STANDARD',
		name, email, name, email,
		id(n), '{}', '{}', 1, 1, NULL, 3, 'MOST', 30, 0, n * 7919::bigint % 1000003,
		CASE WHEN n % 10 < 8 THEN n * 104729::bigint % 1000003 END, 'ISSUE',
		CASE WHEN n % 50 = 1 THEN 1 END, CASE WHEN n % 20 = 2 THEN 1 END, CASE WHEN n % 500 = 3 THEN 1 END,
		format(' %s company%s.example.com customer %s inc product-%s ', email, n % 1000, n, product), 1, n
		FROM (SELECT n, 'customer ' || n || ' inc' AS name, format('user%s@company%s.example.com', n, n % 1000) AS email,
			1 + (399 * power((n * 7907 % 10007) / 10007.0, 4))::int AS product FROM generate_series(1, 40000) n) AS facts`,
	`INSERT INTO license_words_g1 SELECT tenant, word, issued_position FROM licenses_g1,
		LATERAL (VALUES (customer_email), (split_part(customer_email, '@', 2)), ('customer'), (issued_position::text), ('inc'), (product_code)) AS words(word)`,
	`INSERT INTO machines_g1 SELECT n, id(n), 'default', id(1 + n % 40000), n, NULL, 'linux', NULL, 'BOUND', n, n, NULL, 0, NULL, NULL, 0, id(n), NULL, n
		FROM generate_series(1, 80000) n`,
	`INSERT INTO activations_g1 SELECT n, id(n), 'default', id(1 + n % 40000), n, 'ACTIVE', n, NULL, n, CASE WHEN n % 3 = 0 THEN n END, NULL, NULL, n
		FROM generate_series(1, 80000) n`,
	`INSERT INTO timeline_g1 SELECT n, id(n), 'default', id(1 + n % 40000), n, 't', n, 'a', 'c', NULL, 's', '{}' FROM generate_series(1, 80000) n`,
	`ANALYZE products_g1, plans_g1, signing_keys_g1, licenses_g1, license_words_g1, machines_g1, activations_g1, timeline_g1`,
}

// asked remembers the statements of a connection.
type asked struct {
	statements []string
	arguments  [][]any
}

// TraceQueryStart implements [pgx.QueryTracer].
func (a *asked) TraceQueryStart(ctx context.Context, _ *pgx.Conn, query pgx.TraceQueryStartData) context.Context {
	a.statements = append(a.statements, query.SQL)
	a.arguments = append(a.arguments, slices.DeleteFunc(slices.Clone(query.Args), func(arg any) bool {
		_, option := arg.(pgx.QueryResultFormatsByOID)
		return option
	}))
	return ctx
}

// TraceQueryEnd implements [pgx.QueryTracer].
func (*asked) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// plan is a node of what EXPLAIN tells.
type plan struct {
	Type     string  `json:"Node Type"`
	Relation string  `json:"Relation Name"`
	Rows     float64 `json:"Actual Rows"`
	Loops    float64 `json:"Actual Loops"`
	Removed  float64 `json:"Rows Removed by Filter"`
	Plans    []plan  `json:"Plans"`
}

// faults lists what a page must not cost.
func (p plan) faults() (found []string) {
	if p.Type == "Seq Scan" {
		found = append(found, "scans all of "+p.Relation)
	}
	if cost := (p.Rows + p.Removed) * p.Loops; cost > tolerable {
		found = append(found, fmt.Sprintf("%s %s of %.0f rows", p.Type, p.Relation, cost))
	}
	for _, below := range p.Plans {
		found = append(found, below.faults()...)
	}
	return found
}

// pages reads the first two pages of a list.
func pages[T any](t *testing.T, list func(store.Paging) (store.Page[T], error)) {
	t.Helper()
	page, err := list(store.Paging{Limit: 20})
	require.NoError(t, err)
	if page.Next != "" {
		_, err = list(store.Paging{Limit: 20, Cursor: page.Next})
		require.NoError(t, err)
	}
}

// everyFilter is each way to narrow a list of licences, for values that are rare and common.
var everyFilter = map[string]licenses.Filter{
	"everything":            {},
	"a common status":       {Status: licenses.Active},
	"a rare status":         {Status: licenses.Revoked},
	"a common product":      {Product: storetest.ID(1).String()},
	"a rare product":        {Product: "product-333"},
	"a common plan":         {Plan: storetest.ID(3).String()},
	"a rare plan":           {Plan: storetest.ID(333 * 3).String()},
	"plans of one code":     {Plan: "plan-2"},
	"an address":            {Customer: "user4711@company711.example.com"},
	"a name":                {Customer: "Customer 4711 Inc"},
	"a rare word":           {Search: "user4711"},
	"a domain":              {Search: "company711.example.com"},
	"a common word":         {Search: "customer"},
	"a rare and a common":   {Search: "inc user4711"},
	"a status of a product": {Status: licenses.Active, Product: "product-1"},
}

func TestEveryQueryIsARangeOfAnIndex(t *testing.T) {
	t.Parallel()
	schema := storetest.Postgres.Schema(t)
	db, err := store.OpenPostgres(t.Context(), storetest.Postgres.URL(), store.Schema(schema))
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	for _, definition := range []store.Definition{catalog.Definition, licenses.Definition, machines.Definition, timeline.Definition} {
		storetest.Adopt(t, db, definition)
	}
	services.Execute(t, storetest.Postgres.URL()+"&search_path="+schema, filling...)
	queries := &asked{}
	explain := db.Trace(t, storetest.Postgres.URL(), schema, queries)
	defer func() { require.NoError(t, explain.Close(context.WithoutCancel(t.Context()))) }()

	requireIndexed := func(query string, run func() error) {
		t.Helper()
		*queries = asked{}
		require.NoError(t, run(), query)
		require.NotEmpty(t, queries.statements, query)
		for i, statement := range queries.statements {
			var answer []byte
			require.NoError(t, explain.QueryRow(t.Context(), "EXPLAIN (ANALYZE, FORMAT JSON) "+statement,
				queries.arguments[i]...).Scan(&answer), statement)
			var plans []struct{ Plan plan }
			require.NoError(t, json.Unmarshal(answer, &plans))
			require.Empty(t, plans[0].Plan.faults(), "%s: %s\n%s", query, statement, answer)
		}
	}

	for name, filter := range everyFilter {
		for _, sort := range []licenses.Sort{licenses.ByIssuedAt, licenses.ByExpiresAt, licenses.ByCustomerName, licenses.ByStatus} {
			for _, filter.Descending = range []bool{false, true} {
				filter.Sort = sort
				requireIndexed(fmt.Sprintf("%s by %s, descending %t", name, sort, filter.Descending), func() error {
					pages(t, func(p store.Paging) (store.Page[licenses.License], error) {
						return licenses.New(db).List(t.Context(), storetest.Tenant, filter, p)
					})
					return nil
				})
			}
		}
	}
	requireIndexed("products", func() error {
		pages(t, func(p store.Paging) (store.Page[catalog.Product], error) {
			return catalog.New(db).Products(t.Context(), storetest.Tenant, p)
		})
		return nil
	})
	for _, product := range []string{"", storetest.ID(7).String(), "product-7"} {
		requireIndexed("plans of "+product, func() error {
			pages(t, func(p store.Paging) (store.Page[catalog.Plan], error) {
				return catalog.New(db).Plans(t.Context(), storetest.Tenant, catalog.PlanFilter{Product: product}, p)
			})
			return nil
		})
	}
	requireIndexed("machines", func() error {
		pages(t, func(p store.Paging) (store.Page[machines.Machine], error) {
			return machines.New(db).OfLicense(t.Context(), storetest.Tenant, storetest.ID(7), p)
		})
		return nil
	})
	requireIndexed("timeline", func() error {
		pages(t, func(p store.Paging) (store.Page[timeline.Entry], error) {
			return timeline.New(db).OfLicense(t.Context(), storetest.Tenant, storetest.ID(7), p)
		})
		return nil
	})
	for name, one := range map[string]func() error{
		"a license": func() error {
			_, err := licenses.New(db).Find(t.Context(), storetest.Tenant, storetest.ID(7))
			return err
		},
		"a product": func() error {
			_, err := catalog.New(db).Product(t.Context(), storetest.Tenant, storetest.ID(7).String())
			return err
		},
		"a product by its code": func() error {
			_, err := catalog.New(db).Product(t.Context(), storetest.Tenant, "product-7")
			return err
		},
		"a product's keys": func() error { _, err := catalog.New(db).SigningKeys(t.Context(), storetest.ID(7)); return err },
		"a plan": func() error {
			_, err := catalog.New(db).Plan(t.Context(), storetest.Tenant, storetest.ID(7))
			return err
		},
		"a machine": func() error {
			_, err := machines.New(db).Find(t.Context(), storetest.Tenant, storetest.ID(7))
			return err
		},
		"an activation": func() error {
			_, err := machines.New(db).LicenseOfActivation(t.Context(), storetest.Tenant, storetest.ID(7))
			return err
		},
		"a binding": func() error {
			_, err := machines.New(db).LicenseOfBinding(t.Context(), storetest.Tenant, storetest.ID(7))
			return err
		},
		"expiries due": func() error { _, err := licenses.New(db).Expired(t.Context(), time.UnixMicro(1_000), 100); return err },
		"leases due":   func() error { _, err := machines.New(db).Lapsed(t.Context(), time.UnixMicro(1_000), 100); return err },
	} {
		requireIndexed(name, one)
	}
}
