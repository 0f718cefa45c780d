// Package version says which build of the program runs.
package version

import "runtime/debug"

// Current is the version of the module: a tag or a commit.
func Current() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version
}
