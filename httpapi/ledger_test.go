package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/httpapi"
	"github.com/licenseledger/licenseledger/httpapi/api"
)

func TestTheLedgerIsReadInPages(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	s := w.sell(nil)
	var all []api.LedgerEvent
	for path := "/v1/ledger/events?limit=2"; path != ""; {
		a := w.admin("GET", path, nil, s.issued.at()).is(200)
		page := read[api.LedgerPage](a)
		require.EqualValues(t, 3, page.Head)
		all = append(all, page.Items...)
		path = nextPath(a.header)
		require.Equal(t, page.NextAfter != nil, path != "")
	}
	require.Len(t, all, 3)
	for i, e := range all {
		require.EqualValues(t, i+1, e.Position)
		require.Equal(t, "admin", e.Actor)
	}
	require.Equal(t, "product.registered.v1", all[0].Type)
	require.NotContains(t, string(all[2].Data), "Ada Byron", "what is personal is sealed")

	stream := "license-" + s.license.ID.String()
	only := read[api.LedgerPage](w.admin("GET", "/v1/ledger/events?stream="+stream, nil).is(200))
	require.Equal(t, all[2:], only.Items)
	require.Empty(t, read[api.LedgerPage](w.admin("GET", "/v1/ledger/events?stream=license-none&after=1", nil).is(200)).Items)
}

// lines asks for the ledger as a stream.
func (w *fixture) lines(ctx context.Context, query string) (*http.Response, *json.Decoder) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/v1/ledger/events"+query, nil)
	require.NoError(w.t, err)
	request.Header.Set("Authorization", "Bearer "+adminKey)
	request.Header.Set("Accept", "application/x-ndjson")
	response, err := w.client.Do(request)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = response.Body.Close() })
	require.Equal(w.t, 200, response.StatusCode)
	require.Equal(w.t, "application/x-ndjson", response.Header.Get("Content-Type"))
	return response, json.NewDecoder(response.Body)
}

func TestTheLedgerIsStreamedToItsEnd(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.sell(nil)
	response, _ := w.lines(t.Context(), "?after=1")
	var positions []uint64
	for scanner := bufio.NewScanner(response.Body); scanner.Scan(); {
		var e api.LedgerEvent
		require.NoError(t, json.Unmarshal(scanner.Bytes(), &e))
		positions = append(positions, e.Position)
	}
	require.Equal(t, []uint64{2, 3}, positions)
	limited, _ := w.lines(t.Context(), "?limit=1")
	text, err := io.ReadAll(limited.Body)
	require.NoError(t, err)
	require.Contains(t, string(text), `{"actor":"admin"`)
	require.Equal(t, byte('\n'), text[len(text)-1])
}

func TestAFollowerSeesWhatHappensNextUntilTheServerDrains(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	s := w.sell(nil)
	_, events := w.lines(t.Context(), "?follow=true&stream=license-"+s.license.ID.String())
	next := func() string {
		t.Helper()
		var e api.LedgerEvent
		require.NoError(t, events.Decode(&e))
		return e.Type
	}
	require.Equal(t, "license.issued.v1", next())
	w.admin("POST", "/v1/licenses", order()).is(201) // of another stream
	w.admin("POST", "/v1/licenses/"+s.license.ID.String()+"/suspend", because("r")).is(200)
	require.Equal(t, "license.suspended.v1", next())
	w.drain()
	var e api.LedgerEvent
	require.ErrorIs(t, events.Decode(&e), io.EOF)
	ready := w.ask("GET", "/healthz/ready", nil).is(503)
	require.Equal(t, api.ReadinessStatusDraining, read[api.Readiness](ready).Status)
}

func TestAFollowerWithALimitIsLetGo(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.sell(nil)
	response, _ := w.lines(t.Context(), "?follow=true&limit=2")
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Contains(t, string(text), `"position":2,`)
	require.NotContains(t, string(text), `"position":3,`)
}

func TestAFollowerMayLeave(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	ctx, leave := context.WithCancel(t.Context())
	_, events := w.lines(ctx, "?follow=true")
	leave()
	var e api.LedgerEvent
	require.Error(t, events.Decode(&e))
	w.sell(nil)
}

func TestProjectionsAreShownAndRebuilt(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	s := w.sell(nil)
	w.admin("GET", "/v1/licenses", nil, s.issued.at()).is(200)
	all := read[api.ProjectionList](w.admin("GET", "/v1/projections", nil).is(200))
	require.Len(t, all.Items, 4)
	for _, p := range all.Items {
		require.EqualValues(t, 3, p.Head)
		require.Nil(t, p.Checksum)
	}
	begun := read[api.Projection](w.admin("POST", "/v1/projections/licenses/rebuild", nil).is(202))
	require.Equal(t, "licenses", begun.Name)
	require.Eventually(t, func() bool {
		for _, p := range read[api.ProjectionList](w.admin("GET", "/v1/projections", nil).is(200)).Items {
			if p.Name == "licenses" && p.Checksum != nil {
				return p.State == api.RUNNING && *p.ChecksumPosition == 3
			}
		}
		return false
	}, 10e9, 10e6, "the rebuild is done")
	require.Equal(t, s.license.ID, read[api.License](w.admin("GET", "/v1/licenses/"+s.license.ID.String(), nil).is(200)).ID)
}

func TestEventsOfOtherTenantsAreNotShown(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	s := w.sell(nil)
	stranger := event.Pending{ID: uuid.New(), Type: "product.registered.v1", RecordedAt: time.Now(), Data: []byte(`{"secret":1}`)}
	stranger.Tenant = "another"
	_, err := w.ledger.Append(t.Context(), "product-of-another", 0, []event.Pending{stranger})
	require.NoError(t, err)
	for _, query := range []string{"", "?stream=product-of-another"} {
		page := read[api.LedgerPage](w.admin("GET", "/v1/ledger/events"+query, nil).is(200))
		for _, e := range page.Items {
			require.NotEqual(t, "product-of-another", e.Stream)
		}
	}
	_, events := w.lines(t.Context(), "?follow=true&after=3")
	w.admin("POST", "/v1/licenses/"+s.license.ID.String()+"/suspend", because("r")).is(200)
	var e api.LedgerEvent
	require.NoError(t, events.Decode(&e))
	require.EqualValues(t, 5, e.Position)
}

// failing is a ledger whose reading breaks off after a number of events.
type failing struct {
	eventstore.Store
	after int
}

func (f failing) ReadAll(context.Context, event.Position) iter.Seq2[event.Envelope, error] {
	return func(yield func(event.Envelope, error) bool) {
		for i := range f.after {
			e := event.Envelope{Position: event.Position(i + 1), Pending: event.Pending{Data: []byte(`{}`)}}
			e.Tenant = access.DefaultTenant
			if !yield(e, nil) {
				return
			}
		}
		yield(event.Envelope{}, eventstore.ErrUnavailable)
	}
}

func (f failing) Exports() eventstore.Reader { return f }

func TestAStreamThatFailsMidwayIsCutOff(t *testing.T) {
	t.Parallel()
	w := newFixture(t, func(c *httpapi.Config) { c.Ledger = failing{Store: c.Ledger, after: 1000} })
	response, _ := w.lines(t.Context(), "")
	_, err := io.ReadAll(response.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestAStreamThatFailsAtOnceIsAProblem(t *testing.T) {
	t.Parallel()
	w := newFixture(t, func(c *httpapi.Config) { c.Ledger = failing{Store: c.Ledger, after: 1} })
	w.admin("GET", "/v1/ledger/events", nil, header{"Accept", "application/x-ndjson"}).refused(503, api.ProblemCodeUNAVAILABLE)
	w.admin("GET", "/v1/ledger/events", nil).refused(503, api.ProblemCodeUNAVAILABLE)
}
