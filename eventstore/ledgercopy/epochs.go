package ledgercopy

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/eventstore"
)

// CopyEpochs gives a target, which holds the same events as its source by now, the epochs of the source and a new one with the given id:
// engines count positions in different ways, and two places must not go on in one epoch. A target that has all that already is left as
// it is. A source without epochs leaves the target without. It fails with [ErrDifferent] when the target has other epochs.
func CopyEpochs(ctx context.Context, source []eventstore.Epoch, target eventstore.Store, id uuid.UUID, now time.Time) error {
	if len(source) == 0 {
		return nil
	}
	present, err := target.Epochs(ctx)
	if err != nil {
		return fmt.Errorf("read the target's epochs: %w", err)
	}
	shared := min(len(present), len(source))
	if !slices.EqualFunc(present[:shared], source[:shared], func(a, b eventstore.Epoch) bool { return a.ID == b.ID }) {
		return fmt.Errorf("%w: its epochs are others", ErrDifferent)
	}
	if len(present) > len(source) {
		return nil
	}
	head, err := target.Head(ctx)
	if err != nil {
		return fmt.Errorf("read the target's head: %w", err)
	}
	copied := eventstore.Epoch{
		Installation: eventstore.Current(source).Installation, ID: id, After: head, BeganAt: now.UTC().Truncate(time.Microsecond),
		Reason: eventstore.EpochCopied,
	}
	for _, e := range append(slices.Clone(source[shared:]), copied) {
		if err := target.BeginEpoch(ctx, eventstore.Current(present).ID, e); err != nil {
			return fmt.Errorf("begin an epoch in the target: %w", err)
		}
		present = append(present, e)
	}
	return nil
}
