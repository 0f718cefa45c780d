package strictjson_test

import (
	"encoding/json"
	"testing"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/strictjson"
)

const validation = `{"license_key":"0A1B2-C3D4E-5F6G7-H8J9K-MNPQR","machine":{"fingerprint":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},` +
	`"product":"cad-suite","entitlements":["export"],"nonce":"6f1d2c"}`

func BenchmarkDecodeValidation(b *testing.B) {
	var d strictjson.Decoder
	b.ReportAllocs()
	for b.Loop() {
		var into api.Validate
		if err := d.Decode([]byte(validation), &into); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodeValidationLeniently is what encoding/json alone would take.
func BenchmarkDecodeValidationLeniently(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		var into api.Validate
		if err := json.Unmarshal([]byte(validation), &into); err != nil {
			b.Fatal(err)
		}
	}
}
