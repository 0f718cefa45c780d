package readmodels_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/licenseledger/licenseledger/readmodels"
)

// sample is a licence as the reference keeps it.
type sample struct {
	n               int
	tenant          string
	status          string
	product, plan   int
	name, email     string
	issued, expires int64 // expires: 0 is never
	words           []string
}

func (s sample) values() readmodels.Values {
	v := row(s.n, readmodels.Values{
		"tenant": s.tenant, "product_id": id(s.product).String(), "plan_id": id(s.plan).String(),
		"customer_name": s.name, "customer_email": s.email, "customer_name_key": readmodels.CaseFold(s.name), "customer_email_key": readmodels.CaseFold(s.email),
		"issued_at": s.issued, "words": words(s.words...),
	})
	if s.expires != 0 {
		v["expires_at"] = s.expires
	}
	switch s.status {
	case readmodels.LicenseRevoked:
		v["revoked_at"] = s.issued
	case readmodels.LicenseExpired:
		v["expired_at"] = s.issued
	case readmodels.LicenseSuspended:
		v["suspended_at"] = s.issued
	}
	return v
}

// meets is the reference of what a filter means.
func (s sample) meets(f readmodels.LicenseFilter) bool {
	for piece := range strings.FieldsSeq(strings.ToLower(f.Search)) {
		if !slices.ContainsFunc(s.words, func(w string) bool { return strings.HasPrefix(w, piece) }) {
			return false
		}
	}
	customer := strings.ToLower(f.Customer)
	return s.tenant == tenant && (f.Status == "" || s.status == f.Status) &&
		(f.Product == "" || f.Product == id(s.product).String() || f.Product == fmt.Sprint("product-", s.product)) &&
		(f.Plan == "" || f.Plan == id(s.plan).String() || f.Plan == fmt.Sprint("plan-", s.plan%2)) &&
		(f.Customer == "" || strings.ToLower(s.name) == customer || strings.ToLower(s.email) == customer)
}

func (s sample) before(o sample, by readmodels.LicenseSort) int {
	first := 0
	switch by {
	case readmodels.ByExpiresAt:
		never := func(at int64) int64 { return cmp.Or(at, math.MaxInt64) }
		first = cmp.Compare(never(s.expires), never(o.expires))
	case readmodels.ByCustomerName:
		first = strings.Compare(readmodels.CaseFold(s.name), readmodels.CaseFold(o.name))
	case readmodels.ByStatus:
		first = strings.Compare(s.status, o.status)
	default:
		first = cmp.Compare(s.issued, o.issued)
	}
	return cmp.Or(first, cmp.Compare(s.n, o.n))
}

// population is 300 licences of every kind, with plans 1 to 4 of products 1 to 3. Plans share codes.
func population(t testing.TB, db *readmodels.DB) []sample {
	t.Helper()
	at := adopt(t, db, catalog)
	apply(t, db, catalog, at, func(c *readmodels.Changes) {
		for n := 1; n <= 3; n++ {
			require.NoError(t, c.Insert("products", readmodels.Values{"registered_position": int64(n), "id": id(n).String(), "tenant": tenant, "code": fmt.Sprint("product-", n),
				"name": "P", "platforms": "[]", "offline_days": int64(3), "algorithm": "ed25519", "signing_key_id": "k", "registered_at": int64(0), "revision": int64(1), "position": int64(n)}))
		}
		for n := 1; n <= 4; n++ {
			require.NoError(t, c.Insert("plans", readmodels.Values{"published_position": int64(n), "id": id(n).String(), "tenant": tenant, "product_id": id(1).String(),
				"code": fmt.Sprint("plan-", n%2), "name": "P", "type": "TRIAL", "max_machines": int64(1), "validity_starts": "ISSUE", "features": "{}", "fingerprint_match": "MOST",
				"rebind_window_days": int64(1), "plan_revision": int64(1), "published_at": int64(0), "revision": int64(1), "position": int64(n)}))
		}
	})
	states := []string{readmodels.LicenseActive, readmodels.LicenseSuspended, readmodels.LicenseExpired, readmodels.LicenseRevoked}
	names := []string{"Ada Lovelace", "ÉMILIE du Châtelet", "émilie", "Zoë", "ada"}
	var samples []sample
	for n := 1; n <= 300; n++ {
		s := sample{n: n, tenant: tenant, status: states[n*7%4], product: n%3 + 1, plan: n%4 + 1, name: names[n*11%5],
			email: fmt.Sprintf("User%d@Example.com", n%50), issued: int64(n * 13 % 40), expires: int64(n * 17 % 30)}
		if n%20 == 0 {
			s.tenant = "somebody else"
		}
		s.words = readmodels.Words(s.email, s.name, fmt.Sprint("product-", s.product))
		samples = append(samples, s)
	}
	apply(t, db, licenses, adopt(t, db, licenses), func(c *readmodels.Changes) {
		for _, s := range samples {
			require.NoError(t, c.Insert("licenses", s.values()))
			for _, w := range s.words {
				require.NoError(t, c.Insert("license_words", readmodels.Values{"tenant": s.tenant, "word": w, "issued_position": int64(s.n)}))
			}
		}
	})
	return samples
}

func TestAnyListOfLicensesIsWhatTheReferenceSays(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, open opener) {
		db := open(t)
		samples := population(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			pick := func(name string, from ...string) string { return rapid.SampledFrom(append(from, "")).Draw(rt, name) }
			filter := readmodels.LicenseFilter{
				Status:   pick("status", readmodels.LicenseActive, readmodels.LicenseSuspended, readmodels.LicenseExpired, readmodels.LicenseRevoked),
				Product:  pick("product", id(1).String(), "product-2", "product-3", "nonsense"),
				Plan:     pick("plan", id(3).String(), "plan-0", "plan-1", "nonsense"),
				Customer: pick("customer", "user7@example.COM", "ADA lovelace", "émilie du châtelet", "nobody"),
				Search:   pick("search", "user", "user1", "ada", "emi", "émi", "prod lov", "user3@ex", "example com", "product-2 z"),
				Sort: rapid.SampledFrom([]readmodels.LicenseSort{"", readmodels.ByIssuedAt, readmodels.ByExpiresAt, readmodels.ByCustomerName, readmodels.ByStatus}).
					Draw(rt, "sort"),
				Descending: rapid.Bool().Draw(rt, "descending"),
			}
			var want []int
			sorted := slices.SortedFunc(slices.Values(samples), func(a, b sample) int {
				order := a.before(b, filter.Sort)
				if filter.Descending {
					return -order
				}
				return order
			})
			for _, s := range sorted {
				if s.meets(filter) {
					want = append(want, s.n)
				}
			}
			var got []int
			paging := readmodels.Paging{Limit: rapid.IntRange(20, 200).Draw(rt, "limit")}
			for {
				page, err := db.Licenses(t.Context(), tenant, filter, paging)
				require.NoError(rt, err)
				for _, l := range page.Items {
					got = append(got, int(l.Position))
				}
				if page.Next == "" {
					break
				}
				require.Len(rt, page.Items, paging.Limit)
				paging.Cursor = page.Next
			}
			require.Equal(rt, want, got)
		})
	})
}

func TestACursorIsGoodForItsOwnListAndOrderOnly(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, open opener) {
		db := open(t)
		population(t, db)
		page, err := db.Licenses(t.Context(), tenant, readmodels.LicenseFilter{}, readmodels.Paging{Limit: 2})
		require.NoError(t, err)
		require.NotEmpty(t, page.Next)
		for name, c := range map[string]struct {
			filter readmodels.LicenseFilter
			cursor string
		}{
			"another order":     {readmodels.LicenseFilter{Sort: readmodels.ByStatus}, page.Next},
			"another direction": {readmodels.LicenseFilter{Descending: true}, page.Next},
			"not base64":        {readmodels.LicenseFilter{}, "%%%"},
			"not a cursor":      {readmodels.LicenseFilter{}, "bm9uc2Vuc2U"},
			"tampered with":     {readmodels.LicenseFilter{}, page.Next[:len(page.Next)-2]},
			"too long":          {readmodels.LicenseFilter{}, strings.Repeat("A", 5_000)},
			"no number as key":  {readmodels.LicenseFilter{}, "eyJvIjoibGljZW5zZXMgaXNzdWVkX2F0IEFTQyIsImsiOiJ4IiwiciI6MX0"},
		} {
			_, err := db.Licenses(t.Context(), tenant, c.filter, readmodels.Paging{Cursor: c.cursor})
			require.ErrorIs(t, err, readmodels.ErrBadCursor, name)
		}
		_, err = db.Products(t.Context(), tenant, readmodels.Paging{Cursor: page.Next})
		require.ErrorIs(t, err, readmodels.ErrBadCursor)
		_, err = db.Plans(t.Context(), tenant, readmodels.PlanFilter{}, readmodels.Paging{Cursor: page.Next})
		require.ErrorIs(t, err, readmodels.ErrBadCursor)
		_, err = db.MachinesOfLicense(t.Context(), tenant, id(1), readmodels.Paging{Cursor: page.Next})
		require.ErrorIs(t, err, readmodels.ErrBadCursor)
		_, err = db.TimelineOfLicense(t.Context(), tenant, id(1), readmodels.Paging{Cursor: page.Next})
		require.ErrorIs(t, err, readmodels.ErrBadCursor)
	})
}

func TestProductsAndPlansComeInPages(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, open opener) {
		db := open(t)
		population(t, db)
		products, err := db.Products(t.Context(), tenant, readmodels.Paging{Limit: 2})
		require.NoError(t, err)
		require.Len(t, products.Items, 2)
		products, err = db.Products(t.Context(), tenant, readmodels.Paging{Limit: 2, Cursor: products.Next})
		require.NoError(t, err)
		require.Equal(t, "product-3", products.Items[0].Code)
		require.Empty(t, products.Next)
		plans, err := db.Plans(t.Context(), tenant, readmodels.PlanFilter{Product: "product-1"}, readmodels.Paging{Limit: 3})
		require.NoError(t, err)
		plans, err = db.Plans(t.Context(), tenant, readmodels.PlanFilter{Product: "product-1"}, readmodels.Paging{Limit: 3, Cursor: plans.Next})
		require.NoError(t, err)
		require.Len(t, plans.Items, 1)
		require.Equal(t, id(4), plans.Items[0].ID)
	})
}

func TestAQueryOutOfBoundsIsRefused(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, open opener) {
		db := open(t)
		population(t, db)
		for name, c := range map[string]struct {
			filter readmodels.LicenseFilter
			paging readmodels.Paging
		}{
			"limit too large": {readmodels.LicenseFilter{}, readmodels.Paging{Limit: readmodels.MaxLimit + 1}},
			"limit negative":  {readmodels.LicenseFilter{}, readmodels.Paging{Limit: -1}},
			"unknown order":   {readmodels.LicenseFilter{Sort: "id; DROP TABLE licenses"}, readmodels.Paging{}},
			"unknown status":  {readmodels.LicenseFilter{Status: "GONE"}, readmodels.Paging{}},
			"too many words":  {readmodels.LicenseFilter{Search: "a b c d e f g h i"}, readmodels.Paging{}},
			"too much text":   {readmodels.LicenseFilter{Search: strings.Repeat("a", 257)}, readmodels.Paging{}},
		} {
			_, err := db.Licenses(t.Context(), tenant, c.filter, c.paging)
			require.ErrorIs(t, err, readmodels.ErrInvalidQuery, name)
		}
		page, err := db.Licenses(t.Context(), tenant, readmodels.LicenseFilter{}, readmodels.Paging{})
		require.NoError(t, err)
		require.Len(t, page.Items, readmodels.DefaultLimit)
	})
}

// BenchmarkLicenses asks a large tenant the questions of an admin's screen.
func BenchmarkLicenses(b *testing.B) {
	db := inSQLite(b)(b)
	adopt(b, db, catalog)
	at := adopt(b, db, licenses)
	const total, batch = 200_000, 5_000
	for from := 0; from < total; from += batch {
		at = apply(b, db, licenses, at, func(c *readmodels.Changes) {
			for n := from + 1; n <= from+batch; n++ {
				name, email := fmt.Sprintf("Customer %d Inc", n), fmt.Sprintf("user%d@company%d.example.com", n, n%1000)
				s := sample{n: n, tenant: tenant, status: readmodels.LicenseActive, product: n%3 + 1, plan: n%4 + 1, name: name, email: email,
					issued: int64(n * 7919 % 1_000_003), expires: int64(n * 104_729 % 1_000_003), words: readmodels.Words(email, name, fmt.Sprint("product-", n%3+1))}
				if n%1000 == 0 {
					s.status = readmodels.LicenseRevoked
				}
				require.NoError(b, c.Insert("licenses", s.values()))
				for _, w := range s.words {
					require.NoError(b, c.Insert("license_words", readmodels.Values{"tenant": tenant, "word": w, "issued_position": int64(n)}))
				}
			}
		})
	}
	for name, filter := range map[string]readmodels.LicenseFilter{
		"first page":               {Descending: true},
		"by expiry":                {Sort: readmodels.ByExpiresAt},
		"by name":                  {Sort: readmodels.ByCustomerName},
		"by status":                {Sort: readmodels.ByStatus},
		"rare status":              {Status: readmodels.LicenseRevoked, Sort: readmodels.ByExpiresAt},
		"product":                  {Product: id(2).String(), Descending: true},
		"product by expiry":        {Product: id(2).String(), Sort: readmodels.ByExpiresAt},
		"plan by name":             {Plan: id(2).String(), Sort: readmodels.ByCustomerName},
		"customer":                 {Customer: "user77777@company777.example.com"},
		"rare word":                {Search: "user7777"},
		"common word":              {Search: "customer"},
		"common words":             {Search: "example customer inc"},
		"common words, never both": {Search: "product-1 product-2"},
		"word of one in a hundred": {Search: "company77"},
	} {
		b.Run(name, func(b *testing.B) {
			worst := time.Duration(0)
			for b.Loop() {
				began := time.Now()
				_, err := db.Licenses(b.Context(), tenant, filter, readmodels.Paging{})
				require.NoError(b, err)
				worst = max(worst, time.Since(began))
			}
			b.ReportMetric(float64(worst.Microseconds()), "worst-µs")
		})
	}
}
