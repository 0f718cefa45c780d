package license

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/licenseledger/licenseledger/domain/event"
)

// Expired says that a licence's time has run out. It is appended some time after ExpiredAt; decisions do not wait for it.
type Expired struct {
	ExpiredAt time.Time `json:"expired_at"` // the licence's expiry
	// LiftsSuspension is how the first version of this event was meant: an expiry ended a suspension, so that a renewal made the
	// licence ACTIVE. Events written today never set it.
	LiftsSuspension bool `json:"lifts_suspension,omitempty"`
}

// ExpiryUndone says that an expiry was recorded in error, by a clock that ran ahead. The licence's expiry lies in the future of UndoneAt.
//
// It is also the one event that may be recorded at an earlier time than the event before it in the ledger: the clock was wrong then
// and is right now.
type ExpiryUndone struct {
	Reason    string    `json:"reason"`
	ExpiresAt time.Time `json:"expires_at"` // when the licence will expire
	UndoneAt  time.Time `json:"undone_at"`
}

// EventType implements [event.Payload].
func (Expired) EventType() event.Type { return ExpiredType }

// TimeDriven implements [event.TimeDriven].
func (Expired) TimeDriven() {}

// EventType implements [event.Payload].
func (ExpiryUndone) EventType() event.Type { return ExpiryUndoneType }

const expiredV1Type event.Type = "license.expired.v1"

// upcastExpiredV1 keeps the meaning of the first version: what was acknowledged on the strength of it stays so.
func upcastExpiredV1(data []byte) ([]byte, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, err
	}
	if members == nil {
		return nil, errors.New("null instead of an object")
	}
	members["lifts_suspension"] = json.RawMessage("true")
	return json.Marshal(members)
}

// UndoExpiry takes back an expiry that a wrong clock brought about. It is refused when the licence's expiry has passed.
type UndoExpiry struct {
	Reason string
	// LedgerTime is what other decisions take for the present: never before the last event of the ledger, which a wrong clock may
	// have put into the future. A licence that they refuse as expired counts as expired here, though no event says so yet.
	LedgerTime time.Time
}

func (c UndoExpiry) decide(s *Stream, now time.Time) ([]event.Payload, error) {
	if err := validateReason(c.Reason); err != nil {
		return nil, err
	}
	const hint = "renew the licence to give it more time"
	switch {
	case s.Revocation != nil:
		return nil, s.transitionRefused("given its time back", StatusExpired, StatusSuspended)
	case s.ExpiresAt == nil, s.AsOf(c.LedgerTime).Expiry == nil:
		return nil, ErrInvalidTransition.WithMessage("the licence has not expired").WithHint(hint)
	case !now.Before(*s.ExpiresAt):
		return nil, ErrInvalidTransition.WithMessage("the licence expired at %s, which is past: it is %s now",
			s.ExpiresAt.Format(time.RFC3339), now.Format(time.RFC3339)).WithHint(hint)
	}
	return []event.Payload{ExpiryUndone{Reason: c.Reason, ExpiresAt: *s.ExpiresAt, UndoneAt: now}}, nil
}
