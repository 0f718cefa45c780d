package upgrade_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/tests/upgrade"
)

func TestOnlyWhatMayDifferIsNoDifference(t *testing.T) {
	t.Parallel()
	answers := upgrade.Answers{Head: 7}
	for name, c := range map[string]struct {
		was, is string
		same    bool
	}{
		"a member that was added":         {`{"a": 1}`, `{"a": 1, "b": 2}`, true},
		"other words":                     {`{"detail": "x"}`, `{"detail": "y"}`, true},
		"another cursor":                  {`{"next_cursor": "x"}`, `{"next_cursor": "y"}`, true},
		"the id of an event recorded now": {`{"position": 8, "event_id": "x"}`, `{"position": 8, "event_id": "y"}`, true},
		"a member that is missing":        {`{"a": 1, "b": 2}`, `{"a": 1}`, false},
		"a value":                         {`{"a": {"b": [1]}}`, `{"a": {"b": [2]}}`, false},
		"null":                            {`{"a": null}`, `{"a": {}}`, false},
		"no words":                        {`{"detail": "x"}`, `{"detail": ""}`, false},
		"an item more":                    {`{"a": [1]}`, `{"a": [1, 2]}`, false},
		"the end of a list":               {`{"next_cursor": null}`, `{"next_cursor": "y"}`, false},
		"the id of an event of the past":  {`{"position": 7, "event_id": "x"}`, `{"position": 7, "event_id": "y"}`, false},
		"the type of an event":            {`{"position": 8, "type": "x"}`, `{"position": 8, "type": "y"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := answers.Differences(upgrade.Answer{Status: 200, Body: []byte(c.was)}, upgrade.Answer{Status: 200, Body: []byte(c.is)})
			require.Equal(t, c.same, len(found) == 0, found)
		})
	}
	was := upgrade.Answer{Status: 200, Headers: map[string]string{"Etag": `"1"`}, Body: []byte(`{}`)}
	require.Len(t, answers.Differences(was, upgrade.Answer{Status: 201, Body: []byte(`{}`)}), 2)
}

func TestACertificateMustBeSignedAndSayTheSame(t *testing.T) {
	t.Parallel()
	answers, err := upgrade.ReadAnswers(filepath.Join("testdata", "74a7f9d", "sqlite"))
	require.NoError(t, err)
	compared := 0
	for _, e := range append(answers.Queries, answers.Commands...) {
		var body struct{ Certificate string }
		if json.Unmarshal(e.Answer.Body, &body) != nil || body.Certificate == "" {
			continue
		}
		compared++
		require.Empty(t, answers.Differences(e.Answer, e.Answer))
		parts := strings.Split(body.Certificate, ".")
		forged := e.Answer
		forged.Body = bytes.ReplaceAll(forged.Body, []byte(parts[2]), []byte(strings.Repeat("A", len(parts[2]))))
		require.NotEmpty(t, answers.Differences(e.Answer, forged), e.Name)
	}
	require.Greater(t, compared, 10, fmt.Sprint(compared))
}
