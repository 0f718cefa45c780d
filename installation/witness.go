package installation

import (
	"context"
	"errors"
	"fmt"

	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/keyring"
)

// ErrNewEpoch says that the ledger began another epoch while this process was at work on it.
var ErrNewEpoch = errors.New("the ledger began another epoch")

// Witnesses is where the last event of a ledger is remembered. [keyring.Database] implements it.
type Witnesses interface {
	Witness(ctx context.Context) (keyring.Witness, error)
	SetWitness(ctx context.Context, w keyring.Witness) error
	AdvanceWitness(ctx context.Context, w keyring.Witness) error
}

// Bind has the keys remember a ledger that [Establish] found to be theirs.
func Bind(ctx context.Context, ledger Ledger, keys Witnesses, in eventstore.Epoch) error {
	w, err := last(ctx, ledger, in)
	if err != nil {
		return err
	}
	before, err := keys.Witness(ctx)
	if err != nil {
		return err
	}
	if before.Installation == w.Installation && before.Epoch == w.Epoch {
		return keys.AdvanceWitness(ctx, w)
	}
	return keys.SetWitness(ctx, w)
}

// Advance has the keys remember how far the ledger has come. It fails with [ErrNewEpoch], and with [ErrEarlierLedger] when the ledger lacks
// what was seen in it: both mean that nothing this process knows of the ledger can be relied on.
func Advance(ctx context.Context, ledger Ledger, keys Witnesses, in eventstore.Epoch) error {
	epochs, err := ledger.Epochs(ctx)
	if err != nil {
		return err
	}
	if now := eventstore.Current(epochs); now.ID != in.ID {
		return fmt.Errorf("%w: %s (%s)", ErrNewEpoch, now.ID, now.Reason)
	}
	seen, err := keys.Witness(ctx)
	if err != nil {
		return err
	}
	if err := compare(ctx, ledger, epochs, seen); err != nil {
		return err
	}
	w, err := last(ctx, ledger, in)
	if err != nil || w.Position <= seen.Position {
		return err
	}
	return keys.AdvanceWitness(ctx, w)
}

// last describes the end of a ledger.
func last(ctx context.Context, ledger Ledger, in eventstore.Epoch) (keyring.Witness, error) {
	w := keyring.Witness{Installation: in.Installation, Epoch: in.ID}
	head, err := ledger.Head(ctx)
	if err != nil || head == 0 {
		return w, err
	}
	e, err := ledger.ReadEvent(ctx, head)
	if err != nil {
		return w, err
	}
	w.Position, w.Hash = head, e.Hash()
	return w, nil
}
