// Package engines gives the scenarios new ledgers on the engines that the environment chooses.
package engines

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/licenseledger/licenseledger/tests/support/process"
	"github.com/licenseledger/licenseledger/tests/support/services"
	esdbdouble "github.com/licenseledger/licenseledger/tests/support/services/eventstoredb"
)

// Variable names the environment variable that chooses the engines: EVENTSTORE+READMODELS, such as
// postgres+sqlite, and with +redis at the end also a cache.
const Variable = "LICENSELEDGER_TEST_ENGINES"

// The engines.
const (
	SQLite     = "sqlite"
	PostgreSQL = "postgres"
	// EventStoreDB is a double that speaks the real protocol on a real socket.
	EventStoreDB = "esdb"
	// Redis is a cache beside them.
	Redis = "redis"
)

// Engines are where ledgers are kept.
type Engines struct {
	Events, ReadModels string

	postgres  string // connection string of a server
	private   *services.Postgres
	redis     string // likewise; empty: no cache
	databases atomic.Int64
	mu        sync.Mutex // guards close
	close     []func() error
}

// Chosen starts what the engines need that the environment chooses: SQLite for everything unless it says otherwise.
func Chosen() (*Engines, error) {
	choice := os.Getenv(Variable)
	if choice == "" {
		choice = SQLite + "+" + SQLite
	}
	parts := strings.Split(choice, "+")
	if len(parts) < 2 {
		return nil, fmt.Errorf("%s must be EVENTSTORE+READMODELS", Variable)
	}
	return Start(parts[0], parts[1], parts[2:]...)
}

// Start starts what the engines need. Beside them there may be [Redis].
func Start(events, readModels string, beside ...string) (*Engines, error) {
	return start(os.Getenv(services.PostgresVariable), events, readModels, beside...)
}

// StartPrivate starts what the engines need, with a PostgreSQL server of their own whatever the environment names.
func StartPrivate(events, readModels string) (*Engines, error) { return start("", events, readModels) }

func start(postgres, events, readModels string, beside ...string) (_ *Engines, err error) {
	e := &Engines{Events: events, ReadModels: readModels}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	if !slices.Contains([]string{SQLite, PostgreSQL, EventStoreDB}, events) || !slices.Contains([]string{SQLite, PostgreSQL}, readModels) {
		return nil, fmt.Errorf("%s: there are no engines %s+%s", Variable, events, readModels)
	}
	if events == PostgreSQL || readModels == PostgreSQL {
		if e.postgres = postgres; e.postgres == "" {
			server, err := services.StartPostgres()
			if err != nil {
				return nil, err
			}
			e.close = append(e.close, server.Stop)
			e.private, e.postgres = server, server.URL()
		}
	}
	if slices.Contains(beside, Redis) {
		if e.redis = os.Getenv(services.RedisVariable); e.redis == "" {
			server, err := services.StartRedis()
			if err != nil {
				return nil, err
			}
			e.close = append(e.close, server.Stop)
			e.redis = server.URL()
		}
	}
	return e, nil
}

// Dense reports whether positions in the ledger have no gaps.
func (e *Engines) Dense() bool { return e.Events != EventStoreDB }

// Postgres is the PostgreSQL server, to be killed and started again; nil when the engines need none or share one.
func (e *Engines) Postgres() *services.Postgres { return e.private }

// NewLedger makes the options lead to a ledger that nobody else uses.
func (e *Engines) NewLedger(ctx context.Context, o *process.Options) error {
	if e.redis != "" {
		o.Env = append(o.Env, "LICENSELEDGER_REDIS="+e.redis)
	}
	if e.Events == EventStoreDB {
		double, err := esdbdouble.Start()
		if err != nil {
			return fmt.Errorf("start a double of EventStoreDB: %w", err)
		}
		e.mu.Lock()
		e.close = append(e.close, func() error { double.Stop(); return nil })
		e.mu.Unlock()
		o.Env = append(o.Env, "LICENSELEDGER_EVENTSTORE="+double.URL())
	}
	if e.postgres == "" {
		return nil
	}
	database, err := e.newDatabase(ctx)
	if err != nil {
		return fmt.Errorf("make a database: %w", err)
	}
	if e.Events == PostgreSQL {
		o.Env = append(o.Env, "LICENSELEDGER_EVENTSTORE="+database)
	}
	if e.ReadModels == PostgreSQL {
		o.Env = append(o.Env, "LICENSELEDGER_READMODELS="+database)
	}
	return nil
}

func (e *Engines) newDatabase(ctx context.Context) (_ string, err error) {
	conn, err := pgx.Connect(ctx, e.postgres)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	name := fmt.Sprintf("test_%d_%d_%d", time.Now().UnixNano(), os.Getpid(), e.databases.Add(1))
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name+" ENCODING 'UTF8' TEMPLATE template0"); err != nil {
		return "", err
	}
	u, err := url.Parse(e.postgres)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}

// Close stops what was started.
func (e *Engines) Close() error {
	var all error
	for _, stop := range slices.Backward(e.close) {
		all = errors.Join(all, stop())
	}
	return all
}
