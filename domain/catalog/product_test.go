package catalog_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
)

func register(changes ...func(*catalog.RegisterProduct)) catalog.RegisterProduct {
	c := catalog.RegisterProduct{Code: "cad", Name: "CAD", Platforms: []string{"linux/amd64"}, OfflineDays: 3, MaxMachinesPerLicense: new(50)}
	for _, apply := range changes {
		apply(&c)
	}
	return c
}

func TestRegisteringAProduct(t *testing.T) {
	t.Parallel()
	decided, err := product(t).Register("acme", register(), signingKey("key-1"), noon)
	require.NoError(t, err)
	require.Equal(t, []event.Payload{registered()}, decided)
}

func TestAProductsCodeIsUnique(t *testing.T) {
	t.Parallel()
	decided, err := product(t, registered()).Register("acme", register(), signingKey("key-2"), noon)
	require.ErrorIs(t, err, catalog.ErrProductCodeTaken)
	require.ErrorContains(t, err, `"cad"`)
	require.Empty(t, decided)
}

func TestTheBoundsOfAProduct(t *testing.T) {
	t.Parallel()
	const codeRule = "must be 2 to 64 characters of a-z, 0-9 and -"
	const nameRule = "must be 1 to 200 characters"
	const platformRule = "must be 1 to 64 characters each"
	code := func(s string) func(*catalog.RegisterProduct) {
		return func(c *catalog.RegisterProduct) { c.Code = s }
	}
	name := func(s string) func(*catalog.RegisterProduct) {
		return func(c *catalog.RegisterProduct) { c.Name = s }
	}
	offline := func(n int) func(*catalog.RegisterProduct) {
		return func(c *catalog.RegisterProduct) { c.OfflineDays = n }
	}
	machines := func(n *int) func(*catalog.RegisterProduct) {
		return func(c *catalog.RegisterProduct) { c.MaxMachinesPerLicense = n }
	}
	platforms := func(p ...string) func(*catalog.RegisterProduct) {
		return func(c *catalog.RegisterProduct) { c.Platforms = p }
	}
	tests := []struct {
		change      func(*catalog.RegisterProduct)
		field, rule string // no field: it is accepted
	}{
		{change: code("ab")},
		{change: code("a-1")},
		{change: code("--")},
		{change: code(strings.Repeat("z", 64))},
		{code("a"), "code", codeRule},
		{code(""), "code", codeRule},
		{code(strings.Repeat("z", 65)), "code", codeRule},
		{code("CAD"), "code", codeRule},
		{code("c d"), "code", codeRule},
		{code("cad\n"), "code", codeRule},
		{code("c_d"), "code", codeRule},
		{code("cäd"), "code", codeRule},
		{change: name("C")},
		{change: name(strings.Repeat("ä", 200))},
		{name(""), "name", nameRule},
		{name(strings.Repeat("ä", 201)), "name", nameRule},
		{name("\xff"), "name", nameRule},
		{change: offline(1)},
		{change: offline(36_500)},
		{offline(0), "offline_days", "must be 1 to 36500"},
		{offline(-1), "offline_days", "must be 1 to 36500"},
		{offline(36_501), "offline_days", "must be 1 to 36500"},
		{change: machines(nil)},
		{change: machines(new(1))},
		{change: machines(new(1_000_000))},
		{machines(new(0)), "max_machines_per_license", "must be 1 to 1000000"},
		{machines(new(1_000_001)), "max_machines_per_license", "must be 1 to 1000000"},
		{change: platforms()},
		{change: platforms(strings.Split(strings.Repeat("x,", 31)+"x", ",")...)},
		{platforms(strings.Split(strings.Repeat("x,", 32)+"x", ",")...), "platforms", "must be at most 32"},
		{change: platforms(strings.Repeat("ä", 64))},
		{platforms("linux", strings.Repeat("x", 65)), "platforms", platformRule},
		{platforms("linux", ""), "platforms", platformRule},
		{platforms("  "), "platforms", platformRule},
		{platforms("\xff"), "platforms", platformRule},
	}
	for _, test := range tests {
		c := register(test.change)
		t.Run(fmt.Sprintf("%s %+q", test.field, fmt.Sprint(c)), func(t *testing.T) {
			t.Parallel()
			decided, err := product(t).Register("acme", c, signingKey("key-1"), noon)
			if test.field == "" {
				require.NoError(t, err)
				require.Len(t, decided, 1)
				return
			}
			requireInvalid(t, err, test.field, test.rule)
			require.Empty(t, decided)
		})
	}
}

func TestEveryBrokenRuleOfAProductIsNamed(t *testing.T) {
	t.Parallel()
	err := catalog.RegisterProduct{}.Validate()
	require.EqualError(t, err, "invalid request: code must be 2 to 64 characters of a-z, 0-9 and -; "+
		"name must be 1 to 200 characters; offline_days must be 1 to 36500")
}

func TestRotatingTheSigningKey(t *testing.T) {
	t.Parallel()
	given := product(t, registered())
	decided, err := given.RotateSigningKey(signingKey("key-2"), "once a year", noon)
	require.NoError(t, err)
	require.Equal(t, []event.Payload{rotated("key-1", "key-2")}, decided)

	next, err := catalog.FoldProduct(given, recorded(t, decided...)...)
	require.NoError(t, err)
	require.Equal(t, "key-2", next.SigningKey().ID)
	require.Equal(t, []catalog.SigningKey{signingKey("key-1"), signingKey("key-2")}, next.SigningKeys, "older keys stay good for verifying")
	require.Equal(t, "key-1", given.SigningKey().ID, "the given product is left as it is")
}

func TestRotatingTheSigningKeyIsRefused(t *testing.T) {
	t.Parallel()
	_, err := product(t).RotateSigningKey(signingKey("key-2"), "", noon)
	require.ErrorIs(t, err, catalog.ErrProductNotFound)
	for _, reason := range []string{"", " ", strings.Repeat("ä", 501), "\xff"} {
		_, err = product(t, registered()).RotateSigningKey(signingKey("key-2"), reason, noon)
		requireInvalid(t, err, "reason", "must be 1 to 500 characters")
	}
	for _, reason := range []string{"r", strings.Repeat("ä", 500)} {
		_, err = product(t, registered()).RotateSigningKey(signingKey("key-2"), reason, noon)
		require.NoError(t, err)
	}
}

func TestAProductIsFoldedFromItsEvents(t *testing.T) {
	t.Parallel()
	p := product(t, registered(), rotated("key-1", "key-2"))
	require.Equal(t, registered().ProductID, p.ID)
	require.Equal(t, "cad", p.Code)
	require.Equal(t, "CAD", p.Name)
	require.Equal(t, []string{"linux/amd64"}, p.Platforms)
	require.Equal(t, 3, p.OfflineDays)
	require.Equal(t, 50, *p.MaxMachinesPerLicense)
	require.Equal(t, noon, p.RegisteredAt)
	require.Equal(t, "acme", p.StreamState().Tenant)
	require.Equal(t, event.Revision(2), p.StreamState().Revision)
	require.Equal(t, event.Position(102), p.StreamState().Position)
	require.Zero(t, product(t).StreamState(), "what does not exist has no state")
}

func TestProductsThatContinueFromTheSameOneDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	origin := product(t, registered(), rotated("key-1", "key-2"), rotated("key-2", "key-3"))
	left, err := catalog.FoldProduct(origin, recorded(t, rotated("key-3", "left"))...)
	require.NoError(t, err)
	right, err := catalog.FoldProduct(origin, recorded(t, rotated("key-3", "right"))...)
	require.NoError(t, err)
	require.Equal(t, "left", left.SigningKey().ID)
	require.Equal(t, "right", right.SigningKey().ID)
	require.Equal(t, "key-3", origin.SigningKey().ID)
}

func TestAForeignEventStopsTheFoldOfAProduct(t *testing.T) {
	t.Parallel()
	_, err := catalog.FoldProduct(nil, recorded(t, published())...)
	require.ErrorContains(t, err, "plan.published.v1")
	require.ErrorContains(t, err, "position 101")
}

func TestAProductsIDDerivesFromTenantAndCode(t *testing.T) {
	t.Parallel()
	id := catalog.ProductID("acme", "cad")
	require.Equal(t, "33f816d8-eb5c-530a-80d6-b57dbd880d96", id.String(), "an id that changes would lose the product")
	require.NotEqual(t, id, catalog.ProductID("globex", "cad"))
	require.NotEqual(t, id, catalog.ProductID("acme", "cam"))
	require.NotEqual(t, catalog.ProductID("ac", "mecad"), catalog.ProductID("acme", "cad"))
	require.Equal(t, "product-"+id.String(), catalog.ProductStream(id))
}

func TestSigningAlgorithms(t *testing.T) {
	t.Parallel()
	require.True(t, catalog.Ed25519.Valid())
	require.True(t, catalog.RSA2048.Valid())
	for _, other := range []catalog.Algorithm{"", "rsa1024", "Ed25519", "none"} {
		require.False(t, other.Valid(), other)
	}
}
