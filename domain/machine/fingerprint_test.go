package machine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/machine"
)

func requireInvalid(t *testing.T, err error, field, message string) {
	t.Helper()
	var invalid *domainerr.Invalid
	require.ErrorAs(t, err, &invalid)
	require.Contains(t, invalid.Fields, domainerr.Field{Name: field, Message: message})
}

func TestAFingerprintIs64HexadecimalDigitsOfAnyCase(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789abcdef", 4)
	for _, accepted := range []string{text, strings.ToUpper(text), strings.Repeat("a", 64)} {
		fingerprint, err := machine.ParseFingerprint(accepted)
		require.NoError(t, err, accepted)
		require.Equal(t, machine.Fingerprint(strings.ToLower(accepted)), fingerprint)
	}
	for name, refused := range map[string]string{
		"empty":             "",
		"short":             text[1:],
		"long":              text + "0",
		"another letter":    "g" + text[1:],
		"a line end":        text[1:] + "\n",
		"blanks around it":  " " + text[2:] + " ",
		"full-width digits": strings.Repeat("０", 21) + "0",
		"a prefix":          "0x" + text[2:],
	} {
		fingerprint, err := machine.ParseFingerprint(refused)
		requireInvalid(t, err, "", "must be 64 hexadecimal digits")
		require.Empty(t, fingerprint, name)
	}
}

func TestComponentsAreNormalised(t *testing.T) {
	t.Parallel()
	components, _, err := machine.NewComponents(map[string][]string{
		"mac":   {"  BB:02 ", "aa:01", "bb:02", ""},
		"cpu":   {"GenuineIntel-42\t"},
		"disk":  {" ", ""},
		"os_id": nil,
	})
	require.NoError(t, err)
	require.Equal(t, machine.Components{machine.MAC: {"aa:01", "bb:02"}, machine.CPU: {"genuineintel-42"}}, components)
}

func TestEveryComponentKindIsAccepted(t *testing.T) {
	t.Parallel()
	presented := map[string][]string{}
	for _, name := range []string{"cpu", "board", "bios", "mac", "os_id", "disk", "tpm", "gpu", "memory"} {
		presented[name] = []string{"x"}
	}
	components, _, err := machine.NewComponents(presented)
	require.NoError(t, err)
	require.Len(t, components, len(machine.Kinds()))
}

func TestComponentsHaveBounds(t *testing.T) {
	t.Parallel()
	values := func(n int) []string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf("value %d", i))
		}
		return list
	}
	tests := map[string]struct {
		presented map[string][]string
		message   string // of field "cpu"; empty when it is accepted
	}{
		"as many values as may be":  {map[string][]string{"cpu": values(32)}, ""},
		"a value too many":          {map[string][]string{"cpu": values(33)}, "has more than 32 values"},
		"a value as long as may be": {map[string][]string{"cpu": {strings.Repeat("y", 256)}}, ""},
		"a value too long":          {map[string][]string{"cpu": {strings.Repeat("x", 257)}}, "has a value of more than 256 bytes"},
		"a long value among others": {map[string][]string{"mac": {"a"}, "cpu": {"b", strings.Repeat("x", 257)}},
			"has a value of more than 256 bytes"},
		"a value with a zero byte":   {map[string][]string{"cpu": {"a\x00b"}}, "has a value with a zero byte"},
		"a value that ends with one": {map[string][]string{"cpu": {"a\x00"}}, "has a value with a zero byte"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			components, _, err := machine.NewComponents(test.presented)
			if test.message == "" {
				require.NoError(t, err)
				return
			}
			require.Nil(t, components)
			requireInvalid(t, err, "cpu", test.message)
		})
	}
}

func TestUnknownKindsAreNamed(t *testing.T) {
	t.Parallel()
	_, _, err := machine.NewComponents(map[string][]string{"cpu": {"x"}, "mood": {"good"}, "CPU": {"x"}})
	requireInvalid(t, err, "mood", "is not a component kind")
	requireInvalid(t, err, "CPU", "is not a component kind")
}

func TestAtLeastOneComponentMustBeLeft(t *testing.T) {
	t.Parallel()
	for _, presented := range []map[string][]string{nil, {}, {"cpu": nil}, {"cpu": {"", "  "}, "mac": {"\t"}},
		{"board": {"To be filled by O.E.M."}, "mac": {"00:00:00:00:00:00"}}} {
		_, _, err := machine.NewComponents(presented)
		requireInvalid(t, err, "", "must hold at least one component that identifies the machine; empty values and placeholders, "+
			`such as "To be filled by O.E.M.", do not`)
	}
}

// TestTheCompositeFingerprintIsPinned holds the composite of every kind to the value that machines in the field were bound with.
func TestTheCompositeFingerprintIsPinned(t *testing.T) {
	t.Parallel()
	all := machine.Components{}
	for _, kind := range machine.Kinds() {
		all[kind] = []string{string(kind) + " 1", string(kind) + " 2"}
	}
	require.Equal(t, machine.Fingerprint("22eed73ef17a6493c34448f3ee6b320c0b725bfde59699803b6c5f3e62fdb702"), all.Fingerprint())
	two := machine.Components{machine.CPU: {"genuineintel-42"}, machine.MAC: {"aa:01", "bb:02"}}
	require.Equal(t, machine.Fingerprint("e9314681b21eb576596935adcde6fa0ff479837b63cba1e1926c42e3cca0012a"), two.Fingerprint())
}

func TestTheFingerprintDoesNotDependOnHowAMachineReportsItself(t *testing.T) {
	t.Parallel()
	one, _, err := machine.NewComponents(map[string][]string{"mac": {"AA:01", "bb:02"}, "cpu": {" x "}, "disk": {""}})
	require.NoError(t, err)
	other, _, err := machine.NewComponents(map[string][]string{"cpu": {"X", "x"}, "mac": {"bb:02", "aa:01"}})
	require.NoError(t, err)
	require.Equal(t, one.Fingerprint(), other.Fingerprint())
}

func TestTheFingerprintTellsKindsAndValuesApart(t *testing.T) {
	t.Parallel()
	seen := map[machine.Fingerprint]machine.Components{}
	for _, components := range []machine.Components{
		{},
		{machine.CPU: {"a"}},
		{machine.Board: {"a"}},
		{machine.CPU: {"b"}},
		{machine.CPU: {"a", "b"}},
		{machine.CPU: {"ab"}},
		{machine.CPU: {"a"}, machine.Board: {"b"}},
		{machine.CPU: {"b"}, machine.Board: {"a"}},
		{machine.CPU: {"a", "board", "b"}},
	} {
		fingerprint := components.Fingerprint()
		require.NotContains(t, seen, fingerprint, components)
		seen[fingerprint] = components
	}
}
