package catalog

import (
	"encoding/json"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/machine"
	"github.com/licenseledger/licenseledger/domain/text"
)

// PlanType is the commercial class of a plan.
type PlanType string

// The plan types.
const (
	Trial        PlanType = "TRIAL"
	Standard     PlanType = "STANDARD"
	Professional PlanType = "PROFESSIONAL"
	Enterprise   PlanType = "ENTERPRISE"
)

// ValidityStart says when a licence's validity begins to run.
type ValidityStart string

// The beginnings of validity.
const (
	AtIssue           ValidityStart = "ISSUE"
	AtFirstActivation ValidityStart = "FIRST_ACTIVATION"
)

// Price is an amount in the minor unit of an ISO 4217 currency, such as cents.
type Price struct {
	Minor    int64  `json:"price_minor"`
	Currency string `json:"currency"` // ISO 4217, three capital letters
}

// Features are what a plan entitles to: a JSON scalar (string, number or boolean) per feature name.
type Features map[string]any

// Entitles reports whether a feature is there and on. What is false, 0 or an empty text is off.
func (f Features) Entitles(name string) bool {
	switch value := f[name].(type) {
	case bool:
		return value
	case string:
		return value != ""
	case float64:
		return value != 0
	case int:
		return value != 0
	case int64:
		return value != 0
	case json.Number:
		number, err := value.Float64()
		return err == nil && number != 0
	default: // absent, or nothing that can be a feature
		return false
	}
}

// Terms are what a plan promises. A licence pins the terms in force when it is issued.
type Terms struct {
	Name                    string        `json:"name"`
	Type                    PlanType      `json:"type"`
	MaxMachines             int           `json:"max_machines"`
	ValidityDays            *int          `json:"validity_days,omitempty"` // nil: perpetual
	ValidityStarts          ValidityStart `json:"validity_starts"`
	Features                Features      `json:"features,omitempty"`
	Price                   *Price        `json:"price,omitempty"`
	LeaseSeconds            *int          `json:"lease_seconds,omitempty"` // nil: node-locked; otherwise floating
	FingerprintMatch        machine.Match `json:"fingerprint_match"`
	MaxRebinds              *int          `json:"max_rebinds,omitempty"` // per RebindWindowDays; nil: no limit
	RebindWindowDays        int           `json:"rebind_window_days"`
	RebindCooldownSeconds   *int          `json:"rebind_cooldown_seconds,omitempty"`    // between two moves, at least; nil: none
	DailyActivationsPerSeat *int          `json:"daily_activations_per_seat,omitempty"` // of machines that have no seat; nil: [DefaultDailyActivations]
}

// The bounds of a plan's and a product's values.
const (
	MaxMachines              = 1_000_000
	MaxDays                  = 36_500
	MinLeaseSeconds          = 30
	MaxLeaseSeconds          = 30 * 24 * 3600
	MaxFeatures              = 256
	MaxFeatureLength         = 1024 // characters, of a text
	MaxNameLength            = 200  // characters
	MaxRebinds               = 1_000_000
	MaxRebindCooldownSeconds = 365 * 24 * 3600 // seconds
	DefaultRebindWindow      = 365             // days
	MaxDailyActivations      = 1_000_000       // per seat
	DefaultDailyActivations  = 1_000           // per seat
	DefaultOfflineDays       = 3
)

var (
	codePattern     = regexp.MustCompile(`^[a-z0-9-]{2,64}$`)
	currencyPattern = regexp.MustCompile(`^[A-Z]{3}$`)
	featurePattern  = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)
)

// WithDefaults fills in what a plan may leave out: validity from issue, match MOST, a rebind window of a year.
func (t Terms) WithDefaults() Terms {
	if t.ValidityStarts == "" {
		t.ValidityStarts = AtIssue
	}
	if t.FingerprintMatch == "" {
		t.FingerprintMatch = machine.MatchMost
	}
	if t.RebindWindowDays == 0 {
		t.RebindWindowDays = DefaultRebindWindow
	}
	return t
}

// Validate checks every value against its bounds. The error is a [domainerr.Invalid].
func (t Terms) Validate() error {
	var check domainerr.Check
	check.Require(validName(t.Name), "name", nameRule)
	check.Require(text.Visible(t.Name), "name", text.Rule)
	check.Require(slices.Contains([]PlanType{Trial, Standard, Professional, Enterprise}, t.Type), "type",
		"must be TRIAL, STANDARD, PROFESSIONAL or ENTERPRISE")
	check.Require(within(t.MaxMachines, 1, MaxMachines), "max_machines", "must be 1 to 1000000")
	check.Require(t.ValidityDays == nil || within(*t.ValidityDays, 1, MaxDays), "validity_days",
		"must be 1 to 36500, or absent for a perpetual licence")
	check.Require(t.ValidityStarts == AtIssue || t.ValidityStarts == AtFirstActivation, "validity_starts", "must be ISSUE or FIRST_ACTIVATION")
	check.Require(t.LeaseSeconds == nil || within(*t.LeaseSeconds, MinLeaseSeconds, MaxLeaseSeconds), "lease_seconds",
		"must be 30 to 2592000, or absent for node-locked licences")
	check.Require(t.MaxRebinds == nil || within(*t.MaxRebinds, 0, MaxRebinds), "max_rebinds", "must be 0 to 1000000, or absent for no limit")
	check.Require(within(t.RebindWindowDays, 1, MaxDays), "rebind_window_days", "must be 1 to 36500")
	check.Require(t.RebindCooldownSeconds == nil || within(*t.RebindCooldownSeconds, 1, MaxRebindCooldownSeconds), "rebind_cooldown_seconds",
		"must be 1 to 31536000, or absent for none")
	check.Require(t.DailyActivationsPerSeat == nil || within(*t.DailyActivationsPerSeat, 1, MaxDailyActivations), "daily_activations_per_seat",
		"must be 1 to 1000000, or absent for 1000")
	_, err := machine.ParseMatch(string(t.FingerprintMatch))
	check.Nested("fingerprint_match", err)
	check.Nested("", t.Price.validate())
	check.Nested("features", t.Features.validate())
	return check.Err()
}

func (p *Price) validate() error {
	if p == nil {
		return nil
	}
	var check domainerr.Check
	check.Require(p.Minor >= 0 && p.Minor <= 1e15, "price_minor", "must be 0 to 1000000000000000")
	check.Require(currencyPattern.MatchString(p.Currency), "currency", "must be an ISO 4217 code of three capital letters")
	return check.Err()
}

func (f Features) validate() error {
	var check domainerr.Check
	check.Require(len(f) <= MaxFeatures, "", "must be at most 256")
	for name, value := range f {
		check.Require(featurePattern.MatchString(name), name, "must be named with 1 to 64 characters of A-Z, a-z, 0-9, _ . : and -")
		switch v := value.(type) {
		case string:
			check.Require(bounded(v, MaxFeatureLength), name, "must be at most 1024 characters")
		case bool, float64, int, int64, json.Number:
		default:
			check.Require(false, name, "must be a string, number or boolean")
		}
	}
	return check.Err()
}

const (
	nameRule = "must be 1 to 200 characters"
	codeRule = "must be 2 to 64 characters of a-z, 0-9 and -"
)

func validName(s string) bool { return s != "" && bounded(s, MaxNameLength) }

// bounded reports whether s is text of at most so many characters.
func bounded(s string, characters int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= characters
}

func within(n, low, high int) bool { return n >= low && n <= high }
