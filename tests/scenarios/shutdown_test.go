package scenarios_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
)

func TestARequestThatIsUnderWayIsAnsweredBeforeTheServerStops(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	v := newTenantClientOn(t, server, nil, nil)
	body, err := json.Marshal(v.order(nil))
	require.NoError(t, err)
	address := strings.TrimPrefix(server.URL(), "http://")
	connection, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer func() { _ = connection.Close() }()
	_, err = fmt.Fprintf(connection, "POST /v1/licenses HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: "+
		"application/json\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", address, server.AdminKey(), len(body))
	require.NoError(t, err)
	// The server asks for the body when the request is being carried out.
	answers := bufio.NewReader(connection)
	line, err := answers.ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "100 Continue")
	_, err = answers.ReadString('\n')
	require.NoError(t, err)

	server.Terminate()
	eventually(t, "the server takes no more connections", func() bool {
		another, err := net.Dial("tcp", address)
		if err == nil {
			_ = another.Close()
		}
		return err != nil
	})
	_, err = connection.Write(body)
	require.NoError(t, err)
	answer, err := http.ReadResponse(answers, nil)
	require.NoError(t, err)
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusCreated, answer.StatusCode, "%s", text)
	server.MustStop(t)

	var issued api.LicenseWithKey
	require.NoError(t, json.Unmarshal(text, &issued))
	server.Restart(t)
	require.Equal(t, issued.License, v.license(issued))
	server.MustStop(t)
}

func TestAnOpenStreamDoesNotKeepTheServerFromStopping(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	v := newTenantClientOn(t, server, nil, nil)
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	seen := 0
	for range follow(t, ctx, v.admin, "") {
		if seen++; seen == 2 { // the product and the plan: the stream is open and has given all it had
			server.Terminate()
		}
	}
	require.Equal(t, 2, seen)
	require.NoError(t, ctx.Err())
	server.MustStop(t)
}

func TestAServerThatIsKilledStartsAgain(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	v := newTenantClientOn(t, server, nil, nil)
	l := v.issue(nil)
	server.Kill()
	server.Restart(t)
	require.Equal(t, l.License, v.license(l))
	stopSound(t, server)
}
