package engine

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Endpoint says which engine stores something and where: sqlite:PATH, postgres://USER@HOST/DATABASE or esdb://HOST. It may contain
// a password; String leaves that out.
type Endpoint struct {
	Engine      *Engine
	Text        string // the connection string
	Namespace   string // of this part of the ledger; empty: none
	Connections int    // at most; 0: the default of the engine's package
}

// Parse reads a connection string of one of the engines.
func Parse(text string, engines ...*Engine) (Endpoint, bool) {
	scheme, rest, found := strings.Cut(text, ":")
	for _, e := range engines {
		if slices.Contains(e.Schemes, scheme) {
			return Endpoint{Engine: e, Text: text}, found && strings.TrimPrefix(rest, "//") != ""
		}
	}
	return Endpoint{}, false
}

// IsZero reports whether the endpoint is not configured.
func (e Endpoint) IsZero() bool { return e.Engine == nil }

// File is the file of an embedded engine; a relative path is in the data directory.
func (e Endpoint) File(dataDir string) string {
	_, path, _ := strings.Cut(e.Text, ":")
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dataDir, path)
}

// Shared reports whether several instances of the program can use it.
func (e Endpoint) Shared() bool { return !e.Engine.Embedded }

// String is the endpoint for people, without the password.
func (e Endpoint) String() string {
	if own := e.OwnNamespace(); own != "" {
		return Redacted(e.Text) + " (" + e.Engine.Namespace.Describe(own) + ")"
	}
	return Redacted(e.Text)
}

// OwnNamespace is the namespace, unless it is a default one.
func (e Endpoint) OwnNamespace() string {
	if e.Engine != nil && e.Engine.Namespace != nil {
		for _, byDefault := range e.Engine.Namespace.Default {
			if e.Namespace == byDefault {
				return ""
			}
		}
	}
	return e.Namespace
}

// SameServer reports whether two endpoints are on one server, whatever their namespaces.
func (e Endpoint) SameServer(other Endpoint) bool { return e.Text == other.Text }

// Redacted returns a connection string without its secrets.
func Redacted(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	u, err := url.Parse(text)
	if err != nil || u.User == nil && strings.Contains(text, "@") { // what precedes the @ may be a password that was not recognised
		return "(a connection string that cannot be parsed)"
	}
	query := u.Query()
	for name := range query {
		if lower := strings.ToLower(name); strings.Contains(lower, "password") || strings.Contains(lower, "secret") {
			query.Set(name, "xxxxx")
		}
	}
	if u.RawQuery != "" {
		u.RawQuery = query.Encode()
	}
	return u.Redacted()
}

// HoldsSecret reports whether a connection string contains a secret.
func HoldsSecret(text string) bool { return Redacted(text) != plain(text) }

// plain is the text as Redacted would write it if there were no secret in it.
func plain(text string) string {
	u, err := url.Parse(text)
	if err != nil || !strings.Contains(text, "://") {
		return text
	}
	if u.RawQuery != "" {
		u.RawQuery = u.Query().Encode()
	}
	return u.String()
}

// Absolute returns the absolute form of a path, for messages and connection strings.
func Absolute(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

// Printable reports whether a text is valid UTF-8 without control characters.
func Printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}
