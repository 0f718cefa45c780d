package machine_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/machine"
)

func TestPlaceholdersIdentifyNobody(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"To be filled by O.E.M.", "TO BE FILLED BY O.E.M", "Default string", "None", "N/A", "Not Specified", "not applicable", "Unknown", "NULL",
		"0", "00000000", "0000-0000", "System Serial Number", "123456789", "1234567890", "xxxxxxxx", "XXXX-XXXX", "............", "-", "(null)",
		"00000000-0000-0000-0000-000000000000", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "{ffffffffffffffffffffffffffffffff}",
		"03000200-0400-0500-0006-000700080009", "00:00:00:00:00:00", "ff-ff-ff-ff-ff-ff",
	} {
		components, spelledAnew, err := machine.NewComponents(map[string][]string{"board": {value}, "disk": {"WD-1"}})
		require.NoError(t, err)
		require.Equal(t, machine.Components{machine.Disk: {"wd-1"}}, components, value)
		require.True(t, spelledAnew)
		all, identifying := machine.FormerComponents(map[string][]string{"board": {value}, "disk": {"WD-1"}})
		require.Equal(t, machine.Components{machine.Board: {strings.ToLower(value)}, machine.Disk: {"wd-1"}}, all, value)
		require.Equal(t, components, identifying)
	}
	for _, text := range []string{strings.Repeat("0", 64), strings.Repeat("fF", 32),
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"} {
		_, err := machine.ParseFingerprint(text)
		requireInvalid(t, err, "", "identifies no machine: it is made of nothing. Send components instead")
	}
}

func TestAValueHasOneFormHoweverItIsSpelled(t *testing.T) {
	t.Parallel()
	for kind, spellings := range map[string][]string{
		"mac": {"00:1b:44:11:3a:b7", "00-1B-44-11-3A-B7", "001b.4411.3ab7", "001B44113AB7", "00 1b 44 11 3a b7"},
		"bios": {"4c4c4544-0042-3510-8052-b4c04f4d3132", "{4C4C4544-0042-3510-8052-B4C04F4D3132}", "4c4c4544004235108052b4c04f4d3132",
			"urn:uuid:4c4c4544-0042-3510-8052-b4c04f4d3132"},
		"os_id": {"b08dfa6083e7567a1921a715000001fb", "b08dfa60-83e7-567a-1921-a715000001fb"},
		"disk":  {"WD-WCC4N1234567", " wd-wcc4n1234567 "},
	} {
		first, _, err := machine.NewComponents(map[string][]string{kind: spellings[:1]})
		require.NoError(t, err)
		for _, spelling := range spellings {
			components, _, err := machine.NewComponents(map[string][]string{kind: {spelling}})
			require.NoError(t, err)
			require.Equal(t, first, components, spelling)
		}
	}
}
