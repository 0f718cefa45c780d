package httpapi_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/licenseledger/licenseledger/httpapi"
)

// BenchmarkValidate is one validation by a machine that is activated, from the request's bytes to the answer's, without a
// network.
func BenchmarkValidate(b *testing.B) {
	w := newFixture(b, func(c *httpapi.Config) { c.Log = slog.New(slog.NewJSONHandler(io.Discard, nil)) })
	s := w.sell(nil)
	w.ask("POST", "/v1/activations", map[string]any{"license_key": s.license.Key, "machine": fingerprinted('a')}).is(201)
	body := `{"license_key":"` + s.license.Key + `","machine":{"fingerprint":"` + strings.Repeat("a", 64) + `"},"product":"cad-suite"}`
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			request := httptest.NewRequest(http.MethodPost, "/v1/validate", strings.NewReader(body))
			request.Header.Set("Content-Type", "application/json")
			recorder := httptest.NewRecorder()
			w.handler.ServeHTTP(recorder, request)
			if recorder.Code != http.StatusOK {
				b.Fatal(recorder.Body.String())
			}
		}
	})
}
