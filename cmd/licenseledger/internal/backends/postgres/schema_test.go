package postgres

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestASchemaMayHaveAnyNameThatPostgreSQLTakes(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"l", "Ledger", `a "quoted" name, with a comma`, "été", "licences; DROP", strings.Repeat("x", 63),
		"PG_ledger"} {
		require.NoError(t, checkSchema(name), name)
	}
}
