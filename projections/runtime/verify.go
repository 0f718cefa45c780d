package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// Derivation is what read models are derived from.
type Derivation struct {
	Store      eventstore.Store
	Registry   *event.Registry
	Projectors []Projector
	Owner      string
	Now        func() time.Time
}

// Derive fills empty read models from the ledger up to a position, given per projection (missing or 0: to the end of the ledger).
// progress, if not nil, is called with positions of the ledger. It fails with [ErrPoison] at an event that cannot be projected.
func (d Derivation) Derive(ctx context.Context, into *store.DB, upTo map[string]event.Position,
	progress func(projection string, done uint64)) error {
	for _, p := range d.Projectors {
		definition := p.Definition()
		at, err := into.Acquire(ctx, definition, d.Owner, d.Now())
		if err != nil {
			return err
		}
		w := writer{projector: p, registry: d.Registry, db: into, now: d.Now}
		if _, err := w.bulk(ctx, d.Store, at.Checkpoint, upTo[definition.Name], func(to store.Checkpoint) {
			if progress != nil {
				progress(definition.Name, to.Position)
			}
		}); err != nil {
			return fmt.Errorf("derive %s: %w", definition.Name, err)
		}
	}
	return nil
}

// Verified is the outcome of deriving one projection again.
type Verified struct {
	Projection string
	Position   event.Position    // up to which both sides were compared
	Stored     string            // checksum of the read model
	Derived    string            // checksum of the rows derived again
	Difference *store.Difference // the first one; nil when the checksums are equal
}

// Verify derives every read model of stored again into scratch, an empty database, up to the position of stored, and compares. In a
// difference, "left" is the stored row and "right" the derived one.
func (d Derivation) Verify(ctx context.Context, stored, scratch *store.DB,
	progress func(projection string, done uint64)) ([]Verified, error) {
	var all []Verified
	for _, p := range d.Projectors {
		only := d
		only.Projectors = []Projector{p}
		v, err := only.verify(ctx, p.Definition(), stored, scratch, progress)
		if err != nil {
			return all, err
		}
		all = append(all, v)
	}
	return all, nil
}

func (d Derivation) verify(ctx context.Context, definition store.Definition, stored, scratch *store.DB,
	progress func(projection string, done uint64),
) (v Verified, err error) {
	left, err := stored.Snapshot(ctx, definition)
	if err != nil {
		return Verified{}, err
	}
	defer func() { err = errors.Join(err, left.Close()) }()
	v = Verified{Projection: definition.Name, Position: event.Position(left.Position())}
	if v.Position > 0 {
		if err := d.Derive(ctx, scratch, map[string]event.Position{definition.Name: v.Position}, progress); err != nil {
			return v, err
		}
	} else if _, err := scratch.Acquire(ctx, definition, d.Owner, d.Now()); err != nil {
		return v, err
	}
	right, err := scratch.Snapshot(ctx, definition)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, right.Close()) }()
	if right.Position() != left.Position() {
		return v, fmt.Errorf("%w: %s is at position %d, the ledger ends at %d", ErrAheadOfLedger, v.Projection, left.Position(), right.Position())
	}
	if v.Stored, err = left.Checksum(ctx); err != nil {
		return v, err
	}
	if v.Derived, err = right.Checksum(ctx); err != nil {
		return v, err
	}
	if v.Stored != v.Derived {
		v.Difference, err = store.FirstDifference(ctx, left, right)
	}
	return v, err
}

// ErrAheadOfLedger says that a read model holds events that the ledger does not have.
var ErrAheadOfLedger = errors.New("the read model is ahead of the ledger")
