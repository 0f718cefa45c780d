// Package projections turns the ledger into read models and keeps them up to date.
//
// Each [Projector] says what an event does to the rows of one projection. The [Feed] emits the ledger as messages, each a
// contiguous run of events; the [Runner] has Watermill's router hand them to the projectors and writes the rows of a
// message together with the checkpoint, in one transaction: every event counts exactly once, whatever crashes.
//
// An event that cannot be projected stops its projection, and is named in its state; it is never skipped. A rebuild makes
// new tables from the first event on beside those that serve, and switches over in the transaction that catches up.
package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/readmodels"
)

// ErrPoison says that an event cannot be projected: its type is unknown, its payload malformed, or its rows impossible.
var ErrPoison = errors.New("the event cannot be projected")

// Projector turns events into changes of the rows of one projection. Given the same events it always makes the same rows.
type Projector interface {
	// Definition describes the tables. Its version grows with every change of what the same events become.
	Definition() readmodels.Definition
	// Wants reports whether events of a type, the newest version of it, in a stream matter to these rows.
	Wants(t event.Type, stream string) bool
	// Project queues what one event does to the rows. It reads its own rows only. An error stops the projection.
	Project(ctx context.Context, e event.Event, rows Rows) error
}

// Rows are the rows of one projection, as far as its projector may touch them. [readmodels.Changes] implements it.
type Rows interface {
	Insert(table string, values readmodels.Values) error
	Update(table, key string, values readmodels.Values) error
	Text(ctx context.Context, table, key, column string) (string, error)
	Number(ctx context.Context, table, key, column string) (int64, error)
}

// Unsealer reads personal data that was sealed with its subject's own key.
type Unsealer interface {
	Unseal(ctx context.Context, subject uuid.UUID, sealed []byte) ([]byte, error)
}

// PersonalData is how projectors read personal data.
type PersonalData struct {
	Unsealer
	// KeyGone is the error, possibly wrapped, by which the Unsealer says that the person was erased. The rows then hold
	// NULL.
	KeyGone error
	// Unavailable is the error, possibly wrapped, by which the Unsealer says that the same may succeed later. The projection
	// waits for that.
	Unavailable error
}

// errLater says that personal data cannot be read now, which is no fault of the event.
var errLater = errors.New("personal data cannot be read now")

// open returns the personal data, or nil when the person was erased.
func (p PersonalData) open(ctx context.Context, subject uuid.UUID, sealed []byte) ([]byte, error) {
	data, err := p.Unseal(ctx, subject, sealed)
	if p.KeyGone != nil && errors.Is(err, p.KeyGone) {
		return nil, nil
	}
	if p.Unavailable != nil && errors.Is(err, p.Unavailable) {
		return nil, fmt.Errorf("%w: %w", errLater, err)
	}
	if err != nil {
		return nil, fmt.Errorf("unseal personal data: %w", err)
	}
	return data, nil
}

// Projectors returns the projectors of all read models.
func Projectors(personal PersonalData) []Projector {
	return []Projector{catalogProjector{}, licensesProjector{personal}, machinesProjector{personal}, timelineProjector{}}
}

// micros is how a time is stored.
func micros(t time.Time) int64 { return t.UnixMicro() }

// maybeMicros is how a time that may be missing is stored.
func maybeMicros(t *time.Time) any {
	if t == nil {
		return nil
	}
	return micros(*t)
}

// maybeNumber is how a number that may be missing is stored.
func maybeNumber(n *int) any {
	if n == nil {
		return nil
	}
	return int64(*n)
}

// maybeText is how text that may be missing is stored.
func maybeText(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// place is an event's position as stored. A ledger does not grow beyond what int64 holds.
func place(e event.Event) int64 { return int64(e.Position) }

// revision is an event's revision as stored.
func revision(e event.Event) int64 { return int64(e.Revision) }
