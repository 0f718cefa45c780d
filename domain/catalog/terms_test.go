package catalog_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/machine"
)

// TestTheBoundsOfTerms is the table of what a plan may promise: each bound from both sides.
func TestTheBoundsOfTerms(t *testing.T) {
	t.Parallel()
	type change = func(*catalog.Terms)
	name := func(s string) change { return func(t *catalog.Terms) { t.Name = s } }
	planType := func(p catalog.PlanType) change { return func(t *catalog.Terms) { t.Type = p } }
	machines := func(n int) change { return func(t *catalog.Terms) { t.MaxMachines = n } }
	validity := func(n *int) change { return func(t *catalog.Terms) { t.ValidityDays = n } }
	starts := func(v catalog.ValidityStart) change { return func(t *catalog.Terms) { t.ValidityStarts = v } }
	lease := func(n *int) change { return func(t *catalog.Terms) { t.LeaseSeconds = n } }
	rebinds := func(n *int) change { return func(t *catalog.Terms) { t.MaxRebinds = n } }
	window := func(n int) change { return func(t *catalog.Terms) { t.RebindWindowDays = n } }
	match := func(m machine.Match) change { return func(t *catalog.Terms) { t.FingerprintMatch = m } }
	price := func(minor int64, currency string) change {
		return func(t *catalog.Terms) { t.Price = &catalog.Price{Minor: minor, Currency: currency} }
	}
	features := func(f catalog.Features) change { return func(t *catalog.Terms) { t.Features = f } }
	crowd := func(n int) change {
		f := catalog.Features{}
		for i := range n {
			f[fmt.Sprintf("feature-%d", i)] = true
		}
		return features(f)
	}
	const (
		nameRule     = "must be 1 to 200 characters"
		typeRule     = "must be TRIAL, STANDARD, PROFESSIONAL or ENTERPRISE"
		machinesRule = "must be 1 to 1000000"
		validityRule = "must be 1 to 36500, or absent for a perpetual licence"
		startsRule   = "must be ISSUE or FIRST_ACTIVATION"
		leaseRule    = "must be 30 to 2592000, or absent for node-locked licences"
		rebindsRule  = "must be 0 to 1000000, or absent for no limit"
		windowRule   = "must be 1 to 36500"
		matchRule    = "must be ANY, TWO, MOST or ALL"
		minorRule    = "must be 0 to 1000000000000000"
		currencyRule = "must be an ISO 4217 code of three capital letters"
		featureRule  = "must be named with 1 to 64 characters of A-Z, a-z, 0-9, _ . : and -"
		textRule     = "must be at most 1024 characters"
	)
	tests := map[string]struct {
		change      change
		field, rule string // no field: it is accepted
	}{
		"a name":                      {change: name("P")},
		"the longest name":            {change: name(strings.Repeat("ä", 200))},
		"no name":                     {name(""), "name", nameRule},
		"a name too long":             {name(strings.Repeat("ä", 201)), "name", nameRule},
		"a name that is not UTF-8":    {name("\xff"), "name", nameRule},
		"a trial":                     {change: planType(catalog.Trial)},
		"a standard plan":             {change: planType(catalog.Standard)},
		"a professional plan":         {change: planType(catalog.Professional)},
		"an enterprise plan":          {change: planType(catalog.Enterprise)},
		"no type":                     {planType(""), "type", typeRule},
		"another type":                {planType("trial"), "type", typeRule},
		"one machine":                 {change: machines(1)},
		"a million machines":          {change: machines(1_000_000)},
		"no machine":                  {machines(0), "max_machines", machinesRule},
		"more machines":               {machines(1_000_001), "max_machines", machinesRule},
		"perpetual":                   {change: validity(nil)},
		"a day":                       {change: validity(new(1))},
		"a hundred years":             {change: validity(new(36_500))},
		"no day":                      {validity(new(0)), "validity_days", validityRule},
		"more than a hundred years":   {validity(new(36_501)), "validity_days", validityRule},
		"from issue":                  {change: starts(catalog.AtIssue)},
		"from first activation":       {change: starts(catalog.AtFirstActivation)},
		"from another day":            {starts("EASTER"), "validity_starts", startsRule},
		"node-locked":                 {change: lease(nil)},
		"the shortest lease":          {change: lease(new(30))},
		"the longest lease":           {change: lease(new(2_592_000))},
		"a lease too short":           {lease(new(29)), "lease_seconds", leaseRule},
		"a lease too long":            {lease(new(2_592_001)), "lease_seconds", leaseRule},
		"any number of rebinds":       {change: rebinds(nil)},
		"no rebinds":                  {change: rebinds(new(0))},
		"a million rebinds":           {change: rebinds(new(1_000_000))},
		"less than no rebinds":        {rebinds(new(-1)), "max_rebinds", rebindsRule},
		"more rebinds":                {rebinds(new(1_000_001)), "max_rebinds", rebindsRule},
		"a window of a day":           {change: window(1)},
		"a window of a hundred years": {change: window(36_500)},
		"a window before now":         {window(-1), "rebind_window_days", windowRule},
		"a window too long":           {window(36_501), "rebind_window_days", windowRule},
		"match any":                   {change: match(machine.MatchAny)},
		"match all":                   {change: match(machine.MatchAll)},
		"match some":                  {match("SOME"), "fingerprint_match", matchRule},
		"free":                        {change: price(0, "EUR")},
		"dear":                        {change: price(1e15, "JPY")},
		"a negative price":            {price(-1, "EUR"), "price_minor", minorRule},
		"too dear":                    {price(1e15+1, "EUR"), "price_minor", minorRule},
		"no currency":                 {price(1, ""), "currency", currencyRule},
		"a currency in small letters": {price(1, "eur"), "currency", currencyRule},
		"a currency too long":         {price(1, "EURO"), "currency", currencyRule},
		"a feature of every kind": {change: features(catalog.Features{"a": "x", "b": true, "c": 1.5, "d": 7, "e": int64(8),
			"f": json.Number("9"), "g": ""})},
		"as many features as may be": {change: crowd(256)},
		"too many features":          {crowd(257), "features", "must be at most 256"},
		"the longest feature name":   {change: features(catalog.Features{strings.Repeat("x", 64): true, "A-Z_a.z:0": true})},
		"a feature without name":     {features(catalog.Features{"": true}), "features", featureRule},
		"a feature name too long": {features(catalog.Features{strings.Repeat("x", 65): true}),
			"features." + strings.Repeat("x", 65), featureRule},
		"a feature name with a blank": {features(catalog.Features{"a b": true}), "features.a b", featureRule},
		"the longest feature text":    {change: features(catalog.Features{"a": strings.Repeat("x", 1024)})},
		"a feature text too long":     {features(catalog.Features{"a": strings.Repeat("x", 1025)}), "features.a", textRule},
		"a feature text not in UTF-8": {features(catalog.Features{"a": "\xff"}), "features.a", textRule},
		"a feature of several values": {features(catalog.Features{"a": []any{1}}), "features.a",
			"must be a string, number or boolean"},
		"a feature without value": {features(catalog.Features{"a": nil}), "features.a", "must be a string, number or boolean"},
		"a feature that has structure": {features(catalog.Features{"a": map[string]any{}}), "features.a",
			"must be a string, number or boolean"},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			err := terms(test.change).Validate()
			if test.field == "" {
				require.NoError(t, err)
				return
			}
			requireInvalid(t, err, test.field, test.rule)
		})
	}
}

func TestEveryBrokenRuleOfTermsIsNamed(t *testing.T) {
	t.Parallel()
	err := catalog.Terms{}.Validate()
	require.EqualError(t, err, "invalid request: name must be 1 to 200 characters; type must be TRIAL, STANDARD, PROFESSIONAL or ENTERPRISE; "+
		"max_machines must be 1 to 1000000; validity_starts must be ISSUE or FIRST_ACTIVATION; rebind_window_days must be 1 to 36500; "+
		"fingerprint_match must be ANY, TWO, MOST or ALL")
}

func TestDefaultsFillOnlyWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	own := terms(func(t *catalog.Terms) {
		t.ValidityStarts, t.FingerprintMatch, t.RebindWindowDays = catalog.AtFirstActivation, machine.MatchAll, 7
	})
	require.Equal(t, own, own.WithDefaults())
}

// TestDoubtNeverEntitles holds that a feature whose value says nothing, or no, is not held.
func TestDoubtNeverEntitles(t *testing.T) {
	t.Parallel()
	on := catalog.Features{"a": true, "b": "pro", "c": 1.5, "d": -1, "e": int64(8), "f": json.Number("9"), "g": "false", "h": " "}
	for name := range on {
		require.True(t, on.Entitles(name), name)
	}
	off := catalog.Features{"a": false, "b": "", "c": 0.0, "d": 0, "e": int64(0), "f": json.Number("0"), "g": nil, "h": []any{1},
		"i": json.Number("x"),
		"j": math.Copysign(0, -1)}
	for name := range off {
		require.False(t, off.Entitles(name), name)
	}
	require.False(t, on.Entitles("other"))
	require.False(t, catalog.Features(nil).Entitles(""))
}
