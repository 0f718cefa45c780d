package contract_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/contract"
)

func TestEveryMethodOfOpenAPIIsRead(t *testing.T) {
	t.Parallel()
	methods := []string{"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"}
	var text strings.Builder
	text.WriteString("paths:\n  /things/{id}:\n    parameters: [{ name: shared, in: query }]\n")
	for _, method := range methods {
		text.WriteString("    " + strings.ToLower(method) + `:
      operationId: ` + strings.ToLower(method) + `
      x-side: command
      x-access: { permission: license.read }
      security: [{ admin_key: [] }, {}]
      parameters: [{ name: ` + strings.ToLower(method) + `Only, in: query }]
      requestBody: { content: { application/json: {} } }
      x-max-body-bytes: 7
      responses: { '200': { content: { application/x-ndjson: {} } } }
`)
	}
	c, err := contract.Parse([]byte(text.String()))
	require.NoError(t, err)
	require.Len(t, c.Routes(), len(methods))
	for _, method := range methods {
		require.Contains(t, c.Routes(), contract.Route{Method: method, Path: "/things/:id"})
		o, found := c.Operation(method, "/things/:id")
		require.True(t, found, method)
		require.Equal(t, strings.ToLower(method), o.ID)
		require.Equal(t, contract.Either, o.Credential, method)
		require.True(t, o.Body && o.Stream, method)
		require.Equal(t, int64(7), o.MaxBody, method)
		require.True(t, o.HasParameter("shared") && o.HasParameter(o.ID+"Only"), method)
		require.False(t, o.HasParameter("other"), method)
	}
}

func TestAccessIsThatOfTheOperationElseOfTheDocument(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]struct {
		document, operation string
		want                contract.Credential
	}{
		"nothing said":            {"", "", contract.Admin},
		"the document's":          {"security: []\n", "", contract.Open},
		"the document's key":      {"security: [{ admin_key: [] }]\n", "", contract.Admin},
		"the operation's":         {"security: []\n", "security: [{ admin_key: [] }], ", contract.Admin},
		"open":                    {"security: [{ admin_key: [] }]\n", "security: [], ", contract.Open},
		"nothing to be sent":      {"", "security: [{}], ", contract.Open},
		"a key or nothing":        {"", "security: [{}, { admin_key: [] }], ", contract.Either},
		"a key or the same again": {"", "security: [{ admin_key: [] }, { admin_key: [] }], ", contract.Admin},
	} {
		c, err := contract.Parse([]byte(of.document + "paths: { /a: { patch: { " + of.operation +
			"x-side: query, x-access: { public: true }, operationId: a } } }"))
		require.NoError(t, err, name)
		o, found := c.Operation("PATCH", "/a")
		require.True(t, found, name)
		require.Equal(t, of.want, o.Credential, name)
	}
}

func TestAStreamBehindAReferenceIsSeen(t *testing.T) {
	t.Parallel()
	c, err := contract.Parse([]byte(`
paths: { /a: { get: { x-side: query, x-access: { public: true }, operationId: a,
    responses: { '200': { $ref: '#/components/responses/Lines' } } } } }
components: { responses: { Lines: { content: { application/x-ndjson: {} } } } }`))
	require.NoError(t, err)
	o, _ := c.Operation("GET", "/a")
	require.True(t, o.Stream)
}

func TestWhatTheServerCannotEnforceIsRefused(t *testing.T) {
	t.Parallel()
	path := func(members string) string { return "paths: { /a: { " + members + " } }" }
	get := func(members string) string {
		return path("get: { x-side: query, x-access: { public: true }, operationId: a, " + members + " }")
	}
	for name, text := range map[string]string{
		"a method of a later OpenAPI":    path("query: { x-side: query, x-access: { public: true }, operationId: a }"),
		"a method in capitals":           path("DELETE: { x-side: query, x-access: { public: true }, operationId: a }"),
		"a method that does not exist":   path("purge: { x-side: query, x-access: { public: true }, operationId: a }"),
		"a path elsewhere":               path("$ref: other.yaml"),
		"a path on another server":       path("servers: [{ url: / }]"),
		"an unknown extension of a path": path("x-limit: 7"),
		"no operationId":                 path("get: { responses: {} }"),
		"two of one operationId": path("get: { x-side: query, x-access: { public: true }, operationId: a }, " +
			"put: { x-side: query, x-access: { public: true }, operationId: a }"),
		"a parameter within a segment":  "paths: { '/a/{id}.json': {} }",
		"a pattern of the router":       "paths: { '/a/:id': {} }",
		"a wildcard of the router":      "paths: { '/a/*': {} }",
		"a path without a root":         "paths: { a: {} }",
		"a misspelled member":           get("securty: []"),
		"a misspelled limit":            get("x-max-body-byte: 7"),
		"callbacks":                     get("callbacks: {}"),
		"another server":                get("servers: [{ url: / }]"),
		"another credential":            get("security: [{ cookie: [] }]"),
		"two credentials at once":       get("security: [{ admin_key: [], other: [] }]"),
		"a scope":                       get("security: [{ admin_key: [read] }]"),
		"a default that is unknown":     "security: [{ other: [] }]\n" + get("responses: {}"),
		"another scheme":                "components: { securitySchemes: { other: { type: http, scheme: bearer } } }",
		"a key elsewhere":               "components: { securitySchemes: { admin_key: { type: apiKey, in: header, name: X-Key } } }",
		"a body of another type":        get("requestBody: { content: { text/plain: {} } }"),
		"a body of two types":           get("requestBody: { content: { application/json: {}, text/plain: {} } }"),
		"a body elsewhere":              get("requestBody: { $ref: '#/components/requestBodies/A' }"),
		"a limit without a body":        get("x-max-body-bytes: 7"),
		"a limit of nothing":            get("requestBody: { content: { application/json: {} } }, x-max-body-bytes: 0"),
		"a parameter in a cookie":       get("parameters: [{ name: a, in: cookie }]"),
		"a parameter of nowhere":        get("parameters: [{ name: a }]"),
		"a parameter without a name":    get("parameters: [{ in: query }]"),
		"a parameter elsewhere":         get("parameters: [{ $ref: 'other.yaml#/a' }]"),
		"a deprecation without dates":   get("deprecated: true"),
		"dates without a deprecation":   get("x-deprecation: { since: 2026-01-01, sunset: 2027-01-01, successor: /a }"),
		"a deprecation that is no date": get("deprecated: true, x-deprecation: { since: soon, sunset: 2027-01-01, successor: /a }"),
		"a sunset that is no date":      get("deprecated: true, x-deprecation: { since: 2026-01-01, sunset: later, successor: /a }"),
		"a sunset too soon":             get("deprecated: true, x-deprecation: { since: 2026-01-01, sunset: 2026-12-31, successor: /a }"),
		"a successor that is not there": get("deprecated: true, x-deprecation: { since: 2026-01-01, sunset: 2027-01-01, successor: /b }"),
		"no word on access":             path("get: { operationId: b, x-side: query }"),
		"a permission that nobody has":  path("get: { operationId: a, x-side: query, x-access: { permission: license.forge } }"),
		"a permission beside public":    path("get: { operationId: a, x-side: query, x-access: { public: true, permission: license.read } }"),
		"not public and no permission":  path("get: { operationId: a, x-side: query, x-access: { public: false } }"),
		"no word on the side":           path("get: { operationId: a, x-access: { public: true } }"),
		"a side that does not exist":    path("get: { operationId: a, x-side: both, x-access: { public: true } }"),
		"an answer elsewhere":           get("responses: { '200': { $ref: '#/components/responses/Nothing' } }"),
	} {
		_, err := contract.Parse([]byte(text))
		require.Error(t, err, name)
	}
	_, err := contract.Parse([]byte(get("responses: {}, tags: [a], summary: a, description: a, externalDocs: {}, x-go-name: A")))
	require.NoError(t, err, "what is for readers and for the generator needs no enforcing")
}
