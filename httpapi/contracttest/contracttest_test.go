package contracttest_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/contracttest"
)

func checker(t *testing.T) *contracttest.Checker {
	t.Helper()
	document, err := os.ReadFile("../openapi.yaml")
	require.NoError(t, err)
	c, err := contracttest.New(document)
	require.NoError(t, err)
	return c
}

func TestTheDocumentsExamplesKeepToItsSchemas(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromFile("../openapi.yaml")
	require.NoError(t, err)
	require.NoError(t, doc.Validate(t.Context()))
}

func TestWhatIsNotDocumentedIsReported(t *testing.T) {
	t.Parallel()
	const seats = `"seats":{"used":0,"limit":1}`
	const ids = `"activation_id":"018f6b0e-0d3c-7cc0-9d5b-2f6d3f6a9a11","license_id":"018f6b0e-0d3c-7cc0-9d5b-2f6d3f6a9a11"`
	const sent = `{"reason":"moving"}`
	for name, exchange := range map[string]struct {
		path, sent string
		status     int
		headers    map[string]string
		received   string
		wrong      string // empty: nothing
	}{
		"as documented":        {status: 200, received: `{` + ids + `,` + seats + `}`},
		"an unknown member":    {status: 200, received: `{` + ids + `,` + seats + `,"extra":1}`, wrong: "extra"},
		"a missing member":     {status: 200, received: `{` + ids + `}`, wrong: "seats"},
		"a wrong type":         {status: 200, received: `{` + ids + `,"seats":{"used":"0","limit":1}}`, wrong: "integer"},
		"a missing header":     {status: 200, headers: map[string]string{"ETag": ""}, received: `{` + ids + `,` + seats + `}`, wrong: "ETag"},
		"an unknown status":    {status: 418, received: `{}`, wrong: "status"},
		"a forbidden request":  {status: 200, sent: `{}`, received: `{` + ids + `,` + seats + `}`, wrong: "reason"},
		"an unknown path":      {path: "/v1/nothing", status: 200, received: `{}`, wrong: "not documented"},
		"an unknown path, 404": {path: "/v1/nothing", status: 404, received: `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, body := "/v1/activations/018f6b0e-0d3c-7cc0-9d5b-2f6d3f6a9a11/deactivate", sent
			if exchange.path != "" {
				path = exchange.path
			}
			if exchange.sent != "" {
				body = exchange.sent
			}
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://example.com"+path, strings.NewReader(body))
			require.NoError(t, err)
			request.Header.Set("Content-Type", "application/json")
			header := http.Header{"Content-Type": {"application/json"}, "Etag": {`"3"`}, "Ledger-Position": {"7"}}
			for name, value := range exchange.headers {
				header.Del(name)
				if value != "" {
					header.Set(name, value)
				}
			}
			response := &http.Response{StatusCode: exchange.status, Header: header}
			err = checker(t).Check(request, []byte(body), response, []byte(exchange.received))
			if exchange.wrong == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, exchange.wrong)
		})
	}
}
