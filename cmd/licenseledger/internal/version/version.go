// Package version says which build of the program runs.
package version

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// Release is the release that this source is, or becomes: the top section of CHANGELOG.md. Its tag is v and this.
const Release = "0.9.0"

// described is set by the linker: `git describe --tags --always --dirty`.
var described string

// Build describes a build of the program.
type Build struct {
	Version  string `json:"version"`            // such as 0.8.0; 0.8.0-dev without the tag of a release
	Commit   string `json:"commit,omitempty"`   // empty: built outside a repository
	Time     string `json:"time,omitempty"`     // of the commit
	Modified bool   `json:"modified,omitempty"` // the source differs from the commit
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Current describes the program that runs.
func Current() Build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return of(info, described)
}

func of(info *debug.BuildInfo, described string) Build {
	b := Build{Version: Release + "-dev", Go: cmp.Or(info.GoVersion, runtime.Version()), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	if tagged, ok := strings.CutPrefix(described, "v"); ok {
		b.Version = tagged
	} else if b.Commit == "" { // without a tag, git describes a commit by itself
		b.Commit, b.Modified = strings.CutSuffix(described, "-dirty")
	}
	return b
}

// String is the build for people.
func (b Build) String() string {
	text := "licenseledger " + b.Version
	if b.Commit != "" {
		text += "\ncommit " + b.Commit
		if b.Time != "" {
			text += " of " + b.Time
		}
		if b.Modified {
			text += ", modified"
		}
	}
	return text + fmt.Sprintf("\nbuilt with %s for %s", b.Go, b.Platform)
}
