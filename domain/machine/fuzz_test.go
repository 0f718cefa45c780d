package machine_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/machine"
)

// FuzzParseFingerprint: what is accepted is 64 lower-case hexadecimal digits, is the given text but for its case, and is
// accepted again unchanged.
func FuzzParseFingerprint(f *testing.F) {
	f.Add(strings.Repeat("0123456789abcdef", 4))
	f.Add(strings.Repeat("ABCDEF0123456789", 4))
	f.Add(strings.Repeat("\u212a", 21) + "a")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		fingerprint, err := machine.ParseFingerprint(text)
		if err != nil {
			var invalid *domainerr.Invalid
			require.ErrorAs(t, err, &invalid)
			require.Empty(t, fingerprint)
			return
		}
		require.Len(t, string(fingerprint), 64)
		require.Empty(t, strings.Trim(string(fingerprint), "0123456789abcdef"))
		require.True(t, strings.EqualFold(text, string(fingerprint)))
		again, err := machine.ParseFingerprint(string(fingerprint))
		require.NoError(t, err)
		require.Equal(t, fingerprint, again)
	})
}

// FuzzNewComponents: what is accepted is normal, so normalising it again changes nothing, and two machines have the same
// fingerprint only when their components are the same.
func FuzzNewComponents(f *testing.F) {
	f.Add([]byte(`{"cpu":["Intel 7"],"mac":["BB","aa"," bb "]}`), []byte(`{"cpu":["intel 7"],"mac":["aa","bb"]}`))
	f.Add([]byte(`{"cpu":["a\u0000b"]}`), []byte(`{"cpu":["a","b"]}`))
	f.Add([]byte(`{"cpu":["a","board","b"]}`), []byte(`{"cpu":["a"],"board":["b"]}`))
	f.Add([]byte(`{"cpu":[""],"mood":["good"]}`), []byte(`{}`))
	f.Add([]byte(`{"disk":["İ","ſ"]}`), []byte(`null`))
	f.Fuzz(func(t *testing.T, one, other []byte) {
		first, second := normalised(t, one), normalised(t, other)
		if first == nil || second == nil {
			return
		}
		same, err := json.Marshal(first)
		require.NoError(t, err)
		different, err := json.Marshal(second)
		require.NoError(t, err)
		require.Equal(t, string(same) == string(different), first.Fingerprint() == second.Fingerprint())
	})
}

// normalised returns the components that a JSON object presents, nil when there are none.
func normalised(t *testing.T, text []byte) machine.Components {
	t.Helper()
	var presented map[string][]string
	if json.Unmarshal(text, &presented) != nil {
		return nil
	}
	components, _, err := machine.NewComponents(presented)
	if err != nil {
		var invalid *domainerr.Invalid
		require.ErrorAs(t, err, &invalid)
		require.Nil(t, components)
		return nil
	}
	require.NotEmpty(t, components)
	again := map[string][]string{}
	for kind, values := range components {
		require.Contains(t, machine.Kinds(), kind)
		require.NotEmpty(t, values)
		require.LessOrEqual(t, len(values), machine.MaxValuesPerKind)
		require.True(t, slices.IsSorted(values))
		require.NotContains(t, values, "")
		again[string(kind)] = values
	}
	if repeated, _, err := machine.NewComponents(again); err == nil { // a value may grow a little when it is lower-cased
		require.Equal(t, components, repeated)
	}
	_, err = machine.ParseFingerprint(string(components.Fingerprint()))
	require.NoError(t, err)
	return components
}
