package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
)

// Cache is what instances share beside the ledger, to save time: snapshots of folded licences, and a word to each other when the
// ledger grew. It may lose, delay or repeat anything; no answer depends on it. None of its methods fails, and all are safe for
// concurrent use.
type Cache interface {
	// Load returns a licence as some instance folded it, nil when there is none to be had soon.
	Load(ctx context.Context, id uuid.UUID) *license.Stream
	// Save keeps a licence for other instances, some time after it has returned. It does not wait.
	Save(s *license.Stream)
	// Announce tells other instances that this one has appended to the ledger. It does not wait.
	Announce()
	// Announced receives a value some time after another instance has announced something.
	Announced() <-chan struct{}
}

// snapshots is the part of a [Cache] that a repository uses.
type snapshots[T any] interface {
	Load(ctx context.Context, id uuid.UUID) *T
	Save(*T)
}

// snapshotEvery is how many events of a stream come between its snapshots: folding fewer costs less than a snapshot does.
const snapshotEvery = 16

// recall returns what the ledger holds of an aggregate, folded onto its snapshot; nil when there is no snapshot that the ledger
// bears out. The snapshot may be of any age, even ahead of a ledger that was put back: its last event must stand in the ledger where the
// snapshot has it.
func (r *repository[T]) recall(ctx context.Context, id uuid.UUID) (*T, error) {
	if r.snapshots == nil {
		return nil, nil
	}
	snapshot := r.snapshots.Load(ctx, id)
	track := r.track(snapshot)
	if track.Revision == 0 {
		return nil, nil
	}
	events, err := r.read(ctx, id, track.Revision-1, nil)
	if err != nil {
		return nil, err
	}
	if len(events) == 0 || events[0].ID != track.EventID || events[0].Position != track.Position {
		return nil, nil
	}
	state, err := r.Fold(snapshot, events[1:]...)
	if err == nil {
		r.keep(track.Revision, state)
	}
	return state, err
}

// keep saves a snapshot now and then. The state before was at the given revision.
func (r *repository[T]) keep(before event.Revision, state *T) {
	if r.snapshots != nil && r.track(state).Revision/snapshotEvery > before/snapshotEvery {
		r.snapshots.Save(state)
	}
}
