package pgconnect_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/pgconnect"
)

func TestAConnectionStringTakesPrecedenceOverSettings(t *testing.T) {
	t.Parallel()
	settings := pgconnect.Settings{"application_name": "ours",
		"lock_timeout": "10s"}.With(pgconnect.Settings{"jit": "off", "lock_timeout": "9s"})
	config, err := pgconnect.Parse("postgres://ada@example.com/db?application_name=theirs&search_path=elsewhere", `od"d`, settings, nil)
	require.NoError(t, err)
	params := config.ConnConfig.RuntimeParams
	require.Equal(t, "theirs", params["application_name"])
	require.Equal(t, "9s", params["lock_timeout"])
	require.Equal(t, "off", params["jit"])
	require.Equal(t, `"od""d"`, params["search_path"], "the schema is not a matter of the connection string")
	require.Positive(t, config.ConnConfig.ConnectTimeout)
}

func TestAConnectionStringThatIsNotUnderstoodIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"postgres://ada:s3cret%zz@host/db", "host=a password=s3cret sslmode=nonsense",
		"postgres://ada:s3cret@host:99999999/db"} {
		_, err := pgconnect.Parse(url, "a", nil, nil)
		require.ErrorIs(t, err, pgconnect.ErrConnectionString)
		require.NotContains(t, err.Error(), "s3cret")
	}
}
