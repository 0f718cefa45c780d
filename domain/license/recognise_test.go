package license_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
)

// crowd is a licence with machines that are equally like machineWith(0), of bindings 1 to 8, each bound at its time.
func crowd(t *testing.T, boundAt func(n int) time.Time) *license.Stream {
	t.Helper()
	happened := []event.Payload{issued(seats(10), match(machine.MatchAny))}
	for n := 1; n <= 8; n++ {
		m := machineWith(n, machine.Hashes{machine.CPU: {"c"}, machine.Board: {string(rune('a' + n))}})
		happened = append(happened, bound(n, m, n, boundAt(n)), granted(n, m, boundAt(n), inAMonth))
	}
	return fold(t, nil, happened...)
}

var likeAll = machineWith(0, machine.Hashes{machine.CPU: {"c"}, machine.Board: {"z"}})

func TestOfEquallyLikeMachinesTheOneBoundFirstIsTakenWhateverItsID(t *testing.T) {
	t.Parallel()
	held, found := crowd(t, func(n int) time.Time { return noon.Add(-time.Duration(n) * time.Second) }).Find(likeAll)
	require.True(t, found)
	require.Equal(t, bindingID(8), held.Binding.ID)
}

func TestOfEquallyLikeMachinesBoundAtOnceTheChoiceIsAlwaysTheSame(t *testing.T) {
	t.Parallel()
	for range 10 {
		held, found := crowd(t, func(int) time.Time { return noon }).Find(likeAll)
		require.True(t, found)
		require.Equal(t, bindingID(1), held.Binding.ID)
	}
}

func TestAMachineThatComparesInFewerPartsIsLiker(t *testing.T) {
	t.Parallel()
	broad := machineWith(1, machine.Hashes{machine.CPU: {"c"}, machine.Board: {"b"}, machine.Disk: {"d"}})
	narrow := machineWith(2, machine.Hashes{machine.CPU: {"c"}})
	s := fold(t, nil, issued(match(machine.MatchAny)), bound(1, broad, 1, noon), granted(1, broad, noon, inAMonth),
		bound(2, narrow, 2, noon), granted(2, narrow, noon, inAMonth))
	held, found := s.Find(machineWith(3, machine.Hashes{machine.CPU: {"c"}, machine.MAC: {"m"}}))
	require.True(t, found)
	require.Equal(t, bindingID(2), held.Binding.ID)
}

func TestAReadyFingerprintFindsItsMachineOnly(t *testing.T) {
	t.Parallel()
	s := fold(t, nil, issued(match(machine.MatchAny)), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, inAMonth))
	_, found := s.Find(machineNo(1))
	require.True(t, found)
	_, found = s.Find(machineNo(2))
	require.False(t, found)
	_, found = s.Find(machineWith(3, machine.Hashes{machine.CPU: {"c"}}))
	require.False(t, found, "a machine known by its fingerprint alone has no components to compare")
}

// What many machines have in common is a model's name: it finds nobody, however little else of the presented machine is known.
func TestAComponentThatManyShareFindsNobody(t *testing.T) {
	t.Parallel()
	for sharing, found := range map[int]bool{16: true, 17: false} {
		happened := []event.Payload{issued(seats(100), match(machine.MatchAny))}
		for n := 1; n <= sharing; n++ {
			happened = append(happened, bound(n, pc(n), n, noon), granted(n, pc(n), noon, inAMonth))
		}
		stranger := machineWith(0, machine.Hashes{machine.CPU: {"model"}, machine.MAC: {"another card"}})
		_, known := fold(t, nil, happened...).Find(stranger)
		require.Equal(t, found, known, "%d machines of one model", sharing)
		again := pc(3)
		again.Fingerprint = stranger.Fingerprint
		bound, known := fold(t, nil, happened...).Find(again)
		require.True(t, known)
		require.Equal(t, bindingID(3), bound.Binding.ID, "its own parts tell it apart")
	}
}
