package queryapi

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzLedgerPosition feeds text to the reader of the Ledger-Position header: what it accepts fits a signed column and is the
// number written.
func FuzzLedgerPosition(f *testing.F) {
	for _, text := range []string{"42", "0", "-1", "9223372036854775808", "9223372036854775807", "1e3", "０"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		position, err := ledgerPosition(&text)
		if err != nil {
			require.Zero(t, position)
			return
		}
		signed, err := strconv.ParseInt(text, 10, 64)
		require.NoError(t, err)
		require.Equal(t, uint64(signed), position)
	})
}
