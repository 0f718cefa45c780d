package httpapi_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
	"github.com/licenseledger/licenseledger/httpapi/contract"
	"github.com/licenseledger/licenseledger/httpapi/problem"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// schema is as much of a schema as the tests look at.
type schema struct {
	Enum                    []string
	Pattern                 string
	Minimum, Maximum        *float64
	MinLength, MaxLength    int
	MaxItems, MaxProperties int
	Properties              map[string]schema
	Items                   *schema
	AdditionalProperties    json.RawMessage
	OneOf                   []schema
	Default                 any
	AllOf                   []struct {
		Ref string `json:"$ref"`
	}
}

type document struct {
	Paths      map[string]map[string]json.RawMessage
	Components struct {
		Schemas    map[string]schema
		Parameters map[string]struct{ Schema schema }
	}
}

func published(t *testing.T) document {
	t.Helper()
	text, err := os.ReadFile("openapi.yaml")
	require.NoError(t, err)
	parsed, err := contract.Parse(text)
	require.NoError(t, err)
	var d document
	require.NoError(t, json.Unmarshal(parsed.JSON(), &d))
	return d
}

func TestEveryDocumentedEndpointIsServed(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	text, err := os.ReadFile("openapi.yaml")
	require.NoError(t, err)
	parsed, err := contract.Parse(text)
	require.NoError(t, err)
	require.NotEmpty(t, parsed.Routes())
	for _, route := range parsed.Routes() {
		at := strings.NewReplacer(":id", nobody, ":name", "nothing").Replace(route.Path)
		a := w.admin(route.Method, at, nil)
		require.NotEqual(t, 405, a.status, route)
		require.NotContains(t, string(a.body), "nothing at this path", route)
	}
}

func TestRequestsAreClosedToUnknownMembers(t *testing.T) {
	t.Parallel()
	schemas := published(t).Components.Schemas
	for _, name := range []string{"RegisterProduct", "PublishPlan", "PlanTerms", "IssueLicense", "IssueLicenses", "Customer", "ReasonRequest",
		"RenewLicense", "ActivateMachine", "Heartbeat", "Deactivate", "RebindMachine", "Validate", "Machine", "Components"} {
		require.Equal(t, "false", string(schemas[name].AdditionalProperties), name)
	}
}

func TestTheDocumentedBoundsAreThoseOfTheDomain(t *testing.T) {
	t.Parallel()
	doc := published(t)
	schemas := doc.Components.Schemas
	bounds := func(s schema, low, high int) {
		t.Helper()
		require.InDelta(t, low, *s.Minimum, 0)
		require.InDelta(t, high, *s.Maximum, 0)
	}
	terms := schemas["PlanTerms"].Properties
	bounds(terms["max_machines"], 1, catalog.MaxMachines)
	bounds(terms["validity_days"], 1, catalog.MaxDays)
	bounds(terms["lease_seconds"], catalog.MinLeaseSeconds, catalog.MaxLeaseSeconds)
	bounds(terms["max_rebinds"], 0, catalog.MaxRebinds)
	bounds(terms["rebind_window_days"], 1, catalog.MaxDays)
	bounds(terms["rebind_cooldown_seconds"], 1, catalog.MaxRebindCooldownSeconds)
	bounds(terms["daily_activations_per_seat"], 1, catalog.MaxDailyActivations)
	require.Equal(t, catalog.MaxNameLength, terms["name"].MaxLength)
	require.Equal(t, catalog.MaxFeatures, schemas["Features"].MaxProperties)
	offer := schemas["PublishPlan"].Properties
	code := offer["code"]
	delete(offer, "code")
	require.Equal(t, terms, offer, "a plan is published with the terms it can be revised to")

	product := schemas["RegisterProduct"].Properties
	bounds(product["offline_days"], 1, catalog.MaxDays)
	bounds(product["max_machines_per_license"], 1, catalog.MaxMachines)
	require.Equal(t, catalog.MaxPlatforms, product["platforms"].MaxItems)
	require.Equal(t, catalog.MaxPlatformLength, product["platforms"].Items.MaxLength)
	require.Equal(t, code.Pattern, product["code"].Pattern)
	pattern := regexp.MustCompile(code.Pattern)
	for _, text := range []string{"aa", "a-1", "a", "A1", "a_b", strings.Repeat("a", 64), strings.Repeat("a", 65)} {
		err := catalog.RegisterProduct{Code: text, Name: "n", OfflineDays: 1}.Validate()
		require.Equal(t, err == nil, pattern.MatchString(text), text)
	}

	require.Equal(t, license.MaxReasonLength, schemas["Reason"].MaxLength)
	require.Equal(t, license.MaxCustomerLength, schemas["Customer"].Properties["name"].MaxLength)
	require.Equal(t, license.MaxEmailLength, schemas["Customer"].Properties["email"].MaxLength)
	require.Equal(t, license.MaxMetadata, schemas["Metadata"].MaxProperties)
	bounds(schemas["IssueLicense"].Properties["max_machines"], 1, catalog.MaxMachines)
	bounds(schemas["RenewLicense"].Properties["extend_days"], 1, catalog.MaxDays)
	require.Equal(t, licensing.MaxBatch, schemas["IssueLicenses"].Properties["licenses"].MaxItems)
	require.Equal(t, activation.MaxEntitlements, schemas["Validate"].Properties["entitlements"].MaxItems)
	require.Equal(t, activation.MaxMachineName, schemas["Machine"].Properties["name"].MaxLength)
	require.Equal(t, activation.MaxOS, schemas["Machine"].Properties["os"].MaxLength)
	bounds(doc.Components.Parameters["Limit"].Schema, 1, store.MaxLimit)
	require.InDelta(t, store.DefaultLimit, doc.Components.Parameters["Limit"].Schema.Default, 0)
}

func TestTheDocumentedComponentsAreThoseOfTheDomain(t *testing.T) {
	t.Parallel()
	schemas := published(t).Components.Schemas
	var kinds []string
	for _, kind := range machine.Kinds() {
		kinds = append(kinds, string(kind))
	}
	require.ElementsMatch(t, kinds, slices.Collect(maps.Keys(schemas["Components"].Properties)))
	values := schemas["ComponentValues"].OneOf
	require.Equal(t, machine.MaxValueLength, values[0].MaxLength)
	require.Equal(t, machine.MaxValuesPerKind, values[1].MaxItems)
	require.Equal(t, machine.MaxValueLength, values[1].Items.MaxLength)
}

func TestTheDocumentedVerdictsAreThoseOfTheDomain(t *testing.T) {
	t.Parallel()
	schemas := published(t).Components.Schemas
	require.ElementsMatch(t, []string{
		string(license.Valid), string(license.KeyInvalid), string(license.NotFound), string(license.LicenseSuspended),
		string(license.LicenseExpired),
		string(license.LicenseRevoked), string(license.NotActivated), string(license.FingerprintMismatch), string(license.LeaseLapsed),
		string(license.ProductMismatch), string(license.EntitlementMissing),
	}, schemas["VerdictCode"].Enum)
}

func TestTheIntroductionExplainsEveryProblemCode(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("openapi.yaml")
	require.NoError(t, err)
	var explained []string
	for _, row := range regexp.MustCompile("(?m)^    \\| `([A-Z_]+)` \\| ([0-9]{3}) \\|").FindAllStringSubmatch(string(text), -1) {
		explained = append(explained, row[1])
		require.Equal(t, row[2], strconv.Itoa(problem.Status(domainerr.New(row[1], "", ""))), row[1])
	}
	require.ElementsMatch(t, published(t).Components.Schemas["ProblemCode"].Enum, explained)
}
