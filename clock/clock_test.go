package clock_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/clock"
)

var noon = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

const (
	day    = 24 * time.Hour
	settle = 10 * time.Minute
)

// machine is a computer whose wall clock can be set, while its count of elapsed time cannot.
type machine struct {
	*clock.Clock
	wall    time.Time
	elapsed time.Duration
	ledger  time.Time // when the ledger's last event was recorded
	log     bytes.Buffer
}

func newMachine(ledger time.Time) *machine {
	m := &machine{wall: noon, elapsed: 77 * time.Hour, ledger: ledger}
	m.Clock = clock.New(clock.Config{
		Wall: func() time.Time { return m.wall }, Elapsed: func() time.Duration { return m.elapsed },
		Settle: settle, Log: slog.New(slog.NewTextHandler(&m.log, nil)),
	})
	m.Compare(func() time.Time { return m.ledger })
	return m
}

// pass lets time pass. The clock is read twice a second.
func (m *machine) pass(d time.Duration) {
	for d > 0 {
		step := min(d, 500*time.Millisecond)
		m.wall, m.elapsed, d = m.wall.Add(step), m.elapsed+step, d-step
		m.Now()
	}
}

// set sets the wall clock.
func (m *machine) set(by time.Duration) {
	m.wall = m.wall.Add(by)
	m.Now()
}

// lines returns the log's lines of a level.
func (m *machine) lines(level string) int { return strings.Count(m.log.String(), "level="+level) }

func TestTheClockFollowsAWallClockThatIsRight(t *testing.T) {
	t.Parallel()
	m := newMachine(noon)
	m.pass(time.Hour)
	require.Equal(t, noon.Add(time.Hour), m.Now())
	require.True(t, m.Trusted())
	require.NoError(t, m.Check(t.Context()))
	require.Empty(t, m.log.String())
}

func TestAWallClockThatJumpsAndComesBackChangesNothing(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{11 * day, -11 * day, time.Hour, -time.Hour, 6 * time.Second, -6 * time.Second, 200 * 365 * day} {
		t.Run(by.String(), func(t *testing.T) {
			t.Parallel()
			m := newMachine(noon)
			m.pass(time.Minute)
			m.set(by)
			m.pass(1500 * time.Millisecond)
			require.Equal(t, noon.Add(time.Minute+1500*time.Millisecond), m.Now())
			require.False(t, m.Trusted())
			require.Equal(t, clock.State{Doubt: clock.Jumped, Since: noon.Add(time.Minute), Offset: by}, m.State())
			require.ErrorContains(t, m.Check(t.Context()), string(clock.Jumped))
			m.set(-by)
			require.True(t, m.Trusted())
			m.pass(time.Minute)
			require.Equal(t, noon.Add(2*time.Minute+1500*time.Millisecond), m.Now())
			require.Equal(t, 1, m.lines("WARN"), "a jump is told once")
			require.Equal(t, 1, m.lines("INFO"), "and its end")
		})
	}
}

func TestAWallClockThatKeepsItsNewTimeIsBelieved(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{11 * day, -time.Hour} {
		m := newMachine(noon.Add(-2 * time.Hour))
		m.set(by)
		m.pass(settle - time.Second)
		require.Equal(t, noon.Add(settle-time.Second), m.Now())
		require.False(t, m.Trusted())
		m.pass(time.Second)
		require.Equal(t, noon.Add(by+settle), m.Now())
		require.True(t, m.Trusted())
	}
}

func TestOnlyAWallClockThatStandsStillSettles(t *testing.T) {
	t.Parallel()
	m := newMachine(noon)
	m.set(time.Hour)
	m.pass(settle / 2)
	m.set(time.Hour)
	m.pass(settle - time.Second)
	require.Equal(t, noon.Add(settle/2+settle-time.Second), m.Now(), "it was set anew")
	m.pass(time.Second)
	require.Equal(t, noon.Add(2*time.Hour+settle/2+settle), m.Now())
	require.Equal(t, 1, m.lines("WARN"))
}

func TestSmallDifferencesAreMadeUpForSlowly(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{3 * time.Second, -3 * time.Second, clock.Tolerance, -clock.Tolerance} {
		m := newMachine(noon)
		m.set(by)
		before := m.Now()
		for range 20 {
			m.pass(500 * time.Millisecond)
			now := m.Now()
			step := now.Sub(before)
			require.InDelta(t, 500*time.Millisecond, step, float64(50*time.Millisecond))
			before = now
		}
		require.True(t, m.Trusted())
		m.pass(time.Minute)
		require.Equal(t, m.wall, m.Now())
	}
}

func TestAWallClockThatRunsAtAWrongSpeedIsNotFollowed(t *testing.T) {
	t.Parallel()
	m := newMachine(noon)
	for range 7200 { // an hour, in which the wall clock makes two
		m.wall = m.wall.Add(500 * time.Millisecond)
		m.pass(500 * time.Millisecond)
	}
	require.WithinDuration(t, noon.Add(time.Hour), m.Now(), 2*clock.Tolerance)
	require.False(t, m.Trusted())
}

func TestAMachineThatSleptForDaysIsNotInDoubt(t *testing.T) {
	t.Parallel()
	m := newMachine(noon)
	m.wall, m.elapsed = m.wall.Add(11*day), m.elapsed+11*day
	require.Equal(t, noon.Add(11*day), m.Now())
	require.True(t, m.Trusted())
}

func TestALedgerAheadOfTheClockMakesItSuspectUntilTheClockHasPassedIt(t *testing.T) {
	t.Parallel()
	m := newMachine(noon.Add(time.Hour))
	require.Equal(t, clock.State{Doubt: clock.LedgerAhead, Since: noon, Offset: -time.Hour}, m.State())
	m.pass(time.Hour - clock.Tolerance - time.Second)
	require.False(t, m.Trusted(), "however long it takes")
	m.pass(time.Second)
	require.True(t, m.Trusted())
	m.ledger = m.Now().Add(time.Minute)
	require.False(t, m.Trusted(), "another instance may put it ahead at any time")
	require.Equal(t, 2, m.lines("WARN"))
	require.Equal(t, 1, m.lines("INFO"))
}

func TestAClockFarBeyondTheLedgerIsConfirmedByTime(t *testing.T) {
	t.Parallel()
	m := newMachine(noon.Add(-day - time.Second))
	require.Equal(t, clock.Unconfirmed, m.State().Doubt)
	require.Equal(t, noon, m.Now(), "decisions go on")
	m.ledger = noon
	m.pass(settle - time.Second)
	require.False(t, m.Trusted(), "an event of its own confirms nothing")
	m.pass(time.Second)
	require.True(t, m.Trusted())

	require.True(t, newMachine(noon.Add(-day)).Trusted())
	require.True(t, newMachine(time.Time{}).Trusted(), "an empty ledger says nothing")
}

func TestMetricsTellOffsetAndDoubt(t *testing.T) {
	t.Parallel()
	m := newMachine(noon)
	metrics := func(offset, suspect string) string {
		return `
# HELP licenseledger_clock_offset_seconds Seconds by which the wall clock is ahead of` +
			` elapsed time, or of the ledger's last event if that is later than now.
# TYPE licenseledger_clock_offset_seconds gauge
licenseledger_clock_offset_seconds ` + offset + `
# HELP licenseledger_clock_suspect 1 while the clock is suspect and expiries are not recorded, 0 otherwise.
# TYPE licenseledger_clock_suspect gauge
licenseledger_clock_suspect ` + suspect + "\n"
	}
	require.NoError(t, testutil.CollectAndCompare(m.Metrics(), strings.NewReader(metrics("0", "0"))))
	m.set(-time.Hour)
	require.NoError(t, testutil.CollectAndCompare(m.Metrics(), strings.NewReader(metrics("-3600", "1"))))
}

func TestElapsedTimeNeverRunsBackAndGoesAtTheSpeedOfTime(t *testing.T) {
	t.Parallel()
	elapsed := clock.Elapsed()
	first, began := elapsed(), time.Now()
	before := first
	for time.Since(began) < 20*time.Millisecond {
		now := elapsed()
		require.GreaterOrEqual(t, now, before)
		before = now
	}
	require.GreaterOrEqual(t, elapsed()-first, 20*time.Millisecond)
}
