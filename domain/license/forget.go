package license

import (
	"time"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
)

// A machine whose lease ran out stays bound, so that it keeps its activation when it comes back. A pool of machines that come once and
// never again, such as containers, would make the licence grow for ever. So a licence knows as many lapsed machines as it has seats, and
// none for longer than 90 days. A forgotten machine that comes back is a new one, which costs a floating licence nothing.
const (
	lapsedKept    = 90 * 24 * time.Hour
	fewestLapsed  = 100 // known, however few seats there are
	mostForgotten = 10  // by one command: one that finds many is not to be slow
)

// forgottenReason is the reason in the events by which a machine is forgotten.
const forgottenReason = "forgotten: its lease ran out long ago"

// forgotten returns the events by which machines are forgotten to make room for a new one, those first whose lease ran out first.
func (s *Stream) forgotten(now time.Time) []event.Payload {
	var decided []event.Payload
	excess := s.machines.byLapse.count() + 1 - max(fewestLapsed, s.Policy.Seats())
	for lapse := range s.machines.byLapse.all() {
		if excess <= 0 && now.Sub(lapse.key) < lapsedKept || len(decided) >= 2*mostForgotten {
			break
		}
		excess--
		bound, _ := s.machines.get(lapse.binding)
		decided = append(decided,
			activation.Ended{
				ActivationID: bound.Activation.ID,
				BindingID:    bound.Binding.ID,
				Reason:       forgottenReason,
				EndedAt:      now,
			},
			binding.MachineReleased{
				BindingID:  bound.Binding.ID,
				Reason:     forgottenReason,
				SeatsUsed:  s.machines.seatsUsed,
				ReleasedAt: now,
			})
	}
	return decided
}
