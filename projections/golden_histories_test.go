package projections_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
)

// TestRowsKeepTheMeaningOfHistories holds the rows to the status that the golden histories of the domain have.
func TestRowsKeepTheMeaningOfHistories(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "domain", "license", "testdata", "histories", "status.json"))
	require.NoError(t, err)
	var histories []struct {
		History, Status string
		Events          []struct {
			Type event.Type
			Data json.RawMessage
		}
	}
	require.NoError(t, json.Unmarshal(text, &histories))
	require.NotEmpty(t, histories)
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		for _, golden := range histories {
			t.Run(golden.History, func(t *testing.T) {
				t.Parallel()
				w := newFixture(t)
				w.vault.erased[subjectID] = true // the golden customer is sealed with a key that nobody has
				var events []event.Pending
				for _, e := range golden.Events {
					events = append(events, event.Pending{
						ID: uuid.Must(uuid.NewV7()), Type: e.Type, RecordedAt: noon, Data: e.Data, Metadata: event.Metadata{Tenant: tenant, Actor: "admin"},
					})
				}
				w.append(licenseStream, events...)
				w.start(w.config())
				w.caughtUp()
				l, err := licenses.New(w.models).Find(t.Context(), tenant, licenseID)
				require.NoError(t, err)
				require.Equal(t, golden.Status, l.Status)
			})
		}
	})
}
