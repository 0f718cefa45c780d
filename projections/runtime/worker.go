package runtime

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// worker keeps one projection up to date.
type worker struct {
	writer
	definition store.Definition
	logger     *slog.Logger
	feed       *Feed
	shared     bool // other processes may acquire the projection

	// working is held while a message is projected, and by a rebuild while it switches.
	working sync.Mutex

	mu         sync.Mutex // guards what follows
	checkpoint store.Checkpoint
	version    int  // of the projector that filled the serving tables
	own        bool // this process owns it; otherwise what follows has no meaning
	state      string
	problem    string
	rebuild    *rebuildProgress
	newer      newerEvent

	applied  atomic.Uint64 // events, since the start
	failures atomic.Uint64 // messages that could not be applied, since the start
}

type rebuildProgress struct{ done, total atomic.Uint64 }

// handle projects one message of the feed.
func (w *worker) handle(m *message.Message) error {
	w.working.Lock()
	defer w.working.Unlock()
	at := w.at()
	run := w.decodeAll(RunOf(m.Context()), at.Position)
	if len(run) == 0 {
		return nil
	}
	next, err := w.apply(m.Context(), at, run)
	w.advance(next)
	for _, e := range run {
		if uint64(e.Position) <= next.Position {
			w.applied.Add(1)
		}
	}
	if err != nil {
		w.failures.Add(1)
	}
	if errors.Is(err, store.ErrMoved) {
		w.feed.Restart(w.definition.Name)
	}
	return err
}

// stopOnPoison is the middleware that stops the projection on permanent errors. Transient errors are retried by the feed until they end;
// the status shows them meanwhile.
func (w *worker) stopOnPoison(next message.HandlerFunc) message.HandlerFunc {
	return func(m *message.Message) ([]*message.Message, error) {
		produced, err := next(m)
		switch {
		case err == nil:
			w.recovered()
		case errors.Is(err, store.ErrFenced):
			w.stop(m.Context(), store.StateStopped, err)
		case transient(err):
			w.degraded(m.Context(), err)
		default:
			w.stop(m.Context(), store.StateFailed, err)
		}
		return produced, err
	}
}

// transient reports whether a retry may succeed. It cannot after poison, a rejected statement, the loss of ownership or a panic.
func transient(err error) bool {
	var panicked middleware.RecoveredPanicError
	return !errors.Is(err, ErrPoison) && !errors.Is(err, store.ErrRejected) && !errors.Is(err, store.ErrFenced) && !errors.As(err, &panicked)
}

// stop stops the projection, and records why in the log and in the control table.
func (w *worker) stop(ctx context.Context, state string, problem error) {
	w.feed.Pause(w.definition.Name)
	w.mu.Lock()
	w.state, w.problem = state, problem.Error()
	w.own = state != store.StateStopped
	at := w.checkpoint
	w.mu.Unlock()
	if state == store.StateStopped {
		w.logger.WarnContext(ctx, "another process owns the projection now", "position", at.Position, "error", problem)
		return // the row belongs to the new owner
	}
	w.logger.ErrorContext(ctx, "the projection has stopped", "state", state, "position", at.Position, "error", problem)
	err := w.db.Mark(ctx, at, state, problem.Error(), w.now())
	if errors.Is(err, store.ErrFenced) {
		w.mu.Lock() // another process acquired the projection
		w.own, w.state, w.problem = false, store.StateStopped, err.Error()
		w.mu.Unlock()
	}
	if err != nil {
		w.logger.ErrorContext(ctx, "the projection's state could not be recorded", "error", err)
		return
	}
	if w.shared && errors.Is(problem, event.ErrUnknownType) {
		w.releaseToNewer(ctx, at)
	}
}

// degraded records a transient problem, and logs its first occurrence.
func (w *worker) degraded(ctx context.Context, problem error) {
	w.mu.Lock()
	first := w.problem == ""
	w.problem = problem.Error()
	w.mu.Unlock()
	if first {
		w.logger.WarnContext(ctx, "the projection cannot write; trying again", "error", problem)
	}
}

// recovered clears a transient problem.
func (w *worker) recovered() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state == store.StateRunning {
		w.problem = ""
	}
}

// markStopped records that this process has stopped projecting, and returns whether it owned the projection.
func (w *worker) markStopped() (did bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state != store.StateFailed {
		w.state = store.StateStopped
	}
	return w.own
}

func (w *worker) at() store.Checkpoint {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.checkpoint
}

// advance records the checkpoint of the serving rows, and wakes those who wait for it.
func (w *worker) advance(to store.Checkpoint) {
	w.mu.Lock()
	w.checkpoint = to
	w.mu.Unlock()
	w.db.Announce(to)
}

// status returns the local state and whether this process owns the projection.
func (w *worker) status(head uint64) (_ store.ProjectionStatus, own bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := store.ProjectionStatus{
		Name: w.definition.Name, Version: w.version, Generation: w.checkpoint.Generation, Position: w.checkpoint.Position,
		Head: max(head, w.checkpoint.Position), State: w.state, Error: w.problem,
	}
	s.Lag = s.Head - s.Position
	if w.rebuild != nil {
		s.State = store.StateRebuilding
		s.Progress = &store.Progress{Done: w.rebuild.done.Load(), Total: w.rebuild.total.Load()}
	}
	return s, w.own
}
