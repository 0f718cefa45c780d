//go:build !race

package projections_test

// raceEnabled tells whether the race detector watches the tests.
const raceEnabled = false
