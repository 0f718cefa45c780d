package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/readmodels"
)

var (
	// ErrUnknownProjection says that there is no projection of that name.
	ErrUnknownProjection = errors.New("unknown projection")
	// ErrRebuilding refuses a second rebuild of a projection while one runs.
	ErrRebuilding = errors.New("the projection is being rebuilt already")
	// ErrStopped says that the runner was closed, or that another owner keeps the projection.
	ErrStopped = errors.New("the projection is stopped")
)

// closeTimeout is how long a message may take to finish when the runner closes.
const closeTimeout = 30 * time.Second

// Config is what a runner works with. All fields are needed but Lease and Standby, which are for read models that several
// processes share.
type Config struct {
	Store      eventstore.Store
	Registry   *event.Registry
	ReadModels *readmodels.DB
	Projectors []Projector
	Owner      string           // names this process in the control table
	Lease      time.Duration    // how long the owner of a projection may be silent before it is taken over; 0: at once
	Standby    bool             // never take a projection: others keep them all
	Now        func() time.Time // recorded as the time of a projection's last change
	Logger     *slog.Logger
}

// Runner keeps projections up to date until it is closed. All methods are safe for concurrent use.
type Runner struct {
	Config
	lines  []*line
	byName map[string]*line
	feed   *Feed
	router *message.Router
	turns  chan struct{} // holds a token for each rebuild at work

	life    context.Context // the runner's own, which rebuilds share
	end     context.CancelFunc
	tasks   sync.WaitGroup
	mu      sync.Mutex // guards ended against tasks.Add
	ended   bool
	closing sync.Once
	closed  error
}

// Start begins to follow the ledger. Without a lease it adopts all projections, so that any other runner on the same read models
// stops; with one, it takes a projection when nobody keeps it (see [Runner.keep]). A projection whose tables were filled by another
// version of its projector is rebuilt; until that is done the old tables serve as they are. Rows that are not those of the ledger are
// removed before Start returns, and rebuilt; see [Misfit]. It fails with [ErrForeignRows] or [ErrMisfit] where that is not to be done. ctx bounds the start only; Close
// ends what was started.
func Start(ctx context.Context, config Config) (*Runner, error) {
	r := &Runner{Config: config, byName: map[string]*line{}, turns: make(chan struct{}, rebuildsAtOnce)}
	for _, p := range config.Projectors {
		l := &line{writer: writer{projector: p, registry: config.Registry, db: config.ReadModels, now: config.Now},
			definition: p.Definition(), logger: config.Logger.With("projection", p.Definition().Name), shared: config.Lease > 0, state: readmodels.StateStopped}
		r.lines = append(r.lines, l)
		r.byName[l.definition.Name] = l
	}
	if err := r.run(); err != nil {
		return nil, err
	}
	for _, l := range r.lines {
		if err := r.enter(ctx, l); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	return r, nil
}

// enter makes a projection one's own, or a candidate for it.
func (r *Runner) enter(ctx context.Context, l *line) error {
	if r.Lease == 0 && !r.Standby {
		return r.adopt(ctx, l)
	}
	if err := r.ReadModels.Establish(ctx, l.definition, r.Now()); err != nil {
		return err
	}
	if err := r.requireFit(ctx, l); err != nil {
		return err
	}
	if !r.Standby {
		r.tasks.Go(func() { r.keep(r.life, l) })
	}
	return nil
}

// run starts the router over the feed, with all projections waiting for an owner.
func (r *Runner) run() error {
	r.feed = NewFeed(r.Store, func(topic string) event.Position { return r.byName[topic].position() }, r.Logger)
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: closeTimeout}, routerLog(r.Logger))
	if err != nil {
		return fmt.Errorf("make the router: %w", err)
	}
	r.router = router
	for _, l := range r.lines {
		l.feed = r.feed
		r.feed.Hold(l.definition.Name)
		router.AddConsumerHandler(l.definition.Name, l.definition.Name, r.feed, l.handle).AddMiddleware(l.stopOnPoison, middleware.Recoverer)
	}
	r.life, r.end = context.WithCancel(context.Background())
	ran := make(chan error, 1)
	r.tasks.Go(func() { ran <- router.Run(r.life) })
	select {
	case <-router.Running():
		return nil
	case err := <-ran:
		return errors.Join(fmt.Errorf("run the router: %w", err), r.Close())
	}
}

// Close finishes the messages that are being projected, gives up rebuilds and stops. What was applied stays applied.
func (r *Runner) Close() error {
	r.closing.Do(func() {
		r.mu.Lock()
		r.ended = true
		r.mu.Unlock()
		r.closed = r.router.Close()
		r.end()
		r.tasks.Wait()
		for _, l := range r.lines {
			r.closed = errors.Join(r.closed, r.resign(l))
		}
	})
	return r.closed
}

// CatchUp returns when the projections of this process have reached the head that the ledger has now, but for those that have stopped or
// are being rebuilt.
func (r *Runner) CatchUp(ctx context.Context) error {
	head, err := r.Store.Head(ctx)
	if err != nil {
		return fmt.Errorf("head of the ledger: %w", err)
	}
	var names []string
	for _, l := range r.lines {
		if s, own := l.status(uint64(head)); own && s.State == readmodels.StateRunning {
			names = append(names, s.Name)
		}
	}
	return r.ReadModels.WaitForPosition(ctx, names, uint64(head))
}

// task runs do until it returns or the runner is closed; it reports false when the runner is closed already.
func (r *Runner) task(do func(ctx context.Context)) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return false
	}
	r.tasks.Go(func() { do(r.life) })
	return true
}

// Status tells where every projection stands, in the order they were given. What another process keeps is told as far as the
// database knows.
func (r *Runner) Status(ctx context.Context) ([]readmodels.ProjectionStatus, error) {
	head, err := r.Store.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("head of the ledger: %w", err)
	}
	stored, err := r.ReadModels.Projections(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]readmodels.ProjectionStatus, 0, len(r.lines))
	for _, l := range r.lines {
		status, own := l.status(uint64(head))
		own = own || r.Lease == 0 && !r.Standby
		for _, s := range stored {
			switch {
			case s.Name != status.Name:
			case own:
				status.UpdatedAt, status.Checksum, status.ChecksumPosition = s.UpdatedAt, s.Checksum, s.ChecksumPosition
			default:
				status = s
				status.Head = max(uint64(head), s.Position)
				status.Lag = status.Head - s.Position
				if status.Progress != nil {
					status.Progress.Total = status.Head
				}
			}
		}
		all = append(all, status)
	}
	return all, nil
}

// Checksum is the content of a projection as one number: see [readmodels.Snapshot.Checksum]. Compare checksums of the same
// position only.
func (r *Runner) Checksum(ctx context.Context, name string) (checksum string, position event.Position, err error) {
	l := r.byName[name]
	if l == nil {
		return "", 0, fmt.Errorf("%w: %q", ErrUnknownProjection, name)
	}
	snapshot, err := r.ReadModels.Snapshot(ctx, l.definition)
	if err != nil {
		return "", 0, err
	}
	defer func() { err = errors.Join(err, snapshot.Close()) }()
	checksum, err = snapshot.Checksum(ctx)
	return checksum, event.Position(snapshot.Position()), err
}

// routerLog keeps the router's own news out of the way: it reports every start and each nack, while a projection's state says
// once what is the matter.
func routerLog(logger *slog.Logger) watermill.LoggerAdapter {
	return watermill.NewSlogLoggerWithLevelMapping(logger, map[slog.Level]slog.Level{
		slog.LevelInfo:  slog.LevelDebug,
		slog.LevelError: slog.LevelDebug,
	})
}
