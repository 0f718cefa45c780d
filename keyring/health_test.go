package keyring_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/keyring"
)

func TestAKeyRingThatCanBeReadAnswers(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := newRing(t, e, 1)
		require.NoError(t, r.Ping(t.Context()))
		require.NoError(t, r.Writable(t.Context()))
		_, err := r.db.ExecContext(t.Context(), `DELETE FROM ring`)
		require.NoError(t, err)
		require.ErrorIs(t, r.Ping(t.Context()), keyring.ErrDamaged)
		require.NoError(t, r.db.Close())
		require.ErrorIs(t, r.Ping(t.Context()), keyring.ErrUnavailable)
	})
}

func TestAKeyRingThatCannotStoreSaysSoUntilItCan(t *testing.T) {
	t.Parallel()
	r := newRing(t, sqlite, 1)
	refuse := func(table, change string) {
		t.Helper()
		_, err := r.db.ExecContext(t.Context(),
			`CREATE TRIGGER no_room_`+table+` BEFORE `+change+` ON `+table+` BEGIN SELECT RAISE(ABORT, 'no room'); END`)
		require.NoError(t, err)
	}
	refuse("subjects", "INSERT")
	refuse("ring", "UPDATE")
	require.NoError(t, r.Writable(t.Context()), "nothing has failed yet, and nothing is written to find out")
	_, err := r.Subject(t.Context(), "default", "ada@example.com")
	require.ErrorIs(t, err, keyring.ErrUnavailable)
	for range 2 {
		require.ErrorIs(t, r.Writable(t.Context()), keyring.ErrUnavailable)
	}
	_, err = r.db.ExecContext(t.Context(), `DROP TRIGGER no_room_ring`)
	require.NoError(t, err)
	require.NoError(t, r.Writable(t.Context()))
}
