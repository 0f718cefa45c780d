package eventstoretest

import "testing"

// Suite runs every case of the contract against ledgers that open makes, one each.
func Suite(t *testing.T, open Opener) {
	for _, cases := range []map[string]func(*testing.T, Harness){
		appending, repeating, failing, reading, subscribing, closing, reference,
	} {
		for name, run := range cases {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				run(t, open(t))
			})
		}
	}
}
