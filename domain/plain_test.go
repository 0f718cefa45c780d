package domain_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDomainAndCommandsDoNotKnowHTTP looks at every string in their code: what they say to people holds for every interface.
func TestDomainAndCommandsDoNotKnowHTTP(t *testing.T) {
	t.Parallel()
	for _, root := range []string{".", "../commands"} {
		require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING {
					for _, word := range []string{"/v1", "HTTP", "ETag", "If-Match", "Authorization", "Idempotency-Key",
						"Ledger-Position", "Retry-After"} {
						require.NotContains(t, text.Value, word, path)
					}
				}
				return true
			})
			return nil
		}))
	}
}
