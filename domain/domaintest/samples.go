package domaintest

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/idempotency"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
)

// Sample is an event type at its largest, every field set, and at its smallest, every optional field left out.
type Sample struct{ Full, Minimal event.Payload }

func id(n int) uuid.UUID { return uuid.MustParse(fmt.Sprintf("00000000-0000-4000-8000-%012d", n)) }

func fingerprint(digit string) machine.Fingerprint {
	return machine.Fingerprint(strings.Repeat(digit, 64))
}

// Samples has an entry for every event type ever written. The values are arbitrary and final: goldens are made of them.
func Samples() map[event.Type]Sample {
	at := time.Date(2026, 3, 3, 12, 0, 0, 123_456_000, time.UTC)
	later := time.Date(2027, 3, 3, 12, 0, 0, 0, time.UTC)
	key := catalog.SigningKey{ID: "key-1", Algorithm: catalog.Ed25519, Public: []byte{0x30, 0x2a, 0xff}}
	hashes := machine.Hashes{machine.CPU: {"0a1b"}, machine.MAC: {"2c3d", "4e5f"}}
	features := catalog.Features{"export": true, "render": false, "seats.max": 2.5, "tier": "gold & <silver>"}
	return map[event.Type]Sample{
		catalog.ProductRegisteredType: {
			Full: catalog.ProductRegistered{
				ProductID: id(2), Code: "cad", Name: "CAD für Größen", Platforms: []string{"linux/amd64", "windows/amd64"},
				OfflineDays: 3, MaxMachinesPerLicense: new(50), SigningKey: key, RegisteredAt: at,
			},
			Minimal: catalog.ProductRegistered{ProductID: id(2), Code: "cad", Name: "CAD", OfflineDays: 3, SigningKey: key, RegisteredAt: at},
		},
		catalog.ProductSigningKeyRotatedType: {
			Full:    catalog.ProductSigningKeyRotated{SigningKey: key, PreviousKeyID: "key-0", Reason: "once a year", RotatedAt: at},
			Minimal: catalog.ProductSigningKeyRotated{SigningKey: key, PreviousKeyID: "key-0", RotatedAt: at},
		},
		catalog.PlanPublishedType: {
			Full:    catalog.PlanPublished{PlanID: id(3), ProductID: id(2), Code: "pro", Terms: fullTerms(features), PublishedAt: at},
			Minimal: catalog.PlanPublished{PlanID: id(3), ProductID: id(2), Code: "pro", Terms: minimalTerms(), PublishedAt: at},
		},
		catalog.PlanRevisedType: {
			Full:    catalog.PlanRevised{PlanRevision: 2, Terms: fullTerms(features), RevisedAt: at},
			Minimal: catalog.PlanRevised{PlanRevision: 2, Terms: minimalTerms(), RevisedAt: at},
		},
		idempotency.KeyClaimedType: {
			Full: idempotency.KeyClaimed{
				Command: "RenewLicense", Stream: "license-00000000-0000-4000-8000-000000000001", Revision: 7, ClaimedAt: at,
			},
			Minimal: idempotency.KeyClaimed{Command: "IssueLicenses", ClaimedAt: at},
		},
		license.IssuedType: {
			Full: license.Issued{
				LicenseID: id(1), Serial: 0xfedcba9876543210, ProductID: id(2), ProductCode: "cad", PlanID: id(3), PlanCode: "pro", PlanRevision: 2,
				Policy: license.Policy{
					PlanType: catalog.Professional, ProductMaxMachines: new(50), PlanMaxMachines: 10, LicenseMaxMachines: new(5),
					ValidityDays: new(365), ValidityStarts: catalog.AtFirstActivation, Features: features, OfflineDays: 3,
					LeaseSeconds: new(600), FingerprintMatch: machine.MatchTwo, MaxRebinds: new(4), RebindWindowDays: 30, RebindCooldownSeconds: new(3600),
					DailyActivationsPerSeat: new(50),
				},
				SubjectID: id(4), Customer: []byte("sealed"), Metadata: map[string]string{"crm": "A-17", "order": "4711"},
				KeyGeneration: 1, IssuedAt: at, ExpiresAt: &later,
			},
			Minimal: license.Issued{
				LicenseID: id(1), Serial: 7, ProductID: id(2), ProductCode: "cad", PlanID: id(3), PlanCode: "pro", PlanRevision: 1,
				Policy: license.Policy{
					PlanType: catalog.Trial, PlanMaxMachines: 1, ValidityStarts: catalog.AtIssue, OfflineDays: 3,
					FingerprintMatch: machine.MatchMost, RebindWindowDays: 365,
				},
				SubjectID: id(4), Customer: []byte("sealed"), IssuedAt: at,
			},
		},
		license.ValidityStartedType: {
			Full:    license.ValidityStarted{StartedAt: at, ExpiresAt: later},
			Minimal: license.ValidityStarted{StartedAt: at, ExpiresAt: later},
		},
		license.SuspendedType: {
			Full:    license.Suspended{Reason: "unpaid", SuspendedAt: at},
			Minimal: license.Suspended{Reason: "unpaid", SuspendedAt: at},
		},
		license.ReinstatedType: {
			Full:    license.Reinstated{Reason: "paid", ReinstatedAt: at},
			Minimal: license.Reinstated{Reason: "paid", ReinstatedAt: at},
		},
		license.RenewedType: {
			Full:    license.Renewed{Reason: "another year", PreviousExpiresAt: &at, ExpiresAt: later, RenewedAt: at},
			Minimal: license.Renewed{Reason: "another year", ExpiresAt: later, RenewedAt: at},
		},
		"license.expired.v1": { // which ended a suspension
			Full:    license.Expired{ExpiredAt: at, LiftsSuspension: true},
			Minimal: license.Expired{ExpiredAt: at, LiftsSuspension: true},
		},
		license.ExpiredType: {
			Full:    license.Expired{ExpiredAt: at, LiftsSuspension: true},
			Minimal: license.Expired{ExpiredAt: at},
		},
		license.ExpiryUndoneType: {
			Full:    license.ExpiryUndone{Reason: "the clock was wrong", ExpiresAt: later, UndoneAt: at},
			Minimal: license.ExpiryUndone{Reason: "the clock was wrong", ExpiresAt: later, UndoneAt: at},
		},
		license.RevokedType: {
			Full:    license.Revoked{Reason: "fraud", RevokedAt: at},
			Minimal: license.Revoked{Reason: "fraud", RevokedAt: at},
		},
		license.KeyReissuedType: {
			Full:    license.KeyReissued{Reason: "leaked", Generation: 255, ReissuedAt: at},
			Minimal: license.KeyReissued{Reason: "leaked", Generation: 1, ReissuedAt: at},
		},
		binding.MachineBoundType: {
			Full: binding.MachineBound{
				BindingID: id(5), Fingerprint: fingerprint("a"), Components: hashes, OS: "linux/amd64", Name: []byte("sealed"),
				SeatsUsed: 2, BoundAt: at, Replaces: new(id(4)), RebindsInWindow: 3,
			},
			Minimal: binding.MachineBound{BindingID: id(5), Fingerprint: fingerprint("a"), SeatsUsed: 1, BoundAt: at},
		},
		binding.HardwareDriftedType: {
			Full: binding.HardwareDrifted{
				BindingID: id(5), PreviousFingerprint: fingerprint("a"), Fingerprint: fingerprint("b"), Components: hashes,
				Matched: 1, Compared: 2, Changed: []machine.Kind{machine.MAC}, DriftedAt: at, Moved: true, RebindsInWindow: 3,
			},
			Minimal: binding.HardwareDrifted{
				BindingID: id(5), PreviousFingerprint: fingerprint("a"), Fingerprint: fingerprint("b"),
				Components: machine.Hashes{machine.CPU: {"0a1b"}},
				Matched:    1, Compared: 1, Changed: []machine.Kind{machine.CPU}, DriftedAt: at,
			},
		},
		binding.MachineReboundType: {
			Full: binding.MachineRebound{
				BindingID: id(5), PreviousFingerprint: fingerprint("a"), Fingerprint: fingerprint("b"), Components: hashes, OS: "linux/amd64",
				Name: []byte("sealed"), Reason: "new laptop", RebindsInWindow: 3, SeatsUsed: 2, ReboundAt: at, ByOperator: true,
			},
			Minimal: binding.MachineRebound{
				BindingID: id(5), PreviousFingerprint: fingerprint("a"), Fingerprint: fingerprint("b"),
				Reason: "new laptop", RebindsInWindow: 1, SeatsUsed: 1, ReboundAt: at,
			},
		},
		binding.MachineReleasedType: {
			Full:    binding.MachineReleased{BindingID: id(5), Reason: "sold", SeatsUsed: 2, ReleasedAt: at, ByOperator: true},
			Minimal: binding.MachineReleased{BindingID: id(5), Reason: "sold", ReleasedAt: at},
		},
		activation.GrantedType: {
			Full: activation.Granted{
				ActivationID: id(6), BindingID: id(5), Fingerprint: fingerprint("a"), KeyID: "key-1", Floating: true, GrantedAt: at, ExpiresAt: later,
			},
			Minimal: activation.Granted{
				ActivationID: id(6), BindingID: id(5), Fingerprint: fingerprint("a"), KeyID: "key-1", GrantedAt: at, ExpiresAt: later,
			},
		},
		activation.RenewedType: {
			Full: activation.Renewed{
				ActivationID: id(6), BindingID: id(5), Fingerprint: fingerprint("b"), KeyID: "key-2", SeatsUsed: 2, Floating: true,
				RenewedAt: at, ExpiresAt: later,
			},
			Minimal: activation.Renewed{
				ActivationID: id(6), BindingID: id(5), Fingerprint: fingerprint("b"), KeyID: "key-2", SeatsUsed: 1, RenewedAt: at, ExpiresAt: later,
			},
		},
		activation.LapsedType: {
			Full:    activation.Lapsed{ActivationID: id(6), BindingID: id(5), SeatsUsed: 2, LapsedAt: at},
			Minimal: activation.Lapsed{ActivationID: id(6), BindingID: id(5), LapsedAt: at},
		},
		activation.EndedType: {
			Full:    activation.Ended{ActivationID: id(6), BindingID: id(5), Reason: "sold", EndedAt: at},
			Minimal: activation.Ended{ActivationID: id(6), BindingID: id(5), Reason: "sold", EndedAt: at},
		},
	}
}

func fullTerms(features catalog.Features) catalog.Terms {
	return catalog.Terms{
		Name: "Professional", Type: catalog.Professional, MaxMachines: 10, ValidityDays: new(365), ValidityStarts: catalog.AtFirstActivation,
		Features: features, Price: &catalog.Price{Minor: 129_900, Currency: "EUR"}, LeaseSeconds: new(600),
		FingerprintMatch: machine.MatchTwo, MaxRebinds: new(4), RebindWindowDays: 30, RebindCooldownSeconds: new(3600),
		DailyActivationsPerSeat: new(50),
	}
}

func minimalTerms() catalog.Terms {
	return catalog.Terms{
		Name: "Trial", Type: catalog.Trial, MaxMachines: 1, ValidityStarts: catalog.AtIssue,
		FingerprintMatch: machine.MatchMost, RebindWindowDays: 365,
	}
}
