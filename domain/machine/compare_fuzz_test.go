package machine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/machine"
)

// FuzzCompare holds the score of two machines to what a score means.
func FuzzCompare(f *testing.F) {
	f.Add("c", "b", "m", "c", "x", "")
	f.Add("", "", "", "", "", "")
	f.Add("c", "c", "c", "c", "c", "c")
	f.Fuzz(func(t *testing.T, cpu, board, mac, cpuNow, boardNow, macNow string) {
		was, is := hashes(cpu, board, mac), hashes(cpuNow, boardNow, macNow)
		score := machine.Compare(was, is)
		require.True(t, 0 <= score.Matched && score.Matched <= score.Of && score.Of <= 3)
		back := machine.Compare(is, was)
		require.Equal(t, score, back, "it does not matter which machine was first")
		same := machine.Compare(was, was)
		require.Equal(t, same.Of, same.Matched)
		require.Empty(t, same.Changed)
		require.False(t, machine.MatchAll.Accepts(score) && !machine.MatchMost.Accepts(score), "who matches in all matches in most")
		require.False(t, machine.MatchTwo.Accepts(score) && !machine.MatchAny.Accepts(score), "who matches in two matches in one")
	})
}

func hashes(cpu, board, mac string) machine.Hashes {
	h := machine.Hashes{}
	for kind, value := range map[machine.Kind]string{machine.CPU: cpu, machine.Board: board, machine.MAC: mac} {
		if value != "" {
			h[kind] = []string{value}
		}
	}
	return h
}
