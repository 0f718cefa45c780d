package keyring_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/keyring"
)

// A migration that adds a table or a column must not leave its content behind when keys move to another place.
func TestACopyTakesEveryColumnOfEveryTable(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		engine  engine
		columns string
	}{
		// seq is the number that SQLite gives a row; the target gives its own.
		"SQLite": {sqlite, `SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c
			WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> 'goose_db_version' AND c.name <> 'seq'`},
		"PostgreSQL": {postgres, `SELECT table_name, column_name FROM information_schema.columns
			WHERE table_schema = current_schema() AND table_name <> 'goose_db_version'`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := c.engine.open(t, c.engine.place(t))
			rows, err := db.Query(c.columns)
			require.NoError(t, err)
			found := map[string][]string{}
			for rows.Next() {
				var table, column string
				require.NoError(t, rows.Scan(&table, &column))
				found[table] = append(found[table], column)
			}
			require.NoError(t, rows.Err())
			require.NoError(t, rows.Close())
			copied := keyring.CopiedColumns()
			require.Len(t, copied, len(found))
			for table, columns := range found {
				require.ElementsMatch(t, columns, copied[table], table)
			}
		})
	}
}
