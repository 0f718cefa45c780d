package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/version"
)

// ran runs a command line and returns what it printed.
func ran(t *testing.T, args ...string) (out, errors string, err error) {
	t.Helper()
	var o, e bytes.Buffer
	err = Run(t.Context(), args, Stdio{In: strings.NewReader(""), Out: &o, Err: &e})
	return o.String(), e.String(), err
}

func TestADeprecatedFlagWorksWithOneWarning(t *testing.T) {
	t.Parallel()
	out, warnings, err := ran(t, "config", "--drain-timeout", "7s")
	require.NoError(t, err)
	require.Regexp(t, `(?m)^shutdown_timeout +7s +flag$`, out)
	require.Equal(t, "licenseledger: warning: the setting drain_timeout (flag) is deprecated: use shutdown_timeout\n", warnings)
	help, _, err := ran(t, "serve", "--help")
	require.NoError(t, err)
	require.Contains(t, help, "--shutdown-timeout")
	require.NotContains(t, help, "--drain-timeout")
}

func TestAnErrorIsPrintedWithItsHint(t *testing.T) {
	t.Parallel()
	_, errors, err := ran(t, "config", "--log-level", "loud")
	require.Error(t, err)
	require.Equal(t, "licenseledger: the setting log_level must be debug, info, warn or error\n"+
		"  `licenseledger config` shows where every value comes from\n", errors)
}

func TestTheVersionIsACommandAndAFlag(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"version"}, {"--version"}} {
		out, _, err := ran(t, args...)
		require.NoError(t, err)
		require.Equal(t, version.Current().String()+"\n", out)
	}
	out, _, err := ran(t, "version", "--json")
	require.NoError(t, err)
	require.Contains(t, out, `"version": "`+version.Current().Version+`"`)
}

func TestShellsGetCompletions(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		out, _, err := ran(t, "completion", shell)
		require.NoError(t, err)
		require.Contains(t, out, "licenseledger")
	}
}

func TestAMisspeltFlagIsRefusedWithTheNearestOne(t *testing.T) {
	t.Parallel()
	_, errors, err := ran(t, "serve", "--lisen", "127.0.0.1:0")
	require.Error(t, err)
	require.Contains(t, errors, "did you mean --listen?")
}
