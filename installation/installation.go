// Package installation decides whether the parts of an installation belong together: its ledger and its keys. Read models are
// compared with the ledger where they are projected (package projections).
//
// The ledger names its installation and its epoch. The keys, which lie apart, remember both and the last event that was seen, so they
// notice a ledger that is another one, is missing, or was put back to an earlier state.
package installation

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/keyring"
)

var (
	// ErrKeysMissing says that the ledger holds events and there are no keys. New keys could not validate licence keys, sign for
	// existing products or read personal data.
	ErrKeysMissing = errors.New("the ledger holds events, but there are no keys")
	// ErrLedgerMissing says that the keys are those of a ledger that is not there: an empty one stands in its place.
	ErrLedgerMissing = errors.New("the keys belong to another ledger, and this one is empty")
	// ErrKeysIncomplete says that the ledger names keys that are not there: the keys are older than the ledger.
	ErrKeysIncomplete = errors.New("keys that the ledger names are missing")
	// ErrOtherInstallation says that keys and ledger are those of different installations.
	ErrOtherInstallation = errors.New("the keys and the ledger belong to different installations")
	// ErrEarlierLedger says that the ledger lacks events that were seen in it: it was put back to an earlier state.
	ErrEarlierLedger = errors.New("the ledger is at an earlier state than was seen before")
)

// Ledger is what is read of the ledger. Every [eventstore.Store] is a Ledger.
type Ledger interface {
	Head(ctx context.Context) (event.Position, error)
	ReadEvent(ctx context.Context, at event.Position) (event.Envelope, error)
	ReadAll(ctx context.Context, after event.Position) iter.Seq2[event.Envelope, error]
	Epochs(ctx context.Context) ([]eventstore.Epoch, error)
}

// Keys is what is read of the keys. [keyring.Database] implements it.
type Keys interface {
	HoldsKeys(ctx context.Context) (bool, error)
	HoldsSigningKey(ctx context.Context, id string) (bool, error)
	SigningKeys(ctx context.Context) (int, error) // how many there are
	Witness(ctx context.Context) (keyring.Witness, error)
}

// Findings are what ledger and keys say of each other.
type Findings struct {
	Epoch   eventstore.Epoch // the ledger's; the zero Epoch when it has none yet
	Head    event.Position
	Keys    bool // there are keys
	Witness keyring.Witness
}

// Examine compares ledger and keys, changing nothing. It fails with one of this package's errors when they do not belong together,
// and otherwise only when they cannot be read; the findings are returned with all of the package's errors.
func Examine(ctx context.Context, ledger Ledger, keys Keys, events *event.Registry) (f Findings, err error) {
	epochs, err := ledger.Epochs(ctx)
	if err != nil {
		return f, err
	}
	f.Epoch = eventstore.Current(epochs)
	if f.Head, err = ledger.Head(ctx); err != nil {
		return f, err
	}
	if f.Keys, err = keys.HoldsKeys(ctx); err != nil {
		return f, err
	}
	if f.Witness, err = keys.Witness(ctx); err != nil {
		return f, err
	}
	switch {
	case f.Head > 0 && !f.Keys:
		return f, ErrKeysMissing
	case f.Witness == keyring.Witness{}:
		return f, belongs(ctx, ledger, keys, events, f)
	case f.Head == 0 && (f.Witness.Position > 0 || len(epochs) == 0):
		return f, fmt.Errorf("%w: they belong to installation %s, and the last position seen was %d", ErrLedgerMissing, f.Witness.Installation,
			f.Witness.Position)
	case len(epochs) == 0: // an older backup, which knows no epochs
		if err := belongs(ctx, ledger, keys, events, f); err != nil {
			return f, err
		}
	}
	return f, compare(ctx, ledger, epochs, f.Witness)
}

// compare compares a ledger with what was seen of it.
func compare(ctx context.Context, ledger Ledger, epochs []eventstore.Epoch, seen keyring.Witness) error {
	known := len(epochs) == 0
	for _, e := range epochs {
		if e.Installation != seen.Installation {
			return fmt.Errorf("%w: the ledger is that of %s, the keys are those of %s", ErrOtherInstallation, e.Installation, seen.Installation)
		}
		known = known || e.ID == seen.Epoch
	}
	if !known {
		return fmt.Errorf("%w: it does not know the epoch %s", ErrEarlierLedger, seen.Epoch)
	}
	if seen.Position == 0 || len(epochs) > 0 && eventstore.Current(epochs).ID != seen.Epoch {
		return nil // a later epoch began on purpose
	}
	last, err := ledger.ReadEvent(ctx, seen.Position)
	if errors.Is(err, eventstore.ErrEventNotFound) {
		return fmt.Errorf("%w: the event at position %d is missing", ErrEarlierLedger, seen.Position)
	}
	if err != nil {
		return err
	}
	if last.Hash() != seen.Hash {
		return fmt.Errorf("%w: another event stands at position %d", ErrEarlierLedger, seen.Position)
	}
	return nil
}

// belongs tells whether keys that remember no ledger, those of an older version, are those of this one: they must hold the signing key of
// its first product. Signing keys without a product are those of a ledger that is missing.
func belongs(ctx context.Context, ledger Ledger, keys Keys, events *event.Registry, f Findings) error {
	if f.Head == 0 {
		made, err := keys.SigningKeys(ctx)
		if err == nil && made > 0 {
			err = fmt.Errorf("%w: there are %d signing keys", ErrLedgerMissing, made)
		}
		return err
	}
	for e, err := range ledger.ReadAll(ctx, 0) {
		if err != nil {
			return err
		}
		if e.Type != catalog.ProductRegisteredType {
			continue
		}
		decoded, err := events.Decode(e)
		if err != nil {
			return err
		}
		product, ok := decoded.Payload.(catalog.ProductRegistered)
		if !ok {
			return fmt.Errorf("the event at position %d is read as %T", e.Position, decoded.Payload)
		}
		held, err := keys.HoldsSigningKey(ctx, product.SigningKey.ID)
		if err == nil && !held {
			err = fmt.Errorf("%w: the signing key of the product %s is not among the keys", ErrOtherInstallation, product.Code)
		}
		return err
	}
	return nil
}

// Now is the clock that tells when an epoch began.
type Now func() time.Time

// NewID makes the ids of installations and epochs.
type NewID func() uuid.UUID

// Establish makes sure that ledger and keys belong together before either is used, and returns the epoch that the ledger is in. A new
// ledger, and one of an older version, gets its first epoch. It fails as [Examine] does.
//
// [Bind] then has the keys remember the ledger.
func Establish(ctx context.Context, store eventstore.Store, keys Keys, events *event.Registry, now Now,
	newID NewID) (eventstore.Epoch, error) {
	for {
		f, err := Examine(ctx, store, keys, events)
		if err != nil {
			return eventstore.Epoch{}, err
		}
		if f.Epoch.ID != uuid.Nil {
			return f.Epoch, nil
		}
		first := eventstore.Epoch{Installation: newID(), ID: newID(), After: f.Head, BeganAt: now().UTC().Truncate(time.Microsecond),
			Reason: eventstore.EpochCreated}
		if f.Head > 0 {
			first.Reason = eventstore.EpochAdopted
		}
		if f.Witness.Installation != uuid.Nil {
			first.Installation = f.Witness.Installation
		}
		err = store.BeginEpoch(ctx, uuid.Nil, first)
		if errors.Is(err, eventstore.ErrWrongEpoch) {
			continue // another instance was first
		}
		return first, err
	}
}

// Accept begins a new epoch on purpose: for a ledger that was put back to an earlier state, or emptied, and is to be gone on with as it is.
// Every process that works on the ledger must be stopped. It fails with [ErrKeysMissing] and [ErrOtherInstallation], which
// nobody can accept: the parts would not work together.
func Accept(ctx context.Context, store eventstore.Store, keys interface {
	Keys
	Witnesses
}, events *event.Registry, now Now, newID NewID) (eventstore.Epoch, error) {
	f, err := Examine(ctx, store, keys, events)
	if err != nil && !errors.Is(err, ErrEarlierLedger) && !errors.Is(err, ErrLedgerMissing) {
		return eventstore.Epoch{}, err
	}
	next := eventstore.Epoch{Installation: f.Epoch.Installation, ID: newID(), After: f.Head, BeganAt: now().UTC().Truncate(time.Microsecond),
		Reason: eventstore.EpochAccepted}
	if next.Installation == uuid.Nil {
		next.Installation = f.Witness.Installation
	}
	if next.Installation == uuid.Nil {
		next.Installation = newID()
	}
	if err := store.BeginEpoch(ctx, f.Epoch.ID, next); err != nil {
		return eventstore.Epoch{}, err
	}
	w, err := last(ctx, store, next)
	if err != nil {
		return eventstore.Epoch{}, err
	}
	return next, keys.SetWitness(ctx, w)
}
