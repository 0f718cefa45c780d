package linearizability_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// faults injects faults into a cluster.
type faults struct {
	cluster *cluster
	pace    *pace
	random  *rand.Rand

	cut, killed, paused atomic.Int64 // database connections, instances
}

const (
	between  = 150                    // answers from one fault to the next
	downFor  = 60                     // answers that are given while an instance is down
	pauseFor = 200 * time.Millisecond // at most
)

// run injects one fault after the other until stop is closed. It leaves both instances running.
func (f *faults) run(stop <-chan struct{}) error {
	for turn := 0; ; turn++ {
		f.pace.await(stop, between, timeout)
		select {
		case <-stop:
			return nil
		default:
		}
		var err error
		switch turn % 4 {
		case 1:
			err = f.kill(stop)
		case 3:
			err = f.pause(stop)
		default:
			err = f.cutConnections()
		}
		if err != nil {
			return err
		}
	}
}

// all reports whether every kind of fault was done.
func (f *faults) all() bool { return f.cut.Load() > 0 && f.killed.Load() > 0 && f.paused.Load() > 0 }

const cutSQL = `
SELECT count(*) FILTER (WHERE pg_terminate_backend(pid))
  FROM (SELECT pid
          FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()
         ORDER BY random()
         LIMIT $1) AS chosen`

// cutConnections ends some of the connections to the database, whoever's they are and whatever they are doing.
func (f *faults) cutConnections() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, f.cluster.database)
	if err != nil {
		return fmt.Errorf("connect to cut connections: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	var cut int64
	if err := conn.QueryRow(ctx, cutSQL, 1+f.random.IntN(20)).Scan(&cut); err != nil {
		return fmt.Errorf("cut connections: %w", err)
	}
	f.cut.Add(cut)
	return nil
}

// kill ends an instance as a crash would, and starts it again when the other one has worked alone.
func (f *faults) kill(stop <-chan struct{}) error {
	victim := f.victim()
	victim.running.Load().Kill()
	f.killed.Add(1)
	f.pace.await(stop, downFor, timeout)
	return victim.start()
}

// pause stops an instance for a moment, perhaps while it holds the ledger's lock.
func (f *faults) pause(stop <-chan struct{}) error {
	pid := f.victim().running.Load().PID()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return fmt.Errorf("pause an instance: %w", err)
	}
	f.paused.Add(1)
	f.pace.await(stop, downFor, pauseFor)
	return syscall.Kill(pid, syscall.SIGCONT)
}

func (f *faults) victim() *instance {
	return f.cluster.instances[f.random.IntN(len(f.cluster.instances))]
}
