package eventstoretest

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

func subscribing() cases {
	return cases{
		"a subscription gives what is there and then what is appended, each once, in order, without a gap": func(t *testing.T, h Harness) {
			const writers, rounds = 6, 30
			fill(t, h.Store, "before", 50)
			const total = 50 + writers*rounds*2
			following := make(chan followed, 4)
			follow := func(subscription eventstore.Subscription, limit int) {
				go func() { following <- next(t.Context(), subscription, total, limit) }()
			}
			// Some follow from before the concurrent appends, one from the middle, one from after them.
			follow(subscribe(t, h.Store, 0), 1)
			follow(subscribe(t, h.Store, 0), 1000)
			middle := subscribe(t, h.Store, 0)
			for _, r := range atOnce(writers, func(i int) (commit eventstore.Commit, err error) {
				for n := range rounds {
					if i == 0 && n == rounds/2 {
						follow(middle, 7)
					}
					commit, err = h.Store.Append(t.Context(), fmt.Sprintf("license-%d", i), event.Revision(2*n), occurred(2))
					if err != nil {
						return commit, err
					}
				}
				return commit, nil
			}) {
				require.NoError(t, r.err)
			}
			follow(subscribe(t, h.Store, 0), 100)
			ledger := all(t, h.Store)
			require.Len(t, ledger, total)
			for range 4 {
				f := <-following
				require.NoError(t, f.err)
				requireSame(t, ledger, f.events)
			}
		},

		"a subscription starts right after its position": func(t *testing.T, h Harness) {
			events := fill(t, h.Store, "license-1", 5)
			f := next(t.Context(), subscribe(t, h.Store, events[2].Position), 2, 10)
			require.NoError(t, f.err)
			requireSame(t, events[3:], f.events)
		},

		"a subscription from beyond the end gives nothing before its position": func(t *testing.T, h Harness) {
			head := fill(t, h.Store, "license-1", 1)[0].Position
			if !h.SparsePositions { // else nobody can know a position that is not there yet
				subscription := subscribe(t, h.Store, head+2)
				later := fill(t, h.Store, "license-2", 4)
				f := next(t.Context(), subscription, 2, 10)
				require.NoError(t, f.err)
				requireSame(t, later[2:], f.events)
			}

			never := subscribe(t, h.Store, math.MaxUint64)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := never.Next(ctx, 1)
			require.ErrorIs(t, err, context.Canceled)
		},

		"a subscription that has seen everything waits for the next append": func(t *testing.T, h Harness) {
			subscription := subscribe(t, h.Store, 0)
			for i := range 20 {
				following := make(chan followed)
				go func() { following <- next(t.Context(), subscription, 1, 10) }()
				events := fill(t, h.Store, fmt.Sprintf("license-%d", i), 1)
				f := <-following
				require.NoError(t, f.err)
				requireSame(t, events, f.events)
			}
		},

		"a subscription sees what is appended through another opening of the ledger": func(t *testing.T, h Harness) {
			other := h.Reopen(t)
			subscription := subscribe(t, h.Store, 0)
			following := make(chan followed)
			go func() { following <- next(t.Context(), subscription, 3, 10) }()
			events := append(fill(t, other, "license-1", 1), fill(t, other, "license-2", 2)...)
			f := <-following
			require.NoError(t, f.err)
			requireSame(t, events, f.events)
		},

		"a subscription whose ctx ends can be asked again and has skipped nothing": func(t *testing.T, h Harness) {
			subscription := subscribe(t, h.Store, 0)
			ctx, cancel := context.WithCancel(t.Context())
			failed := make(chan error)
			go func() {
				_, err := subscription.Next(ctx, 1)
				failed <- err
			}()
			cancel()
			require.ErrorIs(t, <-failed, context.Canceled)

			events := fill(t, h.Store, "license-1", 2)
			_, err := subscription.Next(ctx, 1)
			require.ErrorIs(t, err, context.Canceled)
			f := next(t.Context(), subscription, 2, 1)
			require.NoError(t, f.err)
			requireSame(t, events, f.events)
		},

		"a closed subscription answers closed, and others go on": func(t *testing.T, h Harness) {
			closed, open := subscribe(t, h.Store, 0), subscribe(t, h.Store, 0)
			waiting := make(chan error)
			go func() {
				_, err := closed.Next(t.Context(), 1)
				waiting <- err
			}()
			require.NoError(t, closed.Close())
			require.ErrorIs(t, <-waiting, eventstore.ErrClosed)
			events := fill(t, h.Store, "license-1", 1)
			_, err := closed.Next(t.Context(), 1)
			require.ErrorIs(t, err, eventstore.ErrClosed)
			f := next(t.Context(), open, 1, 1)
			require.NoError(t, f.err)
			requireSame(t, events, f.events)
			require.NoError(t, closed.Close())
		},

		"a subscription cannot be asked for less than one event": func(t *testing.T, h Harness) {
			fill(t, h.Store, "license-1", 1)
			for _, limit := range []int{0, -1} {
				_, err := subscribe(t, h.Store, 0).Next(t.Context(), limit)
				require.Error(t, err)
			}
		},
	}
}

func subscribe(t testing.TB, store eventstore.Store, after event.Position) eventstore.Subscription {
	t.Helper()
	subscription, err := store.Subscribe(t.Context(), after)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, subscription.Close()) })
	return subscription
}

type followed struct {
	events []event.Envelope
	err    error
}

// next takes n events from a subscription, up to limit at a time.
func next(ctx context.Context, subscription eventstore.Subscription, n, limit int) (f followed) {
	for len(f.events) < n {
		events, err := subscription.Next(ctx, limit)
		switch {
		case err != nil:
			f.err = err
		case len(events) == 0 || len(events) > limit:
			f.err = fmt.Errorf("%d events with a limit of %d", len(events), limit)
		}
		if f.err != nil {
			return f
		}
		f.events = append(f.events, events...)
	}
	return f
}
