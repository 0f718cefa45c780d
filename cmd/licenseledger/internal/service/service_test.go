package service_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/service"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a service that writes down what is asked of it.
type recorder struct {
	name  string
	calls *[]string
	fails error
}

func (r recorder) Name() string { return r.name }

func (r recorder) Start(context.Context) error {
	*r.calls = append(*r.calls, "start "+r.name)
	return r.fails
}

func (r recorder) Stop() error {
	*r.calls = append(*r.calls, "stop "+r.name)
	return nil
}

func (r recorder) Health(context.Context) error { return r.fails }

func TestAGroupStartsInOrderAndStopsInReverse(t *testing.T) {
	t.Parallel()
	var calls []string
	g := service.NewGroup(recorder{"a", &calls, nil}, recorder{"b", &calls, nil})
	require.NoError(t, g.Start(t.Context()))
	require.NoError(t, g.Health(t.Context()))
	require.NoError(t, g.Stop())
	require.NoError(t, g.Stop(), "a second stop does nothing")
	require.Equal(t, []string{"start a", "start b", "stop b", "stop a"}, calls)
}

func TestAGroupStopsWhatItStartedWhenAServiceFails(t *testing.T) {
	t.Parallel()
	var calls []string
	broken := errors.New("broken")
	g := service.NewGroup(recorder{"a", &calls, nil}, recorder{"b", &calls, broken}, recorder{"c", &calls, nil})
	err := g.Start(t.Context())
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "start b")
	require.Equal(t, []string{"start a", "start b", "stop a"}, calls)
	require.ErrorContains(t, g.Health(t.Context()), "b: broken")
}

func TestALoopRunsUntilItIsStopped(t *testing.T) {
	t.Parallel()
	for range 20 {
		ended := false
		l := service.NewLoop("loop", func(ctx context.Context) {
			<-ctx.Done()
			ended = true
		})
		require.NoError(t, l.Stop(), "before the start")
		require.ErrorIs(t, l.Health(t.Context()), service.ErrNotRunning)
		start, cancel := context.WithCancel(t.Context())
		require.NoError(t, l.Start(start))
		cancel()
		require.NoError(t, l.Health(t.Context()), "the context of the start does not bound the run")
		require.NoError(t, l.Stop())
		require.True(t, ended, "stop waits for the end")
		require.NoError(t, l.Stop())
		require.ErrorIs(t, l.Health(t.Context()), service.ErrNotRunning)
	}
}

func TestALoopThatEndsByItselfIsNotHealthy(t *testing.T) {
	t.Parallel()
	l := service.NewLoop("loop", func(context.Context) {})
	require.NoError(t, l.Start(t.Context()))
	require.Eventually(t, func() bool { return l.Health(t.Context()) != nil }, 10*time.Second, time.Millisecond)
	require.NoError(t, l.Stop())
}
