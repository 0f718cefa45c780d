package httpapi_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/httpapi"
	"github.com/licenseledger/licenseledger/httpapi/api"
)

// asStream is the header by which a client asks for a stream.
var asStream = header{"Accept", "application/x-ndjson"}

// atMost bounds the streams of a world.
func atMost(all, each int) option {
	return func(c *httpapi.Config) { c.MaxStreams, c.MaxStreamsPerPrincipal = all, each }
}

func TestStreamsBeyondEitherBoundAreRefusedUntilOneEnds(t *testing.T) {
	t.Parallel()
	for name, bounds := range map[string]option{"of a principal": atMost(10, 2), "of all": atMost(2, 10)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, bounds)
			w.sell(nil)
			ctx, leave := context.WithCancel(t.Context())
			w.lines(ctx, "?follow=true")
			w.lines(t.Context(), "?follow=true")
			for _, path := range []string{"/v1/ledger/events", "/v1/ledger/events?follow=true"} {
				refused := w.admin("GET", path, nil, asStream)
				require.Contains(t, *refused.refused(429, api.ProblemCodeTOOMANYSTREAMS).Detail, "2 streams")
				require.Equal(t, "5", refused.header.Get("Retry-After"))
			}
			w.admin("GET", "/v1/ledger/events", nil).is(200)

			leave()
			require.Eventually(t, func() bool { return w.admin("GET", "/v1/ledger/events", nil, asStream).status == 200 },
				10e9, 10e6, "the place of the client that left is free")
			for range 10 { // streams that ended do not count
				w.admin("GET", "/v1/ledger/events", nil, asStream).is(200)
			}
		})
	}
}

func TestAStreamThatIsNotAtTheEndWhenTheServerDrainsIsCutOff(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.sell(nil)
	var events []event.Pending
	for range 10_000 { // more than the buffers of the connection hold
		e := event.Pending{ID: uuid.New(), Type: "product.registered.v1", RecordedAt: w.now(),
			Data: []byte(`{"filling":"` + strings.Repeat("x", 1000) + `"}`)}
		e.Tenant = "default"
		events = append(events, e)
	}
	_, err := w.ledger.Append(t.Context(), "filling", 0, events)
	require.NoError(t, err)
	response, lines := w.lines(t.Context(), "")
	var e api.LedgerEvent
	require.NoError(t, lines.Decode(&e))
	w.drain()
	_, err = io.Copy(io.Discard, response.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NotContains(t, w.log.text(), "a request failed", "it is no defect")
}
