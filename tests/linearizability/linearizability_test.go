package linearizability_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/tests/support/engines"
)

const (
	tortureVariable = "LICENSELEDGER_TORTURE" // how long to do it
	defaultTorture  = 8 * time.Second

	clients  = 10
	licenses = 3  // in a round
	asks     = 40 // of each client in a round: a short history is checked in no time

	timeout   = time.Minute // until an answer, a start, a fault, the next round
	checkTime = time.Minute
)

// fixture is set up before the first test and does not change.
var fixture engines.Fixture

func TestMain(m *testing.M) {
	os.Exit(fixture.Run(m, func() (*engines.Engines, error) {
		return engines.Start(engines.PostgreSQL, engines.PostgreSQL)
	}))
}

func TestTwoInstancesAnswerAsOneWouldWhateverFails(t *testing.T) {
	t.Parallel()
	duration := defaultTorture
	if text := os.Getenv(tortureVariable); text != "" {
		var err error
		duration, err = time.ParseDuration(text)
		require.NoError(t, err, tortureVariable)
	}
	g := newTrial(t, fixture.Binary)
	g.hangsUp = true
	f := &faults{cluster: g.cluster, pace: g.pace, random: g.newRandom()}
	stop, faultsEnded := make(chan struct{}), make(chan error, 1)
	go func() { faultsEnded <- f.run(stop) }()
	end := sync.OnceValue(func() error { close(stop); return <-faultsEnded })
	defer func() { require.NoError(t, end()) }()

	var total total
	enough := func() bool { return f.all() && total.repeated > 0 && total.left > 0 }
	for began := time.Now(); time.Since(began) < duration || !enough() && time.Since(began) < duration+timeout; {
		h := g.round()
		total.add(h)
		if broken := h.broken.Load(); broken != nil {
			require.Fail(t, "an answer that no fault explains", "status %d: %s\n%s", broken.status, broken.body, g.cluster.loggedErrors())
		}
		result, page := explain(t, h)
		require.Equal(t, porcupine.Ok, result, "no order of what was done explains the answers: see %s", page)
	}
	require.NoError(t, end())
	t.Logf("%s; %d database connections cut, %d instances killed, %d paused", total, f.cut.Load(), f.killed.Load(), f.paused.Load())
	require.True(t, enough(), "something that was to be tried has not happened")
}

// total sums histories up.
type total struct{ rounds, operations, lost, repeated, left int64 }

func (s *total) add(h *history) {
	s.rounds++
	s.operations += int64(len(h.operations))
	s.lost += h.lost.Load()
	s.repeated += h.repeated.Load()
	s.left += h.left.Load()
}

func (s total) String() string {
	return fmt.Sprintf("%d rounds, %d operations; %d answers lost: %d asked again, %d left open", s.rounds, s.operations, s.lost,
		s.repeated, s.left)
}

// trial is a cluster with its clients.
type trial struct {
	t       *testing.T
	cluster *cluster
	pace    *pace
	random  *rand.Rand
	hangsUp bool // clients hang up on many an answer
}

func newTrial(t *testing.T, binary string) *trial {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return &trial{t: t, cluster: newCluster(t, binary), pace: newPace(), random: rand.New(rand.NewPCG(seed, 1))}
}

func (g *trial) newRandom() *rand.Rand {
	return rand.New(rand.NewPCG(g.random.Uint64(), g.random.Uint64()))
}

// round lets the clients compete for the seats of new licences and returns what came of it.
func (g *trial) round() *history {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), timeout)
	defer cancel()
	all := make([]*license, licenses)
	for i := range all {
		all[i] = g.cluster.issue(g.t)
		all[i].number = i
	}
	h := &history{began: time.Now(), pace: g.pace}
	failed := make([]error, clients)
	var working sync.WaitGroup
	for i := range clients {
		c := &client{number: i, cluster: g.cluster, random: g.newRandom(), hangsUp: g.hangsUp}
		working.Go(func() { failed[i] = c.work(ctx, all, asks, h) })
	}
	working.Wait()
	require.NoError(g.t, errors.Join(failed...))
	return h
}

// explain looks for an order that explains a history. If there is none, it names a page that shows where the search came to.
func explain(t *testing.T, h *history) (result porcupine.CheckResult, page string) {
	t.Helper()
	rules := model()
	result, info := porcupine.CheckOperationsVerbose(rules, h.operations, checkTime)
	if result == porcupine.Ok {
		return result, ""
	}
	file, err := os.CreateTemp("", "licenseledger-history-*.html")
	require.NoError(t, err)
	require.NoError(t, porcupine.Visualize(rules, info, file))
	require.NoError(t, file.Close())
	return result, file.Name()
}
