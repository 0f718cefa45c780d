package license_test

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
)

// reference is a second account of what a licence permits, kept with lists and loops instead of events, to hold the stream
// against. It knows nothing of how the stream works.
type reference struct {
	limit      int
	lease      time.Duration // 0: node-locked
	offline    time.Duration
	match      machine.Match
	maxRebinds *int
	window     time.Duration
	validity   time.Duration // to begin with the first activation; 0: none

	suspended  bool
	expired    bool
	revoked    bool
	expires    *time.Time
	generation uint8
	places     []*place
	rebinds    []time.Time
}

// place is a machine at the licence, with or without a seat.
type place struct {
	binding, activation uuid.UUID
	machine             machine.Machine
	boundAt             time.Time
	seat                bool
	issued, until       time.Time // of the certificate
}

// pass lets time bring about what it brings about.
func (r *reference) pass(now time.Time) {
	for _, p := range r.places {
		if r.lease > 0 && !now.Before(p.until) {
			p.seat = false
		}
	}
	if !r.revoked && r.expires != nil && !now.Before(*r.expires) {
		r.expired = true
	}
}

// status is the gravest of what holds.
func (r *reference) status() license.Status {
	switch {
	case r.revoked:
		return license.StatusRevoked
	case r.suspended:
		return license.StatusSuspended
	case r.expired:
		return license.StatusExpired
	}
	return license.StatusActive
}

func (r *reference) seats() int {
	taken := 0
	for _, p := range r.places {
		if p.seat {
			taken++
		}
	}
	return taken
}

func (r *reference) permits() error {
	return map[license.Status]error{
		license.StatusSuspended: license.ErrSuspended,
		license.StatusExpired:   license.ErrExpired,
		license.StatusRevoked:   license.ErrRevoked,
	}[r.status()]
}

// until is the end of a certificate made now.
func (r *reference) until(now time.Time) time.Time {
	end := now.Add(r.offline)
	if r.lease > 0 {
		end = now.Add(r.lease)
	}
	if r.expires != nil && r.expires.Before(end) {
		end = *r.expires
	}
	return end
}

// likeness counts the component kinds that share a value, and all kinds that either side knows.
func likeness(a, b machine.Machine) (matched, of int) {
	for _, kind := range machine.Kinds() {
		if len(a.Hashes[kind]) > 0 || len(b.Hashes[kind]) > 0 {
			of++
		}
		for _, value := range a.Hashes[kind] {
			if slices.Contains(b.Hashes[kind], value) {
				matched++
				break
			}
		}
	}
	return matched, of
}

// known finds a machine's place: by its fingerprint, else the likest that the policy takes for the same, the one bound
// first of equally like ones.
func (r *reference) known(m machine.Machine) *place {
	for _, p := range r.places {
		if p.machine.Fingerprint == m.Fingerprint {
			return p
		}
	}
	if len(m.Hashes) == 0 {
		return nil
	}
	var best *place
	var bestMatched, bestOf int
	for _, p := range r.places {
		matched, of := likeness(p.machine, m)
		enough := map[machine.Match]bool{
			machine.MatchAny:  matched >= 1,
			machine.MatchTwo:  matched >= 2,
			machine.MatchMost: 2*matched > of,
			machine.MatchAll:  matched == of,
		}[r.match]
		if !enough {
			continue
		}
		switch {
		case best == nil, matched > bestMatched, matched == bestMatched && of < bestOf:
		case matched == bestMatched && of == bestOf && p.boundAt.Before(best.boundAt):
		case matched == bestMatched && of == bestOf && p.boundAt.Equal(best.boundAt) && p.binding.String() < best.binding.String():
		default:
			continue
		}
		best, bestMatched, bestOf = p, matched, of
	}
	return best
}

func (r *reference) byActivation(id uuid.UUID) *place {
	for _, p := range r.places {
		if p.activation == id {
			return p
		}
	}
	return nil
}

func (r *reference) byBinding(id uuid.UUID) *place {
	for _, p := range r.places {
		if p.binding == id {
			return p
		}
	}
	return nil
}

func (r *reference) seatFree() error {
	if r.seats() >= r.limit {
		return license.ErrSeatLimitReached
	}
	return nil
}

func (r *reference) activate(m machine.Machine, bindingID, activationID uuid.UUID, now time.Time) error {
	if err := r.permits(); err != nil {
		return err
	}
	if p := r.known(m); p != nil {
		return r.contact(p, m, now)
	}
	if err := r.seatFree(); err != nil {
		return err
	}
	if r.expires == nil && r.validity > 0 {
		r.expires = new(now.Add(r.validity))
	}
	r.places = append(r.places, &place{
		binding: bindingID, activation: activationID, machine: m, boundAt: now, seat: true, issued: now, until: r.until(now),
	})
	return nil
}

// contact is what happens when a known machine shows up.
func (r *reference) contact(p *place, m machine.Machine, now time.Time) error {
	until := r.until(now)
	fresh := p.until.Sub(now) < p.until.Sub(p.issued)-p.until.Sub(now) && until.After(p.until)
	if !p.seat {
		if err := r.seatFree(); err != nil {
			return err
		}
		p.seat, fresh = true, true
	}
	if p.machine.Fingerprint != m.Fingerprint {
		p.machine.Fingerprint, p.machine.Hashes, fresh = m.Fingerprint, m.Hashes, true
	}
	if fresh {
		p.issued, p.until = now, until
	}
	return nil
}

func (r *reference) heartbeat(activationID uuid.UUID, m machine.Machine, now time.Time) error {
	if err := r.permits(); err != nil {
		return err
	}
	p := r.byActivation(activationID)
	if p == nil {
		return license.ErrActivationNotFound
	}
	if r.known(m) != p {
		return license.ErrFingerprintMismatch
	}
	return r.contact(p, m, now)
}

// verdict answers a validation of a machine.
func (r *reference) verdict(m machine.Machine) license.Code {
	switch p := r.known(m); {
	case r.status() == license.StatusSuspended:
		return license.LicenseSuspended
	case r.status() == license.StatusExpired:
		return license.LicenseExpired
	case r.status() == license.StatusRevoked:
		return license.LicenseRevoked
	case len(r.places) == 0:
		return license.NotActivated
	case p == nil:
		return license.FingerprintMismatch
	case !p.seat:
		return license.LeaseLapsed
	default:
		return license.Valid
	}
}

func (r *reference) validate(m machine.Machine, now time.Time) error {
	if r.verdict(m) != license.Valid {
		return nil
	}
	return r.contact(r.known(m), m, now)
}

func (r *reference) rebindsInWindow(now time.Time) int {
	n := 0
	for _, at := range r.rebinds {
		if now.Sub(at) < r.window {
			n++
		}
	}
	return n
}

func (r *reference) rebind(bindingID uuid.UUID, m machine.Machine, activationID uuid.UUID, now time.Time) error {
	if err := r.permits(); err != nil {
		return err
	}
	p := r.byBinding(bindingID)
	if p == nil {
		return license.ErrBindingNotFound
	}
	if r.known(m) != nil {
		return license.ErrMachineAlreadyBound
	}
	if r.maxRebinds != nil && r.rebindsInWindow(now) >= *r.maxRebinds {
		return license.ErrRebindLimitReached
	}
	if !p.seat {
		if err := r.seatFree(); err != nil {
			return err
		}
	}
	r.rebinds = append(r.rebinds, now)
	p.activation, p.machine, p.seat, p.issued, p.until = activationID, m, true, now, r.until(now)
	return nil
}

func (r *reference) deactivate(activationID uuid.UUID) error {
	p := r.byActivation(activationID)
	if p == nil {
		return license.ErrActivationNotFound
	}
	r.places = slices.DeleteFunc(r.places, func(other *place) bool { return other == p })
	return nil
}

func (r *reference) suspend() error {
	if r.suspended || r.revoked {
		return license.ErrInvalidTransition
	}
	r.suspended = true
	return nil
}

func (r *reference) reinstate() error {
	if !r.suspended || r.revoked {
		return license.ErrInvalidTransition
	}
	r.suspended = false
	return nil
}

func (r *reference) revoke() error {
	if r.revoked {
		return license.ErrInvalidTransition
	}
	r.revoked = true
	return nil
}

func (r *reference) undoExpiry(now time.Time) error {
	if r.revoked || !r.expired || !now.Before(*r.expires) {
		return license.ErrInvalidTransition
	}
	r.expired = false
	return nil
}

func (r *reference) renewFor(days int, now time.Time) error {
	if r.revoked || r.expires == nil {
		return license.ErrInvalidTransition
	}
	from := *r.expires
	if now.After(from) {
		from = now
	}
	return r.renewTo(from.Add(time.Duration(days) * day))
}

func (r *reference) renewTo(expires time.Time) error {
	if r.revoked {
		return license.ErrInvalidTransition
	}
	r.expires, r.expired = &expires, false
	return nil
}

func (r *reference) reissue() error {
	if r.revoked {
		return license.ErrInvalidTransition
	}
	r.generation++
	return nil
}
