package postgres_test

import (
	"context"
	"net/url"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/tests/support/services"
)

func happened(n int) []event.Pending {
	events := make([]event.Pending, n)
	for i := range events {
		events[i] = event.Pending{ID: uuid.Must(uuid.NewV7()), Type: "test.happened.v1", Data: []byte(`{"a":1}`)}
	}
	return events
}

func all(t testing.TB, store eventstore.Store) []event.Envelope {
	t.Helper()
	var events []event.Envelope
	for e, err := range store.ReadAll(t.Context(), 0) {
		require.NoError(t, err)
		events = append(events, e)
	}
	return events
}

// with returns a connection string with another setting.
func with(t testing.TB, connection, name, value string) string {
	t.Helper()
	u, err := url.Parse(connection)
	require.NoError(t, err)
	query := u.Query()
	query.Set(name, value)
	u.RawQuery = query.Encode()
	return u.String()
}

// named returns a connection string whose connections can be told from all others, and that name.
func named(t testing.TB, connection string) (withName, name string) {
	t.Helper()
	name = uuid.NewString()
	return with(t, connection, "application_name", name), name
}

// watch connects to look at other connections.
func watch(t testing.TB, connection string) *pgx.Conn {
	t.Helper()
	conn := services.Connect(t, connection)
	t.Cleanup(func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) })
	return conn
}

// await asks the server until the answer is true.
func await(t testing.TB, conn *pgx.Conn, question string, arguments ...any) {
	t.Helper()
	for answer := false; !answer; {
		require.NoError(t, conn.QueryRow(t.Context(), question, arguments...).Scan(&answer))
	}
}
