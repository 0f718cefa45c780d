package licenses_test

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

	"github.com/licenseledger/licenseledger/readmodels/catalog"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/machines"
	"github.com/licenseledger/licenseledger/readmodels/store"
	"github.com/licenseledger/licenseledger/readmodels/storetest"
	"github.com/licenseledger/licenseledger/readmodels/timeline"
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

func (s sample) values() store.Values {
	v := storetest.LicenseRow(s.n, store.Values{
		"tenant": s.tenant, "product_id": storetest.ID(s.product).String(), "plan_id": storetest.ID(s.plan).String(),
		"customer_name": s.name, "customer_email": s.email, "customer_name_key": licenses.CaseFold(s.name),
		"customer_email_key": licenses.CaseFold(s.email),
		"issued_at":          s.issued, "words": wordsColumn(s.words...),
	})
	if s.expires != 0 {
		v["expires_at"] = s.expires
	}
	switch s.status {
	case licenses.Revoked:
		v["revoked_at"] = s.issued
	case licenses.Expired:
		v["expired_at"] = s.issued
	case licenses.Suspended:
		v["suspended_at"] = s.issued
	}
	return v
}

// meets is the reference of what a filter means.
func (s sample) meets(f licenses.Filter) bool {
	for piece := range strings.FieldsSeq(strings.ToLower(f.Search)) {
		if !slices.ContainsFunc(s.words, func(w string) bool { return strings.HasPrefix(w, piece) }) {
			return false
		}
	}
	customer := strings.ToLower(f.Customer)
	return s.tenant == storetest.Tenant && (f.Status == "" || s.status == f.Status) &&
		(f.Product == "" || f.Product == storetest.ID(s.product).String() || f.Product == fmt.Sprint("product-", s.product)) &&
		(f.Plan == "" || f.Plan == storetest.ID(s.plan).String() || f.Plan == fmt.Sprint("plan-", s.plan%2)) &&
		(f.Customer == "" || strings.ToLower(s.name) == customer || strings.ToLower(s.email) == customer)
}

func (s sample) before(o sample, by licenses.Sort) int {
	first := 0
	switch cmp.Or(by, licenses.DefaultSort) {
	case licenses.ByExpiresAt:
		never := func(at int64) int64 { return cmp.Or(at, math.MaxInt64) }
		first = cmp.Compare(never(s.expires), never(o.expires))
	case licenses.ByCustomerName:
		first = strings.Compare(licenses.CaseFold(s.name), licenses.CaseFold(o.name))
	case licenses.ByStatus:
		first = strings.Compare(s.status, o.status)
	case licenses.ByIssuedAt:
		first = cmp.Compare(s.issued, o.issued)
	}
	return cmp.Or(first, cmp.Compare(s.n, o.n))
}

// population is 300 licences of every kind, with plans 1 to 4 of products 1 to 3. Plans share codes.
func population(t testing.TB, db *store.DB) []sample {
	t.Helper()
	at := storetest.Adopt(t, db, catalog.Definition)
	storetest.Apply(t, db, catalog.Definition, at, func(c *store.Changes) {
		for n := 1; n <= 3; n++ {
			require.NoError(t, c.Insert("products", store.Values{"registered_position": int64(n), "id": storetest.ID(n).String(),
				"tenant": storetest.Tenant, "code": fmt.Sprint("product-", n),
				"name": "P", "platforms": "[]", "offline_days": int64(3), "algorithm": "ed25519", "signing_key_id": "k",
				"registered_at": int64(0), "revision": int64(1), "position": int64(n)}))
		}
		for n := 1; n <= 4; n++ {
			require.NoError(t, c.Insert("plans", store.Values{"published_position": int64(n), "id": storetest.ID(n).String(),
				"tenant": storetest.Tenant, "product_id": storetest.ID(1).String(),
				"code": fmt.Sprint("plan-", n%2), "name": "P", "type": "TRIAL", "max_machines": int64(1), "validity_starts": "ISSUE",
				"features": "{}", "fingerprint_match": "MOST",
				"rebind_window_days": int64(1), "plan_revision": int64(1), "published_at": int64(0), "revision": int64(1), "position": int64(n)}))
		}
	})
	states := []string{licenses.Active, licenses.Suspended, licenses.Expired, licenses.Revoked}
	names := []string{"Ada Lovelace", "ÉMILIE du Châtelet", "émilie", "Zoë", "ada"}
	var samples []sample
	for n := 1; n <= 300; n++ {
		s := sample{n: n, tenant: storetest.Tenant, status: states[n*7%4], product: n%3 + 1, plan: n%4 + 1, name: names[n*11%5],
			email: fmt.Sprintf("User%d@Example.com", n%50), issued: int64(n * 13 % 40), expires: int64(n * 17 % 30)}
		if n%20 == 0 {
			s.tenant = "somebody else"
		}
		s.words = licenses.Words(s.email, s.name, fmt.Sprint("product-", s.product))
		samples = append(samples, s)
	}
	storetest.Apply(t, db, licenses.Definition, storetest.Adopt(t, db, licenses.Definition), func(c *store.Changes) {
		for _, s := range samples {
			require.NoError(t, c.Insert("licenses", s.values()))
			for _, w := range s.words {
				require.NoError(t, c.Insert("license_words", store.Values{"tenant": s.tenant, "word": w, "issued_position": int64(s.n)}))
			}
		}
	})
	return samples
}

func TestAnyListOfLicensesIsWhatTheReferenceSays(t *testing.T) {
	t.Parallel()
	storetest.OnBothEngines(t, func(t *testing.T, open storetest.Opener) {
		db := open(t)
		samples := population(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			pick := func(name string, from ...string) string { return rapid.SampledFrom(append(from, "")).Draw(rt, name) }
			filter := licenses.Filter{
				Status:   pick("status", licenses.Active, licenses.Suspended, licenses.Expired, licenses.Revoked),
				Product:  pick("product", storetest.ID(1).String(), "product-2", "product-3", "nonsense"),
				Plan:     pick("plan", storetest.ID(3).String(), "plan-0", "plan-1", "nonsense"),
				Customer: pick("customer", "user7@example.COM", "ADA lovelace", "émilie du châtelet", "nobody"),
				Search:   pick("search", "user", "user1", "ada", "emi", "émi", "prod lov", "user3@ex", "example com", "product-2 z"),
				Sort: rapid.SampledFrom([]licenses.Sort{"", licenses.ByIssuedAt, licenses.ByExpiresAt, licenses.ByCustomerName, licenses.ByStatus}).
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
			paging := store.Paging{Limit: rapid.IntRange(20, 200).Draw(rt, "limit")}
			for {
				page, err := licenses.New(db).List(t.Context(), storetest.Tenant, filter, paging)
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
	storetest.OnBothEngines(t, func(t *testing.T, open storetest.Opener) {
		db := open(t)
		population(t, db)
		page, err := licenses.New(db).List(t.Context(), storetest.Tenant, licenses.Filter{}, store.Paging{Limit: 2})
		require.NoError(t, err)
		require.NotEmpty(t, page.Next)
		for name, c := range map[string]struct {
			filter licenses.Filter
			cursor string
		}{
			"another order":     {licenses.Filter{Sort: licenses.ByStatus}, page.Next},
			"another direction": {licenses.Filter{Descending: true}, page.Next},
			"not base64":        {licenses.Filter{}, "%%%"},
			"not a cursor":      {licenses.Filter{}, "bm9uc2Vuc2U"},
			"tampered with":     {licenses.Filter{}, page.Next[:len(page.Next)-2]},
			"too long":          {licenses.Filter{}, strings.Repeat("A", 5_000)},
			"no number as key":  {licenses.Filter{}, "eyJvIjoibGljZW5zZXMgaXNzdWVkX2F0IEFTQyIsImsiOiJ4IiwiciI6MX0"},
		} {
			_, err := licenses.New(db).List(t.Context(), storetest.Tenant, c.filter, store.Paging{Cursor: c.cursor})
			require.ErrorIs(t, err, store.ErrBadCursor, name)
		}
		_, err = catalog.New(db).Products(t.Context(), storetest.Tenant, store.Paging{Cursor: page.Next})
		require.ErrorIs(t, err, store.ErrBadCursor)
		_, err = catalog.New(db).Plans(t.Context(), storetest.Tenant, catalog.PlanFilter{}, store.Paging{Cursor: page.Next})
		require.ErrorIs(t, err, store.ErrBadCursor)
		_, err = machines.New(db).OfLicense(t.Context(), storetest.Tenant, storetest.ID(1), store.Paging{Cursor: page.Next})
		require.ErrorIs(t, err, store.ErrBadCursor)
		_, err = timeline.New(db).OfLicense(t.Context(), storetest.Tenant, storetest.ID(1), store.Paging{Cursor: page.Next})
		require.ErrorIs(t, err, store.ErrBadCursor)
	})
}

func TestProductsAndPlansComeInPages(t *testing.T) {
	t.Parallel()
	storetest.OnBothEngines(t, func(t *testing.T, open storetest.Opener) {
		db := open(t)
		population(t, db)
		products, err := catalog.New(db).Products(t.Context(), storetest.Tenant, store.Paging{Limit: 2})
		require.NoError(t, err)
		require.Len(t, products.Items, 2)
		products, err = catalog.New(db).Products(t.Context(), storetest.Tenant, store.Paging{Limit: 2, Cursor: products.Next})
		require.NoError(t, err)
		require.Equal(t, "product-3", products.Items[0].Code)
		require.Empty(t, products.Next)
		plans, err := catalog.New(db).Plans(t.Context(), storetest.Tenant, catalog.PlanFilter{Product: "product-1"}, store.Paging{Limit: 3})
		require.NoError(t, err)
		plans, err = catalog.New(db).Plans(t.Context(), storetest.Tenant, catalog.PlanFilter{Product: "product-1"},
			store.Paging{Limit: 3, Cursor: plans.Next})
		require.NoError(t, err)
		require.Len(t, plans.Items, 1)
		require.Equal(t, storetest.ID(4), plans.Items[0].ID)
	})
}

func TestAQueryOutOfBoundsIsRefused(t *testing.T) {
	t.Parallel()
	storetest.OnBothEngines(t, func(t *testing.T, open storetest.Opener) {
		db := open(t)
		population(t, db)
		for name, c := range map[string]struct {
			filter licenses.Filter
			paging store.Paging
		}{
			"limit too large": {licenses.Filter{}, store.Paging{Limit: store.MaxLimit + 1}},
			"limit negative":  {licenses.Filter{}, store.Paging{Limit: -1}},
			"unknown order":   {licenses.Filter{Sort: "id; DROP TABLE licenses"}, store.Paging{}},
			"unknown status":  {licenses.Filter{Status: "GONE"}, store.Paging{}},
			"too many words":  {licenses.Filter{Search: "a b c d e f g h i"}, store.Paging{}},
			"too much text":   {licenses.Filter{Search: strings.Repeat("a", 257)}, store.Paging{}},
			"marks only":      {licenses.Filter{Search: "% ( _ \\"}, store.Paging{}},
			"blanks only":     {licenses.Filter{Search: " \t\u3000"}, store.Paging{}},
			"emoji only":      {licenses.Filter{Search: "🚀"}, store.Paging{}},
			"blank customer":  {licenses.Filter{Customer: " "}, store.Paging{}},
		} {
			_, err := licenses.New(db).List(t.Context(), storetest.Tenant, c.filter, c.paging)
			require.ErrorIs(t, err, store.ErrInvalidQuery, name)
		}
		page, err := licenses.New(db).List(t.Context(), storetest.Tenant, licenses.Filter{}, store.Paging{})
		require.NoError(t, err)
		require.Len(t, page.Items, store.DefaultLimit)
	})
}

// BenchmarkLicenses asks a large storetest.Tenant the questions of an admin's screen.
func BenchmarkLicenses(b *testing.B) {
	db := storetest.InSQLite(b)(b)
	storetest.Adopt(b, db, catalog.Definition)
	at := storetest.Adopt(b, db, licenses.Definition)
	const total, batch = 200_000, 5_000
	for from := 0; from < total; from += batch {
		at = storetest.Apply(b, db, licenses.Definition, at, func(c *store.Changes) {
			for n := from + 1; n <= from+batch; n++ {
				name, email := fmt.Sprintf("Customer %d Inc", n), fmt.Sprintf("user%d@company%d.example.com", n, n%1000)
				s := sample{n: n, tenant: storetest.Tenant, status: licenses.Active, product: n%3 + 1, plan: n%4 + 1, name: name, email: email,
					issued: int64(n * 7919 % 1_000_003), expires: int64(n * 104_729 % 1_000_003), words: licenses.Words(email, name,
						fmt.Sprint("product-", n%3+1))}
				if n%1000 == 0 {
					s.status = licenses.Revoked
				}
				require.NoError(b, c.Insert("licenses", s.values()))
				for _, w := range s.words {
					require.NoError(b, c.Insert("license_words", store.Values{"tenant": storetest.Tenant, "word": w, "issued_position": int64(n)}))
				}
			}
		})
	}
	for name, filter := range map[string]licenses.Filter{
		"first page":               {Descending: true},
		"by expiry":                {Sort: licenses.ByExpiresAt},
		"by name":                  {Sort: licenses.ByCustomerName},
		"by status":                {Sort: licenses.ByStatus},
		"rare status":              {Status: licenses.Revoked, Sort: licenses.ByExpiresAt},
		"product":                  {Product: storetest.ID(2).String(), Descending: true},
		"product by expiry":        {Product: storetest.ID(2).String(), Sort: licenses.ByExpiresAt},
		"plan by name":             {Plan: storetest.ID(2).String(), Sort: licenses.ByCustomerName},
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
				_, err := licenses.New(db).List(b.Context(), storetest.Tenant, filter, store.Paging{})
				require.NoError(b, err)
				worst = max(worst, time.Since(began))
			}
			b.ReportMetric(float64(worst.Microseconds()), "worst-µs")
		})
	}
}

// wordsColumn is what makes a licence findable by words.
func wordsColumn(all ...string) string { return " " + strings.Join(all, " ") + " " }
