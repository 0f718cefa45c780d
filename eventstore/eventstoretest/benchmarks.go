package eventstoretest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// Benchmarks measures an engine: durable appends by one client, by 64 clients that share commits, and reading it all back.
// Every result has a column of events/s.
func Benchmarks(b *testing.B, open Opener) {
	b.Run("appends by one client", func(b *testing.B) { benchmarkAppends(b, open(b).Store, 1, 1) })
	for _, size := range []int{1, 2} {
		b.Run(fmt.Sprintf("appends of %d by 64 clients", size), func(b *testing.B) {
			benchmarkAppends(b, open(b).Store, 64, size)
		})
	}
	b.Run("reading all", func(b *testing.B) { benchmarkReadAll(b, open(b).Store) })
	b.Run("reading a stream of 20", func(b *testing.B) { benchmarkReadStream(b, open(b).Store) })
}

// benchmarkAppends lets each client append to streams of ten appends.
func benchmarkAppends(b *testing.B, store eventstore.Store, clients, size int) {
	// Making events costs as much as a good part of storing them; it is not what is measured.
	appends := make([][]event.Pending, b.N)
	for i := range appends {
		appends[i] = occurred(size)
	}
	b.ResetTimer()
	var next atomic.Int64
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			var stream string
			var revision event.Revision
			for n := 0; ; n++ {
				i := next.Add(1) - 1
				if i >= int64(b.N) {
					return
				}
				if n%10 == 0 {
					stream, revision = "license-"+uuid.NewString(), 0
				}
				commit, err := store.Append(b.Context(), stream, revision, appends[i])
				if err != nil {
					b.Error(err)
					return
				}
				revision = commit.Revision
			}
		})
	}
	group.Wait()
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "events/s")
}

func benchmarkReadAll(b *testing.B, store eventstore.Store) {
	const events = 50_000
	for n := range events / 500 {
		_, err := store.Append(b.Context(), fmt.Sprintf("stream-%d", n), 0, occurred(500))
		require.NoError(b, err)
	}
	b.ResetTimer()
	for range b.N {
		read := 0
		for _, err := range store.ReadAll(b.Context(), 0) {
			require.NoError(b, err)
			read++
		}
		require.Equal(b, events, read)
	}
	b.ReportMetric(float64(b.N*events)/b.Elapsed().Seconds(), "events/s")
}

func benchmarkReadStream(b *testing.B, store eventstore.Store) {
	const events, streams = 20, 100
	for n := range streams {
		_, err := store.Append(b.Context(), fmt.Sprintf("stream-%d", n), 0, occurred(events))
		require.NoError(b, err)
	}
	b.ResetTimer()
	for i := range b.N {
		read := 0
		for _, err := range store.ReadStream(b.Context(), fmt.Sprintf("stream-%d", i%streams), 0) {
			require.NoError(b, err)
			read++
		}
		require.Equal(b, events, read)
	}
	b.ReportMetric(float64(b.N*events)/b.Elapsed().Seconds(), "events/s")
}
