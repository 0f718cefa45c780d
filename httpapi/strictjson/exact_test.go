package strictjson_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/strictjson"
)

func TestANumberIsKeptExactlyOrRefused(t *testing.T) {
	t.Parallel()
	var d strictjson.Decoder
	for _, number := range []string{"0", "-0", "1", "50", "0.1", "-2.50", "1e3", "1E+3", "100e-2", "9007199254740992", "123456789012345e10",
		"1e21",
		"0.000001", "1.7976931348623157e308", "5e-324", "0e99999999999", "10000000000000000000000"} {
		var f form
		require.NoError(t, d.Decode([]byte(`{"name":"n","features":{"x":`+number+`}}`), &f), number)
		var want float64
		require.NoError(t, json.Unmarshal([]byte(number), &want), number)
		require.Equal(t, want, (*f.Features)["x"], number)
	}
	for _, number := range []string{"9007199254740993", "-9007199254740993", "123456789012345678901234567890", "0.12345678901234567890",
		"1e400",
		"1e-400", "18446744073709551616", "1e99999999999999999999", "0.1000000000000000055511151231257827"} {
		for _, member := range []string{`"features":{"x":` + number + `}`, `"number":` + number} {
			var f form
			require.ErrorContains(t, d.Decode([]byte(`{"name":"n",`+member+`}`), &f), "must be a number", number)
		}
	}
}

func TestATimeIsExactlyThatOfRFC3339(t *testing.T) {
	t.Parallel()
	var d strictjson.Decoder
	for text, want := range map[string]string{
		"2030-01-31T00:00:00Z":           "2030-01-31T00:00:00Z",
		"2030-01-31t00:00:00z":           "2030-01-31T00:00:00Z",
		"2030-01-31T00:00:00.5Z":         "2030-01-31T00:00:00.5Z",
		"2030-01-31T23:59:59+23:59":      "2030-01-31T00:00:59Z",
		"2030-01-31T00:00:00-00:00":      "2030-01-31T00:00:00Z",
		"1990-12-31T23:59:60Z":           "1991-01-01T00:00:00Z",
		"1990-12-31T15:59:60-08:00":      "1991-01-01T00:00:00Z",
		"2030-01-31T00:00:00.123456789Z": "2030-01-31T00:00:00.123456789Z",
	} {
		var f form
		require.NoError(t, d.Decode([]byte(`{"name":"n","at":"`+text+`"}`), &f), text)
		require.Equal(t, want, f.At.UTC().Format(time.RFC3339Nano), text)
	}
	for _, text := range []string{
		"", "2030-01-31", "2030-01-31 00:00:00Z", "2030-01-31T0:00:00Z", "2030-01-31T00:00:00,5Z", "2030-01-31T00:00:00+24:00",
		"2030-01-31T00:00:00+00:60", "2030-01-31T00:00:00+0000", "2030-01-31T00:00:00", "2030-01-31T24:00:00Z", "2030-02-30T00:00:00Z",
		"2030-01-31T12:00:60Z", "2030-01-31T00:00:00.Z", "2030-1-31T00:00:00Z", "+2030-01-31T00:00:00Z", "2030-01-31T00:00:00Z\\n",
		"２030-01-31T00:00:00Z",
	} {
		var f form
		require.ErrorContains(t, d.Decode([]byte(`{"name":"n","at":"`+text+`"}`), &f), "RFC 3339", text)
	}
}

func TestHalfASurrogatePairIsRefused(t *testing.T) {
	t.Parallel()
	var d strictjson.Decoder
	for _, text := range []string{`\ud800`, `\udc00`, `\ud800x`, `\ud800\ud800`, `\udc00\ud800`, `\ud83d\n\ude80`, `\\\ud800`} {
		var f form
		require.ErrorContains(t, d.Decode([]byte(`{"name":"`+text+`"}`), &f), "half of a surrogate pair", text)
		require.ErrorContains(t, d.Decode([]byte(`{"name":"n","labels":{"`+text+`":"x"}}`), &f), "half of a surrogate pair", text)
	}
	for text, want := range map[string]string{`\ud83d\ude80`: "🚀", `\\ud800`: `\ud800`, `\ufffd`: "\ufffd", `\\\\u0000`: `\\u0000`} {
		var f form
		require.NoError(t, d.Decode([]byte(`{"name":"`+text+`"}`), &f), text)
		require.Equal(t, want, f.Name)
	}
}
