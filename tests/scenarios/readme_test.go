package scenarios_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/tests/support/process"
)

// bash runs a script and requires every line of it to succeed. It returns its output.
func bash(t *testing.T, dir string, environ []string, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script)
	command.Dir, command.Env = dir, append(os.Environ(), environ...)
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s\n%s", script, output)
	return string(output)
}

// executed finds the commands that a document promises to work.
var executed = regexp.MustCompile("(?s)<!-- executed -->\n```sh\n(.*?)```")

func TestTheCommandsOfTheReadmeWorkAsWritten(t *testing.T) {
	t.Parallel()
	require.Greater(t, playDocument(t, "README.md"), uint64(4))
}

func TestTheCommandsOfTheDeploymentGuideWorkAsWritten(t *testing.T) {
	t.Parallel()
	playDocument(t, "docs/deploy.md")
}

// playDocument runs the commands of a document one after the other, beside a server, and returns the ledger's head in the end.
func playDocument(t *testing.T, name string) uint64 {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(process.Repository(), name))
	require.NoError(t, err)
	scripts := executed.FindAllStringSubmatch(string(text), -1)
	require.NotEmpty(t, scripts)
	require.Equal(t, strings.Count(string(text), "<!-- executed -->"), len(scripts), "a marker stands right before its commands")

	// A working directory as after `make run`, but for the address: others may use the usual one.
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "bin"), 0o700))
	require.NoError(t, os.Symlink(fixture.binary, filepath.Join(dir, "bin", "licenseledger")))
	server := newServer(t, embedded, func(o *process.Options) { o.DataDir = filepath.Join(dir, "data") })
	address := strings.TrimPrefix(server.URL(), "http://")
	for _, script := range scripts {
		output := bash(t, dir, []string{"LICENSELEDGER_LISTEN=" + address}, strings.ReplaceAll(script[1], "127.0.0.1:8080", address))
		require.NotContains(t, output, `"urn:licenseledger:problem`)
	}
	return head(t, server.Admin(t))
}
