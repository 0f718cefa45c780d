package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/licenseledger/licenseledger/eventstore/postgres"
	"github.com/licenseledger/licenseledger/keyring"
	"github.com/licenseledger/licenseledger/readmodels"
)

// placeSettings say where things are, and how a server that several ledgers use is shared.
func placeSettings() []setting {
	return []setting{
		{key: "eventstore", initial: "sqlite:ledger.db", url: true, usage: "where the events are: sqlite:PATH, postgres://… or esdb://…"},
		{key: "eventstore_schema", engine: enginePostgreSQL, initial: postgres.DefaultSchema, usage: "PostgreSQL schema of the events"},
		{key: "eventstore_stream_prefix", engine: engineESDB, usage: "begins the names of all streams in EventStoreDB; none when empty"},
		{key: "eventstore_connections", engine: enginePostgreSQL, initial: strconv.Itoa(postgres.DefaultConnections), usage: "connections to the PostgreSQL server of the events, at most"},
		{key: "readmodels", initial: "sqlite:readmodels.db", url: true, usage: "where read models and sealed keys are: sqlite:PATH or postgres://…"},
		{key: "readmodels_schema", engine: enginePostgreSQL, initial: readmodels.DefaultPostgresSchema, usage: "PostgreSQL schema of the read models"},
		{key: "readmodels_connections", engine: enginePostgreSQL, initial: strconv.Itoa(readmodels.DefaultConnections), usage: "connections to the PostgreSQL server of the read models, at most"},
		{key: "readmodels_replica", url: true, usage: "postgres://… of a server that follows the one of readmodels and answers queries in its place"},
		{key: "keys_schema", engine: enginePostgreSQL, initial: keyring.DefaultPostgresSchema, usage: "PostgreSQL schema of the keys, which are beside the read models"},
		{key: "keys_connections", engine: enginePostgreSQL, initial: strconv.Itoa(keyring.DefaultPostgresConnections), usage: "connections to the PostgreSQL server of the keys, at most"},
	}
}

// readPlaces reads the settings that say where things are.
func (c *config) readPlaces(values map[string]string) error {
	var ok bool
	if c.EventStore, ok = parseLocation(values["eventstore"], engineSQLite, enginePostgreSQL, engineESDB); !ok {
		return wrongSetting("eventstore", "must be sqlite:PATH, postgres://USER@HOST/DATABASE or esdb://HOST")
	}
	if c.ReadModels, ok = parseLocation(values["readmodels"], engineSQLite, enginePostgreSQL); !ok {
		return wrongSetting("readmodels", "must be sqlite:PATH or postgres://USER@HOST/DATABASE")
	}
	if text := values["readmodels_replica"]; text != "" {
		if c.Replica, ok = parseLocation(text, enginePostgreSQL); !ok || !c.ReadModels.shared() {
			return wrongSetting("readmodels_replica", "must be postgres://USER@HOST/DATABASE, and so must readmodels")
		}
	}
	c.Keys = c.ReadModels
	if !c.Keys.shared() {
		c.Keys = location{engine: engineSQLite, text: "sqlite:" + keysFile}
	}
	for _, p := range []struct {
		name, beside string
		at           *location
		connections  int // at least
	}{
		{"eventstore", "eventstore", &c.EventStore, postgres.MinConnections},
		{"readmodels", "readmodels", &c.ReadModels, readmodels.MinConnections},
		{"keys", "readmodels", &c.Keys, keyring.MinPostgresConnections},
	} {
		if err := p.at.readShare(p.name, p.beside, values, p.connections); err != nil {
			return err
		}
	}
	return c.checkSchemasDiffer()
}

// maxConnections bounds the settings of connections: more than this is a mistake.
const maxConnections = 1000

// readShare reads which part of its server a place has. A setting that has no meaning there is refused, unless it has its default.
func (l *location) readShare(name, locatedBy string, values map[string]string, leastConnections int) error {
	for _, s := range placeSettings() {
		if strings.HasPrefix(s.key, name+"_") && s.engine != "" && s.engine != l.engine && values[s.key] != s.initial {
			return wrongSetting(s.key, fmt.Sprintf("is for %s://…, but %s is %s", s.engine, locatedBy, redacted(values[locatedBy])))
		}
	}
	switch l.engine {
	case enginePostgreSQL:
		if err := checkSchema(values[name+"_schema"]); err != nil {
			return wrongSetting(name+"_schema", err.Error())
		}
		connections, err := strconv.Atoi(values[name+"_connections"])
		if err != nil || connections < leastConnections || connections > maxConnections {
			return wrongSetting(name+"_connections", fmt.Sprintf("must be a whole number from %d to %d", leastConnections, maxConnections))
		}
		l.schema, l.connections = values[name+"_schema"], connections
	case engineESDB:
		if err := checkStreamPrefix(values[name+"_stream_prefix"]); err != nil {
			return wrongSetting(name+"_stream_prefix", err.Error())
		}
		l.prefix = values[name+"_stream_prefix"]
	}
	return nil
}

// checkSchemasDiffer wants three schemas: the tables of each part count their versions under one name.
func (c *config) checkSchemasDiffer() error {
	var used []string
	for _, at := range []location{c.EventStore, c.ReadModels, c.Keys} {
		if at.engine != enginePostgreSQL {
			continue
		}
		if slices.Contains(used, at.schema) {
			return &advice{fmt.Errorf("the schema %s is named more than once", at.schema), "give eventstore_schema, readmodels_schema and keys_schema different names"}
		}
		used = append(used, at.schema)
	}
	return nil
}

// maxSchemaName is how many bytes PostgreSQL keeps of a name (NAMEDATALEN − 1).
const maxSchemaName = 63

// checkSchema returns an error unless PostgreSQL takes the name for a schema. "$user" stands for another schema in a search_path.
func checkSchema(name string) error {
	if name == "" || len(name) > maxSchemaName || !printable(name) {
		return fmt.Errorf("must be 1 to %d bytes of printable UTF-8", maxSchemaName)
	}
	if strings.HasPrefix(name, "pg_") || name == "information_schema" || name == "$user" {
		return errors.New("must not be a name that PostgreSQL keeps for itself: pg_…, information_schema, $user")
	}
	return nil
}

// maxStreamPrefix leaves room for the rest of a stream's name.
const maxStreamPrefix = 100

// checkStreamPrefix returns an error unless EventStoreDB takes stream names that begin so. Those that begin with $ are its own.
func checkStreamPrefix(prefix string) error {
	if len(prefix) > maxStreamPrefix || !printable(prefix) || strings.Contains(prefix, " ") {
		return fmt.Errorf("must be at most %d bytes of printable UTF-8 without spaces", maxStreamPrefix)
	}
	if strings.HasPrefix(prefix, "$") {
		return errors.New("must not begin with $: such streams are EventStoreDB's own")
	}
	return nil
}

func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}
