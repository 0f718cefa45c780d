package keyring_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/keyring"
)

func TestCopiedKeysOpenWhatTheSourceSealed(t *testing.T) {
	t.Parallel()
	for _, way := range []struct{ from, to engine }{{sqlite, postgres}, {postgres, sqlite}} {
		t.Run(way.from.name+" to "+way.to.name, func(t *testing.T) {
			t.Parallel()
			source := newRing(t, way.from, 1)
			identities := make([]string, 1_000)
			for i := range identities {
				identities[i] = fmt.Sprintf("person-%d@example.com", i)
			}
			ids, err := source.Subjects(t.Context(), "default", identities)
			require.NoError(t, err)
			sealed, err := source.Seal(t.Context(), ids[7], []byte("Ada"))
			require.NoError(t, err)
			erased, err := source.Seal(t.Context(), ids[8], []byte("Grace"))
			require.NoError(t, err)
			require.NoError(t, source.EraseSubject(t.Context(), ids[8]))
			key, err := source.NewSigningKey(t.Context(), "default", uuid.New(), catalog.Ed25519)
			require.NoError(t, err)

			place := way.to.place(t)
			target := way.to.open(t, place)
			rows, err := keyring.Copy(t.Context(), source.db, target)
			require.NoError(t, err)
			require.Greater(t, rows, len(identities))
			_, err = keyring.Copy(t.Context(), source.db, target)
			require.ErrorIs(t, err, keyring.ErrHoldsKeys)

			copied := openRing(t, way.to, place, 2)
			plain, err := copied.Unseal(t.Context(), ids[7], sealed)
			require.NoError(t, err)
			require.Equal(t, "Ada", string(plain))
			_, err = copied.Unseal(t.Context(), ids[8], erased)
			require.ErrorIs(t, err, keyring.ErrKeyGone)
			require.Equal(t, ids[9], subjectOf(t, copied, identities[9]))
			require.Equal(t, source.HashRequest([]byte("x")), copied.HashRequest([]byte("x")))
			before, failedBefore := source.Certify(t.Context(), key.ID, certificate())
			after, failedAfter := copied.Certify(t.Context(), key.ID, certificate())
			require.NoError(t, errors.Join(failedBefore, failedAfter))
			require.Equal(t, before, after)
		})
	}
}

func TestAnEmptyDatabaseHasNoKeysToCopy(t *testing.T) {
	t.Parallel()
	from, to := sqlite.open(t, sqlite.place(t)), sqlite.open(t, sqlite.place(t))
	_, err := keyring.Copy(t.Context(), from, to)
	require.ErrorIs(t, err, keyring.ErrNoKeys)
}

func TestAMasterKeyIsCheckedWithoutMakingARing(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		place := e.place(t)
		db := e.open(t, place)
		require.ErrorIs(t, keyring.CheckMasterKey(t.Context(), db.DB, parseMaster(t, masterText)), keyring.ErrNoKeys)
		openRing(t, e, place, 1)
		require.NoError(t, keyring.CheckMasterKey(t.Context(), db.DB, parseMaster(t, masterText)))
		require.ErrorIs(t, keyring.CheckMasterKey(t.Context(), db.DB, parseMaster(t, otherMasterText)), keyring.ErrWrongMasterKey)
	})
}
