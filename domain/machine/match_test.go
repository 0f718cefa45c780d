package machine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/machine"
)

func TestComparingCountsTheKindsThatShareAValue(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		recorded, presented machine.Hashes
		expected            machine.Score
		text                string
	}{
		"nothing at all": {nil, nil, machine.Score{}, "0/0"},
		"the same": {
			machine.Hashes{machine.CPU: {"c"}, machine.MAC: {"m", "n"}}, machine.Hashes{machine.CPU: {"c"}, machine.MAC: {"m", "n"}},
			machine.Score{Matched: 2, Of: 2}, "2/2",
		},
		"one changed": {
			machine.Hashes{machine.CPU: {"c"}, machine.Disk: {"d"}}, machine.Hashes{machine.CPU: {"c"}, machine.Disk: {"e"}},
			machine.Score{Matched: 1, Of: 2, Changed: []machine.Kind{machine.Disk}}, "1/2",
		},
		"one of several cards replaced": {
			machine.Hashes{machine.MAC: {"m", "n"}}, machine.Hashes{machine.MAC: {"n", "o"}},
			machine.Score{Matched: 1, Of: 1, Changed: []machine.Kind{machine.MAC}}, "1/1",
		},
		"a card added": {
			machine.Hashes{machine.MAC: {"m"}}, machine.Hashes{machine.MAC: {"m", "n"}},
			machine.Score{Matched: 1, Of: 1, Changed: []machine.Kind{machine.MAC}}, "1/1",
		},
		"a kind known now only": {
			machine.Hashes{machine.CPU: {"c"}}, machine.Hashes{machine.CPU: {"c"}, machine.Chip: {"t"}},
			machine.Score{Matched: 1, Of: 2, Changed: []machine.Kind{machine.Chip}}, "1/2",
		},
		"a kind known before only": {
			machine.Hashes{machine.CPU: {"c"}, machine.Chip: {"t"}}, machine.Hashes{machine.CPU: {"c"}},
			machine.Score{Matched: 1, Of: 2, Changed: []machine.Kind{machine.Chip}}, "1/2",
		},
		"equal values of different kinds": {
			machine.Hashes{machine.CPU: {"x"}}, machine.Hashes{machine.Board: {"x"}},
			machine.Score{Of: 2, Changed: []machine.Kind{machine.CPU, machine.Board}}, "0/2",
		},
		"everything changed, in canonical order": {
			machine.Hashes{machine.Mem: {"1"}, machine.Disk: {"1"}, machine.CPU: {"1"}},
			machine.Hashes{machine.Mem: {"2"}, machine.Disk: {"2"}, machine.CPU: {"2"}},
			machine.Score{Of: 3, Changed: []machine.Kind{machine.CPU, machine.Disk, machine.Mem}}, "0/3",
		},
		"nothing known before": {nil, machine.Hashes{machine.CPU: {"c"}}, machine.Score{Of: 1, Changed: []machine.Kind{machine.CPU}}, "0/1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			score := machine.Compare(test.recorded, test.presented)
			require.Equal(t, test.expected, score)
			require.Equal(t, test.text, score.String())
		})
	}
}

func TestHowMuchEachPolicyWants(t *testing.T) {
	t.Parallel()
	tests := []struct {
		matched, of         int
		any, two, most, all bool
	}{
		{matched: 0, of: 0},
		{matched: 0, of: 1},
		{matched: 1, of: 1, any: true, most: true, all: true},
		{matched: 1, of: 2, any: true},
		{matched: 2, of: 2, any: true, two: true, most: true, all: true},
		{matched: 1, of: 3, any: true},
		{matched: 2, of: 3, any: true, two: true, most: true},
		{matched: 2, of: 4, any: true, two: true},
		{matched: 3, of: 4, any: true, two: true, most: true},
		{matched: 4, of: 9, any: true, two: true},
		{matched: 5, of: 9, any: true, two: true, most: true},
		{matched: 9, of: 9, any: true, two: true, most: true, all: true},
	}
	for _, test := range tests {
		score := machine.Score{Matched: test.matched, Of: test.of}
		require.Equal(t, test.any, machine.MatchAny.Accepts(score), "ANY of %s", score)
		require.Equal(t, test.two, machine.MatchTwo.Accepts(score), "TWO of %s", score)
		require.Equal(t, test.most, machine.MatchMost.Accepts(score), "MOST of %s", score)
		require.Equal(t, test.all, machine.MatchAll.Accepts(score), "ALL of %s", score)
		require.False(t, machine.Match("").Accepts(score), "no policy accepts nothing")
	}
}

func TestMatchPoliciesAreReadByTheirNames(t *testing.T) {
	t.Parallel()
	for _, policy := range []machine.Match{machine.MatchAny, machine.MatchTwo, machine.MatchMost, machine.MatchAll} {
		read, err := machine.ParseMatch(string(policy))
		require.NoError(t, err)
		require.Equal(t, policy, read)
	}
	for _, other := range []string{"", "any", "SOME", "ALL "} {
		read, err := machine.ParseMatch(other)
		requireInvalid(t, err, "", "must be ANY, TWO, MOST or ALL")
		require.Empty(t, read)
	}
}
