package projections

import (
	"context"

	"github.com/licenseledger/licenseledger/readmodels"
)

// newerEvent remembers that a projection stands before an event which only a newer version of the program knows. The zero value
// remembers nothing.
type newerEvent struct {
	met      bool
	position uint64 // of the projection
	unowned  bool   // nobody has the projection since
}

// leaveToNewer resigns from a projection that this version cannot continue, so that an instance of a newer version need not wait for
// this one to end.
func (l *line) leaveToNewer(ctx context.Context, at readmodels.Checkpoint) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resignTimeout)
	defer cancel()
	if err := l.db.Resign(ctx, at); err != nil {
		l.logger.WarnContext(ctx, "the projection cannot be left to an instance of a newer version", "error", err)
		return // and kept, until this instance ends
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.own, l.newer = false, newerEvent{met: true, position: at.Position, unowned: true}
}

// beyond reports whether this version could not continue a projection, since it still stands before an event of a newer version.
func (l *line) beyond(found readmodels.Ownership) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.newer.met && found.Position != l.newer.position {
		l.newer = newerEvent{}
	}
	l.newer.unowned = l.newer.met && found.Owner == ""
	return l.newer.met
}
