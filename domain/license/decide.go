package license

import (
	"time"

	"github.com/licenseledger/licenseledger/domain/event"
)

// Command asks something of a licence that exists.
type Command interface {
	// decide returns the events the command causes, none when everything is as wished already, or a refusal. It sees the
	// stream as it is at now and changes nothing.
	decide(s *Stream, now time.Time) ([]event.Payload, error)
}

// Decide returns the events that a command causes at now, preceded by those that time has brought about before it; none
// when everything is as wished already. The error is one of this package's refusals or a [domainerr.Invalid].
func (s *Stream) Decide(c Command, now time.Time) ([]event.Payload, error) {
	if s == nil {
		return nil, ErrNotFound
	}
	current, due := s.asOf(now)
	decided, err := c.decide(current, now)
	if err != nil || len(decided) == 0 {
		return nil, err
	}
	return append(due, decided...), nil
}
