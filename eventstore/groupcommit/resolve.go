package groupcommit

import (
	"fmt"
	"time"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// Stored is what [Resolve] needs to know of the ledger, as of the transaction that writes the batch.
type Stored struct {
	// Head is the position of the last event, 0 for an empty ledger.
	Head event.Position
	// Revisions holds the revision of every stream the batch touches; a stream without events may be missing.
	Revisions map[string]event.Revision
	// Slice returns up to n events of a stream with a revision greater than after, in order.
	Slice func(stream string, after event.Revision, n int) ([]event.Envelope, error)
}

// Resolution says what to do with a batch.
type Resolution struct {
	// Outcomes has one entry for each append, valid once Inserts are durable.
	Outcomes []Outcome
	// Inserts holds the events to store: one run for each append that is stored, positions growing without gaps.
	Inserts [][]event.Envelope
}

// Resolve goes through a batch in order; each append sees what those before it will store. An append whose stream is at the expected
// revision gets the next positions and revisions for its events. An append whose events are stored right after the expected revision is a
// repeat, and gets the commit of the first. Any other mismatch is a conflict of that append alone. It fails only when stored fails.
func Resolve(batch []Append, stored Stored) (Resolution, error) {
	d := resolver{Stored: stored, staged: make(map[string][]event.Envelope, len(batch))}
	resolution := Resolution{Outcomes: make([]Outcome, len(batch)), Inserts: make([][]event.Envelope, 0, len(batch))}
	for i, a := range batch {
		current := d.Revisions[a.Stream] + event.Revision(len(d.staged[a.Stream]))
		if current == a.Expected {
			events := d.assign(a)
			resolution.Inserts = append(resolution.Inserts, events)
			resolution.Outcomes[i].Commit = commitOf(events)
			continue
		}
		repeated, err := d.findRepeat(a, current)
		switch {
		case err != nil:
			return Resolution{}, fmt.Errorf("look for a repeated append in stream %q: %w", a.Stream, err)
		case repeated != nil:
			resolution.Outcomes[i].Commit = commitOf(repeated)
		default:
			resolution.Outcomes[i].Err = fmt.Errorf("%w: stream %q is at %d, expected %d",
				eventstore.ErrWrongExpectedRevision, a.Stream, current, a.Expected)
		}
	}
	return resolution, nil
}

type resolver struct {
	Stored
	staged map[string][]event.Envelope // what the batch adds to each stream
}

// assign gives the events of an append their positions and revisions.
func (d *resolver) assign(a Append) []event.Envelope {
	events := make([]event.Envelope, len(a.Events))
	for i, p := range a.Events {
		p.RecordedAt = time.UnixMicro(p.RecordedAt.UnixMicro()).UTC()
		d.Head++
		events[i] = event.Envelope{Position: d.Head, Stream: a.Stream, Revision: a.Expected + event.Revision(i) + 1, Pending: p}
	}
	d.staged[a.Stream] = append(d.staged[a.Stream], events...)
	return events
}

// findRepeat returns the stored events that an append repeats; nil when it is not a repeat.
func (d *resolver) findRepeat(a Append, current event.Revision) ([]event.Envelope, error) {
	if a.Expected > current || uint64(current-a.Expected) < uint64(len(a.Events)) {
		return nil, nil
	}
	// Most mismatches are conflicts, which the first id shows.
	first, err := d.slice(a.Stream, a.Expected, 1)
	if err != nil || !sameIDs(first, a.Events[:1]) {
		return nil, err
	}
	all, err := d.slice(a.Stream, a.Expected, len(a.Events))
	if err != nil || !sameIDs(all, a.Events) {
		return nil, err
	}
	return all, nil
}

// slice returns n events of a stream, stored ones followed by those the batch adds.
func (d *resolver) slice(stream string, after event.Revision, n int) ([]event.Envelope, error) {
	var events []event.Envelope
	if last := d.Revisions[stream]; after < last {
		var err error
		if events, err = d.Slice(stream, after, n); err != nil {
			return nil, err
		}
		after = last
	}
	staged := d.staged[stream][after-d.Revisions[stream]:]
	return append(events, staged[:min(n-len(events), len(staged))]...), nil
}

func sameIDs(stored []event.Envelope, given []event.Pending) bool {
	if len(stored) != len(given) {
		return false
	}
	for i := range stored {
		if stored[i].ID != given[i].ID {
			return false
		}
	}
	return true
}

func commitOf(events []event.Envelope) eventstore.Commit {
	last := events[len(events)-1]
	return eventstore.Commit{Position: last.Position, Revision: last.Revision, Events: events}
}
