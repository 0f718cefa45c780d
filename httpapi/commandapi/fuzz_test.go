package commandapi

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/httpapi/present"
)

// FuzzIfMatch feeds text to the reader of If-Match: a revision that it reads is written back as a tag that reads the same.
func FuzzIfMatch(f *testing.F) {
	for _, tag := range []string{`"7"`, `"07"`, `W/"7"`, `""`, `"-1"`, `"18446744073709551616"`, `*`, `"7`} {
		f.Add(tag)
	}
	f.Fuzz(func(t *testing.T, tag string) {
		revisions, err := parseIfMatch(tag)
		if err != nil {
			require.Nil(t, revisions)
			return
		}
		for _, revision := range revisions {
			require.Contains(t, tag, present.ETag(revision))
			again, err := parseIfMatch(present.ETag(revision))
			require.NoError(t, err)
			require.Equal(t, []event.Revision{revision}, again)
		}
	})
}

func TestIfMatchIsReadAsRFC9110SaysIt(t *testing.T) {
	t.Parallel()
	for header, want := range map[string][]event.Revision{
		`*`: nil, ` * `: nil, `"7"`: {7}, `"7", "8"`: {7, 8}, `"7","8"`: {7, 8}, `, "7",, "8" ,`: {7, 8}, `W/"7"`: {}, `W/"7", "8"`: {8},
		`"abc"`: {}, `""`: {}, `"a,b", "7"`: {7}, `"007"`: {}, `"99999999999999999999"`: {}, "\"7\"\t,\t\"8\"": {7, 8},
	} {
		got, err := parseIfMatch(header)
		require.NoError(t, err, header)
		require.Equal(t, want, got, header)
	}
	for _, header := range []string{``, ` `, `,`, `7`, `"7`, `7"`, `w/"7"`, `"7" "8"`, `*, "7"`, `"7", *`, `W/ "7"`, `"7"x`} {
		_, err := parseIfMatch(header)
		require.Error(t, err, header)
	}
}

// FuzzIdempotencyKey holds accepted keys to what a header and a log line can carry.
func FuzzIdempotencyKey(f *testing.F) {
	for _, key := range []string{"order-4711", "", " a", "a\x7f", "ä", "a\nb"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if !printable(key) {
			return
		}
		require.NotEmpty(t, key)
		require.LessOrEqual(t, len(key), maxIdempotencyKey)
		for _, b := range []byte(key) {
			require.True(t, b >= ' ' && b <= '~', "%q", key)
		}
	})
}
