package license_test

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
)

var (
	noon      = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	licenseID = id(1)
	inAMonth  = noon.Add(30 * day)
)

const (
	day   = 24 * time.Hour
	keyID = "key-1"
)

// id makes a readable id.
func id(n int) uuid.UUID { return uuid.MustParse(fmt.Sprintf("00000000-0000-4000-8000-%012d", n)) }

// machineNo is machine n with a ready fingerprint.
func machineNo(n int) machine.Machine {
	return machine.Machine{Fingerprint: machine.Fingerprint(fmt.Sprintf("%064d", n)), OS: "linux/amd64"}
}

// machineWith is a machine known by components, each given as "kind=value".
func machineWith(n int, hashes machine.Hashes) machine.Machine {
	m := machineNo(n)
	m.Hashes = hashes
	return m
}

type change func(*license.Issued)

// issued is a licence issued at noon: three seats, node-locked, three offline days, perpetual.
func issued(changes ...change) license.Issued {
	e := license.Issued{
		LicenseID: licenseID, Serial: 7, ProductID: id(2), ProductCode: "cad", PlanID: id(3), PlanCode: "pro", PlanRevision: 1,
		Policy: license.Policy{
			PlanType: catalog.Professional, PlanMaxMachines: 3, ValidityStarts: catalog.AtIssue, OfflineDays: 3,
			FingerprintMatch: machine.MatchMost, RebindWindowDays: 30,
			Features: catalog.Features{"export": true, "render": false, "tier": "gold"},
		},
		SubjectID: id(4), Customer: []byte("sealed"), IssuedAt: noon,
	}
	for _, apply := range changes {
		apply(&e)
	}
	return e
}

func seats(n int) change          { return func(e *license.Issued) { e.Policy.PlanMaxMachines = n } }
func expires(at time.Time) change { return func(e *license.Issued) { e.ExpiresAt = &at } }
func floating(seconds int) change {
	return func(e *license.Issued) { e.Policy.LeaseSeconds = &seconds }
}
func match(m machine.Match) change { return func(e *license.Issued) { e.Policy.FingerprintMatch = m } }
func rebinds(n int) change         { return func(e *license.Issued) { e.Policy.MaxRebinds = &n } }
func dailyActivations(perSeat int) change {
	return func(e *license.Issued) { e.Policy.DailyActivationsPerSeat = &perSeat }
}
func cooldown(seconds int) change {
	return func(e *license.Issued) { e.Policy.RebindCooldownSeconds = &seconds }
}
func generation(n uint8) change { return func(e *license.Issued) { e.KeyGeneration = n } }

func validFromFirstActivation(days int) change {
	return func(e *license.Issued) {
		e.Policy.ValidityDays, e.Policy.ValidityStarts = &days, catalog.AtFirstActivation
	}
}

// bindingID and activationID belong to machine n.
func bindingID(n int) uuid.UUID    { return id(1000 + n) }
func activationID(n int) uuid.UUID { return id(2000 + n) }

func bound(n int, m machine.Machine, seatsUsed int, at time.Time) binding.MachineBound {
	return binding.MachineBound{
		BindingID: bindingID(n), Fingerprint: m.Fingerprint, Components: m.Hashes, OS: m.OS, Name: m.Name, SeatsUsed: seatsUsed, BoundAt: at,
	}
}

func granted(n int, m machine.Machine, at, until time.Time) activation.Granted {
	return activation.Granted{
		ActivationID: activationID(n), BindingID: bindingID(n), Fingerprint: m.Fingerprint, KeyID: keyID, GrantedAt: at, ExpiresAt: until,
	}
}

func renewed(n int, m machine.Machine, seatsUsed int, at, until time.Time) activation.Renewed {
	return activation.Renewed{
		ActivationID: activationID(n), BindingID: bindingID(n), Fingerprint: m.Fingerprint, KeyID: keyID,
		SeatsUsed: seatsUsed, RenewedAt: at, ExpiresAt: until,
	}
}

// leased makes a grant or renewal one of a floating licence.
func leased[E activation.Granted | activation.Renewed](e E) E {
	switch floating := any(e).(type) {
	case activation.Granted:
		floating.Floating = true
		return any(floating).(E)
	case activation.Renewed:
		floating.Floating = true
		return any(floating).(E)
	}
	return e
}

func lapsed(n, seatsUsed int, at time.Time) activation.Lapsed {
	return activation.Lapsed{ActivationID: activationID(n), BindingID: bindingID(n), SeatsUsed: seatsUsed, LapsedAt: at}
}

func ended(n int, reason string, at time.Time) activation.Ended {
	return activation.Ended{ActivationID: activationID(n), BindingID: bindingID(n), Reason: reason, EndedAt: at}
}

func released(n int, reason string, seatsUsed int, at time.Time) binding.MachineReleased {
	return binding.MachineReleased{BindingID: bindingID(n), Reason: reason, SeatsUsed: seatsUsed, ReleasedAt: at}
}

func activate(n int, m machine.Machine) license.ActivateMachine {
	return license.ActivateMachine{Machine: m, BindingID: bindingID(n), ActivationID: activationID(n), KeyID: keyID}
}

func beat(n int, m machine.Machine) license.Heartbeat {
	return license.Heartbeat{ActivationID: activationID(n), Machine: m, KeyID: keyID}
}

func deactivate(n int) license.Deactivate {
	return license.Deactivate{ActivationID: activationID(n), Reason: "sold the machine"}
}
