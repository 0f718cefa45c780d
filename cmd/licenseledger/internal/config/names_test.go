package config

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
)

func TestAMisspeltNameIsRefusedWithTheNearestOne(t *testing.T) {
	t.Parallel()
	for misspelt, nearest := range map[string]string{
		"LICENSELEDGER_LISTN=127.0.0.1:1":            "LICENSELEDGER_LISTEN",
		"LICENSELEDGER_ADMINKEY=":                    "LICENSELEDGER_ADMIN_KEY",
		"LICENSELEDGER_EVENT_STORE=sqlite:ledger.db": "LICENSELEDGER_EVENTSTORE",
		"licenseledger_listen=127.0.0.1:1":           "LICENSELEDGER_LISTEN",
		"LICENSELEDGER_COPY_FORM=sqlite:x":           "LICENSELEDGER_COPY_FROM",
		"LICENSELEDGER_CONFIGS=x.yaml":               "LICENSELEDGER_CONFIG",
	} {
		_, err := configured(t, "", []string{"HOME=/root", misspelt})
		require.ErrorContains(t, err, "is not a setting", misspelt)
		require.Contains(t, hint.Of(err), "did you mean "+nearest+"?", misspelt)
	}
	_, err := configured(t, "", []string{"LICENSELEDGER_SOMETHING_ELSE=x"})
	require.ErrorContains(t, err, "LICENSELEDGER_SOMETHING_ELSE is not a setting")
	require.NotContains(t, hint.Of(err), "did you mean")
	for misspelt, nearest := range map[string]string{"data-dir": "data_dir", "Listen": "listen", "issuers": "issuer"} {
		_, err := configured(t, misspelt+": x\n", nil)
		require.ErrorContains(t, err, "unknown setting")
		require.Contains(t, hint.Of(err), "did you mean "+nearest+"?", misspelt)
	}
	flags := Flags()
	require.Contains(t, hint.Of(UnknownFlag(flags.Parse([]string{"--lisen", "x"}), flags)), "did you mean --listen?")
}

func TestVariablesOfToolsAndThoseThatKubernetesAddsAreNoSettings(t *testing.T) {
	t.Parallel()
	_, err := configured(t, "", []string{
		"LICENSELEDGER_BINARY=bin/licenseledger", "LICENSELEDGER_CRASH_ROUNDS=20", "LICENSELEDGER_TEST_POSTGRES=postgres://db",
		"LICENSELEDGER_SERVICE_HOST=10.0.0.1", "LICENSELEDGER_SERVICE_PORT=8080", "LICENSELEDGER_SERVICE_PORT_HTTP=8080",
		"LICENSELEDGER_PORT=tcp://10.0.0.1:8080", "LICENSELEDGER_PORT_8080_TCP=tcp://10.0.0.1:8080", "LICENSELEDGER_PORT_8080_TCP_PROTO=tcp",
		"LICENSELEDGER_PORT_8080_TCP_PORT=8080", "LICENSELEDGER_PORT_8080_TCP_ADDR=10.0.0.1",
		"LICENSELEDGER_POSTGRES_SERVICE_HOST=10.0.0.2", "LICENSELEDGER_POSTGRES_PORT=tcp://10.0.0.2:5432",
		"LICENSELEDGER_COPY_TO=sqlite:x", "LICENSELEDGERS_OTHER=x", "OTHER_LICENSELEDGER_LISTEN=x",
	})
	require.NoError(t, err)
	_, err = configured(t, "", []string{"LICENSELEDGER_PORT=8080"})
	require.ErrorContains(t, err, "LICENSELEDGER_PORT is not a setting", "Kubernetes gives an address")
}

func TestTheAdminKeyIsTakenWithoutBlanksAroundItAndRefusedWhenItCanBeGuessed(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"twenty-characters-key\n", "twenty-characters-key\r\n", " twenty-characters-key \t"} {
		c, err := configured(t, "", []string{"LICENSELEDGER_ADMIN_KEY=" + key})
		require.NoError(t, err)
		require.Equal(t, "twenty-characters-key", c.AdminKey)
	}
	for key, rule := range map[string]string{
		"nineteen-characters": "at least 20 characters, and it has 19", "nineteen-characters \n": "and it has 19",
		"two words are not sent": "without blanks",
	} {
		_, err := configured(t, "", []string{"LICENSELEDGER_ADMIN_KEY=" + key})
		require.ErrorContains(t, err, "the setting admin_key must")
		require.ErrorContains(t, err, rule)
		require.NotContains(t, err.Error(), "nineteen")
		require.Contains(t, hint.Of(err), "openssl rand")
	}
}
