package permissions

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
)

func TestTheFileOfASecretIsForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	for _, mode := range []fs.FileMode{0o640, 0o620, 0o610, 0o604, 0o602, 0o644, 0o666, 0o777} {
		require.NoError(t, os.Chmod(path, mode))
		err := RequirePrivate(path)
		require.ErrorContains(t, err, "by others", "%o", mode)
		require.Equal(t, "chmod 600 "+path, hint.Of(err))
	}
	for _, mode := range []fs.FileMode{0o600, 0o400, 0o700} {
		require.NoError(t, os.Chmod(path, mode))
		require.NoError(t, RequirePrivate(path))
	}
}

func TestAFileOfRootMayBeReadByTheGroupOfAServerThatIsNotRoot(t *testing.T) {
	t.Parallel()
	const root, server = 0, 1000
	require.False(t, exposed(0o440, root, server))
	require.False(t, exposed(0o640, root, server))
	for _, mode := range []fs.FileMode{0o444, 0o460, 0o602, 0o644} {
		require.True(t, exposed(mode, root, server), "%o", mode)
	}
	require.True(t, exposed(0o440, root, root))
	require.True(t, exposed(0o440, server, server))
}

func TestAFolderThatOthersMayWriteIsRefused(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, mode := range []fs.FileMode{0o770, 0o707, 0o777, 0o702, 0o777 | fs.ModeSticky} {
		require.NoError(t, os.Chmod(folder, mode))
		require.ErrorContains(t, RequireUnwritable(folder), "may be written by others", "%o", mode)
	}
	require.NoError(t, os.Chmod(folder, 0o755))
	require.NoError(t, RequireUnwritable(folder))
}
