// Package pgschema prepares connections to one schema of a PostgreSQL database: it reads connection strings without ever
// repeating them, sets sessions up, and brings the schema up to date.
package pgschema

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/licenseledger/licenseledger/migrations"
)

// connectTimeout bounds one attempt to connect, unless the connection string says otherwise.
const connectTimeout = 5 * time.Second

// ErrConnectionString stands for the driver's own errors, which quote the string and do not always recognize a password.
var ErrConnectionString = errors.New("the connection string is not understood (postgres://USER:PASSWORD@HOST:PORT/DATABASE, " +
	"with special characters percent-encoded, or host=HOST user=USER …)")

// Settings are what sessions are set to, by the names PostgreSQL has for its parameters.
type Settings map[string]string

// With returns the settings with others added or replaced.
func (s Settings) With(others Settings) Settings {
	all := maps.Clone(s)
	maps.Copy(all, others)
	return all
}

// Parse reads a connection string for connections to a schema. Settings in the string take precedence over those given. It
// fails with [ErrConnectionString].
func Parse(url, schema string, settings Settings) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, ErrConnectionString
	}
	params := config.ConnConfig.RuntimeParams
	for name, value := range settings {
		if _, given := params[name]; !given {
			params[name] = value
		}
	}
	params["client_encoding"] = "UTF8"
	params["search_path"] = pgx.Identifier{schema}.Sanitize()
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	return config, nil
}

// Migrate makes a schema or brings it to the newest version of a set of tables, with connections of its own that may wait.
func Migrate(ctx context.Context, config *pgx.ConnConfig, schema string, tables migrations.Schema) error {
	patient := config.Copy()
	patient.RuntimeParams["lock_timeout"], patient.RuntimeParams["statement_timeout"] = "0", "0"
	db := stdlib.OpenDB(*patient)
	return errors.Join(migrations.UpPostgreSQL(ctx, db, schema, tables), db.Close())
}
