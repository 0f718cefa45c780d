package commandapi

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/httpapi/present"
)

// FuzzETag feeds text to the reader of If-Match: a revision that it reads is written back as a tag that reads the same.
func FuzzETag(f *testing.F) {
	for _, tag := range []string{`"7"`, `"07"`, `W/"7"`, `""`, `"-1"`, `"18446744073709551616"`, `*`, `"7`} {
		f.Add(tag)
	}
	f.Fuzz(func(t *testing.T, tag string) {
		revision, err := parseETag(tag)
		if err != nil {
			require.Equal(t, event.Revision(0), revision*0)
			return
		}
		again, err := parseETag(present.ETag(revision))
		require.NoError(t, err)
		require.Equal(t, revision, again)
	})
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
