package runtime_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing/fstest"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/aggregate"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore/sqlite"
	"github.com/licenseledger/licenseledger/projections/runtime"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// Opened is the first event of a notebook.
type Opened struct {
	Title string `json:"title"`
}

// EventType implements [event.Payload].
func (Opened) EventType() event.Type { return "notebook.opened.v1" }

// Noted is every other event of a notebook.
type Noted struct {
	Text string `json:"text"`
}

// EventType implements [event.Payload].
func (Noted) EventType() event.Type { return "notebook.noted.v1" }

// notebooks has a row for each notebook. The database keeps generations of the table, and a view that shows the one that serves.
var notebooks = store.Definition{
	Name: "notebooks", Version: 1, Tables: []store.Table{{Name: "notebooks", Key: "id", Order: []string{"opened_position"}}},
	Schema: fstest.MapFS{"sqlite.sql": {Data: []byte(`
CREATE TABLE notebooks_gN (
    opened_position INTEGER PRIMARY KEY,
    id              TEXT    NOT NULL UNIQUE,
    title           TEXT    NOT NULL,
    notes           INTEGER NOT NULL
) STRICT;
`)}},
}

// projector says what each event does to the rows.
var projector = runtime.Table{
	Of:      notebooks,
	Streams: []aggregate.Prefix{"notebook-"},
	On: runtime.Reducers(
		runtime.On(func(_ context.Context, e event.Event, id uuid.UUID, opened Opened, rows runtime.Rows) error {
			return rows.Insert("notebooks", store.Values{
				"opened_position": runtime.Position(e), "id": id.String(), "title": opened.Title, "notes": int64(0),
			})
		}),
		runtime.On(func(_ context.Context, _ event.Event, id uuid.UUID, _ Noted, rows runtime.Rows) error {
			return rows.Update("notebooks", id.String(), store.Values{"notes": store.Increment(1)})
		}),
	),
}

// A read model of one's own takes a definition of its tables and a table of reducers. The runner keeps the rows level with the ledger; a
// query that must show an append waits for its position first.
func ExampleTable() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "notebooks")
	check(err)
	defer func() { check(os.RemoveAll(folder)) }()
	ledger, err := sqlite.Open(ctx, filepath.Join(folder, "ledger.db"))
	check(err)
	defer func() { check(ledger.Close()) }()
	rows, err := store.OpenSQLite(ctx, filepath.Join(folder, "readmodels.db"))
	check(err)
	defer func() { check(rows.Close()) }()
	runner, err := runtime.Start(ctx, runtime.Config{
		Store: ledger, Registry: event.NewRegistry([]event.Registration{event.Of[Opened](), event.Of[Noted]()}),
		ReadModels: rows, Projectors: []runtime.Projector{projector}, Owner: "example", Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	check(err)
	defer func() { check(runner.Close()) }()

	var happened []event.Pending
	for _, payload := range []event.Payload{Opened{"Field notes"}, Noted{"rain"}, Noted{"sun"}} {
		data, err := event.Encode(payload)
		check(err)
		happened = append(happened, event.Pending{
			ID: uuid.Must(uuid.NewV7()), Type: payload.EventType(), RecordedAt: time.Now().UTC(), Data: data,
		})
	}
	commit, err := ledger.Append(ctx, "notebook-"+uuid.NewString(), 0, happened)
	check(err)
	check(rows.WaitForPosition(ctx, []string{notebooks.Name}, uint64(commit.Position)))
	shown, err := store.List(ctx, rows, func(row store.Row) (line string, err error) {
		var title string
		var notes int
		err = row.Scan(&title, &notes)
		return fmt.Sprintf("%s: %d notes", title, notes), err
	}, `SELECT title, notes FROM notebooks ORDER BY opened_position`)
	check(err)
	fmt.Println(shown)

	// Output:
	// [Field notes: 2 notes]
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
