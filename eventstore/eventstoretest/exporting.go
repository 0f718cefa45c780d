package eventstoretest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
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

		"however many export, other reads and appends are not kept waiting": func(t *testing.T, h Harness) {
			fill(t, h.Store, "license-1", 3000)
			ctx, stop := context.WithCancel(t.Context())
			var exporters sync.WaitGroup
			defer exporters.Wait()
			defer stop()
			begun := make(chan struct{}, 200)
			for range cap(begun) {
				exporters.Go(func() {
					for first := true; ctx.Err() == nil; first = false {
						for range h.Store.Exports().ReadAll(ctx, 0) {
						}
						if first {
							begun <- struct{}{}
						}
					}
				})
			}
			<-begun
			var took []time.Duration
			for n := range 31 {
				began := time.Now()
				_, err := h.Store.Head(t.Context())
				require.NoError(t, err)
				_, err = h.Store.Append(t.Context(), "license-2", event.Revision(n), occurred(1))
				require.NoError(t, err)
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			require.Less(t, took[len(took)/2], probeTime, "the median of %s", took)
		},
	}
}
