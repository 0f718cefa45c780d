package projections

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/readmodels"
)

// line is one projection at work.
type line struct {
	writer
	definition readmodels.Definition
	logger     *slog.Logger
	feed       *Feed
	shared     bool // other processes may take the projection over

	// working is held while a message is projected, and by a rebuild while it switches.
	working sync.Mutex

	mu         sync.Mutex // guards what follows
	checkpoint readmodels.Checkpoint
	version    int  // of the projector that filled the serving tables
	own        bool // this process keeps it; otherwise nothing below counts
	state      string
	problem    string
	rebuild    *rebuildProgress
	newer      newerEvent

	applied  atomic.Uint64 // events, since the start
	failures atomic.Uint64 // messages that could not be applied, since the start
}

type rebuildProgress struct{ done, total atomic.Uint64 }

// handle projects one message of the feed.
func (l *line) handle(m *message.Message) error {
	l.working.Lock()
	defer l.working.Unlock()
	at := l.at()
	run := l.decodeAll(RunOf(m.Context()), at.Position)
	if len(run) == 0 {
		return nil
	}
	next, err := l.apply(m.Context(), at, run)
	l.moved(next)
	for _, e := range run {
		if uint64(e.Position) <= next.Position {
			l.applied.Add(1)
		}
	}
	if err != nil {
		l.failures.Add(1)
	}
	if errors.Is(err, readmodels.ErrMoved) {
		l.feed.Restart(l.definition.Name)
	}
	return err
}

// stopOnPoison is the middleware that stops the projection when repeating cannot help. Everything else is tried again by the
// feed for as long as it takes; the state tells what is the matter meanwhile.
func (l *line) stopOnPoison(next message.HandlerFunc) message.HandlerFunc {
	return func(m *message.Message) ([]*message.Message, error) {
		produced, err := next(m)
		switch {
		case err == nil:
			l.recovered()
		case errors.Is(err, readmodels.ErrFenced):
			l.halt(m.Context(), readmodels.StateStopped, err)
		case transient(err):
			l.troubled(m.Context(), err)
		default:
			l.halt(m.Context(), readmodels.StateFailed, err)
		}
		return produced, err
	}
}

// transient reports whether an error may go away by itself. Poison, a rejected statement, another owner and a panic do not.
func transient(err error) bool {
	var panicked middleware.RecoveredPanicError
	return !errors.Is(err, ErrPoison) && !errors.Is(err, readmodels.ErrRejected) && !errors.Is(err, readmodels.ErrFenced) && !errors.As(err, &panicked)
}

// halt stops the projection and says why, in the log and in the control table.
func (l *line) halt(ctx context.Context, state string, problem error) {
	l.feed.Hold(l.definition.Name)
	l.mu.Lock()
	l.state, l.problem = state, problem.Error()
	l.own = state != readmodels.StateStopped
	at := l.checkpoint
	l.mu.Unlock()
	if state == readmodels.StateStopped {
		l.logger.WarnContext(ctx, "the projection is kept elsewhere now", "position", at.Position, "error", problem)
		return // the row belongs to somebody else
	}
	l.logger.ErrorContext(ctx, "the projection has stopped", "state", state, "position", at.Position, "error", problem)
	err := l.db.Mark(ctx, at, state, problem.Error(), l.now())
	if errors.Is(err, readmodels.ErrFenced) {
		l.mu.Lock() // what failed was another owner's doing
		l.own, l.state, l.problem = false, readmodels.StateStopped, err.Error()
		l.mu.Unlock()
	}
	if err != nil {
		l.logger.ErrorContext(ctx, "the projection's state could not be recorded", "error", err)
		return
	}
	if l.shared && errors.Is(problem, event.ErrUnknownType) {
		l.leaveToNewer(ctx, at)
	}
}

// troubled notes a problem that is expected to go away.
func (l *line) troubled(ctx context.Context, problem error) {
	l.mu.Lock()
	news := l.problem == ""
	l.problem = problem.Error()
	l.mu.Unlock()
	if news {
		l.logger.WarnContext(ctx, "the projection cannot write; trying again", "error", problem)
	}
}

// recovered forgets such a problem.
func (l *line) recovered() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == readmodels.StateRunning {
		l.problem = ""
	}
}

// stopped notes that this process projects no more, and reports whether it did.
func (l *line) stopped() (did bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != readmodels.StateFailed {
		l.state = readmodels.StateStopped
	}
	return l.own
}

func (l *line) at() readmodels.Checkpoint {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.checkpoint
}

// moved records how far the serving rows have come and wakes who waits for it.
func (l *line) moved(to readmodels.Checkpoint) {
	l.mu.Lock()
	l.checkpoint = to
	l.mu.Unlock()
	l.db.Announce(to)
}

// status is how the projection stands here, and whether that is all there is to say: whether this process keeps it.
func (l *line) status(head uint64) (_ readmodels.ProjectionStatus, own bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := readmodels.ProjectionStatus{
		Name: l.definition.Name, Version: l.version, Generation: l.checkpoint.Generation, Position: l.checkpoint.Position,
		Head: max(head, l.checkpoint.Position), State: l.state, Error: l.problem,
	}
	s.Lag = s.Head - s.Position
	if l.rebuild != nil {
		s.State = readmodels.StateRebuilding
		s.Progress = &readmodels.Progress{Done: l.rebuild.done.Load(), Total: l.rebuild.total.Load()}
	}
	return s, l.own
}
