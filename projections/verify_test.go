package projections_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/projections/runtime"
)

func (w *fixture) derivation() runtime.Derivation {
	return runtime.Derivation{Store: w.store, Registry: domain.Events(), Projectors: w.projectors(), Owner: "fsck",
		Now: func() time.Time { return noon }}
}

func verify(t testing.TB, w *fixture) []runtime.Verified {
	t.Helper()
	aside := sqliteDatabase(t).opened(t)
	found, err := w.derivation().Verify(t.Context(), w.models, aside, nil)
	require.NoError(t, err)
	require.Len(t, found, len(all))
	return found
}

// requireDerivable checks that the read models hold what the ledger says, to the last row.
func requireDerivable(t testing.TB, w *fixture) {
	t.Helper()
	for _, v := range verify(t, w) {
		require.Nil(t, v.Difference, "%v", v.Difference)
		require.Equal(t, v.Stored, v.Derived, v.Projection)
		require.Len(t, v.Stored, 64)
	}
}

func TestVerifyNamesTheFirstRowThatDiffers(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		for name, c := range map[string]struct{ tamper, want string }{
			"a column": {`UPDATE licenses_g1 SET seats_used = 2`,
				"projection licenses, table licenses, row issued_position=2: differs in seats_used"},
			"a row too many": {`INSERT INTO license_words_g1 VALUES ('default', 'secretword', 2)`,
				"projection licenses, table license_words, row issued_position=2: missing in the right"},
			"a missing row": {`DELETE FROM timeline_g1 WHERE position = 3`,
				"projection timeline, table timeline, row position=3: missing in the left"},
			"a missing last row": {`DELETE FROM timeline_g1 WHERE position = 4`,
				"projection timeline, table timeline, row position=4: missing in the left"},
			"a NULL": {`UPDATE machines_g1 SET name = NULL`,
				"projection machines, table machines, row bound_position=3: differs in name"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newFixture(t)
				w.happened(productStream, registered())
				w.happened(licenseStream, issued(), bound(1, 1), granted(1, noon))
				w.start(w.config())
				w.caughtUp()
				requireDerivable(t, w)

				w.execute(w.backDoor(), c.tamper)

				var differences []string
				for _, v := range verify(t, w) {
					require.Equal(t, v.Difference == nil, v.Stored == v.Derived)
					if v.Difference != nil {
						differences = append(differences, v.Difference.String())
					}
				}
				require.Equal(t, []string{c.want}, differences)
			})
		}
	})
}

func TestVerifyComparesAtThePositionOfTheReadModel(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.happened(licenseStream, issued())
		runner := w.start(w.config())
		w.caughtUp()
		require.NoError(t, runner.Close())
		w.happened(licenseStream, bound(1, 1)) // not projected yet
		for _, v := range verify(t, w) {
			require.Nil(t, v.Difference)
			require.EqualValues(t, 1, v.Position)
		}
	})
}

func TestVerifyOfAnEmptyLedgerFindsNothing(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.start(w.config())
		requireDerivable(t, w)
	})
}

func TestVerifyRefusesAReadModelAheadOfItsLedger(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.happened(licenseStream, issued())
		w.start(w.config())
		w.caughtUp()
		other := newFixture(t)
		aside := sqliteDatabase(t).opened(t)
		_, err := other.derivation().Verify(t.Context(), w.models, aside, nil)
		require.ErrorIs(t, err, runtime.ErrAheadOfLedger)
	})
}
