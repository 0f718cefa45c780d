package eventstoretest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// probeTime is how long a health probe waits for an answer.
const probeTime = 90 * time.Millisecond

func exporting() cases {
	return cases{
		"exports read the same ledger": func(t *testing.T, h Harness) {
			events := fill(t, h.Store, "license-1", 20)
			exports := h.Store.Exports()
			ledger, err := collect(exports.ReadAll(t.Context(), events[4].Position))
			require.NoError(t, err)
			requireSame(t, events[5:], ledger)
			own, err := collect(exports.ReadStream(t.Context(), "license-1", 3))
			require.NoError(t, err)
			requireSame(t, events[3:], own)
			subscription, err := exports.Subscribe(t.Context(), events[17].Position)
			require.NoError(t, err)
			defer func() { require.NoError(t, subscription.Close()) }()
			added := fill(t, h.Store, "license-2", 1)
			f := next(t.Context(), subscription, 3, 10)
			require.NoError(t, f.err)
			requireSame(t, append(slices.Clone(events[18:]), added...), f.events)
		},

		"however many export slowly, other reads and appends are not kept waiting": func(t *testing.T, h Harness) {
			fill(t, h.Store, "license-1", 20)
			ctx, stop := context.WithCancel(t.Context())
			var exporters sync.WaitGroup
			defer exporters.Wait()
			defer stop()
			const slow = 200
			begun := make(chan error, slow)
			for range slow {
				exporters.Go(func() {
					subscription, err := h.Store.Exports().Subscribe(ctx, 0)
					if err != nil {
						begun <- err
						return
					}
					_, err = subscription.Next(ctx, 1)
					begun <- err
					<-ctx.Done()
					assert.NoError(t, subscription.Close())
				})
			}
			for range slow {
				require.NoError(t, <-begun)
			}
			// They let go of nothing that they hold: what waits for it waits for ever.
			probes(t, h.Store)
		},
	}
}

// fastExports is how many clients read the whole ledger at once, again and again.
const fastExports = 200

// FastExports proves that other reads and appends are not kept waiting however many clients export as fast as they can. It is for
// engines whose connections share the work out. Where the server runs in the test's own process, exports take its processors.
func FastExports(t *testing.T, open Opener) {
	s := open(t).Store
	fill(t, s, "license-1", 3000)
	ctx, stop := context.WithCancel(t.Context())
	var exporters sync.WaitGroup
	defer exporters.Wait()
	defer stop()
	begun := make(chan struct{}, fastExports)
	for range fastExports {
		exporters.Go(func() {
			for first := true; ctx.Err() == nil; first = false {
				for range s.Exports().ReadAll(ctx, 0) {
				}
				if first {
					begun <- struct{}{}
				}
			}
		})
	}
	<-begun
	took := probes(t, s)
	require.Less(t, took[len(took)/2], probeTime, "the median of %s", took)
}

// probes reads and appends as health probes and commands do, and returns how long they took, in order of time taken.
func probes(t *testing.T, s eventstore.Store) (took []time.Duration) {
	t.Helper()
	for n := range 31 {
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := s.Head(ctx)
		require.NoError(t, err)
		_, err = s.Append(ctx, "license-2", event.Revision(n), occurred(1))
		require.NoError(t, err)
		for _, err := range s.ReadStream(ctx, "license-2", event.Revision(n)) {
			require.NoError(t, err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took
}
