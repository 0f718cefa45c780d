package license

import (
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
	seats := s.machines.seatsUsed
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

// AsOf returns the stream as it is at now, whether or not the ledger has caught up with the clock.
func (s *Stream) AsOf(now time.Time) *Stream {
	state, _ := s.asOf(now)
	return state
}

func (s *Stream) asOf(now time.Time) (*Stream, []event.Payload) {
	due := s.Due(now)
	if len(due) == 0 {
		return s, nil
	}
	next := s.clone()
	for _, p := range due {
		// What Due returns always belongs in the stream of a licence. Without an envelope there is no position to point
		// at, so a decision that rests on it points at the event that made it due.
		_ = next.apply(event.Event{Payload: p})
	}
	if s.Expiry == nil && next.Expiry != nil {
		next.Expiry = &Fact{Since: next.Expiry.Since, By: s.ExpiryEvent}
	}
	for _, p := range due {
		if lapsed, ok := p.(activation.Lapsed); ok {
			bound, _ := next.machines.get(lapsed.BindingID)
			bound.Activation.StatusEvent = bound.Activation.CertificateEvent
			next.machines.set(lapsed.BindingID, bound)
		}
	}
	return next, due
}

// leasesEndingBy lists the floating places whose lease is over, in the order of their end.
func (s *Stream) leasesEndingBy(now time.Time) []BoundMachine {
	var over []BoundMachine
	for lease := range s.machines.byLeaseEnd.all() {
		if now.Before(lease.key) {
			break
		}
		bound, _ := s.machines.get(lease.binding)
		over = append(over, bound)
	}
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
	for lease := range s.machines.byLeaseEnd.all() {
		if due.IsZero() || lease.key.Before(due) {
			return lease.key
		}
		break
	}
	return due
}
