package scenarios_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
)

func TestTheLedgerIsReadPageByPageWithoutGaps(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	v.customers("Ada Byron", "Grace Hopper")
	until := head(t, v.admin)
	var last uint64
	for last < until {
		page := blackbox.OK[api.LedgerPage](v.admin.Get(fmt.Sprintf("/v1/ledger/events?limit=50&after=%d", last)))
		require.GreaterOrEqual(t, page.Head, until)
		for _, e := range page.Items {
			if fixture.engines.Dense() {
				require.Equal(t, last+1, e.Position)
			}
			require.Greater(t, e.Position, last)
			last = e.Position
		}
		if page.NextAfter != nil {
			require.Equal(t, last, *page.NextAfter)
			require.Len(t, page.Items, 50)
		}
	}
	v.admin.Get("/v1/ledger/events?after=9223372036854775807").Refused("POSITION_BEYOND_HEAD")
}

func TestAnEventSaysWhoCausedItAndBecauseOfWhichRequest(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	answer := v.admin.With("X-Request-Id", "request-"+v.product.Code).With("Idempotency-Key", "command-"+v.product.Code).
		Post("/v1/licenses", v.order(nil))
	l := blackbox.Created[api.LicenseWithKey](answer)
	e := v.events(l)[0]
	require.Equal(t, "request-"+v.product.Code, e.CorrelationID)
	require.NotContains(t, e.CommandID+e.CausationID, v.product.Code, "the key is recorded as a keyed hash")
	require.Equal(t, e.CommandID, e.CausationID)
	require.Equal(t, "admin", e.Actor)
	require.Equal(t, answer.Position(), e.Position)
	require.Equal(t, streamOf(l), e.Stream)
	require.EqualValues(t, 1, e.Revision)
	require.Equal(t, `"`+l.ID.String()+`"`, member(t, e.Data, "license_id"))
}

func TestOneStreamIsReadOnItsOwn(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	sold := v.customers("Ada Byron", "Grace Hopper")
	v.changed(sold["Ada Byron"], "suspend", nil)
	events := v.events(sold["Ada Byron"])
	require.Equal(t, []string{"license.issued.v1", "license.suspended.v1"}, types(events))
	after := blackbox.OK[api.LedgerPage](v.admin.Get(fmt.Sprintf("/v1/ledger/events?stream=%s&after=%d", streamOf(sold["Ada Byron"]),
		events[0].Position)))
	require.Equal(t, events[1:], after.Items)
	first := blackbox.OK[api.LedgerPage](v.admin.Get("/v1/ledger/events?limit=1&stream=" + streamOf(sold["Ada Byron"])))
	require.Equal(t, events[:1], first.Items)
	require.Equal(t, events[0].Position, *first.NextAfter)
	require.Empty(t, blackbox.OK[api.LedgerPage](v.admin.Get("/v1/ledger/events?stream=license-nobody")).Items)
}

func TestTheLedgerIsStreamedLineByLine(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	v.activate(l.Key, fingerprinted("laptop"))
	response := v.admin.With("Accept", "application/x-ndjson").Get("/v1/ledger/events?stream=" + streamOf(l))
	require.Equal(t, http.StatusOK, response.Status)
	require.Equal(t, "application/x-ndjson", response.Header.Get("Content-Type"))
	var streamed []api.LedgerEvent
	for decoder := json.NewDecoder(bytes.NewReader(response.Body)); decoder.More(); {
		var e api.LedgerEvent
		require.NoError(t, decoder.Decode(&e))
		streamed = append(streamed, e)
	}
	require.Equal(t, v.events(l), streamed)

	limited := v.admin.With("Accept", "application/x-ndjson").Get("/v1/ledger/events?limit=3")
	lines := 0
	for scanner := bufio.NewScanner(bytes.NewReader(limited.Body)); scanner.Scan(); {
		lines++
	}
	require.Equal(t, 3, lines)
	v.admin.Get("/v1/ledger/events?follow=true").Invalid("follow")
	v.admin.Get("/v1/ledger/events?after=-1").Invalid("after")
	v.admin.Get("/v1/ledger/events?limit=1001").Invalid("limit")
}

func TestFollowersSeeWhatHappensWhenItHappens(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	steps := []string{"suspend", "reinstate", "suspend", "revoke"}
	var seen []string
	for e := range follow(t, ctx, v.admin, "&stream="+streamOf(l)) {
		seen = append(seen, e.Type)
		if len(steps) == 0 {
			break
		}
		v.changed(l, steps[0], nil) // only now: the stream is open and has given all it had
		steps = steps[1:]
	}
	require.Equal(t, []string{
		"license.issued.v1", "license.suspended.v1", "license.reinstated.v1", "license.suspended.v1", "license.revoked.v1",
	}, seen)
}

func TestAFollowedLedgerEndsAfterItsLimit(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	v.activate(l.Key, fingerprinted("laptop"))
	var seen []api.LedgerEvent
	for e := range follow(t, t.Context(), v.admin, "&limit=2&stream="+streamOf(l)) {
		seen = append(seen, e)
	}
	require.Equal(t, v.events(l)[:2], seen)
}
