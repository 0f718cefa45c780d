package config

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
)

// secretFile is a file with a value, as a secret is mounted.
func secretFile(t *testing.T, value string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte(value), 0o600))
	return path
}

func TestEverySecretCanBeInAFileOfItsOwn(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"admin_key": "twenty-characters-key", "master_key": base64.StdEncoding.EncodeToString(make([]byte, 32)),
		"eventstore": "postgres://ada:hunter2@db/ledger", "readmodels": "postgres://ada:hunter2@db/ledger",
		"readmodels_replica": "postgres://ada:hunter2@db2/ledger", "redis": "redis://:hunter2@cache:6379",
	}
	var environ, args []string
	var file strings.Builder
	for _, s := range Settings() {
		if s.Secret || s.URL {
			require.Contains(t, values, s.Key)
			path := secretFile(t, values[s.Key]+"\r\n")
			environ = append(environ, variable(s.Key+fileSuffix)+"="+path)
			args = append(args, "--"+flagName(s.Key)+"-file", path)
			file.WriteString(s.Key + fileSuffix + ": " + path + "\n")
		}
	}
	for place, load := range map[string]func() (Config, error){
		"environment": func() (Config, error) { return configured(t, "", environ) },
		"file":        func() (Config, error) { return configured(t, file.String(), nil) },
		"flag":        func() (Config, error) { return configured(t, "", nil, args...) },
	} {
		c, err := load()
		require.NoError(t, err, place)
		require.Equal(t, values["admin_key"], c.AdminKey)
		require.Equal(t, values["master_key"], c.MasterKey)
		require.Equal(t, values["eventstore"], c.EventStore.Text)
		require.Equal(t, values["readmodels"], c.ReadModels.Text)
		require.Equal(t, values["readmodels_replica"], c.Replica.Text)
		require.Equal(t, values["redis"], c.Redis)
		require.Contains(t, c.source("admin_key"), place)
		require.Contains(t, c.source("admin_key"), "admin_key_file")
		for _, s := range c.Sources {
			require.NotContains(t, s.Value, "hunter2")
		}
	}
}

func TestAFileWithASecretThatCannotBeUsedIsRefusedByName(t *testing.T) {
	t.Parallel()
	exposed := secretFile(t, "twenty-characters-key")
	require.NoError(t, os.Chmod(exposed, 0o640))
	for name, c := range map[string]struct {
		path, told string
	}{
		"others may read it": {exposed, "by others"},
		"it is missing":      {"/nowhere/secret", "admin_key_file names a file that cannot be read"},
		"it is a folder":     {t.TempDir(), "by others"},
		"it is empty":        {secretFile(t, "\n"), "admin_key_file names is empty"},
		"it is too large":    {secretFile(t, strings.Repeat("x", maxSecretFile+1)), "at most 64 KiB"},
		"the key is short":   {secretFile(t, "short"), "admin_key must have at least 20 characters"},
	} {
		_, err := configured(t, "", []string{"LICENSELEDGER_ADMIN_KEY_FILE=" + c.path})
		require.ErrorContains(t, err, c.told, name)
		require.NotEmpty(t, hint.Of(err), name)
	}
	both := []string{"LICENSELEDGER_ADMIN_KEY=twenty-characters-key", "LICENSELEDGER_ADMIN_KEY_FILE=" + secretFile(t, "x")}
	_, err := configured(t, "", both)
	require.ErrorContains(t, err, "admin_key and admin_key_file are both given")
	c, err := configured(t, "", []string{both[0], "LICENSELEDGER_ADMIN_KEY_FILE="})
	require.NoError(t, err, "an empty variable names no file")
	require.Equal(t, "twenty-characters-key", c.AdminKey)
}

func TestAConfigurationFileThatOthersMayWriteOrReadASecretInIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "c.yaml")
	load := func(text string, mode os.FileMode) error {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		require.NoError(t, os.Chmod(path, mode))
		_, err := configured(t, "", nil, "--config", path)
		return err
	}
	const plain = "issuer: acme\nredis: redis://cache:6379\n"
	require.NoError(t, load(plain, 0o644))
	for _, mode := range []os.FileMode{0o664, 0o646, 0o666} {
		require.ErrorContains(t, load(plain, mode), "may be written by others")
	}
	for _, secret := range []string{
		"admin_key: twenty-characters-key\n", "master_key: AAAA\n", "redis: redis://:hunter2@cache:6379\n",
		"eventstore: postgres://ada:hunter2@db/ledger\n",
	} {
		require.NoError(t, load(secret, 0o600), secret)
		for _, mode := range []os.FileMode{0o640, 0o604, 0o644, 0o620} {
			require.ErrorContains(t, load(secret, mode), "by others", secret)
		}
	}
}
