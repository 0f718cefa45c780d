package runtime_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/aggregate"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/idempotency"
	"github.com/licenseledger/licenseledger/eventstore/sqlite"
)

// Noted is the only event of a notebook.
type Noted struct {
	Text string `json:"text"`
}

// EventType implements [event.Payload].
func (Noted) EventType() event.Type { return "notebook.noted.v1" }

// notebook is an aggregate: what its events make of it.
type notebook struct {
	stream event.StreamState
	notes  []string
}

// StreamState implements the constraint of aggregates.
func (n *notebook) StreamState() event.StreamState {
	if n == nil {
		return event.StreamState{}
	}
	return n.stream
}

func fold(n *notebook, events ...event.Event) (*notebook, error) {
	next := notebook{}
	if n != nil {
		next = *n
	}
	for _, e := range events {
		next.notes = append(next.notes[:len(next.notes):len(next.notes)], e.Payload.(Noted).Text)
		next.stream = next.stream.Advance(e)
	}
	return &next, nil
}

// An aggregate of one's own takes a definition, a repository and a declared command. The repository keeps it in memory and level with other
// instances; the declaration says who may use the command, and makes it repeatable.
func ExampleDeclare() {
	ctx := access.With(context.Background(), access.Principal{Tenant: access.DefaultTenant, Actor: "admin", Role: access.Admin})
	folder, err := os.MkdirTemp("", "notebook")
	check(err)
	defer func() { check(os.RemoveAll(folder)) }()
	store, err := sqlite.Open(ctx, filepath.Join(folder, "ledger.db"))
	check(err)
	defer func() { check(store.Close()) }()

	r, err := runtime.New(ctx, runtime.Config{
		Store: store, Events: event.NewRegistry([]event.Registration{event.Of[Noted]()}, idempotency.Events()), Now: time.Now, NewID: uuid.New,
		HashRequest: func(command []byte) string { return fmt.Sprintf("%x", sha256.Sum256(command)) },
	})
	check(err)
	notebooks, err := runtime.NewRepository(r, aggregate.Definition[notebook]{
		Prefix: "notebook-", Fold: fold, NotFound: errors.New("there is no such notebook"),
	}, 100)
	check(err)
	type Write struct {
		Notebook uuid.UUID
		Text     string
	}
	write := runtime.Declare(r, runtime.Declaration{
		Name: "Write", Permission: access.LicenseIssue, Aggregate: notebooks.Prefix, Idempotency: runtime.ByKey,
	}, func(ctx context.Context, request runtime.Request, command Write) (runtime.Result[notebook], error) {
		return notebooks.Execute(ctx, request, command.Notebook, func(*notebook, time.Time) ([]event.Payload, error) {
			return []event.Payload{Noted{command.Text}}, nil
		})
	})

	id := uuid.New()
	for _, request := range []runtime.Request{{IdempotencyKey: "a"}, {IdempotencyKey: "b"}, {IdempotencyKey: "b"}} {
		result, err := write(ctx, request, Write{id, "note " + request.IdempotencyKey})
		fmt.Println(result.State.notes, result.Replayed, err)
	}

	// Output:
	// [note a] false <nil>
	// [note a note b] false <nil>
	// [note a note b] true <nil>
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
