package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/readmodels/catalog"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/store"
	"github.com/licenseledger/licenseledger/readmodels/storetest"
	"github.com/licenseledger/licenseledger/tests/support/services"
)

func TestAPreparedQuerySurvivesViewsOfOtherTypes(t *testing.T) {
	t.Parallel()
	schema := storetest.Postgres.Schema(t)
	db, err := store.OpenPostgres(t.Context(), storetest.Postgres.URL(), store.Schema(schema))
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	storetest.Apply(t, db, catalog.Definition, storetest.Adopt(t, db, catalog.Definition), func(c *store.Changes) {
		require.NoError(t, c.Insert("signing_keys",
			store.Values{"added_position": int64(1), "id": "key", "tenant": storetest.Tenant, "product_id": storetest.ID(1).String(),
				"algorithm": "ed25519", "public": "AAAA", "added_at": int64(1), "retired_at": nil}))
	})
	queries := &asked{}
	require.NoError(t, db.Trace(t, storetest.Postgres.URL(), schema, queries).Close(t.Context()))
	_, err = catalog.New(db).SigningKeys(t.Context(), storetest.ID(1))
	require.NoError(t, err)
	// As a later version of the program would switch.
	services.Execute(t, storetest.Postgres.URL()+"&search_path="+schema, `BEGIN; DROP VIEW signing_keys;
		CREATE VIEW signing_keys AS SELECT added_position, id, tenant, product_id, algorithm::varchar, public, added_at, retired_at FROM signing_keys_g1; COMMIT`)
	keys, err := catalog.New(db).SigningKeys(t.Context(), storetest.ID(1))
	require.NoError(t, err)
	require.Len(t, keys, 1)
	require.Len(t, queries.statements, 3, "the second was refused for its prepared plan, and repeated")
}

func TestOneOfThoseWhoWaitPollsForAll(t *testing.T) {
	t.Parallel()
	schema := storetest.Postgres.Schema(t)
	db, err := store.OpenPostgres(t.Context(), storetest.Postgres.URL(), store.Schema(schema))
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	storetest.Adopt(t, db, licenses.Definition)
	queries := &asked{} // not safe for polls at the same time
	require.NoError(t, db.Trace(t, storetest.Postgres.URL(), schema, queries).Close(t.Context()))
	const timeout = 300 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	waited := make(chan error, 50)
	for range cap(waited) {
		go func() { waited <- db.WaitForPosition(ctx, []string{licenses.Definition.Name}, 1) }()
	}
	for range cap(waited) {
		require.ErrorIs(t, <-waited, store.ErrNotReached)
	}
	require.NotEmpty(t, queries.statements)
	require.LessOrEqual(t, len(queries.statements), int(timeout/(15*time.Millisecond))+1)
}
