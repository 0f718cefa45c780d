package hardening_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hardening"
)

func TestTheMemoryOfTheProcessGoesNowhere(t *testing.T) {
	t.Parallel()
	require.NoError(t, hardening.Process())
	var core unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_CORE, &core))
	require.Equal(t, unix.Rlimit{}, core)
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	require.NoError(t, err)
	require.Zero(t, dumpable)
}
