// Package postgres is the row of PostgreSQL in the table of engines.
package postgres

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/postgres"
	"github.com/licenseledger/licenseledger/keyring"
	"github.com/licenseledger/licenseledger/migrations"
	"github.com/licenseledger/licenseledger/pgconnect"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// Engine is PostgreSQL.
var Engine = &engine.Engine{
	Name:    "postgres",
	Schemes: []string{"postgres", "postgresql"},
	Example: "postgres://USER@HOST/DATABASE",

	Namespace: &engine.Namespace{
		Setting: "schema",
		Flag:    "schema",
		Usage: map[engine.Part]string{
			engine.EventStore: "PostgreSQL schema of the events",
			engine.ReadModels: "PostgreSQL schema of the read models",
			engine.Keys:       "PostgreSQL schema of the keys, which are beside the read models",
		},
		About: "schema of the tables",
		Default: map[engine.Part]string{
			engine.EventStore: postgres.DefaultSchema,
			engine.ReadModels: store.DefaultPostgresSchema,
			engine.Keys:       keyring.DefaultPostgresSchema,
		},
		Check:    checkSchema,
		Describe: func(schema string) string { return "schema " + schema },
		Distinct: true, // each part counts the versions of its tables under the same name
	},
	Connections: map[engine.Part]engine.ConnectionsOfPart{
		engine.EventStore: {Default: postgres.DefaultConnections, Min: postgres.MinConnections,
			Usage: "connections to the PostgreSQL server of the events, at most"},
		engine.ReadModels: {Default: store.DefaultConnections, Min: store.MinConnections,
			Usage: "connections to the PostgreSQL server of the read models, at most"},
		engine.Keys: {Default: keyring.DefaultPostgresConnections, Min: keyring.MinPostgresConnections,
			Usage: "connections to the PostgreSQL server of the keys, at most"},
	},

	OpenEvents: func(ctx context.Context, at engine.Endpoint, _ string, logger *slog.Logger) (eventstore.Store, error) {
		return postgres.Open(ctx, at.Text, postgres.Schema(at.Namespace),
			postgres.MaxConnections(cmp.Or(at.Connections, postgres.DefaultConnections)), postgres.Logger(logger))
	},
	OpenReadModels: func(ctx context.Context, at, replica engine.Endpoint, _ string, _ *slog.Logger) (*store.DB, error) {
		options := []store.PostgresOption{store.Schema(at.Namespace), store.MaxConnections(at.Connections)}
		if !replica.IsZero() {
			options = append(options, store.Replica(replica.Text))
		}
		return store.OpenPostgres(ctx, at.Text, options...)
	},
	OpenKeys: func(ctx context.Context, at engine.Endpoint, _ string, _ *slog.Logger) (*keyring.Database, error) {
		return keyring.OpenPostgres(ctx, at.Text, keyring.Schema(at.Namespace),
			keyring.MaxConnections(cmp.Or(at.Connections, keyring.DefaultPostgresConnections)))
	},
	OpenLedger: func(ctx context.Context, at engine.Endpoint, _ string) (engine.Ledger, error) {
		return postgres.OpenLedger(ctx, at.Text, postgres.Schema(at.Namespace))
	},
	OpenTables: openTables,
	Dialect:    migrations.PostgreSQL,

	Check:        check,
	CheckReplica: checkReplica,
	TablesHint:   "grant USAGE on the schema and SELECT on its tables to this role",
	BackupHint:   func(schema string) string { return "use pg_dump --schema " + schema + " or a base backup" },
}

func openTables(at engine.Endpoint, _ string) (*sql.DB, error) {
	config, err := pgconnect.Parse(at.Text, at.Namespace, nil, nil)
	if err != nil {
		return nil, err
	}
	config.ConnConfig.ValidateConnect = nil // check reports what is wrong with the server
	config.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	return stdlib.OpenDB(*config.ConnConfig), nil
}

// maxSchemaName is how many bytes of a name PostgreSQL keeps (NAMEDATALEN − 1).
const maxSchemaName = 63

// checkSchema returns an error unless PostgreSQL allows the name for a schema. "$user" stands for another schema in a search_path.
func checkSchema(name string) error {
	if name == "" || len(name) > maxSchemaName || !engine.Printable(name) {
		return fmt.Errorf("must be 1 to %d bytes of printable UTF-8", maxSchemaName)
	}
	if strings.HasPrefix(name, "pg_") || name == "information_schema" || name == "$user" {
		return errors.New("must not be a name that PostgreSQL reserves: pg_…, information_schema, $user")
	}
	return nil
}
