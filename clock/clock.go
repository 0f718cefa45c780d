// Package clock tells the time at which decisions are made.
//
// A wall clock may be set wrong, and set right again, at any moment. An expiry that it brings about in between would be recorded for
// good. The machine's count of elapsed time cannot be set, so a [Clock] holds one against the other: it follows the wall clock while
// both agree, and goes on by elapsed time alone while they do not.
package clock

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Tolerance is how far the wall clock may be from where elapsed time puts it before it counts as set.
const Tolerance = 5 * time.Second

// LongSilence is how long a ledger may have been without an event before a start: beyond it the clock has to be confirmed. It may
// have been a long stop, or the clock may be wrong.
const LongSilence = 24 * time.Hour

// slew is the part of the elapsed time by which a difference within [Tolerance] is made up for: at most 10 %. That follows every
// time service that slews (chrony does up to 8.3 %, ntpd 0.05 %), and no clock that runs at a wrong speed.
const slew = 10

// Config is what a [Clock] works with.
type Config struct {
	Wall    func() time.Time     // the wall clock
	Elapsed func() time.Duration // elapsed time since some moment; see [Elapsed]
	// Settle is how long a wall clock that was set must keep its new time before it is believed, and how long a clock must be
	// observed that cannot be confirmed at the start.
	Settle time.Duration
	Log    *slog.Logger
}

// Clock tells the time. It is safe for concurrent use.
type Clock struct {
	config Config

	mu          sync.Mutex
	now         time.Time     // at the last reading
	read        time.Duration // elapsed at the last reading
	jump        *jump         // nil while the wall clock agrees with elapsed time
	ledger      func() time.Time
	confirmedAt time.Duration // elapsed; until then the clock is not confirmed
	state       State         // at the last reading
}

// jump is a wall clock that was set.
type jump struct {
	wall time.Time     // what it was set to
	at   time.Duration // elapsed when that was noticed
}

// Doubt is why a clock is suspect.
type Doubt string

// The doubts. A clock without one is trusted.
const (
	Jumped      Doubt = "the wall clock was set"
	LedgerAhead Doubt = "the last event of the ledger was recorded at a later time than it is now"
	Unconfirmed Doubt = "the last event of the ledger is more than a day old, which may be a long stop or a wrong clock"
)

// State is what is known of a clock.
type State struct {
	Doubt Doubt     // empty: the clock is trusted
	Since time.Time // when the doubt arose, by the clock itself
	// Offset is how far the wall clock is ahead of the time that it should be by elapsed time; or, if the ledger is ahead of the
	// clock, of the ledger's last event.
	Offset time.Duration
}

// New returns a clock that takes the present wall clock for right.
func New(c Config) *Clock {
	return &Clock{config: c, now: wallOf(c), read: c.Elapsed()}
}

// wallOf reads the wall clock without the monotonic reading of package time, which would hide that it was set.
func wallOf(c Config) time.Time { return c.Wall().Round(0).UTC() }

// Compare holds the clock against the ledger from now on: ledger returns when its last event was recorded, the zero time when it has
// none. It is called at every reading and must not call the clock.
func (c *Clock) Compare(ledger func() time.Time) {
	c.mu.Lock()
	c.ledger = ledger
	if last := ledger(); !last.IsZero() && wallOf(c.config).Sub(last) > LongSilence {
		c.confirmedAt = c.config.Elapsed() + c.config.Settle
	}
	c.mu.Unlock()
	c.reading() // tells of a doubt at once
}

// Now returns the time, in UTC.
func (c *Clock) Now() time.Time {
	now, _ := c.reading()
	return now
}

// State returns what is known of the clock now.
func (c *Clock) State() State {
	_, state := c.reading()
	return state
}

// Trusted reports whether what the passage of time brings about may be recorded.
func (c *Clock) Trusted() bool { return c.State().Doubt == "" }

// Check fails while the clock is suspect. It suits as a readiness check: decisions go on, but expiries are not recorded.
func (c *Clock) Check(context.Context) error {
	s := c.State()
	if s.Doubt == "" {
		return nil
	}
	return fmt.Errorf("the clock is suspect since %s: %s (offset %s)", s.Since.Format(time.RFC3339), s.Doubt, s.Offset)
}

func (c *Clock) reading() (time.Time, State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	elapsed, wall := c.config.Elapsed(), wallOf(c.config)
	passed := elapsed - c.read
	c.now, c.read = c.now.Add(passed), elapsed
	offset := wall.Sub(c.now)
	switch {
	case within(offset):
		c.jump = nil
		c.now = c.now.Add(min(max(offset, -passed/slew), passed/slew))
	case c.jump == nil || !within(wall.Sub(c.jump.wall.Add(elapsed-c.jump.at))):
		c.jump = &jump{wall: wall, at: elapsed}
	case elapsed-c.jump.at >= c.config.Settle:
		c.now, c.jump = wall, nil
	}
	c.assess(wall)
	return c.now, c.state
}

func within(d time.Duration) bool { return -Tolerance <= d && d <= Tolerance }

// assess brings the state up to date, and tells when a doubt arises or is gone.
func (c *Clock) assess(wall time.Time) {
	next := State{Offset: wall.Sub(c.now), Since: c.state.Since}
	var last time.Time
	if c.ledger != nil {
		last = c.ledger()
	}
	switch {
	case c.jump != nil:
		next.Doubt = Jumped
	case last.Sub(c.now) > Tolerance:
		next.Doubt, next.Offset = LedgerAhead, c.now.Sub(last)
	case c.read < c.confirmedAt:
		next.Doubt = Unconfirmed
	}
	before := c.state.Doubt
	if next.Doubt != before {
		next.Since = c.now
	}
	c.state = next
	if next.Doubt != before {
		c.report(before)
	}
}

// report logs a change of the state.
func (c *Clock) report(before Doubt) {
	ctx := context.Background() // a change belongs to no request
	if c.state.Doubt == "" {
		c.config.Log.InfoContext(ctx, "the clock is trusted again; expiries are recorded", "time", c.now, "was", string(before))
		return
	}
	c.config.Log.WarnContext(ctx, "the clock is suspect: expiries are respected but not recorded until it is trusted",
		"hint", "check the time service of this host",
		"reason", string(c.state.Doubt), "offset", c.state.Offset, "time", c.now, "settle", c.config.Settle)
}
