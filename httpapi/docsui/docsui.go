// Package docsui serves the documentation of the API as pages: Swagger UI, which can send requests, and ReDoc. The pages load nothing from
// other servers.
package docsui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v5"
	swaggerui "github.com/swaggo/files/v2"
)

//go:embed pages
var pages embed.FS

// ReDoc 2.5.4, MIT; see assets/redoc.LICENSE.txt and assets/vendor.sh.
//
//go:embed assets/redoc.standalone.js.gz
var redoc []byte

// policy lets the pages run their own scripts, send requests to this server and set styles, which both create at run time. ReDoc searches
// in a worker that it creates from a blob.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; " +
	"connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const (
	html       = "text/html; charset=utf-8"
	javascript = "text/javascript; charset=utf-8"
	stylesheet = "text/css; charset=utf-8"
	png        = "image/png"
)

// RegisterDocument adds the OpenAPI document to a router.
func RegisterDocument(router *echo.Echo, openapi []byte) {
	router.GET("/openapi.json", file(echo.MIMEApplicationJSON, openapi))
}

// RegisterPages adds the pages, which show the OpenAPI document, to a router.
func RegisterPages(router *echo.Echo) error {
	for _, a := range []struct {
		path, mediaType string
		from            fs.FS
		name            string
	}{
		{"/docs", html, pages, "pages/swagger.html"},
		{"/docs/start.js", javascript, pages, "pages/swagger.js"},
		{"/docs/swagger-ui.css", stylesheet, swaggerui.FS, "swagger-ui.css"},
		{"/docs/swagger-ui-bundle.js", javascript, swaggerui.FS, "swagger-ui-bundle.js"},
		{"/docs/favicon-32x32.png", png, swaggerui.FS, "favicon-32x32.png"},
		{"/redoc", html, pages, "pages/redoc.html"},
	} {
		content, err := fs.ReadFile(a.from, a.name)
		if err != nil {
			return fmt.Errorf("find %s: %w", a.name, err)
		}
		router.GET(a.path, file(a.mediaType, content))
	}
	router.GET("/redoc/redoc.standalone.js", compressed(javascript, redoc))
	return nil
}

// IsPage reports whether a path is that of a page.
func IsPage(path string) bool { return path == "/docs" || path == "/redoc" }

// IsFile reports whether a path is that of a file that the pages load.
func IsFile(path string) bool {
	return strings.HasPrefix(path, "/docs/") || strings.HasPrefix(path, "/redoc/")
}

// file serves a file of the binary. Clients may cache it but must revalidate it.
func file(mediaType string, content []byte) echo.HandlerFunc {
	tag := entityTag(content)
	return func(c *echo.Context) error {
		serve(c, mediaType, tag, bytes.NewReader(content))
		return nil
	}
}

// compressed serves a gzipped file of the binary: as it is to clients that accept gzip, otherwise unpacked.
func compressed(mediaType string, content []byte) echo.HandlerFunc {
	tag := entityTag(content)
	return func(c *echo.Context) error {
		header := c.Response().Header()
		header.Set("Vary", "Accept-Encoding")
		if strings.Contains(c.Request().Header.Get("Accept-Encoding"), "gzip") {
			header.Set("Content-Encoding", "gzip")
			serve(c, mediaType, tag, bytes.NewReader(content))
			return nil
		}
		reader, err := gzip.NewReader(bytes.NewReader(content))
		if err != nil {
			return fmt.Errorf("unpack a page's script: %w", err)
		}
		plain, err := io.ReadAll(reader)
		if err != nil {
			return fmt.Errorf("unpack a page's script: %w", err)
		}
		serve(c, mediaType, tag+"-plain", bytes.NewReader(plain))
		return nil
	}
}

func serve(c *echo.Context, mediaType, tag string, content io.ReadSeeker) {
	header := c.Response().Header()
	header.Set("Content-Type", mediaType)
	header.Set("Content-Security-Policy", policy)
	header.Set("Cache-Control", "no-cache")
	header.Set("ETag", `"`+tag+`"`)
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, content)
}

func entityTag(content []byte) string {
	hash := sha256.Sum256(content)
	return hex.EncodeToString(hash[:8])
}
