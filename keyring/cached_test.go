package keyring_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/keyring"
)

func TestWhatOneProcessSealsForACacheAnotherOpens(t *testing.T) {
	t.Parallel()
	r := newRing(t, sqlite, 1)
	sealed, err := r.SealCached([]byte("folded"), "snapshot", "1")
	require.NoError(t, err)
	require.NotContains(t, string(sealed), "folded")
	opened, err := r.reopened(t).OpenCached(sealed, "snapshot", "1")
	require.NoError(t, err)
	require.Equal(t, "folded", string(opened))
	again, err := r.SealCached([]byte("folded"), "snapshot", "1")
	require.NoError(t, err)
	require.NotEqual(t, sealed, again, "equal contents are not told apart from others")
}

func TestWhatWasNotSealedForTheCacheUnderThatNameIsNotOpened(t *testing.T) {
	t.Parallel()
	r := newRing(t, sqlite, 1)
	sealed, err := r.SealCached([]byte("folded"), "snapshot", "1")
	require.NoError(t, err)
	for _, name := range [][]string{{"snapshot", "2"}, {"snapshot"}, {"snapshot1"}, {"snapshot", "1", ""}, nil} {
		_, err := r.OpenCached(sealed, name...)
		require.ErrorIs(t, err, keyring.ErrTampered, name)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		_, err := r.OpenCached(changed, "snapshot", "1")
		require.ErrorIs(t, err, keyring.ErrTampered)
		_, err = r.OpenCached(sealed[:i], "snapshot", "1")
		require.ErrorIs(t, err, keyring.ErrTampered)
	}
	_, err = newRing(t, sqlite, 2).OpenCached(sealed, "snapshot", "1")
	require.ErrorIs(t, err, keyring.ErrTampered)
}

func TestSealingForACacheFailsWithoutRandomness(t *testing.T) {
	t.Parallel()
	r := newRing(t, sqlite, 1)
	dry, err := keyring.Open(t.Context(), config(t, r.db, &failing{}))
	require.NoError(t, err)
	_, err = dry.SealCached([]byte("folded"), "snapshot")
	require.ErrorIs(t, err, errDry)
}
