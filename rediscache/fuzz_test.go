package rediscache_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/rediscache"
)

// FuzzCheckURL holds that no error of a URL shows the password in it.
func FuzzCheckURL(f *testing.F) {
	for _, url := range []string{
		"redis://localhost:6379/0", "rediss://host", "redis+sentinel://host:26379/mymaster", "redis://[::1",
		"redis://host?addr=%zz", "http://x", "",
	} {
		f.Add(url)
	}
	const password = "correct-horse-battery"
	f.Fuzz(func(t *testing.T, url string) {
		if strings.Contains(url, password) {
			return
		}
		withPassword := strings.Replace(url, "://", "://user:"+password+"@", 1)
		if err := rediscache.CheckURL(withPassword); err != nil {
			require.NotContains(t, err.Error(), password)
		}
	})
}
