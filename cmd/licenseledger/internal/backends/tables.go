package backends

import (
	"context"
	"errors"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/migrations"
)

// TablesVersion reads the version of the tables of a part, and the newest that this program knows.
func TablesVersion(ctx context.Context, at engine.Endpoint, dataDir string, schema migrations.Schema) (current, newest int64, err error) {
	db, err := at.Engine.OpenTables(at, dataDir)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return migrations.Version(ctx, db, at.Engine.Dialect, schema)
}
