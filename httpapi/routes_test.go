package httpapi

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/eventstore"
)

// serveContract starts a server, which nobody asks anything, with another contract.
func serveContract(withoutAPI bool, document string) error {
	_, err := serve(Config{
		AdminKey: "an-admin-key-for-tests", Ledger: struct{ eventstore.Store }{}, WithoutAPI: withoutAPI, Now: time.Now, NewID: uuid.New,
		Log: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(),
	}, []byte(document))
	return err
}

func TestAServerStartsOnlyWithRoutesThatAreThoseOfTheContract(t *testing.T) {
	t.Parallel()
	whole := string(openapi)
	require.NoError(t, serveContract(false, whole))
	require.NoError(t, serveContract(true, whole), "a projector serves a part of it")

	const validate, live = "  /v1/validate:\n    post:\n", "  /healthz/live:\n    get:\n"
	for name, c := range map[string]struct {
		replace, by string
		routes      []string // that the error names
	}{
		"another path":             {validate, "  /v1/judge:\n    post:\n", []string{"POST /v1/validate", "POST /v1/judge"}},
		"another method":           {validate, "  /v1/validate:\n    patch:\n", []string{"POST /v1/validate", "PATCH /v1/validate"}},
		"a DELETE without a route": {validate, "  /v1/all:\n    delete: { operationId: deleteAll }\n" + validate, []string{"DELETE /v1/all"}},
		"a PATCH beside what is there": {validate, "  /v1/validate:\n    patch: { operationId: amend }\n    post:\n",
			[]string{"PATCH /v1/validate"}},
	} {
		require.Equal(t, 1, strings.Count(whole, c.replace), name)
		err := serveContract(false, strings.Replace(whole, c.replace, c.by, 1))
		for _, route := range c.routes {
			require.ErrorContains(t, err, route, name)
		}
	}
	require.ErrorContains(t, serveContract(true, strings.Replace(whole, live, strings.Replace(live, "get", "head", 1), 1)),
		"GET /healthz/live")
}
