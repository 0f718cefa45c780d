package license

import "time"

// Daily counts the machines that took a seat on a day which they did not have before: they were bound, the customer rebound the seat to
// them, or the machine in the seat became them step by step.
type Daily struct {
	Day         time.Time // its beginning, UTC
	Activations int
}

func dayOf(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour) }

// on returns the count of a day: none when it is another one. It is an earlier one only after an operator corrected a clock that ran ahead:
// otherwise nothing is decided at a time before the ledger's last event.
func (d Daily) on(day time.Time) Daily {
	if !day.Equal(d.Day) {
		return Daily{Day: day}
	}
	return d
}

// seatTaken returns the licence after a machine took a seat.
func (l License) seatTaken(at time.Time) License {
	l.Daily = l.Daily.on(dayOf(at))
	l.Daily.Activations++
	return l
}

// mayTakeSeat returns nil while more machines may take a seat today. Every other event that whoever holds the licence key can cause is
// bounded by time already: certificates and leases are renewed when half of them has passed, and changed hardware is recorded once a day.
func (l License) mayTakeSeat(now time.Time) error {
	if limit := l.Policy.DailyActivations(); l.Daily.on(dayOf(now)).Activations >= limit {
		return ErrDailyLimitReached.WithMessage("%d machines took seats of the licence today, which is the most its plan allows", limit)
	}
	return nil
}
