package adminkey_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/adminkey"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
)

func TestTheAdminKeyIsCreatedOnceAndStored(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), adminkey.File)
	first, made, err := adminkey.LoadOrCreate("", path)
	require.NoError(t, err)
	require.True(t, made)
	require.GreaterOrEqual(t, len(first), 40)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	second, made, err := adminkey.LoadOrCreate("", path)
	require.NoError(t, err)
	require.False(t, made)
	require.Equal(t, first, second)

	given, made, err := adminkey.LoadOrCreate("given-by-the-environment", path)
	require.NoError(t, err)
	require.False(t, made)
	require.Equal(t, "given-by-the-environment", given)
}

func TestAnAdminKeyThatOthersMayReadIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), adminkey.File)
	_, _, err := adminkey.LoadOrCreate("", path)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(path, 0o644))
	_, _, err = adminkey.LoadOrCreate("", path)
	require.ErrorContains(t, err, "may be read or written by others")
	require.NoError(t, os.WriteFile(path, []byte("short\n"), 0o600))
	_, _, err = adminkey.LoadOrCreate("", path)
	require.ErrorContains(t, err, "at least 20 characters")
	require.NotEmpty(t, hint.Of(err))
}

func TestBlanksAndLineEndsAroundAnAdminKeyAreNotPartOfIt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), adminkey.File)
	for _, end := range []string{"\n", "\r\n", " ", "\t\n\n"} {
		require.NoError(t, os.WriteFile(path, []byte("twenty-characters-key"+end), 0o600))
		key, _, err := adminkey.LoadOrCreate("", path)
		require.NoError(t, err)
		require.Equal(t, "twenty-characters-key", key)
		key, err = adminkey.Load("", path)
		require.NoError(t, err)
		require.Equal(t, "twenty-characters-key", key)
	}
	require.NoError(t, os.WriteFile(path, []byte("two words in one line\n"), 0o600))
	_, _, err := adminkey.LoadOrCreate("", path)
	require.ErrorContains(t, err, "without blanks", "no client could send it")
}
