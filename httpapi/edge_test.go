package httpapi_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/problem"
)

// listening serves the API of a fixture as the program does, on a connection of its own.
func (w *fixture) listening(readTimeout time.Duration) string {
	w.t.Helper()
	server := httptest.NewUnstartedServer(w.handler)
	reporter := problem.Reporter{Log: slog.New(slog.NewJSONHandler(w.log, nil))}
	server.Listener = reporter.Listener(server.Listener, func() string { return "made" })
	server.Config.ReadTimeout, server.Config.MaxHeaderBytes = readTimeout, 16<<10
	server.Start()
	w.t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// raw sends bytes and returns the problem that they are answered with.
func raw(t *testing.T, address, sent string) (*http.Response, api.Problem) {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer func() { _ = connection.Close() }()
	require.NoError(t, connection.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = io.WriteString(connection, sent)
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	var document api.Problem
	require.NoError(t, json.NewDecoder(response.Body).Decode(&document))
	require.Equal(t, "application/problem+json", response.Header.Get("Content-Type"))
	require.Equal(t, response.StatusCode, document.Status)
	require.Equal(t, response.Header.Get("X-Request-Id"), document.CorrelationID)
	require.NotEmpty(t, document.Hint)
	return response, document
}

func TestWhatIsNotHTTPIsRefusedWithAProblem(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	address := w.listening(time.Minute)
	for name, c := range map[string]struct {
		sent   string
		status int
		code   api.ProblemCode
		field  string
	}{
		"not HTTP":                {"hello\r\n\r\n", 400, "INVALID_REQUEST", "request"},
		"another version":         {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 400, "INVALID_REQUEST", "request"},
		"no host":                 {"GET /v1/products HTTP/1.1\r\n\r\n", 400, "INVALID_REQUEST", "request"},
		"a header without a name": {"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400, "INVALID_REQUEST", "request"},
		"NUL in a header":         {"GET / HTTP/1.1\r\nHost: a\r\nX-A: a\x00b\r\n\r\n", 400, "INVALID_REQUEST", "request"},
		"a bad escape in a path":  {"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400, "INVALID_REQUEST", "request"},
		"an unknown coding":       {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: br\r\n\r\n", 400, "INVALID_REQUEST", "Transfer-Encoding"},
		"two lengths": {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "INVALID_REQUEST",
			"request"},
		"long headers": {"GET / HTTP/1.1\r\nHost: a\r\nX-A: " + strings.Repeat("a", 32<<10) + "\r\n\r\n", 431, "HEADERS_TOO_LARGE", ""},
		"a long line":  {"GET /" + strings.Repeat("a", 32<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n", 431, "HEADERS_TOO_LARGE", ""},
	} {
		response, document := raw(t, address, c.sent)
		require.Equal(t, c.status, response.StatusCode, name)
		require.Equal(t, c.code, document.Code, name)
		require.True(t, response.Close, name)
		if c.field != "" {
			require.Len(t, document.Errors, 1, name)
			require.Equal(t, c.field, document.Errors[0].Field, name)
		}
	}
}

func TestABodyThatDoesNotArriveIsTheClientsFault(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	address := w.listening(300 * time.Millisecond)
	head := "POST /v1/products HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nAuthorization: Bearer " + adminKey + "\r\n"
	response, document := raw(t, address, head+"Content-Length: 100\r\n\r\n{\"code\":")
	require.Equal(t, http.StatusRequestTimeout, response.StatusCode)
	require.Equal(t, api.ProblemCode("REQUEST_TIMEOUT"), document.Code)
	require.True(t, response.Close)
	response, document = raw(t, address, head+"Transfer-Encoding: chunked\r\n\r\nten\r\n{}\r\n0\r\n\r\n")
	require.Equal(t, http.StatusBadRequest, response.StatusCode)
	require.Equal(t, "body", document.Errors[0].Field)
	require.NotContains(t, w.log.text(), `"level":"ERROR"`)
	require.NotContains(t, w.log.text(), `"level":"WARN"`)
}

func TestWhatIsNotTextIsRefused(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	cursor := base64.RawURLEncoding.EncodeToString([]byte(`{"o":"licenses customer_name ASC","k":"\u0000","r":1}`))
	for _, c := range []struct {
		path, field string
		headers     []header
	}{
		{"/v1/licenses?q=%00", "q", nil},
		{"/v1/licenses?q=ada%FF", "q", nil},
		{"/v1/licenses?customer=%C3", "customer", nil},
		{"/v1/licenses?product=a%00", "product", nil},
		{"/v1/plans?product=%ED%A0%80", "product", nil},
		{"/v1/ledger/events?stream=license-%00", "stream", nil},
		{"/v1/licenses?%00=1", "query", nil},
		{"/v1/licenses/%00", "path", nil},
		{"/v1/licenses/%FF", "path", nil},
		{"/v1/licenses?sort=customer_name&cursor=" + cursor, "cursor", nil},
		{"/v1/products", "X-Request-Id", []header{{"X-Request-Id", "a\xff"}}},
		{"/v1/products", "Ledger-Position", []header{{"Ledger-Position", "\xff"}}},
	} {
		document := w.admin("GET", c.path, nil, c.headers...).refused(400, api.ProblemCodeINVALIDREQUEST)
		require.Len(t, document.Errors, 1, c.path)
		require.Equal(t, c.field, document.Errors[0].Field, c.path)
		_, err := url.Parse(*document.Instance)
		require.NoError(t, err, "the instance is a reference")
	}
	w.admin("GET", "/v1/products", nil, header{"X-Forwarded-User", "Zo\xeb"}).is(200) // the API does not read it
}

func TestASearchWithoutAWordIsRefused(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	for _, q := range []string{"%", "(", " ", "\t", "🚀", "- _", "\u3000", "\u200b"} {
		for _, more := range []string{"", "&product=nothing", "&status=ACTIVE&sort=status"} {
			document := w.admin("GET", "/v1/licenses?q="+url.QueryEscape(q)+more, nil).refused(400, api.ProblemCodeINVALIDREQUEST)
			require.Equal(t, "q", document.Errors[0].Field, "%q", q)
		}
	}
	w.admin("GET", "/v1/licenses?customer=+", nil).refused(400, api.ProblemCodeINVALIDREQUEST)
}

func TestEncodedUnreservedLettersAreTheLettersThemselves(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	s := w.sell(nil)
	id := s.license.ID.String()
	for path, status := range map[string]int{
		"/v1/%70roducts": 200, "/v1/licenses/" + strings.ReplaceAll(id, "-", "%2D"): 200, "/v1%2Fproducts": 404,
		"/v1/licenses/" + id + "%2F": 400,
	} {
		request := httptest.NewRequest("GET", path, nil)
		request.Header.Set("Authorization", "Bearer "+adminKey)
		request.Header.Set("Ledger-Position", s.issued.at().value)
		recorder := httptest.NewRecorder()
		w.handler.ServeHTTP(recorder, request)
		require.Equal(t, status, recorder.Code, path)
	}
}

func TestAQuestionThatIsEmptyIsNotTakenForNone(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	s := w.sell(map[string]any{"features": map[string]any{"export": true, "trials": 0, "edition": "", "render": false}})
	ask := func(question map[string]any) answer {
		question["license_key"] = s.license.Key
		return w.ask("POST", "/v1/validate", question)
	}
	for field, question := range map[string]map[string]any{
		"product": {"product": ""}, "entitlements": {"entitlements": []string{}}, "entitlements[1]": {"entitlements": []string{"export", ""}},
		"entitlements[0]": {"entitlements": []string{strings.Repeat("x", 65)}}, "nonce": {"nonce": ""},
	} {
		document := ask(question).refused(400, api.ProblemCodeINVALIDREQUEST)
		require.Equal(t, field, document.Errors[0].Field)
	}
	for name, code := range map[string]api.VerdictCode{
		"export": "VALID", "trials": "ENTITLEMENT_MISSING", "edition": "ENTITLEMENT_MISSING", "render": "ENTITLEMENT_MISSING",
		"other": "ENTITLEMENT_MISSING", "not a name": "ENTITLEMENT_MISSING",
	} {
		require.Equal(t, code, read[api.Verdict](ask(map[string]any{"entitlements": []string{name}}).is(200)).Code, name)
	}
	require.True(t, read[api.Verdict](ask(map[string]any{"product": nil, "entitlements": nil}).is(200)).Valid)
	w.admin("POST", "/v1/activations/"+nobody+"/deactivate", map[string]any{"license_key": "", "reason": "r"}).
		refused(422, "LICENSE_KEY_INVALID")
}

func TestAValueThatIsEmptyIsNotTakenForTheDefault(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.admin("POST", "/v1/products", `{"code":"aa","name":"A","signing_algorithm":""}`).refused(400, api.ProblemCodeINVALIDREQUEST)
	s := w.sell(nil)
	for field, value := range map[string]any{
		"rebind_window_days": 0, "validity_starts": "", "fingerprint_match": "", "price_minor": 1, "currency": "EUR",
		"features": map[string]any{"x": nil},
	} {
		terms := map[string]any{"name": "T", "type": "TRIAL", "max_machines": 1, field: value}
		problem := w.admin("PUT", "/v1/plans/"+s.plan.ID.String(), terms).refused(400, api.ProblemCodeINVALIDREQUEST)
		require.Len(t, problem.Errors, 1, field)
	}
}

func TestAsMuchMetadataAsIsDocumentedFitsIntoARequest(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.sell(nil)
	metadata := map[string]any{}
	for i := range 64 {
		metadata[strings.Repeat("k", 62)+strconv.Itoa(10+i)] = strings.Repeat("🚀", 1024)
	}
	full := order()
	full["metadata"] = metadata
	body, err := json.Marshal(full)
	require.NoError(t, err)
	escaped := strings.ReplaceAll(string(body), "🚀", `\ud83d\ude80`)
	issued := w.admin("POST", "/v1/licenses", escaped).is(201)
	require.Equal(t, strings.Repeat("🚀", 1024), read[api.License](issued).Metadata[strings.Repeat("k", 62)+"10"])
	metadata["one more"] = "x"
	w.admin("POST", "/v1/licenses", full).refused(400, api.ProblemCodeINVALIDREQUEST)
}

func TestACursorBelongsToTheFiltersItWasTakenWith(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	s := w.sell(nil)
	w.admin("POST", "/v1/licenses", order()).is(201)
	last := w.admin("POST", "/v1/licenses", order()).is(201)
	cursor := func(path string) string {
		return *read[api.LicensePage](w.admin("GET", path, nil, last.at()).is(200)).NextCursor
	}
	filtered := cursor("/v1/licenses?limit=1&status=ACTIVE")
	w.admin("GET", "/v1/licenses?limit=2&status=ACTIVE&cursor="+filtered, nil).is(200)
	for _, other := range []string{
		"?", "?status=EXPIRED&", "?status=ACTIVE&product=cad-suite&", "?status=ACTIVE&q=ada&", "?status=ACTIVE&sort=issued_at&",
	} {
		w.admin("GET", "/v1/licenses"+other+"cursor="+filtered, nil).refused(400, api.ProblemCodeINVALIDREQUEST)
	}
	w.admin("GET", "/v1/licenses?customer=Ada+Lovelace&cursor="+cursor("/v1/licenses?limit=1"), nil).
		refused(400, api.ProblemCodeINVALIDREQUEST)
	path := "/v1/licenses/" + s.license.ID.String()
	w.admin("POST", path+"/suspend", because("r")).is(200)
	changed := w.admin("POST", path+"/reinstate", because("r")).is(200)
	history := read[api.HistoryPage](w.admin("GET", path+"/history?limit=1", nil, changed.at()).is(200))
	w.admin("GET", path+"/history?cursor="+*history.NextCursor, nil).is(200)
	another := "/v1/licenses/" + read[api.IssuedLicense](last).ID.String()
	w.admin("GET", another+"/history?cursor="+*history.NextCursor, nil).refused(400, api.ProblemCodeINVALIDREQUEST)
}

func TestIfMatchTakesAListOfTags(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	s := w.sell(nil)
	path := "/v1/licenses/" + s.license.ID.String()
	for _, tags := range []string{`"9"`, `W/"1"`, `"x"`, `"8", "9"`} {
		w.admin("POST", path+"/suspend", because("r"), header{"If-Match", tags}).refused(412, api.ProblemCodePRECONDITIONFAILED)
	}
	w.admin("POST", path+"/suspend", because("r"), header{"If-Match", `"9", "1"`}).is(200)
	w.admin("POST", path+"/reinstate", because("r"), header{"If-Match", `*`}).is(200)
}

func TestAStreamIsSentOnlyIfItIsWantedMost(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	for accept, want := range map[string]string{
		"application/x-ndjson": "application/x-ndjson", "application/json": "application/json", "*/*": "application/json", "": "application/json",
		"application/x-ndjson;q=0": "application/json", "application/x-ndjson; q=0.5, application/json": "application/json",
		"application/json;q=0.5, Application/X-NDJSON": "application/x-ndjson", "application/x-ndjson, */*;q=0.1": "application/x-ndjson",
		"application/x-ndjsonx": "application/json", "application/x-ndjson;q=2, text/html": "application/json",
	} {
		got := w.admin("GET", "/v1/ledger/events", nil, header{"Accept", accept}).is(200)
		require.Equal(t, want, got.header.Get("Content-Type"), accept)
	}
}

func TestInvisibleCharactersAreRefusedInNamesAddressesAndReasons(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	s := w.sell(nil)
	for _, bad := range []string{"a\u202eb", "a\u200bb", "a\x07b", "\ufeffa"} {
		customer := order()
		customer["customer"] = map[string]any{"name": bad, "email": "ada@example.com"}
		for field, a := range map[string]answer{
			"customer.name": w.admin("POST", "/v1/licenses", customer),
			"name":          w.admin("POST", "/v1/products", map[string]any{"code": "aa", "name": bad}),
			"reason":        w.admin("POST", "/v1/licenses/"+s.license.ID.String()+"/suspend", because(bad)),
		} {
			require.Equal(t, field, a.refused(400, api.ProblemCodeINVALIDREQUEST).Errors[0].Field, "%q", bad)
		}
	}
	w.admin("POST", "/v1/licenses/"+s.license.ID.String()+"/suspend", because("two\nlines")).is(200)
}

func TestAPlanRevisedToTheSameTermsHasNoNewRevision(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	s := w.sell(map[string]any{"features": map[string]any{"seats": 5, "export": true}, "price_minor": 1, "currency": "EUR"})
	terms := map[string]any{"name": "Team", "type": "STANDARD", "max_machines": 2, "validity_days": 30, "price_minor": 1, "currency": "EUR",
		"features": map[string]any{"export": true, "seats": 5.0}, "validity_starts": "ISSUE", "rebind_window_days": 365}
	put := func() api.Plan { return read[api.Plan](w.admin("PUT", "/v1/plans/"+s.plan.ID.String(), terms).is(200)) }
	require.Equal(t, s.plan, put())
	delete(terms, "validity_days")
	changed := put()
	require.Equal(t, s.plan.Revision+1, changed.Revision)
	require.Nil(t, changed.ValidityDays, "a member that is left out takes its default")
	require.Equal(t, changed, put())
}
