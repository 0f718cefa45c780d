package machine_test

import (
	"testing"

	"github.com/licenseledger/licenseledger/domain/machine"
)

// BenchmarkNewComponents reads what a usual machine presents.
func BenchmarkNewComponents(b *testing.B) {
	presented := map[string][]string{
		"cpu": {"GenuineIntel-6-158"}, "board": {"PF2ABCDE"}, "bios": {"4C4C4544-0042-3510-8052-B4C04F4D3132"}, "disk": {"WD-WCC4N1234567"},
		"mac": {"00:1b:44:11:3a:b7", "00:1b:44:11:3a:b8"}, "os_id": {"b08dfa6083e7567a1921a715000001fb"},
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := machine.NewComponents(presented); err != nil {
			b.Fatal(err)
		}
	}
}
