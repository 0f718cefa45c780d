package scenarios_test

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
)

// nextPage is how a page says where the next one is.
var nextPage = regexp.MustCompile(`^<([^>]+)>; rel="next"$`)

// pages reads a whole list by following the Link header, and requires the cursors in the bodies to lead the same way.
func pages[T any](t *testing.T, client blackbox.Client, path string) []T {
	t.Helper()
	var all []T
	for path != "" {
		answer := client.Get(path)
		page := blackbox.OK[struct {
			Items      []T     `json:"items"`
			NextCursor *string `json:"next_cursor"`
		}](answer)
		all = append(all, page.Items...)
		link := answer.Header.Get("Link")
		if page.NextCursor == nil {
			require.Empty(t, link)
			break
		}
		found := nextPage.FindStringSubmatch(link)
		require.NotNil(t, found, "Link: %s", link)
		path = found[1]
		next, err := url.Parse(path)
		require.NoError(t, err)
		require.Equal(t, *page.NextCursor, next.Query().Get("cursor"))
		require.NotEmpty(t, page.Items)
	}
	return all
}

// customers sells one licence to each, in this order, and returns their ids by customer.
func (v tenantClient) customers(names ...string) map[string]api.LicenseWithKey {
	v.t.Helper()
	sold := map[string]api.LicenseWithKey{}
	for i, name := range names {
		sold[name] = v.issue(object{
			"customer":   object{"name": name, "email": strings.ReplaceAll(strings.ToLower(name), " ", ".") + "@example.com"},
			"metadata":   object{"order": fmt.Sprintf("order-%d", i)},
			"expires_at": in(time.Duration(100-i) * 24 * time.Hour),
		})
	}
	return sold
}

func (v tenantClient) listed(query string) []string {
	v.t.Helper()
	var names []string
	for _, l := range pages[api.License](v.t, v.upToDate(), "/v1/licenses?product="+v.product.Code+query) {
		names = append(names, l.Customer.Name)
	}
	return names
}

func TestLicensesAreFiltered(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	other := blackbox.Created[api.Plan](v.admin.Post("/v1/products/"+v.product.ID.String()+"/plans", with(team(), object{"code": "other"})))
	sold := v.customers("Ada Byron", "Grace Hopper", "Alan Turing")
	v.changed(sold["Grace Hopper"], "suspend", nil)
	v.issue(object{"plan": "other", "customer": object{"name": "Edsger", "email": "edsger@example.com"}})

	require.Equal(t, []string{"Grace Hopper"}, v.listed("&status=SUSPENDED"))
	require.Equal(t, []string{"Edsger", "Alan Turing", "Ada Byron"}, v.listed("&status=ACTIVE"))
	require.Equal(t, []string{"Edsger"}, v.listed("&plan=other"))
	require.Equal(t, []string{"Edsger"}, v.listed("&plan="+other.ID.String()))
	require.Equal(t, []string{"Ada Byron"}, v.listed("&customer=ADA.byron@example.com"))
	require.Equal(t, []string{"Alan Turing"}, v.listed("&customer=alan+turing"))
	require.Empty(t, v.listed("&customer=alan"))
	require.Empty(t, v.listed("&status=REVOKED"))
	v.admin.Get("/v1/licenses?status=LOST").Invalid("status")
}

func TestLicensesAreSearchedByTheBeginningsOfWords(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	sold := v.customers("Ada Byron", "Grace Hopper", "Alan Turing")
	v.issue(object{"customer": object{"name": "Alan Kay", "email": "kay@example.com"}})
	require.Equal(t, []string{"Alan Kay", "Alan Turing"}, v.listed("&q=al"))
	for query, found := range map[string][]string{
		"gra hop":                        {"Grace Hopper"},
		"GRACE.hop":                      {"Grace Hopper"},
		"order-2":                        {"Alan Turing"},
		"byron " + v.product.Code:        {"Ada Byron"},
		sold["Ada Byron"].ID.String():    {"Ada Byron"},
		"byron hopper":                   nil, // "ada" may begin an id
		"yron":                           nil,
		"example team byron ada order-0": {"Ada Byron"},
	} {
		require.Equal(t, found, v.listed("&q="+url.QueryEscape(query)), query)
	}
	v.admin.Get("/v1/licenses?q=1+2+3+4+5+6+7+8+9").Refused("INVALID_REQUEST")
}

func TestLicensesAreSortedBothWays(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	sold := v.customers("Grace Hopper", "ada Byron", "Alan Turing")
	v.changed(sold["Alan Turing"], "suspend", nil)
	v.changed(sold["Grace Hopper"], "revoke", nil)
	for sort, wanted := range map[string][]string{
		"issued_at":     {"Grace Hopper", "ada Byron", "Alan Turing"},
		"expires_at":    {"Alan Turing", "ada Byron", "Grace Hopper"},
		"customer_name": {"ada Byron", "Alan Turing", "Grace Hopper"},
		"status":        {"ada Byron", "Grace Hopper", "Alan Turing"},
	} {
		require.Equal(t, wanted, v.listed("&sort="+sort), sort)
		slices.Reverse(wanted)
		require.Equal(t, wanted, v.listed("&sort=-"+sort), sort)
	}
	require.Equal(t, v.listed("&sort=-issued_at"), v.listed(""))
	v.admin.Get("/v1/licenses?sort=price").Invalid("sort")
}

func TestAListIsReadPageByPage(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	var names []string
	for i := range 11 {
		names = append(names, fmt.Sprintf("Customer %02d", i))
	}
	v.customers(names...)
	for _, limit := range []int{1, 3, 10, 11, 200} {
		require.Equal(t, names, v.listed(fmt.Sprintf("&sort=customer_name&limit=%d", limit)), limit)
	}
	page := blackbox.OK[api.LicensePage](v.admin.Get("/v1/licenses?limit=1&sort=status"))
	v.admin.Get("/v1/licenses?sort=issued_at&cursor=" + *page.NextCursor).Invalid("cursor")
	v.admin.Get("/v1/licenses?cursor=made-up").Invalid("cursor")
	v.admin.Get("/v1/licenses?limit=0").Invalid("limit")
	v.admin.Get("/v1/licenses?limit=201").Invalid("limit")
	v.admin.Get("/v1/licenses?limit=many").Invalid("limit")
}

func TestMachinesAreReadPageByPage(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, object{"max_machines": 7})
	l := v.issue(nil)
	var bindings []string
	for i := range 7 {
		bindings = append(bindings, v.activate(l.Key, fingerprinted(fmt.Sprint(i))).BindingID.String())
	}
	var listed []string
	for _, m := range pages[api.BoundMachine](t, v.upToDate(), "/v1/licenses/"+l.ID.String()+"/machines?limit=3") {
		listed = append(listed, m.BindingID.String())
	}
	require.ElementsMatch(t, bindings, listed)
}
