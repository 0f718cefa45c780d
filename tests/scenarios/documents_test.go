package scenarios_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/tests/support/process"
)

// documents returns the paths of all documents, from the top of the repository.
func documents(t *testing.T) (paths []string) {
	t.Helper()
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md"} {
		found, err := filepath.Glob(filepath.Join(process.Repository(), pattern))
		require.NoError(t, err)
		paths = append(paths, found...)
	}
	require.Greater(t, len(paths), 20)
	return paths
}

var link = regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`)

func TestEveryLinkOfTheDocumentsLeadsToAFile(t *testing.T) {
	t.Parallel()
	for _, path := range documents(t) {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, found := range link.FindAllStringSubmatch(string(text), -1) {
			target := found[1]
			if strings.Contains(target, "://") || filepath.Base(path) == "template.md" {
				continue
			}
			_, err := os.Stat(filepath.Join(filepath.Dir(path), target))
			require.NoError(t, err, "%s links to %s", path, target)
		}
	}
}

var decision = regexp.MustCompile(`^# (\d+)\. (.+)\n\n- Status: (accepted|proposed|superseded by .+)\n- Date: (\d{4}-\d\d-\d\d)\n\n\*\*Context\.\*\*`)

func TestEveryArchitectureDecisionHasAStatusADateAndARowInTheIndex(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(process.Repository(), "docs", "adr")
	index, err := os.ReadFile(filepath.Join(folder, "README.md"))
	require.NoError(t, err)
	records, err := filepath.Glob(filepath.Join(folder, "0*.md"))
	require.NoError(t, err)
	require.Equal(t, len(records), strings.Count(string(index), "\n| ["))
	for i, path := range records {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		parts := decision.FindStringSubmatch(string(text))
		require.NotNil(t, parts, path)
		number, title, status, date := parts[1], parts[2], parts[3], parts[4]
		require.Equal(t, fmt.Sprint(i+1), number, path)
		require.Contains(t, string(index), fmt.Sprintf("| [%s](%s) | %s | %s | %s |", number, filepath.Base(path), title, status, date))
	}
}
