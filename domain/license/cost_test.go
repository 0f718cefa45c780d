package license_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
)

// pc is the n-th of many computers of one model: they share processor and mainboard, and nothing else.
func pc(n int) machine.Machine {
	m := machineWith(n, machine.Hashes{
		machine.CPU: {"model"}, machine.Board: {"model"}, machine.MAC: {fmt.Sprint("mac ", n)}, machine.Disk: {fmt.Sprint("disk ", n)},
		machine.OSID: {fmt.Sprint("os ", n)},
	})
	m.Fingerprint = machine.Fingerprint(fmt.Sprintf("%064x", n))
	return m
}

// large returns a floating licence with n machines.
func large(t testing.TB, n int) *license.Stream {
	t.Helper()
	happened := []event.Payload{issued(seats(1_000_000), floating(3600), match(machine.MatchMost))}
	for i := 1; i <= n; i++ {
		happened = append(happened, bound(i, pc(i), i, noon), leased(granted(i, pc(i), noon, noon.Add(day))))
	}
	s, err := license.Fold(nil, decoded(t, happened...)...)
	require.NoError(t, err)
	return s
}

// decoded are events as they are read from the ledger.
func decoded(t testing.TB, happened ...event.Payload) []event.Event {
	t.Helper()
	registry := domain.Events()
	events := make([]event.Event, len(happened))
	for i, p := range happened {
		data, err := event.Encode(p)
		require.NoError(t, err)
		events[i], err = registry.Decode(event.Envelope{
			Position: event.Position(i + 1), Revision: event.Revision(i + 1), Stream: license.StreamName(licenseID),
			Pending: event.Pending{ID: uuid.New(), Type: p.EventType(), Metadata: event.Metadata{Tenant: "default"}, Data: data},
		})
		require.NoError(t, err)
	}
	return events
}

// work is what commands do with a licence of n machines.
func work(t testing.TB, n int) map[string]func() {
	s := large(t, n)
	activated := decoded(t, bound(n+1, pc(n+1), n+1, noon), leased(granted(n+1, pc(n+1), noon, noon.Add(day))))
	stranger := machineWith(0, machine.Hashes{machine.CPU: {"model"}, machine.Board: {"model"}, machine.MAC: {"m"}, machine.Disk: {"d"},
		machine.OSID: {"o"}})
	changed := pc(n / 2)
	changed.Fingerprint = stranger.Fingerprint
	changed.Hashes[machine.MAC] = []string{"another card"}
	oneLapsing, err := license.Fold(s, decoded(t, leased(renewed(1, pc(1), n, noon, noon.Add(1))))...)
	require.NoError(t, err)
	verdict := func(m machine.Machine, expected license.Code) func() {
		return func() { require.Equal(t, expected, s.Verdict(license.Validate{Machine: &m}, noon).Code) }
	}
	return map[string]func(){
		"fold an activation": func() {
			_, err := license.Fold(s, activated...)
			require.NoError(t, err)
		},
		"know a machine by its fingerprint": verdict(pc(n/2), license.Valid),
		"know a machine by its components":  verdict(changed, license.Valid),
		"know no machine":                   verdict(stranger, license.FingerprintMismatch),
		"let one lease lapse":               func() { require.Equal(t, n-1, oneLapsing.AsOf(noon.Add(2)).SeatsUsed()) },
	}
}

// TestNoCostGrowsWithTheMachinesOfALicence allows for what a logarithm and a processor's caches cost, and for a noisy computer: reading
// all of a hundred times as many machines would cost a hundred times as much.
func TestNoCostGrowsWithTheMachinesOfALicence(t *testing.T) {
	few, many := work(t, 200), work(t, 20_000)
	for name, ofFew := range few {
		small, large := fastest(ofFew), fastest(many[name])
		t.Logf("%s: %v with 200 machines, %v with 20,000", name, small, large)
		require.Less(t, large, 20*small, name)
		require.LessOrEqual(t, testing.AllocsPerRun(20, many[name]), 4*testing.AllocsPerRun(20, ofFew), name)
	}
}

// fastest is how long something takes when nothing disturbs it.
func fastest(do func()) time.Duration {
	least := time.Hour
	for range 100 {
		begun := time.Now()
		do()
		least = min(least, time.Since(begun))
	}
	return least
}

func BenchmarkLicenseOf100000Machines(b *testing.B) {
	for name, run := range work(b, 100_000) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
		})
	}
	b.Run("fold all", func(b *testing.B) {
		happened := []event.Payload{issued(seats(1_000_000), floating(3600))}
		for i := 1; i <= 100_000; i++ {
			happened = append(happened, bound(i, pc(i), i, noon), leased(granted(i, pc(i), noon, noon.Add(day))))
		}
		events := decoded(b, happened...)
		for b.Loop() {
			_, err := license.Fold(nil, events...)
			require.NoError(b, err)
		}
	})
}
