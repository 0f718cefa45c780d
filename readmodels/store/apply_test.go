package store_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/readmodels/catalog"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/store"
	"github.com/licenseledger/licenseledger/readmodels/storetest"
)

func TestChangesOfOneRowBecomeOneStatement(t *testing.T) {
	t.Parallel()
	storetest.OnBothEngines(t, func(t *testing.T, open storetest.Opener) {
		db := open(t)
		at := storetest.Adopt(t, db, licenses.Definition)
		c := db.Changes(licenses.Definition, at)
		require.NoError(t, c.Insert("licenses", storetest.LicenseRow(1, nil)))
		require.NoError(t, c.Update("licenses", storetest.ID(1).String(), store.Values{"seats_used": int64(2)}))
		require.NoError(t, c.Update("licenses", storetest.ID(1).String(), store.Values{"seats_used": store.Increment(3)}))
		require.NoError(t, c.Update("licenses", storetest.ID(2).String(), store.Values{"seats_used": store.Increment(1)}))
		require.NoError(t, c.Update("licenses", storetest.ID(2).String(), store.Values{"seats_used": store.Increment(1), "revision": int64(5)}))
		require.NoError(t, c.Update("licenses", storetest.ID(3).String(), store.Values{"seats_used": store.Increment(1)}))
		require.NoError(t, c.Update("licenses", storetest.ID(3).String(), store.Values{"seats_used": int64(7), "revision": int64(6)}))

		statements := c.Statements()
		require.Len(t, statements, 3)
		require.Contains(t, statements[0].SQL, "INSERT INTO licenses_g1 (")
		require.Equal(t, store.Statement{SQL: "UPDATE licenses_g1 SET seats_used = seats_used + $1, revision = $2 WHERE id = $3",
			Args: []any{int64(2), int64(5), storetest.ID(2).String()}, Rows: 1}, statements[1])
		require.Equal(t, store.Statement{SQL: "UPDATE licenses_g1 SET revision = $1, seats_used = $2 WHERE id = $3",
			Args: []any{int64(6), int64(7), storetest.ID(3).String()}, Rows: 1}, statements[2])
		seats, err := c.Number(t.Context(), "licenses", storetest.ID(1).String(), "seats_used")
		require.NoError(t, err)
		require.EqualValues(t, 5, seats)
	})
}

func TestNewRowsAreInsertedManyAtATime(t *testing.T) {
	t.Parallel()
	storetest.OnBothEngines(t, func(t *testing.T, open storetest.Opener) {
		db := open(t)
		at := storetest.Adopt(t, db, licenses.Definition)
		c := db.Changes(licenses.Definition, at)
		for n := range 700 {
			require.NoError(t, c.Insert("license_words", store.Values{"tenant": storetest.Tenant, "word": "w", "issued_position": int64(n)}))
		}
		var rows []int64
		texts := map[string]bool{}
		for _, s := range c.Statements() {
			rows = append(rows, s.Rows)
			texts[s.SQL] = true
			require.Len(t, s.Args, int(s.Rows)*3)
		}
		require.Equal(t, []int64{256, 256, 128, 32, 16, 8, 4}, rows)
		require.Len(t, texts, 6, "few texts, so that they stay prepared")
	})
}

func TestChangesAreRefusedThatNoStatementCanBeMadeOf(t *testing.T) {
	t.Parallel()
	storetest.OnBothEngines(t, func(t *testing.T, open storetest.Opener) {
		db := open(t)
		c := db.Changes(licenses.Definition, storetest.Adopt(t, db, licenses.Definition))
		require.NoError(t, c.Insert("licenses", storetest.LicenseRow(1, nil)))
		require.NoError(t, c.Update("licenses", storetest.ID(2).String(), store.Values{"seats_used": store.Increment(1), "last_reason": nil}))
		for name, err := range map[string]error{
			"unknown table":         c.Insert("nonsense", nil),
			"unknown table updated": c.Update("nonsense", "k", nil),
			"key taken":             c.Insert("licenses", storetest.LicenseRow(1, nil)),
			"no key":                c.Insert("licenses", store.Values{"tenant": storetest.Tenant}),
			"a table without key":   c.Update("license_words", "k", nil),
			"a type not stored":     c.Insert("license_words", store.Values{"issued_position": 5}),
			"a type not stored now": c.Update("licenses", storetest.ID(1).String(), store.Values{"seats_used": 1.5}),
			"adding to text":        c.Update("licenses", storetest.ID(1).String(), store.Values{"tenant": store.Increment(1)}),
			"adding to NULL":        c.Update("licenses", storetest.ID(1).String(), store.Values{"last_reason": store.Increment(1)}),
		} {
			require.ErrorIs(t, err, store.ErrInvalidChange, name)
		}
		_, err := c.Number(t.Context(), "licenses", storetest.ID(2).String(), "seats_used")
		require.ErrorIs(t, err, store.ErrInvalidChange, "only its change is known")
		_, err = c.Text(t.Context(), "licenses", storetest.ID(1).String(), "seats_used")
		require.ErrorIs(t, err, store.ErrInvalidChange)
		_, err = c.Number(t.Context(), "licenses", storetest.ID(1).String(), "tenant")
		require.ErrorIs(t, err, store.ErrInvalidChange)
		_, err = c.Text(t.Context(), "licenses", storetest.ID(9).String(), "tenant")
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestALookUpSeesWrittenRowsAndPendingChanges(t *testing.T) {
	t.Parallel()
	storetest.OnBothEngines(t, func(t *testing.T, open storetest.Opener) {
		db := open(t)
		at := storetest.Apply(t, db, licenses.Definition, storetest.Adopt(t, db, licenses.Definition),
			func(c *store.Changes) { require.NoError(t, c.Insert("licenses", storetest.LicenseRow(1, nil))) })
		c := db.Changes(licenses.Definition, at)
		require.NoError(t, c.Update("licenses", storetest.ID(1).String(), store.Values{"plan_code": "new"}))
		code, err := c.Text(t.Context(), "licenses", storetest.ID(1).String(), "plan_code")
		require.NoError(t, err)
		require.Equal(t, "new", code)
		limit, err := c.Number(t.Context(), "licenses", storetest.ID(1).String(), "seat_limit")
		require.NoError(t, err)
		require.EqualValues(t, 1, limit)
	})
}

func TestRowsAndCheckpointAreWrittenTogetherOrNotAtAll(t *testing.T) {
	t.Parallel()
	storetest.OnBothEngines(t, func(t *testing.T, open storetest.Opener) {
		db := open(t)
		at := storetest.Adopt(t, db, licenses.Definition)
		c := db.Changes(licenses.Definition, at)
		require.NoError(t, c.Insert("licenses", storetest.LicenseRow(1, nil)))
		require.NoError(t, c.Update("licenses", storetest.ID(2).String(), store.Values{"revision": int64(2)})) // no such row
		after, err := db.Apply(t.Context(), at, store.LastEvent{Position: 1}, c, storetest.Noon)
		require.ErrorIs(t, err, store.ErrRejected)
		require.Equal(t, at, after)
		_, err = licenses.New(db).Find(t.Context(), storetest.Tenant, storetest.ID(1))
		require.ErrorIs(t, err, store.ErrNotFound)
		stored, err := db.Projections(t.Context())
		require.NoError(t, err)
		require.Zero(t, stored[0].Position)
	})
}

func TestACheckpointThatIsNotTheLatestIsFenced(t *testing.T) {
	t.Parallel()
	storetest.OnBothEngines(t, func(t *testing.T, open storetest.Opener) {
		db := open(t)
		at := storetest.Adopt(t, db, licenses.Definition)
		next := storetest.Apply(t, db, licenses.Definition, at, func(*store.Changes) {})
		stored, err := db.Apply(t.Context(), at, store.LastEvent{Position: 2}, db.Changes(licenses.Definition, at), storetest.Noon)
		require.ErrorIs(t, err, store.ErrMoved, "an older position")
		require.Equal(t, next, stored)
		_, err = db.Apply(t.Context(), next, store.LastEvent{Position: 0}, db.Changes(licenses.Definition, next), storetest.Noon)
		require.ErrorIs(t, err, store.ErrInvalidChange, "a checkpoint never goes back")
		storetest.Adopt(t, db, licenses.Definition)
		c := db.Changes(licenses.Definition, next)
		require.NoError(t, c.Insert("licenses", storetest.LicenseRow(1, nil)))
		_, err = db.Apply(t.Context(), next, store.LastEvent{Position: 2}, c, storetest.Noon)
		require.ErrorIs(t, err, store.ErrFenced, "an older epoch")
		require.ErrorIs(t, db.Mark(t.Context(), next, store.StateFailed, "x", storetest.Noon), store.ErrFenced)
		require.ErrorIs(t, db.RecordChecksum(t.Context(), next, "x"), store.ErrFenced)
		_, err = licenses.New(db).Find(t.Context(), storetest.Tenant, storetest.ID(1))
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestTheTablesOutliveTheProgram(t *testing.T) {
	t.Parallel()
	storetest.OnBothEngines(t, func(t *testing.T, open storetest.Opener) {
		db := open(t)
		storetest.Apply(t, db, licenses.Definition, storetest.Adopt(t, db, licenses.Definition),
			func(c *store.Changes) { require.NoError(t, c.Insert("licenses", storetest.LicenseRow(1, nil))) })
		require.NoError(t, db.Close())
		require.NoError(t, db.Close(), "closing again does no harm")
		require.Error(t, db.Ping(t.Context()))

		db = open(t)
		require.NoError(t, db.Ping(t.Context()))
		acquired, err := db.Acquire(t.Context(), licenses.Definition, "again", storetest.Noon)
		require.NoError(t, err)
		require.Equal(t, store.Acquired{Checkpoint: store.Checkpoint{Name: licenses.Definition.Name, Generation: 1, Epoch: 2,
			LastEvent: store.LastEvent{Position: 1}}, Version: licenses.Definition.Version}, acquired)
		_, err = licenses.New(db).Find(t.Context(), storetest.Tenant, storetest.ID(1))
		require.NoError(t, err)
	})
}

func TestADatabaseThatCannotBeOpenedIsAnError(t *testing.T) {
	t.Parallel()
	_, err := store.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "no such folder", "r.db"))
	require.Error(t, err)
}

func TestASwitchIsFencedWhenTheServingGenerationChangedHands(t *testing.T) {
	t.Parallel()
	storetest.OnBothEngines(t, func(t *testing.T, open storetest.Opener) {
		db := open(t)
		serving := storetest.Adopt(t, db, licenses.Definition)
		built, err := db.BeginGeneration(t.Context(), licenses.Definition, "test", storetest.Noon)
		require.NoError(t, err)
		stale := serving
		stale.Epoch--
		_, err = db.Switch(t.Context(), licenses.Definition, stale, built, store.LastEvent{},
			db.Changes(licenses.Definition, built), storetest.Noon)
		require.ErrorIs(t, err, store.ErrFenced)
		_, err = db.Switch(t.Context(), licenses.Definition, serving, built, store.LastEvent{},
			db.Changes(licenses.Definition, built), storetest.Noon)
		require.NoError(t, err)
		_, err = db.Apply(t.Context(), serving, store.LastEvent{Position: 1}, db.Changes(licenses.Definition, serving), storetest.Noon)
		require.ErrorIs(t, err, store.ErrFenced, "the replaced generation is not written any more")
		require.NoError(t, db.DropGeneration(t.Context(), licenses.Definition.Name, serving.Generation))
		require.NoError(t, db.DropGeneration(t.Context(), licenses.Definition.Name, serving.Generation), "dropping again does no harm")
		require.NoError(t, db.DropGeneration(t.Context(), licenses.Definition.Name, built.Generation), "the serving one is kept")
		_, err = licenses.New(db).List(t.Context(), storetest.Tenant, licenses.Filter{}, store.Paging{})
		require.NoError(t, err)
	})
}

func TestWaitingEndsWhenAllProjectionsAreThere(t *testing.T) {
	t.Parallel()
	storetest.OnBothEngines(t, func(t *testing.T, open storetest.Opener) {
		db := open(t)
		a, b := storetest.Adopt(t, db, licenses.Definition), storetest.Adopt(t, db, catalog.Definition)
		names := []string{licenses.Definition.Name, catalog.Definition.Name}
		require.NoError(t, db.WaitForPosition(t.Context(), names, 0))
		require.NoError(t, db.WaitForPosition(t.Context(), nil, 5))

		done := make(chan error, 1)
		go func() { done <- db.WaitForPosition(t.Context(), names, 1) }()
		a = storetest.Apply(t, db, licenses.Definition, a, func(*store.Changes) {})
		db.Announce(a)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		err := db.WaitForPosition(ctx, names, 1)
		require.ErrorIs(t, err, store.ErrNotReached, "one of two is not enough")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		select {
		case <-done:
			require.Fail(t, "did not wait")
		default:
		}
		db.Announce(storetest.Apply(t, db, catalog.Definition, b, func(*store.Changes) {}))
		require.NoError(t, <-done)
	})
}

func TestWaitingNoticesProjectionsOfAnotherProcess(t *testing.T) {
	t.Parallel()
	storetest.OnBothEngines(t, func(t *testing.T, open storetest.Opener) {
		here, there := open(t), open(t)
		at := storetest.Adopt(t, there, licenses.Definition)
		done := make(chan error, 10)
		for range cap(done) {
			go func() { done <- here.WaitForPosition(t.Context(), []string{licenses.Definition.Name}, 1) }()
		}
		storetest.Apply(t, there, licenses.Definition, at, func(*store.Changes) {}) // announced over there only
		for range cap(done) {
			require.NoError(t, <-done)
		}
	})
}

func TestApplyingAgainWhatWasAppliedChangesNothing(t *testing.T) {
	t.Parallel()
	storetest.OnBothEngines(t, func(t *testing.T, open storetest.Opener) {
		db := open(t)
		at := storetest.Apply(t, db, licenses.Definition, storetest.Adopt(t, db, licenses.Definition),
			func(c *store.Changes) { require.NoError(t, c.Insert("licenses", storetest.LicenseRow(1, nil))) })
		for range 2 { // the answer to the first was lost
			c := db.Changes(licenses.Definition, at)
			require.NoError(t, c.Update("licenses", storetest.ID(1).String(), store.Values{"seats_used": store.Increment(1)}))
			next, err := db.Apply(t.Context(), at, store.LastEvent{Position: 2}, c, storetest.Noon)
			require.NoError(t, err)
			require.EqualValues(t, 2, next.Position)
		}
		l, err := licenses.New(db).Find(t.Context(), storetest.Tenant, storetest.ID(1))
		require.NoError(t, err)
		require.Equal(t, 1, l.SeatsUsed)
	})
}
