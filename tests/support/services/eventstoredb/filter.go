package esdbdouble

import (
	"errors"
	"regexp"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
)

// filter is what a read of $all wants to see.
type filter struct {
	ofType     bool // look at the type, else at the stream's name
	prefixes   []string
	pattern    *regexp.Regexp
	checkpoint int // after how many events a subscription is sent a checkpoint; 0: never
}

func newFilter(options *streams.ReadReq_Options) (f filter, err error) {
	wanted := options.GetFilter()
	if wanted == nil {
		return f, nil
	}
	expression := wanted.GetStreamIdentifier()
	if f.ofType = expression == nil; f.ofType {
		expression = wanted.GetEventType()
	}
	f.prefixes = expression.GetPrefix()
	switch {
	case expression.GetRegex() != "":
		if f.pattern, err = regexp.Compile(expression.GetRegex()); err != nil {
			return f, err
		}
	case len(f.prefixes) == 0:
		return f, errors.New("a filter without an expression")
	}
	if wanted.GetWindow() == nil {
		return f, errors.New("a filter without a window")
	}
	if options.GetSubscription() != nil {
		window := max(int(wanted.GetMax()), batch)
		if f.checkpoint = window * int(wanted.GetCheckpointIntervalMultiplier()); f.checkpoint == 0 {
			return f, errors.New("the checkpoint interval must be greater than 0")
		}
	}
	return f, nil
}

func (f filter) passes(r *record) bool {
	subject := r.stream
	if f.ofType {
		subject = r.kind
	}
	if f.pattern != nil {
		return f.pattern.MatchString(subject)
	}
	for _, p := range f.prefixes {
		if strings.HasPrefix(subject, p) {
			return true
		}
	}
	return len(f.prefixes) == 0
}
