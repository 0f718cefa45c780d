package license

import (
	"cmp"
	"slices"
	"time"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/event"
)

// Due returns what the passage of time has brought about by now and the stream does not say yet: leases that lapsed and
// the licence's expiry, in the order in which they happened.
func (s *Stream) Due(now time.Time) []event.Payload {
	if s == nil || s.nextDue.IsZero() || now.Before(s.nextDue) {
		return nil
	}
	var due []event.Payload
	expiry, expires := s.expiry()
	expires = expires && !now.Before(expiry)
	seats := s.seatsUsed
	for _, h := range s.leasesEndingBy(now) {
		if expires && expiry.Before(h.Activation.ExpiresAt) { // a renewal may have brought the expiry forward
			due, expires = append(due, Expired{ExpiredAt: expiry}), false
		}
		seats--
		due = append(due, activation.Lapsed{
			ActivationID: h.Activation.ID,
			BindingID:    h.Binding.ID,
			SeatsUsed:    seats,
			LapsedAt:     h.Activation.ExpiresAt,
		})
	}
	if expires {
		due = append(due, Expired{ExpiredAt: expiry})
	}
	return due
}

// Settled returns the stream as it is at now, whether or not the ledger has caught up with the clock.
func (s *Stream) Settled(now time.Time) *Stream {
	settled, _ := s.settle(now)
	return settled
}

func (s *Stream) settle(now time.Time) (*Stream, []event.Payload) {
	due := s.Due(now)
	if len(due) == 0 {
		return s, nil
	}
	settled := s.clone()
	for _, p := range due {
		// What Due returns always belongs in the stream of a licence. Without an envelope there is no position to point
		// at, so a decision that rests on it points at the event that made it due.
		_ = settled.apply(event.Event{Payload: p})
	}
	if s.Expiry == nil && settled.Expiry != nil {
		settled.Expiry = &Fact{Since: settled.Expiry.Since, By: s.ExpirySet}
	}
	for id, h := range settled.held {
		if h.Activation.Status == activation.StatusLapsed && h.Activation.Decided.Position == 0 {
			h.Activation.Decided = h.Activation.Certified
			settled.held[id] = h
		}
	}
	return settled, due
}

// leasesEndingBy lists the floating places whose lease is over, in the order of their end.
func (s *Stream) leasesEndingBy(now time.Time) []Held {
	if !s.Policy.Floating() {
		return nil
	}
	var over []Held
	for _, h := range s.held {
		if h.Activation.Status == activation.StatusActive && !now.Before(h.Activation.ExpiresAt) {
			over = append(over, h)
		}
	}
	slices.SortFunc(over, func(a, b Held) int {
		return cmp.Or(a.Activation.ExpiresAt.Compare(b.Activation.ExpiresAt), slices.Compare(a.Binding.ID[:], b.Binding.ID[:]))
	})
	return over
}

// expiry returns when the licence's time runs out, if it still can.
func (s *Stream) expiry() (at time.Time, ends bool) {
	if s.ExpiresAt == nil || s.Expiry != nil || s.Revocation != nil {
		return time.Time{}, false
	}
	return *s.ExpiresAt, true
}

// earliestDue is the first moment at which [Stream.Due] has something to say; zero when never.
func (s *Stream) earliestDue() time.Time {
	due, _ := s.expiry()
	if !s.Policy.Floating() {
		return due
	}
	for _, h := range s.held {
		if h.Activation.Status == activation.StatusActive && (due.IsZero() || h.Activation.ExpiresAt.Before(due)) {
			due = h.Activation.ExpiresAt
		}
	}
	return due
}
