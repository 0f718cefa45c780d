package machine_test

import (
	"fmt"

	"github.com/licenseledger/licenseledger/domain/machine"
)

// A machine got a new network card. A plan that asks for most components to match still recognises it.
func ExampleCompare() {
	recorded := machine.Hashes{machine.CPU: {"c1"}, machine.Board: {"b1"}, machine.MAC: {"m1"}}
	presented := machine.Hashes{machine.CPU: {"c1"}, machine.Board: {"b1"}, machine.MAC: {"m2"}}
	score := machine.Compare(recorded, presented)
	fmt.Println(score)
	fmt.Println("MOST:", machine.MatchMost.Accepts(score), "ALL:", machine.MatchAll.Accepts(score))

	// Output:
	// 2/3
	// MOST: true ALL: false
}
