package crash_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
)

// repeatedPerRound is how many of the commands answered before are sent again after each crash.
const repeatedPerRound = 40

// check compares what the clients know with what the server knows after a crash.
func (w *harness) check() {
	w.t.Helper()
	events := w.newEvents()
	for _, c := range w.clients {
		for _, k := range c.answered {
			w.checkEffect(k, events)
		}
	}
	for _, c := range w.clients {
		if c.unanswered != nil {
			w.settle(c, events)
		}
	}
	for _, c := range w.clients {
		c.past, c.answered = append(c.past, c.answered...), nil
	}
	w.repeatSome()
	at := w.head()
	w.awaitProjections(at)
	for _, c := range w.clients {
		for _, l := range c.licenses {
			if l.touched {
				w.checkShown(l, at)
				l.touched = false
			}
		}
	}
	w.checkShared(at)
	w.compared = at
}

// awaitProjections waits until queries show the ledger up to a position: a server that was killed still owns its projections until
// its lease has run out.
func (w *harness) awaitProjections(at uint64) {
	w.t.Helper()
	late := time.After(timeout)
	for {
		answer := w.server.Admin(w.t).Seeing(at).Get("/v1/licenses?limit=1")
		machines := w.server.Admin(w.t).Seeing(at).Get("/v1/licenses/" + w.shared.id.String() + "/machines?limit=1")
		if answer.Status == http.StatusOK && machines.Status == http.StatusOK {
			return
		}
		select {
		case <-late:
			require.FailNow(w.t, "the projections do not come to the end of the ledger", "%s\n%s",
				w.server.Admin(w.t).Get("/v1/projections").Body, w.server.Log())
		default: // the queries themselves wait
		}
	}
}

// newEvents are the events that the clients do not know yet, by the command that caused them.
func (w *harness) newEvents() map[string][]api.LedgerEvent {
	w.t.Helper()
	answer := w.server.Admin(w.t).With("Accept", "application/x-ndjson").Get(fmt.Sprintf("/v1/ledger/events?after=%d", w.compared))
	require.Equal(w.t, http.StatusOK, answer.Status, "%s", answer.Body)
	byCommand := map[string][]api.LedgerEvent{}
	last := w.compared
	for decoder := json.NewDecoder(bytes.NewReader(answer.Body)); decoder.More(); {
		var e api.LedgerEvent
		require.NoError(w.t, decoder.Decode(&e))
		require.Greater(w.t, e.Position, last)
		if w.dense {
			require.Equal(w.t, last+1, e.Position, "the ledger has a gap")
		}
		last = e.Position
		if e.Type != "idempotency_key.claimed.v1" { // says what a key is for; no effect of the command
			byCommand[e.CorrelationID] = append(byCommand[e.CorrelationID], e)
		}
	}
	return byCommand
}

// checkEffect checks the effect of an answered command in the ledger, once, where the answer said.
func (w *harness) checkEffect(k *command, events map[string][]api.LedgerEvent) {
	w.t.Helper()
	caused := events[k.id]
	switch {
	case k.status >= http.StatusBadRequest || k.silent:
		require.Empty(w.t, caused, "%s has appended something", k.path)
	case k.many > 0:
		require.Len(w.t, caused, k.many, "one for each licence of a batch")
		streams := map[string]bool{}
		for _, e := range caused {
			streams[e.Stream] = true
		}
		require.Len(w.t, streams, k.many)
	default:
		w.checkOneAppend(k, caused)
		require.Equal(w.t, k.position, caused[len(caused)-1].Position, k.path)
	}
}

// checkOneAppend checks that a command's events stand together, as one append leaves them.
func (w *harness) checkOneAppend(k *command, caused []api.LedgerEvent) {
	w.t.Helper()
	require.NotEmpty(w.t, caused, "%s was acknowledged and is lost", k.path)
	for i, e := range caused[1:] {
		require.Equal(w.t, caused[i].Revision+1, e.Revision, k.path)
		require.Equal(w.t, caused[i].Stream, e.Stream, k.path)
		if w.dense {
			require.Equal(w.t, caused[i].Position+1, e.Position, k.path)
		}
	}
}

// settle repeats a command whose effect before the crash is unknown, and requires it to have one now.
func (w *harness) settle(c *client, before map[string][]api.LedgerEvent) {
	w.t.Helper()
	k := c.unanswered
	c.unanswered = nil
	first, err := c.send(w.t.Context(), k)
	require.NoError(w.t, err)
	require.NoError(w.t, c.take(k, first), "repeated after the crash")
	after := w.newEvents()
	w.checkEffect(k, after)
	c.past = append(c.past, k)
	if k.silent || k.status >= http.StatusBadRequest {
		return
	}
	happened := len(before[k.id]) >= max(1, k.many)
	require.Equal(w.t, happened, first.Replayed(), k.path)
	if happened {
		w.tookEffect++
		require.Equal(w.t, before[k.id], after[k.id], "%s was done twice", k.path)
	} else {
		w.hadNoEffect++
	}
	w.repeat(c, k)
}

// today is what a repetition adds when the first answer does not hold any more.
var today = regexp.MustCompile(`,"today":\{[^}]*\}`)

// repeat sends an answered command again and requires the same answer, byte for byte.
func (w *harness) repeat(c *client, k *command) {
	w.t.Helper()
	again, err := c.send(w.t.Context(), k)
	require.NoError(w.t, err)
	require.Equal(w.t, k.status, again.Status, "%s: %.500s", k.path, again.Body)
	first, then := today.ReplaceAll(k.answer, nil), today.ReplaceAll(again.Body, nil)
	require.True(w.t, bytes.Equal(first, then), "%s: first %.1000s\nthen %.1000s", k.path, k.answer, again.Body)
	require.Equal(w.t, !k.silent, again.Replayed(), k.path)
}

// repeatSome repeats commands that were answered before the crash, this one or an earlier one.
func (w *harness) repeatSome() {
	w.t.Helper()
	at := w.head()
	for range repeatedPerRound {
		c := w.clients[w.random.IntN(len(w.clients))]
		if len(c.past) == 0 {
			continue
		}
		k := c.past[w.random.IntN(len(c.past))]
		if key, shown := k.body["license_key"]; k.silent || k.status >= http.StatusBadRequest || shown && k.about != nil && key != k.about.key {
			continue // it was not recorded, or shows a key that was replaced since
		}
		w.repeat(c, k)
	}
	require.Equal(w.t, at, w.head(), "repeating has appended something")
}

// checkShown checks that the read models show a licence as its client left it.
func (w *harness) checkShown(l *license, at uint64) {
	w.t.Helper()
	admin := w.server.Admin(w.t).Seeing(at)
	shown := blackbox.OK[api.License](admin.Get("/v1/licenses/" + l.id.String()))
	require.Equal(w.t, l.status, shown.Status)
	require.Equal(w.t, l.generation, shown.KeyGeneration)
	require.Equal(w.t, len(l.machines), shown.Seats.Used)
	if len(l.machines) == 0 {
		return
	}
	held, known := map[uuid.UUID]uuid.UUID{}, map[uuid.UUID]uuid.UUID{}
	for _, m := range blackbox.OK[api.MachinePage](admin.Get("/v1/licenses/" + l.id.String() + "/machines?limit=200")).Items {
		if m.Status == "BOUND" {
			held[m.BindingID] = m.Activation.ID
		}
	}
	for _, a := range l.machines {
		known[a.BindingID] = a.ActivationID
	}
	require.Equal(w.t, known, held)
}

// checkShared checks that the seats which clients were given, and no others, are taken.
func (w *harness) checkShared(at uint64) {
	w.t.Helper()
	given := map[string]bool{}
	for _, c := range w.clients {
		for name := range c.sharedSeat {
			given[name] = true
		}
	}
	require.LessOrEqual(w.t, len(given), sharedSeats)
	taken := map[string]bool{}
	for _, m := range blackbox.OK[api.MachinePage](w.server.Admin(w.t).Seeing(at).Get("/v1/licenses/" + w.shared.id.String() +
		"/machines?limit=200")).Items {
		taken[*m.Name] = true
	}
	require.Equal(w.t, given, taken)
}

// checkNothingElseWasIssued checks that there are the licences that the clients know, and no others.
func (w *harness) checkNothingElseWasIssued() {
	w.t.Helper()
	known := map[uuid.UUID]bool{w.shared.id: true}
	for _, id := range w.others {
		known[id] = true
	}
	for _, c := range w.clients {
		for _, l := range c.licenses {
			known[l.id] = true
		}
	}
	listed := map[uuid.UUID]bool{}
	admin := w.server.Admin(w.t).Seeing(w.head())
	for cursor := ""; ; {
		page := blackbox.OK[api.LicensePage](admin.Get("/v1/licenses?limit=200" + cursor))
		for _, l := range page.Items {
			listed[l.ID] = true
		}
		if page.NextCursor == nil {
			break
		}
		cursor = "&cursor=" + strings.TrimSpace(*page.NextCursor)
	}
	require.Equal(w.t, known, listed)
}

func (w *harness) head() uint64 {
	w.t.Helper()
	return blackbox.OK[api.LedgerPage](w.server.Admin(w.t).Get("/v1/ledger/events?limit=1")).Head
}
