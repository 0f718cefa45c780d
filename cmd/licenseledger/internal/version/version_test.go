package version

import (
	"os"
	"regexp"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheReleaseIsTheTopSectionOfTheChangelog(t *testing.T) {
	t.Parallel()
	changelog, err := os.ReadFile("../../../../CHANGELOG.md")
	require.NoError(t, err)
	heading := regexp.MustCompile(`(?m)^## (\S+)`).FindSubmatch(changelog)
	require.NotNil(t, heading)
	require.Equal(t, Release, string(heading[1]))
}

func TestABuildIsNamedByItsTagOrAsOneInDevelopment(t *testing.T) {
	t.Parallel()
	info := &debug.BuildInfo{GoVersion: "go1.26.8", Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "abc123"}, {Key: "vcs.time", Value: "2026-11-26T17:00:00Z"}, {Key: "vcs.modified", Value: "true"},
	}}
	for described, version := range map[string]string{
		"":                 Release + "-dev",
		"abc123":           Release + "-dev", // no tag yet
		"v0.8.0":           "0.8.0",
		"v0.8.0-3-gabc123": "0.8.0-3-gabc123",
	} {
		b := of(info, described)
		require.Equal(t, version, b.Version, described)
		require.Contains(t, b.String(), "licenseledger "+version+"\ncommit abc123 of 2026-11-26T17:00:00Z, modified\nbuilt with go1.26.8 for ")
	}
	require.Contains(t, of(&debug.BuildInfo{}, "abc123-dirty").String(),
		"licenseledger "+Release+"-dev\ncommit abc123, modified\nbuilt with go")
	require.NotContains(t, of(&debug.BuildInfo{}, "").String(), "commit")
}
