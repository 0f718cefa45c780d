package license_test

import (
	"cmp"
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
	cooldown   time.Duration // 0: none
	daily      int           // machines that may take a seat on a day, for each seat
	validity   time.Duration // to begin with the first activation; 0: none

	suspended  bool
	expired    bool
	revoked    bool
	expires    *time.Time
	generation uint8
	places     []*place
	left       []*place // released, and nobody has taken the seat since; only where moves are limited
	moves      []time.Time
	taken      map[int64]int // by day: how many machines took a seat
}

// place is a machine at the licence, with or without a seat.
type place struct {
	binding, activation uuid.UUID
	machine             machine.Machine // as last recorded
	original            machine.Machine // as bound
	certified           machine.Fingerprint
	boundAt, driftedAt  time.Time
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

// known finds a machine's place among some: by its fingerprint, else the likest that the policy takes for the same, the one bound first of
// equally like ones. Whether it is the machine as it was bound goes before all. moved: it is only the machine as it was last recorded.
func (r *reference) known(among []*place, m machine.Machine) (best *place, moved bool) {
	for _, p := range among {
		if (p.machine.Fingerprint == m.Fingerprint || p.original.Fingerprint == m.Fingerprint) &&
			(best == nil || p.binding.String() < best.binding.String()) {
			best = p
		}
	}
	if best != nil || len(m.Hashes) == 0 {
		return best, false
	}
	if best = r.likest(among, m, func(p *place) machine.Machine { return p.original }); best != nil {
		return best, false
	}
	best = r.likest(among, m, func(p *place) machine.Machine { return p.machine })
	return best, best != nil
}

func (r *reference) likest(among []*place, m machine.Machine, as func(*place) machine.Machine) (best *place) {
	var bestMatched, bestOf int
	for _, p := range among {
		matched, of := likeness(as(p), m)
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

// present finds the place of a machine that may use it: one that has become another machine must be allowed to move.
func (r *reference) present(m machine.Machine, now time.Time) (p *place, moved bool) {
	p, moved = r.known(r.places, m)
	if moved && r.mayMove(now) != nil {
		return nil, false
	}
	return p, moved
}

func (r *reference) mayTake(now time.Time) error {
	if r.taken[now.Unix()/86_400] >= r.daily*r.limit {
		return license.ErrDailyLimitReached
	}
	return nil
}

func (r *reference) took(now time.Time) {
	if r.taken == nil {
		r.taken = map[int64]int{}
	}
	r.taken[now.Unix()/86_400]++
}

func (r *reference) mayMove(now time.Time) error {
	switch {
	case r.mayTake(now) != nil:
		return r.mayTake(now)
	case r.lease > 0:
	case r.maxRebinds != nil && r.movesInWindow(now) >= *r.maxRebinds:
		return license.ErrRebindLimitReached
	case r.cooldown > 0 && len(r.moves) > 0 && now.Sub(r.moves[len(r.moves)-1]) < r.cooldown:
		return license.ErrRebindLimitReached
	}
	return nil
}

func (r *reference) count(now time.Time) {
	if r.lease == 0 {
		r.moves = append(r.moves, now)
	}
}

func (r *reference) limitsMoves() bool {
	return r.lease == 0 && (r.maxRebinds != nil || r.cooldown > 0)
}

func (r *reference) take(left *place) {
	r.left = slices.DeleteFunc(r.left, func(other *place) bool { return other == left })
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
	if p, moved := r.present(m, now); p != nil {
		return r.contact(p, m, moved, now)
	}
	if err := r.seatFree(); err != nil {
		return err
	}
	if err := r.mayTake(now); err != nil {
		return err
	}
	original := m
	if back, moved := r.known(r.left, m); back != nil && !moved {
		original = back.original
		r.take(back)
	} else if len(r.left) > 0 && r.limit-r.seats() <= len(r.left) {
		if err := r.mayMove(now); err != nil {
			return err
		}
		r.count(now)
		r.take(slices.MinFunc(r.left, func(a, b *place) int { return cmp.Compare(a.binding.String(), b.binding.String()) }))
	}
	if r.expires == nil && r.validity > 0 {
		r.expires = new(now.Add(r.validity))
	}
	r.took(now)
	r.places = append(r.places, &place{
		binding: bindingID, activation: activationID, machine: m, original: original, certified: m.Fingerprint, boundAt: now,
		seat: true, issued: now, until: r.until(now),
	})
	return nil
}

// contact is what happens when a known machine shows up.
func (r *reference) contact(p *place, m machine.Machine, moved bool, now time.Time) error {
	until := r.until(now)
	fresh := p.until.Sub(now) < p.until.Sub(p.issued)-p.until.Sub(now) && until.After(p.until)
	if !p.seat {
		if err := r.seatFree(); err != nil {
			return err
		}
		p.seat, fresh = true, true
	}
	changed := m.Fingerprint != p.machine.Fingerprint && m.Fingerprint != p.original.Fingerprint
	if changed && (moved || p.driftedAt.IsZero() || now.Sub(p.driftedAt) >= day) {
		p.machine.Fingerprint, p.machine.Hashes, p.driftedAt, fresh = m.Fingerprint, m.Hashes, now, true
		if moved {
			p.original = m
			r.took(now)
			r.count(now)
		}
	}
	if fresh {
		p.issued, p.until, p.certified = now, until, m.Fingerprint
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
	known, moved := r.present(m, now)
	if known != p {
		return license.ErrFingerprintMismatch
	}
	return r.contact(p, m, moved, now)
}

// verdict answers a validation of a machine.
func (r *reference) verdict(m machine.Machine, now time.Time) license.Code {
	switch p, _ := r.present(m, now); {
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
	if r.verdict(m, now) != license.Valid {
		return nil
	}
	p, moved := r.present(m, now)
	return r.contact(p, m, moved, now)
}

func (r *reference) movesInWindow(now time.Time) int {
	n := 0
	for _, at := range r.moves {
		if now.Sub(at) < r.window {
			n++
		}
	}
	return n
}

func (r *reference) rebind(bindingID uuid.UUID, m machine.Machine, activationID uuid.UUID, byOperator bool, now time.Time) error {
	if err := r.permits(); err != nil {
		return err
	}
	p := r.byBinding(bindingID)
	if p == nil {
		return license.ErrBindingNotFound
	}
	if known, moved := r.known(r.places, m); known != nil && !moved {
		return license.ErrMachineAlreadyBound
	}
	if err := r.mayMove(now); err != nil && !byOperator {
		return err
	}
	if !p.seat {
		if err := r.seatFree(); err != nil {
			return err
		}
	}
	if !byOperator {
		r.took(now)
		r.count(now)
	}
	p.activation, p.machine, p.seat, p.issued, p.until = activationID, m, true, now, r.until(now)
	p.original, p.certified, p.driftedAt = m, m.Fingerprint, time.Time{}
	return nil
}

func (r *reference) deactivate(activationID uuid.UUID, byOperator bool) error {
	p := r.byActivation(activationID)
	if p == nil {
		return license.ErrActivationNotFound
	}
	r.places = slices.DeleteFunc(r.places, func(other *place) bool { return other == p })
	if r.limitsMoves() && !byOperator {
		r.left = append(r.left, p)
	}
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
