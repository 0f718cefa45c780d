package backup

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzManifest feeds files to the reader of manifests: what it accepts has the present format, and is written and read back the same.
func FuzzManifest(f *testing.F) {
	f.Add(`{"format":1,"made_at":"2026-03-03T12:00:00Z","program":"0.8.0","schema":3,"events":7,"streams":2,"head":7,"digest":"x"}`)
	f.Add(`{"format":2}`)
	f.Add(`null`)
	f.Add(`{"format":1,"events":-1}`)
	f.Fuzz(func(t *testing.T, text string) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, manifestFile), []byte(text), 0o600))
		var m, again Manifest
		if readManifest(dir, &m) != nil {
			return
		}
		require.Equal(t, manifestFormat, m.Format)
		copied := t.TempDir()
		require.NoError(t, writeManifest(filepath.Join(copied, manifestFile), m))
		require.NoError(t, readManifest(copied, &again))
		require.Equal(t, m, again)
	})
}
