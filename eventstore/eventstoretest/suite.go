package eventstoretest

import "testing"

// cases are sentences of the contract, each with the test that proves it.
type cases map[string]func(*testing.T, Harness)

// Suite runs every case of the contract against ledgers that open makes, one each.
func Suite(t *testing.T, open Opener) {
	for _, part := range []cases{
		appending(), repeating(), failing(), reading(), subscribing(), closing(), reference(),
	} {
		for name, run := range part {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				run(t, open(t))
			})
		}
	}
}
