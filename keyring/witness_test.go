package keyring_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/keyring"
)

func TestADatabaseRemembersTheLedgerThatItsKeysBelongTo(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := newRing(t, e, 1)
		w, err := r.db.Witness(t.Context())
		require.NoError(t, err)
		require.Zero(t, w)

		empty := keyring.Witness{Installation: uuid.New(), Epoch: uuid.New()}
		require.NoError(t, r.db.SetWitness(t.Context(), empty))
		w, err = r.db.Witness(t.Context())
		require.NoError(t, err)
		require.Equal(t, empty, w)

		seen := empty
		seen.Position, seen.Hash = 12, event.Hash{1, 2, 3}
		require.NoError(t, r.db.AdvanceWitness(t.Context(), seen))
		earlier, otherEpoch := seen, seen
		earlier.Position, earlier.Hash = 11, event.Hash{9}
		otherEpoch.Epoch, otherEpoch.Position = uuid.New(), 99
		require.NoError(t, r.db.AdvanceWitness(t.Context(), earlier))
		require.NoError(t, r.db.AdvanceWitness(t.Context(), otherEpoch))
		w, err = r.db.Witness(t.Context())
		require.NoError(t, err)
		require.Equal(t, seen, w, "neither an earlier event nor another epoch replaces what was seen")

		require.NoError(t, r.db.SetWitness(t.Context(), otherEpoch))
		w, err = r.db.Witness(t.Context())
		require.NoError(t, err)
		require.Equal(t, otherEpoch, w)
	})
}
