package runtime

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/event"
)

// Scheduler has time-driven transitions recorded, such as the expiry of a licence: at intervals it asks which aggregates have one due, and
// has it recorded. Decisions do not wait for it.
type Scheduler struct {
	// Due names aggregates for which something may be due, at most limit. It may lag behind the ledger: naming an aggregate too often does
	// no harm, and one that is missing is named next time.
	Due func(ctx context.Context, now time.Time, limit int) ([]uuid.UUID, error)
	// Record records what is due for an aggregate. ctx holds a principal of role System.
	Record func(ctx context.Context, id uuid.UUID) error
	// Trusted reports whether the clock is to be trusted. While it is not, nothing is recorded: what a wrong clock brings about would
	// stay. nil: always.
	Trusted func() bool
	Now     func() time.Time
	Every   time.Duration
	Logger  *slog.Logger

	// unknown are aggregates with an event that only a newer version of the program knows. This version cannot tell what is due for them,
	// however often it tries.
	unknown map[uuid.UUID]struct{}
}

const (
	dueLimit    = 1_024
	dueParallel = 64 // the ledger can commit what is recorded in parallel together
)

// Run records what is due until ctx ends.
func (s *Scheduler) Run(ctx context.Context) {
	ctx = access.With(ctx, access.Principal{Actor: string(access.System), Role: access.System})
	ticker := time.NewTicker(s.Every)
	defer ticker.Stop()
	for {
		if err := s.RecordDue(ctx); err != nil && !errors.Is(err, context.Canceled) {
			s.Logger.ErrorContext(ctx, "what is due could not be recorded; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// RecordDue records what is due now. One aggregate that fails does not hold up the others. ctx needs a principal of role System. Only one
// goroutine at a time may call it.
func (s *Scheduler) RecordDue(ctx context.Context) error {
	if s.Trusted != nil && !s.Trusted() {
		return nil
	}
	due, err := s.Due(ctx, s.Now(), dueLimit+len(s.unknown))
	if err != nil {
		return err
	}
	due = slices.DeleteFunc(slices.Clone(due), func(id uuid.UUID) bool {
		_, unknown := s.unknown[id]
		return unknown
	})
	var group errgroup.Group
	group.SetLimit(dueParallel)
	failures := make([]error, len(due))
	for i, id := range due {
		group.Go(func() error {
			failures[i] = s.Record(ctx, id)
			return nil
		})
	}
	_ = group.Wait() // failures hold the errors
	s.exclude(ctx, due, failures)
	return errors.Join(failures...)
}

// exclude leaves out from now on the aggregates that failed because of an unknown event, logs them once, and clears their failures.
func (s *Scheduler) exclude(ctx context.Context, due []uuid.UUID, failures []error) {
	excluded := map[uuid.UUID]struct{}{}
	var first error
	for i, err := range failures {
		if !errors.Is(err, event.ErrUnknownType) {
			continue
		}
		if first == nil {
			first = err
		}
		excluded[due[i]], failures[i] = struct{}{}, nil
	}
	if first == nil {
		return
	}
	if s.unknown == nil {
		s.unknown = map[uuid.UUID]struct{}{}
	}
	maps.Copy(s.unknown, excluded)
	s.Logger.WarnContext(ctx, "some aggregates hold events of a newer version of the program; until this instance is upgraded, "+
		"instances of that version record what is due for them", "aggregates", len(excluded), "first", first)
}
