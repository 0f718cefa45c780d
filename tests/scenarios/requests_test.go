package scenarios_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
)

const anID = "00000000-0000-4000-8000-000000000000"

// at fills the path of an endpoint with something that could be there.
func at(e blackbox.Endpoint) string {
	return strings.NewReplacer("{id}", anID, "{activation_id}", anID, "{binding_id}", anID, "{name}", "catalog").Replace(e.Path)
}

// ask sends a body as it stands; none when it is empty.
func ask(t *testing.T, client blackbox.Client, e blackbox.Endpoint, body string) blackbox.Response {
	t.Helper()
	if e.Method == http.MethodGet {
		return client.Get(at(e))
	}
	if e.Method == http.MethodPut {
		return client.Put(at(e), body)
	}
	return client.Post(at(e), body)
}

// endpoints runs a test for every endpoint that is wanted.
func endpoints(t *testing.T, wanted func(blackbox.Endpoint) bool, test func(t *testing.T, e blackbox.Endpoint)) {
	t.Helper()
	found := 0
	for _, e := range fixture.contract.Endpoints() {
		if wanted(e) {
			found++
			t.Run(e.Operation, func(t *testing.T) { test(t, e) })
		}
	}
	require.Positive(t, found)
}

func needsAdmin(e blackbox.Endpoint) bool { return e.Admin }
func takesBody(e blackbox.Endpoint) bool  { return e.Body }

func TestWhatOperatorsDoNeedsTheAdminKey(t *testing.T) {
	t.Parallel()
	endpoints(t, needsAdmin, func(t *testing.T, e blackbox.Endpoint) {
		anyone := fixture.shared.Anyone(t)
		for _, credential := range []string{"", "Bearer wrong", "Bearer ", "Basic " + fixture.shared.AdminKey(), fixture.shared.AdminKey()} {
			client := anyone
			if credential != "" {
				client = anyone.With("Authorization", credential)
			}
			answer := ask(t, client, e, "{}")
			answer.Refused("UNAUTHENTICATED")
			require.Contains(t, answer.Header.Get("WWW-Authenticate"), "Bearer")
		}
	})
}

func TestABodyMustBeDeclaredAsJSON(t *testing.T) {
	t.Parallel()
	endpoints(t, takesBody, func(t *testing.T, e blackbox.Endpoint) {
		admin := fixture.shared.Admin(t)
		for _, declared := range []string{"text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "json"} {
			ask(t, admin.With("Content-Type", declared), e, "{}").Refused("UNSUPPORTED_MEDIA_TYPE")
		}
		ask(t, admin.With("Content-Encoding", "gzip"), e, "{}").Refused("UNSUPPORTED_MEDIA_TYPE")
	})
}

func TestAMalformedBodyIsRefused(t *testing.T) {
	t.Parallel()
	endpoints(t, takesBody, func(t *testing.T, e blackbox.Endpoint) {
		admin := fixture.shared.Admin(t)
		for _, body := range []string{
			"", "null", "[]", `"text"`, "{", `{}{}`, `{"surprise":1}`, `{"reason":1,"code":1,"licenses":1,"license_key":1,"name":1,"product":1}`,
			`{"reason":"a","reason":"b"}`, "{\"reason\":\"\xff\"}", `{"reason":"\u0000"}`, strings.Repeat(`{"reason":`, 1000),
		} {
			answer := ask(t, admin, e, body)
			answer.Refused("INVALID_REQUEST")
			require.Equal(t, http.StatusBadRequest, answer.Status)
		}
	})
}

func TestABodyThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	endpoints(t, takesBody, func(t *testing.T, e blackbox.Endpoint) {
		limit := 64 << 10
		switch e.Operation {
		case "issueLicense":
			limit = 1 << 20
		case "issueLicenses":
			limit = 2 << 20
		}
		body := `{"reason":"` + strings.Repeat("x", limit) + `"}`
		answer := ask(t, fixture.shared.Admin(t), e, body)
		answer.Refused("BODY_TOO_LARGE")
		require.Equal(t, http.StatusRequestEntityTooLarge, answer.Status)
	})
}

func TestAnUnknownParameterIsRefused(t *testing.T) {
	t.Parallel()
	endpoints(t, needsAdmin, func(t *testing.T, e blackbox.Endpoint) {
		e.Path += "?stauts=ACTIVE"
		ask(t, fixture.shared.Admin(t), e, "{}").Invalid("stauts")
	})
}

func TestAnIDMustBeAUUID(t *testing.T) {
	t.Parallel()
	hasID := func(e blackbox.Endpoint) bool { return strings.Contains(e.Path, "{id}") }
	endpoints(t, hasID, func(t *testing.T, e blackbox.Endpoint) {
		e.Path = strings.Replace(e.Path, "{id}", "7", 1)
		ask(t, fixture.shared.Admin(t), e, `{}`).Invalid("id")
	})
}

func TestAMethodThatAPathDoesNotHaveIsRefused(t *testing.T) {
	t.Parallel()
	endpoints(t, func(e blackbox.Endpoint) bool { return strings.HasPrefix(e.Path, "/v1/") }, func(t *testing.T, e blackbox.Endpoint) {
		r, err := fixture.shared.Admin(t).Try(t.Context(), http.MethodDelete, at(e), nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusMethodNotAllowed, r.Status)
		require.Contains(t, string(r.Body), `"METHOD_NOT_ALLOWED"`)
		require.Contains(t, r.Header.Get("Allow"), e.Method)
	})
}

func TestAPathThatIsNotThereIsNotFound(t *testing.T) {
	t.Parallel()
	admin := fixture.shared.Admin(t)
	for _, path := range []string{"/v1/customers", "/v2/licenses", "/v1", "/admin", "/v1/licenses/", "/v1//licenses"} {
		admin.Get(path).Refused("NOT_FOUND")
	}
}

func TestAParameterIsGivenOnceAndNotEmpty(t *testing.T) {
	t.Parallel()
	admin := fixture.shared.Admin(t)
	admin.Get("/v1/licenses?status=ACTIVE&status=REVOKED").Invalid("status")
	admin.Get("/v1/licenses?status=").Invalid("status")
	admin.Get("/v1/licenses?q=%zz").Invalid("query")
}

func TestHeadersThatAreTooLargeAreRefusedWithAProblem(t *testing.T) {
	t.Parallel()
	connection, err := net.Dial("tcp", strings.TrimPrefix(fixture.shared.URL(), "http://"))
	require.NoError(t, err)
	defer func() { require.NoError(t, connection.Close()) }()
	_, err = io.WriteString(connection, "GET /v1/products HTTP/1.1\r\nHost: a\r\nX-A: "+strings.Repeat("a", 32<<10)+"\r\n\r\n")
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, response.StatusCode)
	var problem api.Problem
	require.NoError(t, json.NewDecoder(response.Body).Decode(&problem))
	require.Equal(t, api.ProblemCode("HEADERS_TOO_LARGE"), problem.Code)
	fixture.coverage.Saw(string(problem.Code))
}
