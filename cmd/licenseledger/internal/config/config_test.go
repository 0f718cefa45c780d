package config

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
)

// configured loads the configuration of a command line, an environment and a file.
func configured(t *testing.T, file string, environ []string, args ...string) (Config, error) {
	t.Helper()
	if file != "" {
		path := filepath.Join(t.TempDir(), "licenseledger.yaml")
		require.NoError(t, os.WriteFile(path, []byte(file), 0o600))
		args = append(args, "--config", path)
	}
	flags := Flags()
	require.NoError(t, flags.Parse(args))
	return Load(flags, environ)
}

func (c Config) source(key string) string {
	for _, s := range c.Sources {
		if s.Key == key {
			return s.Source
		}
	}
	return ""
}

func TestASettingIsTakenFromTheFlagThenTheEnvironmentThenTheFileThenItsDefault(t *testing.T) {
	t.Parallel()
	file := "data_dir: from-file\nissuer: from-file\nlisten: 127.0.0.1:1\n"
	environ := []string{"LICENSELEDGER_DATA_DIR=from-environment", "LICENSELEDGER_ISSUER=from-environment", "HOME=/root"}
	c, err := configured(t, file, environ, "--data-dir", "from-flag")
	require.NoError(t, err)
	require.Equal(t, "from-flag", c.DataDir)
	require.Equal(t, "flag", c.source("data_dir"))
	require.Equal(t, "from-environment", c.Issuer)
	require.Equal(t, "environment", c.source("issuer"))
	require.Equal(t, "127.0.0.1:1", c.Listen)
	require.Contains(t, c.source("listen"), "licenseledger.yaml")
	require.Equal(t, 15*time.Second, c.ShutdownTimeout)
	require.Equal(t, "default", c.source("shutdown_timeout"))
}

func TestTheFileMayBeNamedByTheEnvironment(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(path, []byte("issuer: acme\n"), 0o600))
	c, err := configured(t, "", []string{"LICENSELEDGER_CONFIG=" + path})
	require.NoError(t, err)
	require.Equal(t, "acme", c.Issuer)
}

func TestSecretsAreNeverShownAndNeverFlags(t *testing.T) {
	t.Parallel()
	c, err := configured(t, "", []string{"LICENSELEDGER_ADMIN_KEY=a-very-long-admin-key-indeed"})
	require.NoError(t, err)
	require.Equal(t, "a-very-long-admin-key-indeed", c.AdminKey)
	for _, s := range c.Sources {
		require.NotContains(t, s.Value, "a-very-long")
	}
	require.Nil(t, Flags().Lookup("admin-key"))
	require.Nil(t, Flags().Lookup("master-key"))
}

func TestAPasswordInAConnectionStringIsNotShownAndNotTakenFromTheCommandLine(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"postgres://ada:hunter2@db:5432/ledger?sslmode=disable", "postgres://ada@db/ledger?password=hunter2",
		"postgres://ada@db/ledger?sslpassword=hunter2",
	} {
		c, err := configured(t, "", []string{"LICENSELEDGER_EVENTSTORE=" + text, "LICENSELEDGER_READMODELS=" + text})
		require.NoError(t, err)
		require.Equal(t, text, c.EventStore.Text)
		for _, s := range c.Sources {
			require.NotContains(t, s.Value, "hunter2")
		}
		require.NotContains(t, fmt.Sprint(c.EventStore), "hunter2")

		_, err = configured(t, "", nil, "--eventstore", text)
		require.ErrorContains(t, err, "eventstore contains a password")
		require.NotContains(t, err.Error(), "hunter2")
	}
	c, err := configured(t, "", nil, "--eventstore", "postgres://ada@db/ledger?sslmode=disable&connect_timeout=3")
	require.NoError(t, err)
	require.True(t, c.EventStore.Shared())
}

func TestTheURLOfRedisIsTakenWithItsPasswordAndShownWithout(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"redis://:hunter2@cache:6379/1", "rediss://ada:hunter2@cache:6379", "unix://:hunter2@/run/redis.sock?db=1",
		"redis+sentinel://:hunter2@s1:26379?master_name=main&addr=s2:26379", "redis+sentinel://s1:26379?master_name=main&password=hunter2",
		"redis+cluster://:hunter2@n1:6379?addr=n2:6379",
	} {
		c, err := configured(t, "", []string{"LICENSELEDGER_REDIS=" + text})
		require.NoError(t, err)
		require.Equal(t, text, c.Redis)
		for _, s := range c.Sources {
			require.NotContains(t, s.Value, "hunter2")
		}
		_, err = configured(t, "", nil, "--redis", text)
		require.ErrorContains(t, err, "redis contains a password")
	}
	_, err := configured(t, "", []string{"LICENSELEDGER_REDIS=redis://:hunter2/3@cache"})
	require.ErrorContains(t, err, "redis")
	require.NotContains(t, err.Error(), "hunter2")
}

func TestFilesOfTheEmbeddedEnginesAreInTheDataDirectoryUnlessTheirPathIsAbsolute(t *testing.T) {
	t.Parallel()
	c, err := configured(t, "", nil, "--data-dir", "/data", "--readmodels", "sqlite:/fast/views.db")
	require.NoError(t, err)
	require.Equal(t, "/data/ledger.db", c.EventStore.File(c.DataDir))
	require.Equal(t, "/fast/views.db", c.ReadModels.File(c.DataDir))
	require.False(t, c.EventStore.Shared())
}

func TestWrongSettingsAreRefusedByName(t *testing.T) {
	t.Parallel()
	for name, environ := range map[string]string{
		"clock_settle":              "LICENSELEDGER_CLOCK_SETTLE=0s",
		"license_cache_size":        "LICENSELEDGER_LICENSE_CACHE_SIZE=none",
		"shutdown_timeout":          "LICENSELEDGER_SHUTDOWN_TIMEOUT=soon",
		"max_streams":               "LICENSELEDGER_MAX_STREAMS=0",
		"max_streams_per_principal": "LICENSELEDGER_MAX_STREAMS_PER_PRINCIPAL=many",
		"listen":                    "LICENSELEDGER_LISTEN=here",
		"docs":                      "LICENSELEDGER_DOCS=maybe",
		"eventstore":                "LICENSELEDGER_EVENTSTORE=mysql://db",
		"readmodels":                "LICENSELEDGER_READMODELS=esdb://db",
		"readmodels_replica":        "LICENSELEDGER_READMODELS_REPLICA=postgres://db",
		"role":                      "LICENSELEDGER_ROLE=projector",
		"redis":                     "LICENSELEDGER_REDIS=localhost:6379",
		"data_dir":                  "LICENSELEDGER_DATA_DIR=",
		"issuer":                    "LICENSELEDGER_ISSUER=",
		"admin_key":                 "LICENSELEDGER_ADMIN_KEY=short",
		"log_level":                 "LICENSELEDGER_LOG_LEVEL=loud",
		"log_format":                "LICENSELEDGER_LOG_FORMAT=poem",
	} {
		_, err := configured(t, "", []string{environ})
		require.ErrorContains(t, err, name)
		require.NotEmpty(t, hint.Of(err))
	}
	_, err := configured(t, "data_dri: x\n", nil)
	require.ErrorContains(t, err, `unknown setting "data_dri"`)
	_, err = configured(t, "", nil, "--config", "/nowhere/c.yaml")
	require.ErrorContains(t, err, "/nowhere/c.yaml")
}

func TestADeprecatedNameOfASettingWorksAndIsWarnedOf(t *testing.T) {
	t.Parallel()
	for name, load := range map[string]func() (Config, error){
		"flag":        func() (Config, error) { return configured(t, "", nil, "--drain-timeout", "7s") },
		"environment": func() (Config, error) { return configured(t, "", []string{"LICENSELEDGER_DRAIN_TIMEOUT=7s"}) },
		"file":        func() (Config, error) { return configured(t, "drain_timeout: 7s\n", nil) },
	} {
		c, err := load()
		require.NoError(t, err, name)
		require.Equal(t, 7*time.Second, c.ShutdownTimeout, name)
		require.Contains(t, c.source("shutdown_timeout"), name)
		require.Len(t, c.Warnings, 1, name)
		require.Contains(t, c.Warnings[0], "drain_timeout")
		require.Contains(t, c.Warnings[0], "use shutdown_timeout")
	}
	c, err := configured(t, "", []string{"LICENSELEDGER_CACHED_LICENSES=5", "LICENSELEDGER_LICENSE_CACHE_SIZE=6"})
	require.NoError(t, err)
	require.Equal(t, 6, c.LicenseCacheSize, "the present name wins")
	c, err = configured(t, "", nil)
	require.NoError(t, err)
	require.Empty(t, c.Warnings)
}
