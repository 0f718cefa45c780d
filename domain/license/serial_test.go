package license_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/license"
)

func TestSerialsAreWrittenAs16HexadecimalDigits(t *testing.T) {
	t.Parallel()
	for serial, text := range map[license.Serial]string{0: "0000000000000000", 7: "0000000000000007", 1<<64 - 1: "ffffffffffffffff"} {
		written, err := serial.MarshalText()
		require.NoError(t, err)
		require.Equal(t, text, string(written))
		var read license.Serial
		require.NoError(t, read.UnmarshalText(written))
		require.Equal(t, serial, read)
	}
	var read license.Serial
	for _, text := range []string{"", "xyz", "-1", "10000000000000000"} {
		require.Error(t, read.UnmarshalText([]byte(text)), text)
	}
}
