package runtime

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
	"github.com/licenseledger/licenseledger/readmodels/store"
)

var (
	// ErrUnknownProjection says that there is no projection of that name.
	ErrUnknownProjection = errors.New("unknown projection")
	// ErrRebuilding refuses a second rebuild of a projection while one runs.
	ErrRebuilding = errors.New("the projection is being rebuilt already")
	// ErrStopped says that the runner was closed, or that another process owns the projection.
	ErrStopped = errors.New("the projection is stopped")
)

// closeTimeout is how long a message may take to finish when the runner closes.
const closeTimeout = 30 * time.Second

// Config is what a runner works with. All fields are required except Lease and Standby, which are for read models that several processes
// share.
type Config struct {
	Store      eventstore.Store
	Registry   *event.Registry
	ReadModels *store.DB
	Projectors []Projector
	Owner      string           // names this process in the control table
	Lease      time.Duration    // how long an owner may miss its heartbeats before another process acquires the projection; 0: at once
	Standby    bool             // never own a projection: other processes do
	Now        func() time.Time // recorded as the time of a projection's last change
	Logger     *slog.Logger
}

// Runner keeps projections up to date until it is closed. All methods are safe for concurrent use.
type Runner struct {
	Config
	workers      []*worker
	byName       map[string]*worker
	feed         *Feed
	router       *message.Router
	rebuildSlots chan struct{} // holds a token for each running rebuild

	lifetime context.Context // ends when the runner closes
	cancel   context.CancelFunc
	tasks    sync.WaitGroup
	mu       sync.Mutex // guards ended against tasks.Add
	ended    bool
	closing  sync.Once
	closed   error
}

// Start starts to follow the ledger. Without a lease it acquires all projections, so that any other runner on the same read models stops.
// With a lease it acquires a projection when nobody owns it (see [Runner.own]). A projection whose tables were filled by another version
// of its projector is rebuilt; until then the old tables serve as they are. Rows that do not fit the ledger are removed before Start
// returns, and rebuilt (see [Misfit]); where another installation or owner may need them, Start fails with [ErrForeignRows] or [ErrMisfit].
// ctx bounds the start only; Close ends what was started.
func Start(ctx context.Context, config Config) (*Runner, error) {
	r := &Runner{Config: config, byName: map[string]*worker{}, rebuildSlots: make(chan struct{}, parallelRebuilds)}
	for _, p := range config.Projectors {
		w := &worker{writer: writer{projector: p, registry: config.Registry, db: config.ReadModels, now: config.Now},
			definition: p.Definition(), logger: config.Logger.With("projection",
				p.Definition().Name), shared: config.Lease > 0, state: store.StateStopped}
		r.workers = append(r.workers, w)
		r.byName[w.definition.Name] = w
	}
	if err := r.run(); err != nil {
		return nil, err
	}
	for _, w := range r.workers {
		if err := r.join(ctx, w); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	return r, nil
}

// join acquires a projection, or starts to compete for it.
func (r *Runner) join(ctx context.Context, w *worker) error {
	if r.Lease == 0 && !r.Standby {
		return r.acquire(ctx, w)
	}
	if err := r.ReadModels.Init(ctx, w.definition, r.Now()); err != nil {
		return err
	}
	if err := r.requireFit(ctx, w); err != nil {
		return err
	}
	if !r.Standby {
		r.tasks.Go(func() { r.own(r.lifetime, w) })
	}
	return nil
}

// run starts the router over the feed. All topics are paused until their projection is acquired.
func (r *Runner) run() error {
	r.feed = NewFeed(r.Store, func(topic string) event.Position { return r.byName[topic].position() }, r.Logger)
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: closeTimeout}, routerLog(r.Logger))
	if err != nil {
		return fmt.Errorf("make the router: %w", err)
	}
	r.router = router
	for _, w := range r.workers {
		w.feed = r.feed
		r.feed.Pause(w.definition.Name)
		router.AddConsumerHandler(w.definition.Name, w.definition.Name, r.feed, w.handle).AddMiddleware(w.stopOnPoison, middleware.Recoverer)
	}
	r.lifetime, r.cancel = context.WithCancel(context.Background())
	ran := make(chan error, 1)
	r.tasks.Go(func() { ran <- router.Run(r.lifetime) })
	select {
	case <-router.Running():
		return nil
	case err := <-ran:
		return errors.Join(fmt.Errorf("run the router: %w", err), r.Close())
	}
}

// Close finishes the messages that are being projected, cancels rebuilds and stops.
func (r *Runner) Close() error {
	r.closing.Do(func() {
		r.mu.Lock()
		r.ended = true
		r.mu.Unlock()
		r.closed = r.router.Close()
		r.cancel()
		r.tasks.Wait()
		for _, w := range r.workers {
			r.closed = errors.Join(r.closed, r.release(w))
		}
	})
	return r.closed
}

// CatchUp returns when the projections that this process owns have reached the present head of the ledger, except those that have stopped
// or are being rebuilt.
func (r *Runner) CatchUp(ctx context.Context) error {
	head, err := r.Store.Head(ctx)
	if err != nil {
		return fmt.Errorf("head of the ledger: %w", err)
	}
	var names []string
	for _, w := range r.workers {
		if s, own := w.status(uint64(head)); own && s.State == store.StateRunning {
			names = append(names, s.Name)
		}
	}
	return r.ReadModels.WaitForPosition(ctx, names, uint64(head))
}

// task runs do in the background with a context that ends when the runner closes. It returns false when the runner is closed already.
func (r *Runner) task(do func(ctx context.Context)) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return false
	}
	r.tasks.Go(func() { do(r.lifetime) })
	return true
}

// Status returns the status of every projection, in the order of the configuration. For a projection of another process it is what the
// database says.
func (r *Runner) Status(ctx context.Context) ([]store.ProjectionStatus, error) {
	head, err := r.Store.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("head of the ledger: %w", err)
	}
	all := make([]store.ProjectionStatus, len(r.workers))
	own := make([]bool, len(r.workers))
	for i, w := range r.workers {
		all[i], own[i] = w.status(uint64(head))
	}
	// Last, so that a projection that is no longer being rebuilt has the checksum of the rebuild.
	stored, err := r.ReadModels.Projections(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		status := &all[i]
		for _, s := range stored {
			switch {
			case s.Name != status.Name:
			case own[i] || r.Lease == 0 && !r.Standby:
				status.UpdatedAt, status.Checksum, status.ChecksumPosition = s.UpdatedAt, s.Checksum, s.ChecksumPosition
			default:
				*status = s
				status.Head = max(uint64(head), s.Position)
				status.Lag = status.Head - s.Position
				if status.Progress != nil {
					status.Progress.Total = status.Head
				}
			}
		}
	}
	return all, nil
}

// Checksum returns a checksum of the content of a projection: see [store.Snapshot.Checksum]. Compare checksums of the same
// position only.
func (r *Runner) Checksum(ctx context.Context, name string) (checksum string, position event.Position, err error) {
	w := r.byName[name]
	if w == nil {
		return "", 0, fmt.Errorf("%w: %q", ErrUnknownProjection, name)
	}
	snapshot, err := r.ReadModels.Snapshot(ctx, w.definition)
	if err != nil {
		return "", 0, err
	}
	defer func() { err = errors.Join(err, snapshot.Close()) }()
	checksum, err = snapshot.Checksum(ctx)
	return checksum, event.Position(snapshot.Position()), err
}

// routerLog lowers the level of the router's messages: it reports every start and each nack, while a projection logs each problem once.
func routerLog(logger *slog.Logger) watermill.LoggerAdapter {
	return watermill.NewSlogLoggerWithLevelMapping(logger, map[slog.Level]slog.Level{
		slog.LevelInfo:  slog.LevelDebug,
		slog.LevelError: slog.LevelDebug,
	})
}
