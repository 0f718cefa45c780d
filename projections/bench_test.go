package projections_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/projections/runtime"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// eventsPerLicense is a licence's history in the benchmark: issued, three machines, and leases renewed now and then.
const eventsPerLicense = 17

func lifeOf(n int) (stream string, happened []event.Payload) {
	own := func(kind, i int) uuid.UUID {
		return uuid.NewSHA1(uuid.NameSpaceOID, fmt.Appendf(nil, "%d-%d-%d", kind, n, i))
	}
	licenseID, subject := own(0, 0), own(1, 0)
	first := issued(func(e *license.Issued) {
		e.LicenseID, e.SubjectID = licenseID, subject
		e.Customer = sealCustomer(subject, fmt.Sprintf("Customer %d Incorporated", n), fmt.Sprintf("user%d@company%d.example.com", n, n%1000))
		e.Metadata = map[string]string{"order": fmt.Sprintf("PO-%d", n)}
	})
	happened = append(happened, first)
	for m := range 3 {
		b := bound(m, m+1)
		b.BindingID, b.Name = own(2, m), seal(subject, fmt.Sprintf("host-%d", m))
		g := granted(m, noon.Add(day))
		g.BindingID, g.ActivationID = b.BindingID, own(3, m)
		happened = append(happened, b, g)
	}
	for i := len(happened); i < eventsPerLicense; i++ {
		happened = append(happened, activation.Renewed{ActivationID: own(3, i%3), BindingID: own(2, i%3),
			Fingerprint: print(i % 3), KeyID: "key-1",
			SeatsUsed: 3, RenewedAt: noon, ExpiresAt: noon.Add(day)})
	}
	return license.StreamName(licenseID), happened
}

// aged fills a ledger with licences whose events are mixed as they are in life: in rounds, each licence a bit further.
func aged(b *testing.B, w *fixture, licenses int) (events int) {
	b.Helper()
	type life struct {
		stream   string
		happened []event.Payload
	}
	lives := make([]life, licenses)
	for n := range lives {
		lives[n].stream, lives[n].happened = lifeOf(n)
	}
	for from := 0; from < eventsPerLicense; from += 6 {
		for _, l := range lives {
			events += len(l.happened[from:min(from+6, len(l.happened))])
		}
		appendAll(b, w, len(lives), func(n int) (string, []event.Payload) {
			return lives[n].stream, lives[n].happened[from:min(from+6, len(lives[n].happened))]
		})
	}
	return events
}

// appendAll appends to many streams at a time, so that the store commits them together.
func appendAll(b *testing.B, w *fixture, n int, of func(int) (string, []event.Payload)) {
	b.Helper()
	const workers = 128
	failed := make(chan error, workers)
	type result struct {
		stream string
		at     event.Revision
	}
	results := make(chan result, n)
	for worker := range workers {
		go func() {
			for i := worker; i < n; i += workers {
				stream, payloads := of(i)
				events := make([]event.Pending, len(payloads))
				for j, p := range payloads {
					events[j] = pending(b, p)
				}
				commit, err := w.store.Append(b.Context(), stream, w.revisions[stream], events)
				if err != nil {
					failed <- err
					return
				}
				results <- result{stream, commit.Revision}
			}
			failed <- nil
		}()
	}
	for range workers {
		require.NoError(b, <-failed)
	}
	close(results)
	for r := range results {
		w.revisions[r.stream] = r.at
	}
}

// licenseCount is how many licences the ledger of a benchmark holds: LICENSELEDGER_BENCH_LICENSES, such as 59000 for a million
// events, or 6,000.
func licenseCount(b *testing.B) int {
	b.Helper()
	asked := os.Getenv("LICENSELEDGER_BENCH_LICENSES")
	if asked == "" {
		return 6_000
	}
	n, err := strconv.Atoi(asked)
	require.NoError(b, err)
	require.Positive(b, n, "a ledger without licences measures nothing")
	return n
}

// BenchmarkRebuild projects a ledger of many licences into new tables, indexes included.
func BenchmarkRebuild(b *testing.B) {
	w := newFixture(b)
	events := aged(b, w, licenseCount(b))
	for _, p := range w.projectors() {
		for engine, place := range engines {
			b.Run(p.Definition().Name+"/"+engine, func(b *testing.B) {
				runner := start(b, w.store, place, p)
				idle(b, runner)
				for b.Loop() {
					_, err := runner.Rebuild(b.Context(), p.Definition().Name, nil)
					require.NoError(b, err)
				}
				b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}

// BenchmarkCatchUp projects the same ledger through the live feed into tables that have their indexes, all projections at once.
func BenchmarkCatchUp(b *testing.B) {
	w := newFixture(b)
	events := aged(b, w, licenseCount(b))
	for engine, place := range engines {
		b.Run(engine, func(b *testing.B) {
			for b.Loop() {
				runner := start(b, w.store, place, w.projectors()...)
				idle(b, runner)
			}
			b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func start(b *testing.B, store eventstore.Store, place func(testing.TB) database, projectors ...runtime.Projector) *runtime.Runner {
	b.Helper()
	w := &fixture{t: b, store: store, models: place(b).opened(b)}
	config := w.config(projectors...)
	config.Registry = domain.Events()
	return w.start(config)
}

// idle waits until nothing is left to project.
func idle(b *testing.B, runner *runtime.Runner) {
	b.Helper()
	require.Eventually(b, func() bool {
		all, err := runner.Status(b.Context())
		require.NoError(b, err)
		return !slices.ContainsFunc(all, func(s store.ProjectionStatus) bool { return s.Lag > 0 })
	}, time.Hour, time.Millisecond)
}
