package license_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
)

func order(changes ...func(*license.Issue)) license.Issue {
	c := license.Issue{
		LicenseID: licenseID, Serial: 7, SubjectID: id(4), Customer: []byte("sealed"),
		Product: &catalog.Product{ID: id(2), Code: "cad", OfflineDays: 5},
		Plan: &catalog.Plan{ID: id(3), ProductID: id(2), Code: "pro", Revision: 4, Terms: catalog.Terms{
			Type: catalog.Standard, MaxMachines: 2, Features: catalog.Features{"export": true},
		}.WithDefaults()},
	}
	for _, apply := range changes {
		apply(&c)
	}
	return c
}

func TestALicensePinsTheTermsItWasIssuedUnder(t *testing.T) {
	t.Parallel()
	own := 1
	decided, err := order(func(c *license.Issue) { c.MaxMachines, c.Metadata = &own, map[string]string{"order": "17"} }).Decide(nil, noon)
	require.NoError(t, err)
	require.Equal(t, []event.Payload{license.Issued{
		LicenseID: licenseID, Serial: 7, ProductID: id(2), ProductCode: "cad", PlanID: id(3), PlanCode: "pro", PlanRevision: 4,
		Policy: license.Policy{
			PlanType: catalog.Standard, PlanMaxMachines: 2, LicenseMaxMachines: &own, ValidityStarts: catalog.AtIssue,
			Features: catalog.Features{"export": true}, OfflineDays: 5, FingerprintMatch: machine.MatchMost, RebindWindowDays: 365,
		},
		SubjectID: id(4), Customer: []byte("sealed"), Metadata: map[string]string{"order": "17"}, IssuedAt: noon,
	}}, decided)
}

func TestWhenALicenseExpires(t *testing.T) {
	t.Parallel()
	ten := 10
	tests := map[string]struct {
		validity *int
		starts   catalog.ValidityStart
		given    *time.Time
		expected *time.Time
	}{
		"perpetual":                 {nil, catalog.AtIssue, nil, nil},
		"days from issue":           {&ten, catalog.AtIssue, nil, new(noon.Add(10 * day))},
		"from the first activation": {&ten, catalog.AtFirstActivation, nil, nil},
		"as ordered":                {&ten, catalog.AtIssue, &inAMonth, &inAMonth},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			decided, err := order(func(c *license.Issue) {
				c.Plan.Terms.ValidityDays, c.Plan.Terms.ValidityStarts, c.ExpiresAt = test.validity, test.starts, test.given
			}).Decide(nil, noon)
			require.NoError(t, err)
			require.Equal(t, test.expected, decided[0].(license.Issued).ExpiresAt)
		})
	}
}

func TestIssuingIsRefused(t *testing.T) {
	t.Parallel()
	_, err := order().Decide(fold(t, nil, issued()), noon)
	require.ErrorIs(t, err, license.ErrAlreadyIssued)
	_, err = order(func(c *license.Issue) { c.Product = nil }).Decide(nil, noon)
	require.ErrorIs(t, err, catalog.ErrProductNotFound)
	_, err = order(func(c *license.Issue) { c.Plan = nil }).Decide(nil, noon)
	require.ErrorIs(t, err, catalog.ErrPlanNotFound)
	_, err = order(func(c *license.Issue) { c.Plan.ProductID = uuid.New() }).Decide(nil, noon)
	require.ErrorIs(t, err, catalog.ErrPlanNotFound)
}

func TestIssuingChecksItsInput(t *testing.T) {
	t.Parallel()
	zero, huge, past, farAway := 0, 1_000_001, noon, noon.Add(40_000*day)
	crowd := map[string]string{}
	for i := range 65 {
		crowd[strings.Repeat("k", i+1)] = "v"
	}
	tests := map[string]struct {
		change func(*license.Issue)
		field  string
	}{
		"no machine":            {func(c *license.Issue) { c.MaxMachines = &zero }, "max_machines"},
		"too many machines":     {func(c *license.Issue) { c.MaxMachines = &huge }, "max_machines"},
		"in the past":           {func(c *license.Issue) { c.ExpiresAt = &past }, "expires_at"},
		"far away":              {func(c *license.Issue) { c.ExpiresAt = &farAway }, "expires_at"},
		"too much metadata":     {func(c *license.Issue) { c.Metadata = crowd }, "metadata"},
		"metadata without name": {func(c *license.Issue) { c.Metadata = map[string]string{"": "v"} }, "metadata"},
		"long metadata":         {func(c *license.Issue) { c.Metadata = map[string]string{"a": strings.Repeat("v", 1025)} }, "metadata.a"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := order(test.change).Decide(nil, noon)
			var invalid *domainerr.Invalid
			require.ErrorAs(t, err, &invalid)
			require.Equal(t, test.field, invalid.Fields[0].Name)
		})
	}
}

func TestCustomersHaveANameAndAnAddress(t *testing.T) {
	t.Parallel()
	require.NoError(t, license.Customer{Name: "Ada Byron", Email: "ada@example.com"}.Validate())
	for _, c := range []license.Customer{
		{Email: "ada@example.com"}, {Name: strings.Repeat("x", 201), Email: "ada@example.com"}, {Name: "\xff", Email: "ada@example.com"},
		{Name: "Ada"}, {Name: "Ada", Email: "ada"}, {Name: "Ada", Email: "Ada <ada@example.com>"},
		{Name: "Ada", Email: strings.Repeat("a", 250) + "@example.com"},
	} {
		require.Error(t, c.Validate(), c)
	}
}

func TestALicensesStreamCarriesItsID(t *testing.T) {
	t.Parallel()
	found, ok := license.IDOf(license.StreamName(licenseID))
	require.True(t, ok)
	require.Equal(t, licenseID, found)
	for _, other := range []string{"product-" + licenseID.String(), "license-", "license-x", ""} {
		_, ok := license.IDOf(other)
		require.False(t, ok, other)
	}
}

func TestAForeignEventStopsTheFold(t *testing.T) {
	t.Parallel()
	_, err := license.Fold(nil, event.Event{Envelope: event.Envelope{Pending: event.Pending{Type: catalog.PlanRevisedType}},
		Payload: catalog.PlanRevised{}})
	require.ErrorContains(t, err, "plan.revised.v1")
}
