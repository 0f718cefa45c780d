package config

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzFile feeds files to the reader of the configuration: it refuses a file or knows every setting in it.
func FuzzFile(f *testing.F) {
	for _, text := range []string{"listen: 127.0.0.1:8080\n", "unknown: 1\n", "listen: [1, 2]\n", "{", "", "listen: &a x\nissuer: *a\n"} {
		f.Add(text)
	}
	var known []string
	for _, s := range Settings() {
		known = append(append(known, s.Key), s.Old...)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "config.yaml")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		l, err := readFile(path)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		found := 0
		for _, key := range known {
			if _, set := l.lookup(key); set {
				found++
			}
		}
		require.LessOrEqual(t, found, len(slices.Compact(known)))
	})
}
