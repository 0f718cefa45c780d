package scenarios_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
)

// cut is a stage of a request at which its connection ends.
type cut struct {
	name     string
	complete bool // the server has got the whole request, and may carry it out
	send     func(t *testing.T, connection *net.TCPConn, head, body []byte)
}

func cuts() []cut {
	write := func(t *testing.T, connection *net.TCPConn, parts ...[]byte) {
		t.Helper()
		_, err := connection.Write(bytes.Join(parts, nil))
		require.NoError(t, err)
	}
	return []cut{
		{"before the headers end", false, func(t *testing.T, connection *net.TCPConn, head, _ []byte) {
			write(t, connection, head[:len(head)-2])
		}},
		{"before the body", false, func(t *testing.T, connection *net.TCPConn, head, _ []byte) {
			write(t, connection, head)
		}},
		{"within the body", false, func(t *testing.T, connection *net.TCPConn, head, body []byte) {
			write(t, connection, head, body[:len(body)/2])
		}},
		{"before the last byte of the body", false, func(t *testing.T, connection *net.TCPConn, head, body []byte) {
			write(t, connection, head, body[:len(body)-1])
		}},
		{"right after the body", true, func(t *testing.T, connection *net.TCPConn, head, body []byte) {
			write(t, connection, head, body)
		}},
		{"right after the body, at once", true, func(t *testing.T, connection *net.TCPConn, head, body []byte) {
			require.NoError(t, connection.SetLinger(0)) // a reset
			write(t, connection, head, body)
		}},
		{"while waiting for the answer", true, func(t *testing.T, connection *net.TCPConn, head, body []byte) {
			write(t, connection, head, body)
			require.NoError(t, connection.CloseWrite())
		}},
		{"after the first byte of the answer", true, func(t *testing.T, connection *net.TCPConn, head, body []byte) {
			write(t, connection, head, body)
			require.NoError(t, connection.SetReadDeadline(time.Now().Add(timeout)))
			_, err := io.ReadFull(connection, make([]byte, 1))
			require.NoError(t, err)
		}},
	}
}

// interrupted is a command that is cut, repeated, and then compared with the same command on something alike.
type interrupted struct {
	name, event string
	request     func(v tenantClient) (client blackbox.Client, path string, body object, stream func(answer []byte) string)
}

func interruptions() []interrupted {
	of := func(l api.LicenseWithKey) func([]byte) string { return func([]byte) string { return streamOf(l) } }
	laptop := built("laptop", nil)
	return []interrupted{
		{"issue", "license.issued.v1", func(v tenantClient) (blackbox.Client, string, object, func([]byte) string) {
			return v.admin, "/v1/licenses", v.order(nil), func(answer []byte) string {
				var l api.LicenseWithKey
				require.NoError(v.t, json.Unmarshal(answer, &l))
				return streamOf(l)
			}
		}},
		{"activate", "activation.granted.v1", func(v tenantClient) (blackbox.Client, string, object, func([]byte) string) {
			l := v.issue(nil)
			return v.machine, "/v1/activations", object{"license_key": l.Key, "machine": laptop}, of(l)
		}},
		{"deactivate", "activation.ended.v1", func(v tenantClient) (blackbox.Client, string, object, func([]byte) string) {
			l := v.issue(nil)
			a := v.activate(l.Key, laptop)
			return v.machine, "/v1/activations/" + a.ActivationID.String() + "/deactivate", object{"license_key": l.Key, "reason": "moved"}, of(l)
		}},
		{"renew", "license.renewed.v1", func(v tenantClient) (blackbox.Client, string, object, func([]byte) string) {
			l := v.issue(nil)
			return v.admin, "/v1/licenses/" + l.ID.String() + "/renew", object{"reason": "paid", "extend_days": 30}, of(l)
		}},
	}
}

func TestACommandWhoseConnectionIsCutTakesEffectOnceHoweverOftenItIsSent(t *testing.T) {
	t.Parallel()
	for _, i := range interruptions() {
		for _, c := range cuts() {
			t.Run(i.name+" cut "+c.name, func(t *testing.T) {
				t.Parallel()
				v := newTenantClient(t, object{"max_machines": 5})
				client, path, body, stream := i.request(v)
				key, correlation := newCode(), uuid.NewString()
				before := head(t, v.admin)
				v.cut(c, key, correlation, path, body)

				if !c.complete {
					// The server sees the end of the connection in its own time; whatever it then does, it stores nothing.
					require.Empty(t, v.caused(correlation, before))
				}
				client = client.With("Idempotency-Key", key).With("X-Request-Id", correlation)
				first := client.Post(path, body)
				require.Less(t, first.Status, http.StatusBadRequest, "%s", first.Body)
				if !c.complete {
					require.False(t, first.Replayed(), "half a request was carried out")
				}
				again := client.Post(path, body)
				require.True(t, again.Replayed())
				require.Equal(t, first.Status, again.Status)
				require.Equal(t, string(first.Body), string(again.Body))
				require.Equal(t, first.ETag(), again.ETag())
				require.Equal(t, first.Position(), again.Position())

				caused := slices.DeleteFunc(v.caused(correlation, before), func(e api.LedgerEvent) bool {
					return e.Type == "idempotency_key.claimed.v1"
				})
				require.NotEmpty(t, caused)
				counted := map[string]int{}
				for _, e := range caused {
					require.Equal(t, stream(first.Body), e.Stream)
					require.Equal(t, caused[0].CommandID, e.CommandID, "one attempt caused all of it")
					counted[e.Type]++
				}
				require.Equal(t, 1, counted[i.event], "%v", counted)
				require.Equal(t, first.Position(), caused[len(caused)-1].Position)

				uncut, path, body, _ := i.request(v)
				other := uncut.With("Idempotency-Key", newCode()).Post(path, body)
				require.Equal(t, other.Status, first.Status)
				require.Equal(t, shape(t, other.Body), shape(t, first.Body), "as a client is answered that was never cut")
			})
		}
	}
}

// cut sends a command on a connection of its own and ends that at a fixture.
func (v tenantClient) cut(c cut, key, correlation, path string, body object) {
	v.t.Helper()
	text, err := json.Marshal(body)
	require.NoError(v.t, err)
	address := strings.TrimPrefix(v.server.URL(), "http://")
	head := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"+
		"X-Request-Id: %s\r\nIdempotency-Key: %s\r\nContent-Length: %d\r\n", path, address, correlation, key, len(text))
	if _, byMachine := body["license_key"]; !byMachine {
		head = fmt.Appendf(head, "Authorization: Bearer %s\r\n", v.server.AdminKey())
	}
	head = append(head, "\r\n"...)
	connection, err := net.Dial("tcp", address)
	require.NoError(v.t, err)
	c.send(v.t, connection.(*net.TCPConn), head, text)
	require.NoError(v.t, connection.Close())
}

// caused are the events of a command.
func (v tenantClient) caused(correlation string, after uint64) []api.LedgerEvent {
	v.t.Helper()
	answer := v.admin.With("Accept", "application/x-ndjson").Open(v.t.Context(), fmt.Sprintf("/v1/ledger/events?after=%d", after))
	defer func() { _ = answer.Body.Close() }()
	require.Equal(v.t, http.StatusOK, answer.StatusCode)
	var caused []api.LedgerEvent
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e api.LedgerEvent
		require.NoError(v.t, json.Unmarshal(lines.Bytes(), &e))
		if e.CorrelationID == correlation {
			caused = append(caused, e)
		}
	}
	require.NoError(v.t, lines.Err())
	return caused
}

// shape is what an answer consists of, whatever the values are that differ from licence to licence.
func shape(t *testing.T, answer []byte) map[string]any {
	t.Helper()
	var members map[string]any
	require.NoError(t, json.Unmarshal(answer, &members))
	for name, value := range members {
		switch value.(type) {
		case nil, bool, float64:
		default:
			members[name] = fmt.Sprintf("%T", value)
		}
	}
	return members
}
