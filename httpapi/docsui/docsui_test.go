package docsui_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/labstack/echo/v5"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/docsui"
)

func pages(t *testing.T) *echo.Echo {
	t.Helper()
	e := echo.New()
	docsui.RegisterDocument(e, []byte(`{"openapi":"3.0.3"}`))
	require.NoError(t, docsui.RegisterPages(e))
	return e
}

func get(e *echo.Echo, path string, headers ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	e.ServeHTTP(recorder, request)
	return recorder
}

func TestPagesLoadNothingFromElsewhereAndAllTheyLoadIsThere(t *testing.T) {
	t.Parallel()
	e := pages(t)
	for _, page := range []string{"/docs", "/redoc"} {
		shown := get(e, page)
		require.Equal(t, http.StatusOK, shown.Code)
		require.Equal(t, "text/html; charset=utf-8", shown.Header().Get("Content-Type"))
		require.Contains(t, shown.Header().Get("Content-Security-Policy"), "script-src 'self';")
		require.NotContains(t, shown.Header().Get("Content-Security-Policy"), "http")
		loaded := regexp.MustCompile(`(?:src|href|spec-url)="([^"]*)"`).FindAllStringSubmatch(shown.Body.String(), -1)
		require.NotEmpty(t, loaded)
		for _, address := range loaded {
			require.True(t, strings.HasPrefix(address[1], "/") && !strings.HasPrefix(address[1], "//"), address[1])
			part := get(e, address[1])
			require.Equal(t, http.StatusOK, part.Code, address[1])
			require.NotZero(t, part.Body.Len())
		}
		require.NotContains(t, shown.Body.String(), "<script>", "the policy forbids scripts within the page")
	}
}

func TestReDocIsSentAsTheClientUnderstandsIt(t *testing.T) {
	t.Parallel()
	e := pages(t)
	packed := get(e, "/redoc/redoc.standalone.js", "Accept-Encoding", "gzip, br")
	require.Equal(t, "gzip", packed.Header().Get("Content-Encoding"))
	plain := get(e, "/redoc/redoc.standalone.js")
	require.Empty(t, plain.Header().Get("Content-Encoding"))
	reader, err := gzip.NewReader(packed.Body)
	require.NoError(t, err)
	unpacked, err := io.ReadAll(reader)
	require.NoError(t, err)
	require.True(t, bytes.Equal(unpacked, plain.Body.Bytes()))
	require.Contains(t, string(unpacked), "Redoc")
	require.NotContains(t, string(unpacked), "https://cdn.")
	require.NotEqual(t, packed.Header().Get("ETag"), plain.Header().Get("ETag"))
}

func TestWhatTheClientHasIsNotSentAgain(t *testing.T) {
	t.Parallel()
	e := pages(t)
	first := get(e, "/openapi.json")
	require.JSONEq(t, `{"openapi":"3.0.3"}`, first.Body.String())
	again := get(e, "/openapi.json", "If-None-Match", first.Header().Get("ETag"))
	require.Equal(t, http.StatusNotModified, again.Code)
	require.Zero(t, again.Body.Len())
}
