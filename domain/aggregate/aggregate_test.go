package aggregate_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/licenseledger/licenseledger/domain/aggregate"
)

const anID = "018f6b0e-0d3c-7cc0-9d5b-2f6d3f6a9a11"

func TestAStreamsNameHasOnePrefixAndOneID(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		word := rapid.StringMatching(`[a-z][a-z0-9]{0,4}-`)
		prefix := aggregate.Prefix(strings.Join(rapid.SliceOfN(word, 1, 4).Draw(rt, "prefix"), ""))
		other := aggregate.Prefix(strings.Join(rapid.SliceOfN(word, 1, 4).Draw(rt, "other"), ""))
		id := uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(rt, "id"))
		require.NoError(rt, prefix.Validate())

		found, ok := prefix.ID(prefix.Stream(id))
		require.True(rt, ok)
		require.Equal(rt, id, found)
		for _, longer := range []aggregate.Prefix{other, prefix + other, other + prefix} {
			_, ok = longer.ID(prefix.Stream(id))
			require.Equal(rt, longer == prefix, ok, "%q of %q", longer, prefix.Stream(id))
		}
	})
}

func TestANameThatDoesNotEndWithACanonicalUUIDIsOfNoKind(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", "license", "license-", "license-x", "license-" + anID[1:], "license-" + anID + "x", "license-" + strings.ToUpper(anID),
		"license-{" + anID + "}", "license-urn:uuid:" + anID, "license-" + strings.ReplaceAll(anID, "-", ""),
	} {
		_, ok := aggregate.Prefix("license-").ID(name)
		require.False(t, ok, name)
	}
}

func TestAPrefixThatSomeEventStoreDoesNotTakeIsInvalid(t *testing.T) {
	t.Parallel()
	for _, prefix := range []aggregate.Prefix{"", "-", "license", "$license-", "License-", "1-", "license--", "li cense-",
		"licence-é-", "-license-"} {
		require.Error(t, prefix.Validate(), string(prefix))
	}
	for _, prefix := range []aggregate.Prefix{"license-", "api-key-", "two-part-2-"} {
		require.NoError(t, prefix.Validate(), string(prefix))
	}
}
