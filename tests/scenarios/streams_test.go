package scenarios_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
	"github.com/licenseledger/licenseledger/tests/support/process"
)

const (
	// maxStreamsEach is how many streams one principal may have open by default.
	maxStreamsEach = 64
	// longLedger is more than the buffers of a connection hold, in licences.
	longLedger = 4000
)

// newLongLedger starts a server whose ledger nobody can receive without reading.
func newLongLedger(t *testing.T, adjust ...func(*process.Options)) (*blackbox.Server, tenantClient) {
	t.Helper()
	server := newServer(t, adjust...)
	v := newTenantClientOn(t, server, nil, nil)
	for issued := 0; issued < longLedger; {
		var batch []object
		for range 500 {
			batch = append(batch, v.order(object{"metadata": object{"note": strings.Repeat("n", 500)}}))
		}
		issued += blackbox.OK[api.BatchOutcome](v.admin.Post("/v1/licenses/batch", object{"licenses": batch})).Issued
	}
	return server, v
}

// unread asks for the ledger as a stream, reads the status of the answer and nothing more.
func unread(t *testing.T, server *blackbox.Server, query string) (status string) {
	t.Helper()
	address := strings.TrimPrefix(server.URL(), "http://")
	connection, err := net.Dial("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = connection.Close() })
	require.NoError(t, connection.(*net.TCPConn).SetReadBuffer(4096))
	require.NoError(t, connection.SetReadDeadline(time.Now().Add(timeout)))
	_, err = fmt.Fprintf(connection, "GET /v1/ledger/events%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nAccept: "+
		"application/x-ndjson\r\n\r\n",
		query, address, server.AdminKey())
	require.NoError(t, err)
	code := make([]byte, len("HTTP/1.1 200"))
	_, err = io.ReadFull(connection, code)
	require.NoError(t, err)
	return strings.TrimPrefix(string(code), "HTTP/1.1 ")
}

// It runs alone: what a probe waits for shall be the server, not the load of other scenarios.
func TestHoweverManyStreamsAreAskedForAndNotReadTheServerGoesOn(t *testing.T) {
	server, v := newLongLedger(t)
	var asking sync.WaitGroup
	var mu sync.Mutex
	statuses := map[string]int{}
	for range 600 {
		asking.Go(func() {
			status := unread(t, server, "?follow=true")
			mu.Lock()
			defer mu.Unlock()
			statuses[status]++
		})
	}
	done := make(chan struct{})
	go func() { asking.Wait(); close(done) }()
	// While they come, and when all that may stay have stayed:
	for rounds := 0; rounds < 20; rounds++ {
		ready := server.Anyone(t).Get("/healthz/ready")
		require.Equal(t, http.StatusOK, ready.Status, "the server is ready: %s", ready.Body)
		v.license(v.issue(nil)) // commands are carried out, and projections follow
		if rounds == 10 {
			<-done
		}
	}
	require.Equal(t, map[string]int{"200": maxStreamsEach, "429": 600 - maxStreamsEach}, statuses)

	refused := v.admin.With("Accept", "application/x-ndjson").Get("/v1/ledger/events?limit=1")
	require.Equal(t, http.StatusTooManyRequests, refused.Status)
	refused.Refused("TOO_MANY_STREAMS")
	require.NotEmpty(t, refused.Header.Get("Retry-After"))
	blackbox.OK[api.LedgerPage](v.admin.Get("/v1/ledger/events?limit=1")) // pages are not streams
}

func TestStreamsThatNobodyReadsAreCutWhenTheServerStops(t *testing.T) {
	t.Parallel()
	server, _ := newLongLedger(t)
	for n := range 50 {
		query := "?follow=true"
		if n%2 == 0 {
			query = ""
		}
		require.Equal(t, "200", unread(t, server, query))
	}
	asked := time.Now()
	server.MustStop(t)
	require.Less(t, time.Since(asked), 10*time.Second, "the drain may take 15 s")
}

func TestAClientThatOutlastsTheDrainIsCutAndTheServerStopsProperly(t *testing.T) {
	t.Parallel()
	server := newServer(t, func(o *process.Options) { o.Env = append(o.Env, "LICENSELEDGER_SHUTDOWN_TIMEOUT=200ms") })
	address := strings.TrimPrefix(server.URL(), "http://")
	connection, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer func() { _ = connection.Close() }()
	_, err = fmt.Fprintf(connection, "POST /v1/products HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: "+
		"application/json\r\n"+
		"Content-Length: 100\r\nExpect: 100-continue\r\n\r\n", address, server.AdminKey())
	require.NoError(t, err)
	line, err := bufio.NewReader(connection).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "100 Continue")
	server.MustStop(t) // with exit code 0
	require.Contains(t, server.Log(), "level=WARN")
}
