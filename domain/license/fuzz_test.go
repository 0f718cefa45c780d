package license_test

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/license"
)

// FuzzRestore feeds bytes to the decoder of snapshots, which come from a cache that others can write to. It never panics, what it
// restores can be asked and written again, and the written form is stable.
func FuzzRestore(f *testing.F) {
	text, err := os.ReadFile(golden())
	require.NoError(f, err)
	for line := range bytes.Lines(text) {
		f.Add(bytes.TrimSpace(line))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := license.Restore(text)
		if err != nil {
			require.Nil(t, s)
			return
		}
		s.AsOf(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)).Status()
		written, err := license.Snapshot(s)
		if err != nil {
			return // times that JSON has no form for, such as a year beyond 9999
		}
		again, err := license.Restore(written)
		require.NoError(t, err)
		rewritten, err := license.Snapshot(again)
		require.NoError(t, err)
		require.Equal(t, string(written), string(rewritten))
	})
}

// FuzzSerial feeds text to the decoder of serials: what it accepts is written in one form only, and read back as the same serial.
func FuzzSerial(f *testing.F) {
	for _, text := range []string{"0000000000000007", "fedcba9876543210", "7", "", "-1", "+7", "0x7", "FEDCBA9876543210",
		"10000000000000000"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var serial, again license.Serial
		if serial.UnmarshalText([]byte(text)) != nil {
			return
		}
		written, err := serial.MarshalText()
		require.NoError(t, err)
		require.Len(t, written, 16)
		require.NoError(t, again.UnmarshalText(written))
		require.Equal(t, serial, again)
	})
}
