package keyring_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/keyring"
)

func TestAMasterKeyNeverPrintsItself(t *testing.T) {
	t.Parallel()
	master := parseMaster(t, masterText)
	nested := struct{ Exported, unexported keyring.MasterKey }{master, master}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X"} {
		fmt.Fprintf(&out, verb+"\n", master)
		fmt.Fprintf(&out, verb+"\n", &master)
		fmt.Fprintf(&out, verb+"\n", nested)
	}
	out.WriteString(master.String() + master.GoString())
	require.NoError(t, json.NewEncoder(&out).Encode(nested))
	slog.New(slog.NewJSONHandler(&out, nil)).Info("", "master", master, "nested", nested)
	slog.New(slog.NewTextHandler(&out, nil)).Info("", "master", master, "nested", nested)

	require.Contains(t, out.String(), "[master key]")
	for _, leak := range []string{masterText[:8], "16 17 18", "10111213", "0x10, 0x11", "0x10111213", "ODxAREhM"} {
		require.NotContains(t, strings.ToLower(out.String()), strings.ToLower(leak))
	}
}

func TestAMasterKeyIs32BytesInBase64(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", masterText + "AAAA", masterText[:43],
		"not base 64, but forty-four characters long.",
		strings.Repeat(" ", 2000) + masterText} {
		_, err := keyring.ParseMasterKey(text)
		require.ErrorIs(t, err, keyring.ErrMasterKeyMalformed)
		require.False(t, len(text) > 8 && strings.Contains(err.Error(), text[:8]))
	}
	_, err := keyring.ParseMasterKey("\n " + masterText + "\r\n")
	require.NoError(t, err)
}

func TestTheFirstStartMakesAMasterKeyForItsOwnerAlone(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		dir := t.TempDir()
		db := e.open(t, e.place(t))
		path := filepath.Join(dir, "master.key")
		first, err := keyring.LoadOrCreateMasterKey(t.Context(), path, db)
		require.NoError(t, err)

		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode())
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Len(t, text, 45)
		again, err := keyring.LoadOrCreateMasterKey(t.Context(), path, db)
		require.NoError(t, err)
		require.Equal(t, first, again)
		parsed, err := keyring.ParseMasterKey(string(text))
		require.NoError(t, err)
		require.Equal(t, first, parsed)
		left, err := filepath.Glob(filepath.Join(dir, ".master-key-*"))
		require.NoError(t, err)
		require.Empty(t, left)
	})
}

func TestFirstStartsThatRaceUseOneMasterKey(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		dir := t.TempDir()
		db := e.open(t, e.place(t))
		masters := make([]keyring.MasterKey, 16)
		var wg sync.WaitGroup
		for i := range masters {
			wg.Go(func() {
				var err error
				if masters[i], err = keyring.LoadOrCreateMasterKey(t.Context(), filepath.Join(dir, "master.key"), db); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, m := range masters {
			require.Equal(t, masters[0], m)
		}
	})
}

func TestAMissingMasterKeyIsNotReplacedWhenThereAreKeys(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := newRing(t, e, 1)
		path := filepath.Join(t.TempDir(), "master.key")
		_, err := keyring.LoadOrCreateMasterKey(t.Context(), path, r.db)
		require.ErrorIs(t, err, keyring.ErrMasterKeyMissing)
		require.NoFileExists(t, path)
	})
}

func TestAMasterKeyFileThatOthersMayReadIsRefused(t *testing.T) {
	t.Parallel()
	db := sqlite.open(t, sqlite.place(t))
	for _, mode := range []os.FileMode{0o640, 0o604, 0o644, 0o610, 0o602, 0o666} {
		path := filepath.Join(t.TempDir(), "master.key")
		require.NoError(t, os.WriteFile(path, []byte(masterText), 0o600))
		require.NoError(t, os.Chmod(path, mode))
		_, err := keyring.LoadOrCreateMasterKey(t.Context(), path, db)
		require.ErrorIs(t, err, keyring.ErrMasterKeyExposed, mode)
		require.ErrorContains(t, err, path)
		require.NoError(t, os.Chmod(path, 0o400))
		_, err = keyring.LoadOrCreateMasterKey(t.Context(), path, db)
		require.NoError(t, err)
	}
}

func TestAMasterKeyFileThatHoldsNoKeyIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := sqlite.open(t, filepath.Join(dir, "keys.db"))
	for _, content := range []string{"", "short", masterText + "\n" + masterText, strings.Repeat("\n", 5000) + masterText} {
		path := filepath.Join(dir, "master.key")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, err := keyring.LoadOrCreateMasterKey(t.Context(), path, db)
		require.ErrorIs(t, err, keyring.ErrMasterKeyMalformed)
	}
	_, err := keyring.LoadOrCreateMasterKey(t.Context(), dir, db)
	require.Error(t, err, "a folder")
	_, err = keyring.LoadOrCreateMasterKey(t.Context(), filepath.Join(dir, "nowhere", "master.key"), db)
	require.ErrorIs(t, err, os.ErrNotExist)
}
