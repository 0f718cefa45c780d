package readmodels_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/readmodels"
)

func TestChangesOfOneRowBecomeOneStatement(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, open opener) {
		db := open(t)
		at := adopt(t, db, licenses)
		c := db.Changes(licenses, at)
		require.NoError(t, c.Insert("licenses", row(1, nil)))
		require.NoError(t, c.Update("licenses", id(1).String(), readmodels.Values{"seats_used": int64(2)}))
		require.NoError(t, c.Update("licenses", id(1).String(), readmodels.Values{"seats_used": readmodels.Increment(3)}))
		require.NoError(t, c.Update("licenses", id(2).String(), readmodels.Values{"seats_used": readmodels.Increment(1)}))
		require.NoError(t, c.Update("licenses", id(2).String(), readmodels.Values{"seats_used": readmodels.Increment(1), "revision": int64(5)}))
		require.NoError(t, c.Update("licenses", id(3).String(), readmodels.Values{"seats_used": readmodels.Increment(1)}))
		require.NoError(t, c.Update("licenses", id(3).String(), readmodels.Values{"seats_used": int64(7), "revision": int64(6)}))

		statements := c.Statements()
		require.Len(t, statements, 3)
		require.Contains(t, statements[0].SQL, "INSERT INTO licenses_g1 (")
		require.Equal(t, readmodels.Statement{SQL: "UPDATE licenses_g1 SET seats_used = seats_used + $1, revision = $2 WHERE id = $3",
			Args: []any{int64(2), int64(5), id(2).String()}, Rows: 1}, statements[1])
		require.Equal(t, readmodels.Statement{SQL: "UPDATE licenses_g1 SET revision = $1, seats_used = $2 WHERE id = $3",
			Args: []any{int64(6), int64(7), id(3).String()}, Rows: 1}, statements[2])
		seats, err := c.Number(t.Context(), "licenses", id(1).String(), "seats_used")
		require.NoError(t, err)
		require.EqualValues(t, 5, seats)
	})
}

func TestNewRowsAreInsertedManyAtATime(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, open opener) {
		db := open(t)
		at := adopt(t, db, licenses)
		c := db.Changes(licenses, at)
		for n := range 700 {
			require.NoError(t, c.Insert("license_words", readmodels.Values{"tenant": tenant, "word": "w", "issued_position": int64(n)}))
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
	onBothEngines(t, func(t *testing.T, open opener) {
		db := open(t)
		c := db.Changes(licenses, adopt(t, db, licenses))
		require.NoError(t, c.Insert("licenses", row(1, nil)))
		require.NoError(t, c.Update("licenses", id(2).String(), readmodels.Values{"seats_used": readmodels.Increment(1), "last_reason": nil}))
		for name, err := range map[string]error{
			"unknown table":         c.Insert("nonsense", nil),
			"unknown table updated": c.Update("nonsense", "k", nil),
			"key taken":             c.Insert("licenses", row(1, nil)),
			"no key":                c.Insert("licenses", readmodels.Values{"tenant": tenant}),
			"a table without key":   c.Update("license_words", "k", nil),
			"a type not stored":     c.Insert("license_words", readmodels.Values{"issued_position": 5}),
			"a type not stored now": c.Update("licenses", id(1).String(), readmodels.Values{"seats_used": 1.5}),
			"adding to text":        c.Update("licenses", id(1).String(), readmodels.Values{"tenant": readmodels.Increment(1)}),
			"adding to NULL":        c.Update("licenses", id(1).String(), readmodels.Values{"last_reason": readmodels.Increment(1)}),
		} {
			require.ErrorIs(t, err, readmodels.ErrInvalidChange, name)
		}
		_, err := c.Number(t.Context(), "licenses", id(2).String(), "seats_used")
		require.ErrorIs(t, err, readmodels.ErrInvalidChange, "only its change is known")
		_, err = c.Text(t.Context(), "licenses", id(1).String(), "seats_used")
		require.ErrorIs(t, err, readmodels.ErrInvalidChange)
		_, err = c.Number(t.Context(), "licenses", id(1).String(), "tenant")
		require.ErrorIs(t, err, readmodels.ErrInvalidChange)
		_, err = c.Text(t.Context(), "licenses", id(9).String(), "tenant")
		require.ErrorIs(t, err, readmodels.ErrNotFound)
	})
}

func TestALookUpSeesWrittenRowsAndPendingChanges(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, open opener) {
		db := open(t)
		at := apply(t, db, licenses, adopt(t, db, licenses), func(c *readmodels.Changes) { require.NoError(t, c.Insert("licenses", row(1, nil))) })
		c := db.Changes(licenses, at)
		require.NoError(t, c.Update("licenses", id(1).String(), readmodels.Values{"plan_code": "new"}))
		code, err := c.Text(t.Context(), "licenses", id(1).String(), "plan_code")
		require.NoError(t, err)
		require.Equal(t, "new", code)
		limit, err := c.Number(t.Context(), "licenses", id(1).String(), "seat_limit")
		require.NoError(t, err)
		require.EqualValues(t, 1, limit)
	})
}

func TestRowsAndCheckpointAreWrittenTogetherOrNotAtAll(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, open opener) {
		db := open(t)
		at := adopt(t, db, licenses)
		c := db.Changes(licenses, at)
		require.NoError(t, c.Insert("licenses", row(1, nil)))
		require.NoError(t, c.Update("licenses", id(2).String(), readmodels.Values{"revision": int64(2)})) // no such row
		after, err := db.Apply(t.Context(), at, readmodels.LastEvent{Position: 1}, c, noon)
		require.ErrorIs(t, err, readmodels.ErrRejected)
		require.Equal(t, at, after)
		_, err = db.License(t.Context(), tenant, id(1))
		require.ErrorIs(t, err, readmodels.ErrNotFound)
		stored, err := db.Projections(t.Context())
		require.NoError(t, err)
		require.Zero(t, stored[0].Position)
	})
}

func TestACheckpointThatIsNotTheLatestIsFenced(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, open opener) {
		db := open(t)
		at := adopt(t, db, licenses)
		next := apply(t, db, licenses, at, func(*readmodels.Changes) {})
		stored, err := db.Apply(t.Context(), at, readmodels.LastEvent{Position: 2}, db.Changes(licenses, at), noon)
		require.ErrorIs(t, err, readmodels.ErrMoved, "an older position")
		require.Equal(t, next, stored)
		_, err = db.Apply(t.Context(), next, readmodels.LastEvent{Position: 0}, db.Changes(licenses, next), noon)
		require.ErrorIs(t, err, readmodels.ErrInvalidChange, "a checkpoint never goes back")
		adopt(t, db, licenses)
		c := db.Changes(licenses, next)
		require.NoError(t, c.Insert("licenses", row(1, nil)))
		_, err = db.Apply(t.Context(), next, readmodels.LastEvent{Position: 2}, c, noon)
		require.ErrorIs(t, err, readmodels.ErrFenced, "an older epoch")
		require.ErrorIs(t, db.Mark(t.Context(), next, readmodels.StateFailed, "x", noon), readmodels.ErrFenced)
		require.ErrorIs(t, db.RecordChecksum(t.Context(), next, "x"), readmodels.ErrFenced)
		_, err = db.License(t.Context(), tenant, id(1))
		require.ErrorIs(t, err, readmodels.ErrNotFound)
	})
}

func TestTheTablesOutliveTheProgram(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, open opener) {
		db := open(t)
		apply(t, db, licenses, adopt(t, db, licenses), func(c *readmodels.Changes) { require.NoError(t, c.Insert("licenses", row(1, nil))) })
		require.NoError(t, db.Close())
		require.NoError(t, db.Close(), "closing again does no harm")
		require.Error(t, db.Ping(t.Context()))

		db = open(t)
		require.NoError(t, db.Ping(t.Context()))
		adopted, err := db.Acquire(t.Context(), licenses, "again", noon)
		require.NoError(t, err)
		require.Equal(t, readmodels.Acquired{Checkpoint: readmodels.Checkpoint{Name: readmodels.Licenses, Generation: 1, Epoch: 2, LastEvent: readmodels.LastEvent{Position: 1}}, Version: 1}, adopted)
		_, err = db.License(t.Context(), tenant, id(1))
		require.NoError(t, err)
	})
}

func TestADatabaseThatCannotBeOpenedIsAnError(t *testing.T) {
	t.Parallel()
	_, err := readmodels.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "no such folder", "r.db"))
	require.Error(t, err)
}

func TestASwitchIsFencedWhenTheServingGenerationChangedHands(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, open opener) {
		db := open(t)
		serving := adopt(t, db, licenses)
		built, err := db.BeginGeneration(t.Context(), licenses, "test", noon)
		require.NoError(t, err)
		stale := serving
		stale.Epoch--
		_, err = db.Switch(t.Context(), licenses, stale, built, readmodels.LastEvent{}, db.Changes(licenses, built), noon)
		require.ErrorIs(t, err, readmodels.ErrFenced)
		_, err = db.Switch(t.Context(), licenses, serving, built, readmodels.LastEvent{}, db.Changes(licenses, built), noon)
		require.NoError(t, err)
		_, err = db.Apply(t.Context(), serving, readmodels.LastEvent{Position: 1}, db.Changes(licenses, serving), noon)
		require.ErrorIs(t, err, readmodels.ErrFenced, "the replaced generation is not written any more")
		require.NoError(t, db.DropGeneration(t.Context(), licenses.Name, serving.Generation))
		require.NoError(t, db.DropGeneration(t.Context(), licenses.Name, serving.Generation), "dropping again does no harm")
		require.NoError(t, db.DropGeneration(t.Context(), licenses.Name, built.Generation), "the serving one is kept")
		_, err = db.Licenses(t.Context(), tenant, readmodels.LicenseFilter{}, readmodels.Paging{})
		require.NoError(t, err)
	})
}

func TestWaitingEndsWhenAllProjectionsAreThere(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, open opener) {
		db := open(t)
		a, b := adopt(t, db, licenses), adopt(t, db, catalog)
		names := []string{readmodels.Licenses, readmodels.Catalog}
		require.NoError(t, db.WaitForPosition(t.Context(), names, 0))
		require.NoError(t, db.WaitForPosition(t.Context(), nil, 5))

		done := make(chan error, 1)
		go func() { done <- db.WaitForPosition(t.Context(), names, 1) }()
		a = apply(t, db, licenses, a, func(*readmodels.Changes) {})
		db.Announce(a)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		err := db.WaitForPosition(ctx, names, 1)
		require.ErrorIs(t, err, readmodels.ErrNotReached, "one of two is not enough")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		select {
		case <-done:
			require.Fail(t, "did not wait")
		default:
		}
		db.Announce(apply(t, db, catalog, b, func(*readmodels.Changes) {}))
		require.NoError(t, <-done)
	})
}

func TestWaitingNoticesProjectionsOfAnotherProcess(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, open opener) {
		here, there := open(t), open(t)
		at := adopt(t, there, licenses)
		done := make(chan error, 10)
		for range cap(done) {
			go func() { done <- here.WaitForPosition(t.Context(), []string{readmodels.Licenses}, 1) }()
		}
		apply(t, there, licenses, at, func(*readmodels.Changes) {}) // announced over there only
		for range cap(done) {
			require.NoError(t, <-done)
		}
	})
}

func TestApplyingAgainWhatWasAppliedChangesNothing(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, open opener) {
		db := open(t)
		at := apply(t, db, licenses, adopt(t, db, licenses), func(c *readmodels.Changes) { require.NoError(t, c.Insert("licenses", row(1, nil))) })
		for range 2 { // the answer to the first was lost
			c := db.Changes(licenses, at)
			require.NoError(t, c.Update("licenses", id(1).String(), readmodels.Values{"seats_used": readmodels.Increment(1)}))
			next, err := db.Apply(t.Context(), at, readmodels.LastEvent{Position: 2}, c, noon)
			require.NoError(t, err)
			require.EqualValues(t, 2, next.Position)
		}
		l, err := db.License(t.Context(), tenant, id(1))
		require.NoError(t, err)
		require.Equal(t, 1, l.SeatsUsed)
	})
}
