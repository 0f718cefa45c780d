package httpapi_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi"
	"github.com/licenseledger/licenseledger/httpapi/api"
)

const nobody = "018f6b0e-0d3c-7cc0-9d5b-2f6d3f6a9a11"

func TestMalformedRequestsNameTheirFields(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	s := w.sell(nil)
	license := "/v1/licenses/" + s.license.ID.String()
	for name, request := range map[string]struct {
		method, path string
		body         any
		headers      []header
		fields       []string
	}{
		"no body":           {"POST", "/v1/products", "", nil, []string{"body"}},
		"not JSON":          {"POST", "/v1/products", `{"code":`, nil, []string{"body"}},
		"an unknown member": {"POST", "/v1/products", `{"code":"aa","name":"A","colour":"red"}`, nil, []string{"colour"}},
		"missing members":   {"POST", "/v1/licenses", `{"customer":{"name":"A"}}`, nil, []string{"customer.email", "plan", "product"}},
		"wrong types": {"POST", "/v1/licenses/batch", `{"licenses":[{"product":1,"plan":"p","customer":{"name":"A","email":true}}]}`,
			nil, []string{"licenses[0].product", "licenses[0].customer.email"}},
		"a wrong time":   {"POST", license + "/renew", `{"reason":"r","expires_at":"tomorrow"}`, nil, []string{"expires_at"}},
		"out of range":   {"POST", "/v1/products", `{"code":"A","name":"A","offline_days":0}`, nil, []string{"code", "offline_days"}},
		"a blank reason": {"POST", license + "/suspend", `{"reason":" "}`, nil, []string{"reason"}},
		"a reason too long": {"POST", "/v1/products/" + s.product.ID.String() + "/rotate-key", because(strings.Repeat("x", 501)), nil,
			[]string{"reason"}},
		"no machine": {"POST", "/v1/activations", map[string]any{"license_key": s.license.Key, "machine": map[string]any{}}, nil,
			[]string{"machine"}},
		"unknown components": {"POST", "/v1/activations", map[string]any{"license_key": s.license.Key,
			"machine": map[string]any{"components": map[string]any{"soul": "x"}}}, nil, []string{"machine.components.soul"}},
		"a component list": {"POST", "/v1/activations", map[string]any{"license_key": s.license.Key,
			"machine": map[string]any{"components": map[string]any{"mac": 7}}}, nil, []string{"machine.components.mac"}},
		"an empty nonce":      {"POST", "/v1/validate", map[string]any{"license_key": s.license.Key, "nonce": ""}, nil, []string{"nonce"}},
		"not a UUID":          {"GET", "/v1/licenses/first", nil, nil, []string{"id"}},
		"not a projection":    {"GET", "/v1/licenses", nil, []header{{"Ledger-Position", "soon"}}, []string{"Ledger-Position"}},
		"a negative position": {"GET", "/v1/ledger/events", nil, []header{{"Ledger-Position", "-1"}}, []string{"Ledger-Position"}},
		"an unknown filter":   {"GET", "/v1/licenses?colour=red&stat=x", nil, nil, []string{"colour", "stat"}},
		"a repeated filter":   {"GET", "/v1/licenses?status=ACTIVE&status=REVOKED", nil, nil, []string{"status"}},
		"an empty filter":     {"GET", "/v1/licenses?status=", nil, nil, []string{"status"}},
		"an unknown status":   {"GET", "/v1/licenses?status=GONE&sort=colour", nil, nil, []string{"sort", "status"}},
		"a parameter of POST": {"POST", "/v1/products?dry=1", `{}`, nil, []string{"dry"}},
		"a wrong limit":       {"GET", "/v1/licenses?limit=201", nil, nil, []string{"limit"}},
		"a limit in words":    {"GET", "/v1/licenses?limit=ten", nil, nil, []string{"limit"}},
		"a foreign cursor":    {"GET", "/v1/licenses?cursor=abc", nil, nil, []string{"cursor"}},
		"too many words":      {"GET", "/v1/licenses?q=a+b+c+d+e+f+g+h+i", nil, nil, []string{"q"}},
		"a wrong event limit": {"GET", "/v1/ledger/events?limit=1001", nil, nil, []string{"limit"}},
		"following a page":    {"GET", "/v1/ledger/events?follow=true", nil, nil, []string{"follow"}},
		"a long key": {"POST", "/v1/products", `{"code":"aa","name":"A"}`, []header{{"Idempotency-Key", strings.Repeat("k", 256)}},
			[]string{"Idempotency-Key"}},
		"a key with a tab": {"POST", "/v1/products", `{"code":"aa","name":"A"}`, []header{{"Idempotency-Key", "a\tb"}},
			[]string{"Idempotency-Key"}},
		"a bare revision": {"POST", "/v1/products", `{"code":"aa","name":"A"}`, []header{{"If-Match", "7"}}, []string{"If-Match"}},
		"half a tag":      {"POST", "/v1/products", `{"code":"aa","name":"A"}`, []header{{"If-Match", `"7", "8`}}, []string{"If-Match"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problem := w.admin(request.method, request.path, request.body, request.headers...).refused(400, api.ProblemCodeINVALIDREQUEST)
			var fields []string
			for _, e := range problem.Errors {
				require.NotEmpty(t, e.Message)
				fields = append(fields, e.Field)
			}
			require.Equal(t, request.fields, fields)
		})
	}
}

func TestRulesRefuseWithTheirCode(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	s := w.sell(map[string]any{"max_machines": 1, "max_rebinds": 0})
	license := "/v1/licenses/" + s.license.ID.String()
	activate := func(machine map[string]any) answer {
		return w.ask("POST", "/v1/activations", map[string]any{"license_key": s.license.Key, "machine": machine})
	}
	w.admin("POST", "/v1/products", map[string]any{"code": "cad-suite", "name": "Again"}).refused(409, api.ProblemCodePRODUCTCODETAKEN)
	w.admin("POST", "/v1/products/"+s.product.ID.String()+"/plans",
		map[string]any{"code": "team", "name": "T", "type": "TRIAL", "max_machines": 1}).
		refused(409, api.ProblemCodePLANCODETAKEN)
	w.admin("POST", "/v1/products/"+nobody+"/rotate-key", because("r")).refused(404, api.ProblemCodeNOTFOUND)
	w.admin("GET", "/v1/products/"+nobody, nil).refused(404, api.ProblemCodeNOTFOUND)
	w.ask("GET", "/v1/products/"+nobody+"/jwks.json", nil).refused(404, api.ProblemCodeNOTFOUND)
	w.admin("PUT", "/v1/plans/"+nobody, map[string]any{"name": "T", "type": "TRIAL", "max_machines": 1}).refused(404, api.ProblemCodeNOTFOUND)
	w.admin("GET", "/v1/plans/"+nobody, nil).refused(404, api.ProblemCodeNOTFOUND)
	for _, path := range []string{"", "/history", "/machines"} {
		w.admin("GET", "/v1/licenses/"+nobody+path, nil).refused(404, api.ProblemCodeLICENSENOTFOUND)
	}
	w.admin("POST", "/v1/licenses/"+nobody+"/suspend", because("r")).refused(404, api.ProblemCodeLICENSENOTFOUND)
	w.admin("POST", "/v1/activations/"+nobody+"/deactivate", because("r")).refused(404, api.ProblemCodeNOTFOUND)
	w.admin("POST", license+"/activations/"+nobody+"/deactivate", because("r")).refused(404, api.ProblemCodeNOTFOUND)
	w.admin("POST", license+"/bindings/"+nobody+"/rebind", map[string]any{"reason": "r", "machine": laptop("x")}).refused(404,
		api.ProblemCodeNOTFOUND)
	w.admin("POST", "/v1/bindings/"+nobody+"/rebind", map[string]any{"reason": "r", "machine": laptop("x")}).refused(404,
		api.ProblemCodeNOTFOUND)
	w.admin("POST", license+"/suspend", because("r"), header{"If-Match", `"9"`}).refused(412, api.ProblemCodePRECONDITIONFAILED)
	w.admin("POST", license+"/reinstate", because("r")).refused(422, api.ProblemCodeINVALIDTRANSITION)

	held := read[api.Activation](activate(laptop("one")).is(201))
	activate(laptop("two")).refused(422, api.ProblemCodeSEATLIMITREACHED)
	w.ask("POST", "/v1/activations/"+held.ActivationID.String()+"/heartbeat",
		map[string]any{"license_key": s.license.Key, "machine": laptop("two")}).
		refused(422, api.ProblemCodeFINGERPRINTMISMATCH)
	rebind := map[string]any{"license_key": s.license.Key, "machine": laptop("one"), "reason": "r"}
	w.ask("POST", "/v1/bindings/"+held.BindingID.String()+"/rebind", rebind).refused(422, api.ProblemCodeMACHINEALREADYBOUND)
	rebind["machine"] = laptop("two")
	w.ask("POST", "/v1/bindings/"+held.BindingID.String()+"/rebind", rebind).refused(422, api.ProblemCodeREBINDLIMITREACHED)
	w.ask("POST", "/v1/activations", map[string]any{"license_key": "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA", "machine": laptop("x")}).
		refused(422, api.ProblemCodeLICENSEKEYINVALID)

	w.admin("POST", license+"/suspend", because("r")).is(200)
	activate(laptop("one")).refused(422, api.ProblemCodeLICENSESUSPENDED)
	w.admin("POST", license+"/reinstate", because("r")).is(200)
	w.pass(31 * 24 * time.Hour)
	activate(laptop("one")).refused(422, api.ProblemCodeLICENSEEXPIRED)
	w.admin("POST", license+"/revoke", because("r")).is(200)
	activate(laptop("one")).refused(422, api.ProblemCodeLICENSEREVOKED)
	w.admin("POST", "/v1/projections/nothing/rebuild", nil).refused(404, api.ProblemCodeNOTFOUND)
}

func TestCredentialsAreAskedForAsTheContractSays(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	wrong := header{"Authorization", "Bearer not-the-key"}
	for _, a := range []answer{
		w.ask("GET", "/v1/products", nil),
		w.ask("GET", "/v1/products", nil, wrong),
		w.ask("GET", "/v1/products", nil, header{"Authorization", adminKey}),
		w.ask("GET", "/v1/products", nil, header{"Authorization", "Basic " + adminKey}),
		w.ask("POST", "/v1/licenses", order()),
		w.ask("GET", "/v1/ledger/events", nil),
		w.ask("POST", "/v1/projections/licenses/rebuild", nil),
		w.ask("POST", "/v1/activations/"+nobody+"/deactivate", because("r")),
		w.ask("POST", "/v1/activations/"+nobody+"/deactivate", because("r"), wrong),
	} {
		a.refused(401, api.ProblemCodeUNAUTHENTICATED)
		require.Equal(t, `Bearer realm="licenseledger"`, a.header.Get("WWW-Authenticate"))
	}
	w.ask("GET", "/v1/products", nil, header{"Authorization", "bearer " + adminKey}).is(200)
	require.NotContains(t, w.log.text(), adminKey)
}

func TestWhatIsNotServedIsAProblem(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.ask("GET", "/v2/products", nil).refused(404, api.ProblemCodeNOTFOUND)
	w.ask("GET", "/", nil).refused(404, api.ProblemCodeNOTFOUND)
	wrong := w.admin("DELETE", "/v1/products", nil)
	wrong.refused(405, api.ProblemCodeMETHODNOTALLOWED)
	require.Equal(t, "OPTIONS, GET, POST", wrong.header.Get("Allow"))
	options := w.ask("OPTIONS", "/v1/products", nil).is(204)
	require.Equal(t, "OPTIONS, GET, POST", options.header.Get("Allow"))
	head := w.admin("HEAD", "/v1/products", nil).is(200)
	require.Empty(t, head.body)
	require.Empty(t, w.ask("HEAD", "/v1/products", nil).is(401).body)
}

func TestTheDocumentationPagesCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	w := newFixture(t, func(c *httpapi.Config) { c.WithoutDocs = true })
	for _, path := range []string{"/docs", "/redoc", "/docs/start.js", "/redoc/redoc.standalone.js"} {
		w.ask("GET", path, nil).refused(404, api.ProblemCodeNOTFOUND)
	}
	w.ask("GET", "/openapi.json", nil).is(200)
}

func TestBodiesAreJSONOfBoundedSize(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	product := map[string]any{"code": "aa", "name": "A"}
	for _, declared := range []string{"text/plain", "application/xml", "application/json; charset=latin1", "", "multipart/form-data"} {
		w.admin("POST", "/v1/products", product, header{"Content-Type", declared}).refused(415, api.ProblemCodeUNSUPPORTEDMEDIATYPE)
	}
	w.admin("POST", "/v1/products", product, header{"Content-Encoding", "gzip"}).refused(415, api.ProblemCodeUNSUPPORTEDMEDIATYPE)
	w.admin("POST", "/v1/products", `{"code":"aa","name":"`+strings.Repeat("x", 64<<10)+`"}`).refused(413, api.ProblemCodeBODYTOOLARGE)
	w.admin("POST", "/v1/licenses/batch", `{"licenses":["`+strings.Repeat("x", 64<<10)+`"]}`).refused(400, api.ProblemCodeINVALIDREQUEST)
	w.admin("POST", "/v1/licenses/batch", `{"licenses":["`+strings.Repeat("x", 2<<20)+`"]}`).refused(413, api.ProblemCodeBODYTOOLARGE)
	w.admin("POST", "/v1/products", product, header{"Content-Type", "application/json; charset=UTF-8"}).is(201)
}

func TestABodyOfUndeclaredLengthIsBoundedToo(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	connection, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	require.NoError(t, err)
	defer func() { require.NoError(t, connection.Close()) }()
	chunk := strings.Repeat("x", 0x10000)
	_, err = connection.Write([]byte("POST /v1/products HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + adminKey +
		"\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n" + chunk + "\r\n10000\r\n" + chunk + "\r\n0\r\n\r\n"))
	require.NoError(t, err)
	reply := make([]byte, 64)
	_, err = connection.Read(reply)
	require.NoError(t, err)
	require.Contains(t, string(reply), " 413 ")
}

func TestAQueryWaitsForTheLedgerPositionAndGivesUpInTime(t *testing.T) {
	t.Parallel()
	w := newFixture(t, func(c *httpapi.Config) { c.WaitTimeout = 50 * time.Millisecond })
	future := header{"Ledger-Position", "999"}
	for _, path := range []string{"/v1/products", "/v1/plans", "/v1/licenses", "/v1/licenses/" + nobody, "/v1/licenses/" + nobody + "/history",
		"/v1/licenses/" + nobody + "/machines", "/v1/products/" + nobody, "/v1/products/" + nobody + "/jwks.json", "/v1/plans/" +
			nobody, "/v1/ledger/events"} {
		behind := w.admin("GET", path, nil, future)
		behind.refused(503, api.ProblemCodePROJECTIONBEHIND)
		require.Equal(t, "1", behind.header.Get("Retry-After"))
	}
}

func TestAClosedLedgerIsUnavailable(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	require.NoError(t, w.projections.Close())
	require.NoError(t, w.ledger.Close())
	down := w.admin("POST", "/v1/products", map[string]any{"code": "aa", "name": "A"})
	down.refused(503, api.ProblemCodeUNAVAILABLE)
	require.Equal(t, "5", down.header.Get("Retry-After"))
	w.admin("POST", "/v1/projections/licenses/rebuild", nil).refused(503, api.ProblemCodeUNAVAILABLE)
}

func TestARequestThatTakesTooLongIsATimeout(t *testing.T) {
	t.Parallel()
	w := newFixture(t, func(c *httpapi.Config) { c.Timeout = time.Nanosecond })
	slow := w.admin("GET", "/v1/products", nil)
	slow.refused(503, api.ProblemCodeTIMEOUT)
	require.Equal(t, "1", slow.header.Get("Retry-After"))
}

func TestAPanicIsAnInternalProblemWithoutDetail(t *testing.T) {
	t.Parallel()
	w := newFixture(t, func(c *httpapi.Config) { c.Commands = nil })
	problem := w.admin("POST", "/v1/products", map[string]any{"code": "aa", "name": "A"}, header{"X-Request-Id", "find-me"}).
		refused(500, api.ProblemCodeINTERNAL)
	require.Nil(t, problem.Detail)
	require.Equal(t, "find-me", problem.CorrelationID)
	require.Contains(t, w.log.text(), `"correlation":"find-me"`)
	require.Contains(t, w.log.text(), "nil pointer dereference")
	w.ask("GET", "/healthz/live", nil).is(200)
}

func TestAnIDFromTheClientComesBackAndGoesIntoTheLedger(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	made := w.admin("POST", "/v1/products", map[string]any{"code": "aa", "name": "A"}, header{"X-Request-Id", "order-4711"}).is(201)
	require.Equal(t, "order-4711", made.header.Get("X-Request-Id"))
	page := read[api.LedgerPage](w.admin("GET", "/v1/ledger/events", nil).is(200))
	require.Equal(t, "order-4711", page.Items[0].CorrelationID)
	unfit := w.admin("GET", "/v1/products", nil, header{"X-Request-Id", "no blanks allowed"}).is(200)
	_, err := uuid.Parse(unfit.header.Get("X-Request-Id"))
	require.NoError(t, err)
}

func TestAnAdminKeyIsRequired(t *testing.T) {
	t.Parallel()
	_, err := httpapi.New(httpapi.Config{})
	require.ErrorContains(t, err, "admin key")
}
