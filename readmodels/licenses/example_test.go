package licenses_test

import (
	"fmt"

	"github.com/licenseledger/licenseledger/readmodels/licenses"
)

// A licence is found by each word of its customer, and by each part of an e-mail address.
func ExampleWords() {
	for _, word := range licenses.Words("Ada Lovelace", "ada@example.com") {
		fmt.Println(word)
	}

	// Output:
	// ada
	// lovelace
	// ada@example.com
	// example.com
	// com
}
