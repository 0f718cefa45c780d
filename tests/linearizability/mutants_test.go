package linearizability_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/tests/support/process"
)

// mostRounds bounds how long a mutant may go undetected. It takes a few rounds at most.
const mostRounds = 60

// edit replaces text in a source file of the program.
type edit struct{ file, old, new string }

func TestEveryMutantIsFound(t *testing.T) {
	t.Parallel()
	// Both change files that few packages import, so that little is compiled again.
	for name, edits := range map[string][]edit{
		// Refusals and verdicts come from what an instance remembers, which lags behind the ledger by a twentieth of a second at most.
		"what others have appended is seen late": {
			{"eventstore/paging/reader.go", `"context"`, "\"context\"\n\t\"time\""},
			{"eventstore/paging/reader.go", "head, err := r.Head(ctx)\n", `head, err := r.Head(ctx)
		if time.Now().UnixMilli()/50%2 == 0 {
			head = after
		}
`},
		},
		// The limit is checked on the revision that an instance remembers, and the seat is taken at the one that the ledger has.
		"seats taken at another revision than the one decided on": {
			{"eventstore/groupcommit/resolve.go", "if current == a.Expected {", "if a.Expected = current; true {"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newTrial(t, buildMutant(t, edits))
			for round := range mostRounds {
				h := g.round()
				if porcupine.CheckOperationsTimeout(model(), h.operations, checkTime) == porcupine.Illegal {
					t.Logf("found in round %d", round+1)
					return
				}
			}
			require.Fail(t, "the mutant was not found", "in %d rounds", mostRounds)
		})
	}
}

// buildMutant builds the program with some of its source replaced. The files themselves stay unchanged.
func buildMutant(t *testing.T, edits []edit) string {
	t.Helper()
	dir := t.TempDir()
	edited := map[string]string{} // texts by path
	for _, e := range edits {
		path := filepath.Join(process.Repository(), e.file)
		if _, there := edited[path]; !there {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			edited[path] = string(text)
		}
		require.Equal(t, 1, strings.Count(edited[path], e.old), "%s has changed: find another mutation in place of %q", e.file, e.old)
		edited[path] = strings.Replace(edited[path], e.old, e.new, 1)
	}
	overlay := map[string]map[string]string{"Replace": {}}
	for path, text := range edited {
		overlay["Replace"][path] = filepath.Join(dir, filepath.Base(path))
		require.NoError(t, os.WriteFile(overlay["Replace"][path], []byte(text), 0o600))
	}
	text, err := json.Marshal(overlay)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "overlay.json"), text, 0o600))

	binary := filepath.Join(dir, "licenseledger")
	// With the flags of the Makefile, most of it is built already.
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-overlay",
		filepath.Join(dir, "overlay.json"), "-o", binary, "./cmd/licenseledger")
	build.Dir = process.Repository()
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	output, err := build.CombinedOutput()
	require.NoError(t, err, "%s", output)
	return binary
}
