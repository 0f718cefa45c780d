package commands_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	disciplined "github.com/licenseledger/licenseledger/clock"
	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
)

const settle = 10 * time.Minute

// host is a computer that a handler runs on. Its wall clock can be set; its count of elapsed time cannot.
type host struct {
	*fixture
	elapsed atomic.Int64 // microseconds
	trusted *disciplined.Clock
}

// onHost moves a fixture to a host, as a restart does. The fixture's clock is the wall clock.
func onHost(o *fixture) *host {
	o.t.Helper()
	h := &host{fixture: o}
	h.trusted = disciplined.New(disciplined.Config{
		Wall: o.clock.now, Elapsed: func() time.Duration { return time.Duration(h.elapsed.Load()) * time.Microsecond },
		Settle: settle, Log: slog.New(slog.DiscardHandler),
	})
	var err error
	o.Handler, err = commands.New(o.t.Context(), commands.Config{
		Store: o.store, Events: domain.Events(), Keyring: o.ring, Now: h.trusted.Now, NewID: o.ids.next,
		Issuer: "https://licenses.example", CachedLicenses: 100,
	})
	require.NoError(o.t, err)
	h.trusted.Compare(o.LedgerTime)
	return h
}

// pass lets time pass, with a round of the timekeeper every half second at most.
func (h *host) pass(d time.Duration, due ...uuid.UUID) {
	h.t.Helper()
	const rounds = 20
	for range rounds {
		h.clock.advance(d / rounds)
		h.elapsed.Add((d / rounds).Microseconds())
		h.round(due...)
	}
}

// round has what is due at some licences recorded.
func (h *host) round(due ...uuid.UUID) {
	h.t.Helper()
	scheduled := scheduler(h.Handler, func(context.Context, time.Time, int) ([]uuid.UUID, error) { return due, nil })
	scheduled.Trusted = h.trusted.Trusted
	require.NoError(h.t, scheduled.RecordDue(h.system()))
}

func (h *host) verdict(key string) license.Code {
	h.t.Helper()
	verdict, err := h.Activation.Validate(h.machine(), runtime.Request{}, activation.Validate{LicenseKey: h.key(key)})
	require.NoError(h.t, err)
	return verdict.Code
}

func TestAClockThatIsWrongByDaysForAMomentExpiresNothing(t *testing.T) {
	t.Parallel()
	h := onHost(newFixture(t))
	issued := h.issue(validFor(10))
	before := h.head()
	h.clock.advance(11 * day)
	h.pass(1500*time.Millisecond, issued.ID)
	require.Equal(t, license.Valid, h.verdict(issued.Key))
	activation := h.activate(issued.Key, 1)
	require.Equal(t, noon.Add(1500*time.Millisecond+3*day), activation.ExpiresAt.UTC(), "three days from now, not from the wrong time")
	h.clock.advance(-11 * day)
	h.pass(time.Minute, issued.ID)
	require.NotContains(t, h.typesAfter(before), license.ExpiredType)
	require.Equal(t, license.Valid, h.verdict(issued.Key))

	h.pass(10*day, issued.ID)
	require.Contains(t, h.typesAfter(before), license.ExpiredType, "the true expiry is recorded")
}

func TestAClockThatIsSetBackPutsNothingIntoThePast(t *testing.T) {
	t.Parallel()
	h := onHost(newFixture(t))
	issued := h.issue()
	h.pass(2 * time.Hour)
	before := h.activate(issued.Key, 1)
	h.clock.advance(-time.Hour)
	h.pass(time.Second)
	during := h.activate(issued.Key, 2)
	require.False(t, during.ExpiresAt.Before(before.ExpiresAt))

	h.pass(settle) // now the wall clock is believed, and the ledger is ahead of it
	require.Equal(t, disciplined.LedgerAhead, h.trusted.State().Doubt)
	after := h.activate(issued.Key, 3)
	require.False(t, after.ExpiresAt.Before(during.ExpiresAt))
	requireInOrderOfTime(t, h.after(0))
}

func requireInOrderOfTime(t *testing.T, events []event.Event) {
	t.Helper()
	var last time.Time
	for _, e := range events {
		require.False(t, e.RecordedAt.Before(last), "event %d was recorded before the one before it", e.Position)
		last = e.RecordedAt
	}
}

func TestAClockThatKeepsItsNewTimeBeyondTheSettlingTimeIsBelieved(t *testing.T) {
	t.Parallel()
	h := onHost(newFixture(t))
	issued := h.issue(validFor(10))
	before := h.head()
	h.clock.advance(11 * day)
	h.round(issued.ID)
	h.pass(settle-time.Minute, issued.ID)
	require.Empty(t, h.typesAfter(before))
	h.pass(time.Minute, issued.ID)
	require.Equal(t, []event.Type{license.ExpiredType}, h.typesAfter(before))
	require.Equal(t, license.LicenseExpired, h.verdict(issued.Key))
}

func TestALedgerAheadOfTheClockAtTheStartIsNotContradicted(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	short, long := o.issue(validFor(1)), o.issue()
	o.clock.advance(day / 2)
	o.activate(long.Key, 1)
	o.clock.set(noon)
	h := onHost(o)
	before := h.head()
	require.Equal(t, disciplined.LedgerAhead, h.trusted.State().Doubt)
	h.round(short.ID)
	activation := h.activate(long.Key, 2)
	require.Equal(t, noon.Add(day/2+3*day), activation.ExpiresAt.UTC(), "decided at the time of the ledger's last event")
	requireInOrderOfTime(t, h.after(0))
	h.pass(day, short.ID)
	require.Equal(t, license.ExpiredType, h.typesAfter(before)[2], "what is due is recorded when the clock has passed the ledger")
}

func TestAClockFarBeyondTheLedgerAtTheStartDecidesButRecordsNothingBeforeItIsConfirmed(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue(validFor(1))
	before := o.head()
	o.clock.advance(2 * day)
	h := onHost(o)
	h.pass(settle-time.Minute, issued.ID)
	require.Equal(t, license.LicenseExpired, h.verdict(issued.Key))
	require.Empty(t, h.typesAfter(before))
	h.pass(time.Minute, issued.ID)
	require.Equal(t, []event.Type{license.ExpiredType}, h.typesAfter(before))
}
