package runtime

import (
	"context"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
)

// Snapshots is a cache of folded aggregates that instances share. It may lose, delay or repeat anything; no answer depends on it.
type Snapshots[T any] interface {
	// Load returns an aggregate as some instance folded it, nil when there is none to be had soon.
	Load(ctx context.Context, id uuid.UUID) *T
	// Save offers an aggregate to other instances, some time after it has returned. It does not wait.
	Save(state *T)
}

// snapshotEvery is how many events of a stream lie between its snapshots: folding fewer costs less than a snapshot does.
const snapshotEvery = 16

// UseSnapshots has the repository share snapshots from now on. It must be called before the first command.
func (r *Repository[T]) UseSnapshots(s Snapshots[T]) { r.snapshots = s }

// loadSnapshot restores an aggregate from its snapshot and later events. It returns nil if there is no snapshot, or if the ledger does not
// contain the snapshot's last event: it may be ahead of a ledger that was restored to an earlier state.
func (r *Repository[T]) loadSnapshot(ctx context.Context, id uuid.UUID) (*T, error) {
	if r.snapshots == nil {
		return nil, nil
	}
	snapshot := r.snapshots.Load(ctx, id)
	stream := r.stateOf(snapshot)
	if stream.Revision == 0 {
		return nil, nil
	}
	events, err := r.read(ctx, id, stream.Revision-1, nil)
	if err != nil {
		return nil, err
	}
	if len(events) == 0 || events[0].ID != stream.EventID || events[0].Position != stream.Position {
		return nil, nil
	}
	state, err := r.Fold(snapshot, events[1:]...)
	if err == nil {
		r.saveSnapshot(stream.Revision, state)
	}
	return state, err
}

// saveSnapshot saves every snapshotEvery events. The state before was at the given revision.
func (r *Repository[T]) saveSnapshot(before event.Revision, state *T) {
	if r.snapshots != nil && r.stateOf(state).Revision/snapshotEvery > before/snapshotEvery {
		r.snapshots.Save(state)
	}
}
