package eventstoretest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// cases are sentences of the contract, each with the test that proves it.
type cases map[string]func(*testing.T, Harness)

// Suite runs every case of the contract against ledgers that open makes, one each.
func Suite(t *testing.T, open Opener) {
	SuiteWithoutFaults(t, open)
	failing().run(t, open)
}

// SuiteWithoutFaults runs the cases that do not break anything, for servers that tests cannot break.
func SuiteWithoutFaults(t *testing.T, open Opener) {
	for _, part := range []cases{appending(), repeating(), reading(), subscribing(), exporting(), closing(), reference(), epochs()} {
		part.run(t, open)
	}
}

func (c cases) run(t *testing.T, open Opener) {
	t.Helper()
	require.NotEmpty(t, c, "a suite without cases proves nothing")
	for name, run := range c {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, open(t))
		})
	}
}
