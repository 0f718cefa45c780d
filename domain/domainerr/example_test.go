package domainerr_test

import (
	"errors"
	"fmt"

	"github.com/licenseledger/licenseledger/domain/domainerr"
)

var errSeatsTaken = domainerr.New("SEATS_TAKEN", "no seat is free", "release a machine, or buy more seats")

// A refusal says what is wrong with a stable code, in words, and with a hint; details change the words only.
func ExampleError_WithMessage() {
	err := errSeatsTaken.WithMessage("all %d seats are taken", 3)
	fmt.Println(err.Code, "|", err.Message, "|", err.Hint)
	fmt.Println(errors.Is(err, errSeatsTaken))

	// Output:
	// SEATS_TAKEN | all 3 seats are taken | release a machine, or buy more seats
	// true
}
