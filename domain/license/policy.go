package license

import (
	"time"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/machine"
)

// Policy is what a licence lives by: the terms of its plan and the rules of its product, as they were when it was issued.
type Policy struct {
	PlanType                catalog.PlanType      `json:"plan_type"`
	ProductMaxMachines      *int                  `json:"product_max_machines,omitempty"`
	PlanMaxMachines         int                   `json:"plan_max_machines"`
	LicenseMaxMachines      *int                  `json:"license_max_machines,omitempty"`
	ValidityDays            *int                  `json:"validity_days,omitempty"`
	ValidityStarts          catalog.ValidityStart `json:"validity_starts"`
	Features                catalog.Features      `json:"features,omitempty"`
	OfflineDays             int                   `json:"offline_days"`
	LeaseSeconds            *int                  `json:"lease_seconds,omitempty"`
	FingerprintMatch        machine.Match         `json:"fingerprint_match"`
	MaxRebinds              *int                  `json:"max_rebinds,omitempty"`
	RebindWindowDays        int                   `json:"rebind_window_days"`
	RebindCooldownSeconds   *int                  `json:"rebind_cooldown_seconds,omitempty"`
	DailyActivationsPerSeat *int                  `json:"daily_activations_per_seat,omitempty"`
}

// Seats is the number of machines that may hold a seat at a time: the least of what product, plan and licence allow.
func (p Policy) Seats() int {
	seats := p.PlanMaxMachines
	if p.ProductMaxMachines != nil {
		seats = min(seats, *p.ProductMaxMachines)
	}
	if p.LicenseMaxMachines != nil {
		seats = min(seats, *p.LicenseMaxMachines)
	}
	return seats
}

// Floating reports whether seats are leased, to be kept by heartbeats, rather than locked to a machine.
func (p Policy) Floating() bool { return p.LeaseSeconds != nil }

// DailyActivations is how many machines that have no seat may take one on a day.
func (p Policy) DailyActivations() int {
	perSeat := catalog.DefaultDailyActivations
	if p.DailyActivationsPerSeat != nil {
		perSeat = *p.DailyActivationsPerSeat
	}
	return perSeat * p.Seats()
}

// LimitsMoves reports whether a customer may move seats between machines only so often.
func (p Policy) LimitsMoves() bool {
	return !p.Floating() && (p.MaxRebinds != nil || p.RebindCooldownSeconds != nil)
}

// Term is how long an activation holds without contact: the lease of a floating licence, the offline days otherwise.
func (p Policy) Term() time.Duration {
	if p.Floating() {
		return time.Duration(*p.LeaseSeconds) * time.Second
	}
	return days(p.OfflineDays)
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }
