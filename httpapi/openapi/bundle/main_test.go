package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func TestTheContractIsThatOfItsSources(t *testing.T) {
	t.Parallel()
	text, err := bundle("..")
	require.NoError(t, err)
	committed, err := os.ReadFile("../../openapi.yaml")
	require.NoError(t, err)
	require.Equal(t, string(text), string(committed), "run make generate")
}

func TestWhichProblemsFollowFromAnOperation(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]struct {
		operation string
		expected  []string
	}{
		"an operator's query": {"{}", []string{"400", "401", "403", "500", "503"}},
		"a public query":      {"security: []", []string{"400", "500", "503"}},
		"a command for either": {"{ security: [{ admin_key: [] }, {}], requestBody: {} }",
			[]string{"400", "401", "408", "413", "415", "422", "500", "503"}},
		"a conditional command": {"{ security: [], parameters: [{ $ref: '#/components/parameters/IfMatch' }] }",
			[]string{"400", "412", "500", "503"}},
		"others": {"{ security: [], x-errors: [429, 404] }", []string{"400", "404", "429", "500", "503"}},
	} {
		statuses, err := errorsOf(parsed(t, of.operation))
		require.NoError(t, err, name)
		require.Equal(t, of.expected, statuses, name)
	}
	for _, wrong := range []string{"x-errors: [400]", "x-errors: [418]"} {
		_, err := errorsOf(parsed(t, wrong))
		require.ErrorContains(t, err, "x-errors", wrong)
	}
}

func TestASourceThatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	_, err := bundle(folder)
	require.ErrorContains(t, err, "openapi.yaml")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "openapi.yaml"), []byte("- a list\n"), 0o600))
	_, err = bundle(folder)
	require.ErrorContains(t, err, "openapi.yaml: must be a mapping")
}

func parsed(t *testing.T, text string) *yaml.Node {
	t.Helper()
	var node yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte(text), &node))
	return node.Content[0]
}
