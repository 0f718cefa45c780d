package license

import (
	"fmt"
	"strconv"
)

// Serial is the number of a licence, part of its licence key and the source of its id. It is no secret: a key is only
// good with the authentication code that follows the serial in it, and that is stored nowhere.
type Serial uint64

// MarshalText writes the serial as 16 hexadecimal digits, since JSON numbers of readers often hold 53 bits only.
func (s Serial) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%016x", uint64(s)), nil }

// UnmarshalText reads hexadecimal digits.
func (s *Serial) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 16, 64)
	*s = Serial(n)
	return err
}
