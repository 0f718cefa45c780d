package main

import (
	"cmp"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/licenseledger/licenseledger/eventstore/postgres"
	"github.com/licenseledger/licenseledger/keyring"
	"github.com/licenseledger/licenseledger/readmodels"
)

// engine is a kind of storage.
type engine string

// The engines, by the scheme of their locations.
const (
	engineSQLite     engine = "sqlite"
	enginePostgreSQL engine = "postgres"
	engineESDB       engine = "esdb" // EventStoreDB, KurrentDB
)

// location says which engine keeps something and where: sqlite:PATH, postgres://USER@HOST/DATABASE or esdb://HOST. It may hold
// a password; String leaves that out.
type location struct {
	engine      engine
	text        string
	schema      string // that holds the tables; of PostgreSQL only
	prefix      string // of the names of streams; of EventStoreDB only
	connections int    // at most; 0: as many as the engine's package opens by default; of PostgreSQL only
}

// parseLocation reads a location of one of the engines.
func parseLocation(text string, engines ...engine) (location, bool) {
	scheme, rest, found := strings.Cut(text, ":")
	l := location{text: text}
	switch scheme {
	case "sqlite":
		l.engine = engineSQLite
	case "postgres", "postgresql":
		l.engine = enginePostgreSQL
	case "esdb", "esdb+discover", "kurrentdb", "kurrentdb+discover":
		l.engine = engineESDB
	}
	return l, found && strings.TrimPrefix(rest, "//") != "" && slices.Contains(engines, l.engine)
}

// file is where SQLite keeps it; a relative path is in the data directory.
func (l location) file(dataDir string) string {
	path := strings.TrimPrefix(l.text, "sqlite:")
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dataDir, path)
}

// shared reports whether several instances of the program may work on it.
func (l location) shared() bool { return l.engine != engineSQLite }

// String is the location for people, without the password.
func (l location) String() string {
	switch part := l.part(); {
	case part == "":
		return redacted(l.text)
	case l.engine == enginePostgreSQL:
		return redacted(l.text) + " (schema " + part + ")"
	default:
		return redacted(l.text) + " (streams " + part + "…)"
	}
}

// part tells what is at this location from what others keep on the same server; empty where the default does.
func (l location) part() string {
	if slices.Contains([]string{postgres.DefaultSchema, readmodels.DefaultPostgresSchema, keyring.DefaultPostgresSchema}, l.schema) {
		return ""
	}
	return cmp.Or(l.schema, l.prefix)
}

// sameServer reports whether two locations are in one place, whatever part of it each has.
func (l location) sameServer(other location) bool { return l.text == other.text }

// redacted returns a connection string without what is secret in it.
func redacted(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	u, err := url.Parse(text)
	if err != nil {
		return "(a connection string that is not understood)"
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

// holdsSecret reports whether something in the text must not be seen by others.
func holdsSecret(text string) bool { return redacted(text) != plain(text) }

// plain is the text as redacted would write it if there were nothing to hide.
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
