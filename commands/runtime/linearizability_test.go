package runtime

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/aggregate"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// unreliable is a ledger that fails some appends, before or after they are stored.
type unreliable struct{ eventstore.Store }

func (u unreliable) Append(ctx context.Context, stream string, expected event.Revision, events []event.Pending) (eventstore.Commit, error) {
	pause()
	switch rand.IntN(12) {
	case 0:
		return eventstore.Commit{}, fmt.Errorf("%w: for a moment", eventstore.ErrBusy)
	case 1:
		return eventstore.Commit{}, fmt.Errorf("%w: nothing was stored", eventstore.ErrUnavailable)
	case 2:
		_, err := u.Store.Append(ctx, stream, expected, events)
		return eventstore.Commit{}, errors.Join(fmt.Errorf("%w: nobody knows", eventstore.ErrUnavailable), err)
	}
	commit, err := u.Store.Append(ctx, stream, expected, events)
	pause()
	return commit, err
}

// pause takes some time, as an engine does.
func pause() { <-time.After(time.Duration(rand.IntN(2_000)) * time.Microsecond) }

// What clients do with a place that holds few.
type deed int

const (
	enter deed = iota
	leave
	look
)

const places = 3

// seen is what a client learned: how many are in afterwards.
type seen struct {
	in       int
	refused  bool
	unknown  bool // whether it was done
	replayed bool
}

type left struct{}

func (left) EventType() event.Type { return "tally.left.v1" }

// room is a tally of those who are in.
type room struct {
	track event.StreamState
	in    int
}

func (r *room) StreamState() event.StreamState {
	if r == nil {
		return event.StreamState{}
	}
	return r.track
}

func foldRoom(before *room, events ...event.Event) (*room, error) {
	next := room{}
	if before != nil {
		next = *before
	}
	for _, e := range events {
		switch e.Payload.(type) {
		case counted:
			next.in++
		case left:
			next.in--
		}
		next.track = next.track.Advance(e)
	}
	return &next, nil
}

func decideRoom(d deed) Decide[room] {
	return func(r *room, _ time.Time) ([]event.Payload, error) {
		in := 0
		if r != nil {
			in = r.in
		}
		switch {
		case d == enter && in == places:
			return nil, errFull
		case d == enter:
			return []event.Payload{counted{}}, nil
		case d == leave && in > 0:
			return []event.Payload{left{}}, nil
		}
		return nil, nil
	}
}

// rules tells porcupine what a room does.
func rules() porcupine.Model {
	model := porcupine.NondeterministicModel{
		Init: func() []any { return []any{0} },
		Step: func(before, input, output any) []any {
			in, s := before.(int), output.(seen)
			next := in
			switch input.(deed) {
			case enter:
				next = min(in+1, places)
				if s.refused != (in == places) && !s.unknown {
					return nil
				}
			case leave:
				next = max(in-1, 0)
			case look:
			}
			switch {
			case s.unknown:
				return []any{in, next}
			case !s.refused && s.in != next:
				return nil
			}
			return []any{next}
		},
		DescribeOperation: func(input, output any) string {
			return fmt.Sprintf("%s: %+v", [...]string{"enter", "leave", "look"}[input.(deed)], output)
		},
	}
	return model.ToModel()
}

// The appends of one instance, or of two, fail in every way while clients crowd a few aggregates.
func TestCommandsOnAnUnreliableLedgerAreLinearizable(t *testing.T) {
	t.Parallel()
	for _, instances := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d instances", instances), func(t *testing.T) {
			t.Parallel()
			ledger := unreliable{openSQLite(t)}
			var repositories []*Repository[room]
			for range instances {
				r := instance(t, ledger)
				if instances == 1 {
					r.readIndex = nil
				}
				repository, err := NewRepository(r, aggregate.Definition[room]{Prefix: "room-", Fold: foldRoom,
					NotFound: errors.New("there is no such room")}, 10)
				require.NoError(t, err)
				repositories = append(repositories, repository)
			}
			requireLinearizable(t, repositories)
		})
	}
}

func requireLinearizable(t *testing.T, repositories []*Repository[room]) {
	t.Helper()
	const rounds, clients, deeds = 30, 8, 8
	for range rounds {
		id := uuid.New()
		var clock atomic.Int64
		histories := make([][]porcupine.Operation, clients)
		var all sync.WaitGroup
		for client := range clients {
			all.Go(func() {
				for range deeds {
					d := deed(rand.IntN(3))
					o := porcupine.Operation{ClientId: client, Input: d, Call: clock.Add(1)}
					o.Output = do(t, repositories[client%len(repositories)], id, d)
					o.Return = clock.Add(1)
					histories[client] = append(histories[client], o)
				}
			})
		}
		all.Wait()
		var history []porcupine.Operation
		for _, h := range histories {
			history = append(history, h...)
		}
		checked, info := porcupine.CheckOperationsVerbose(rules(), history, time.Minute)
		if checked != porcupine.Ok {
			file := t.ArtifactDir() + "/history.html"
			require.NoError(t, porcupine.VisualizePath(rules(), info, file))
			require.Equal(t, porcupine.Ok, checked, "see %s", file)
		}
	}
}

// do carries a deed out. A command that failed is repeated as a client would, with its idempotency key, until its outcome is known or it is
// given up.
func do(t *testing.T, r *Repository[room], id uuid.UUID, d deed) seen {
	ctx := asSystem(t)
	if d == look {
		for {
			state, err := r.Load(ctx, id)
			if err == nil && state == nil {
				return seen{}
			}
			if err == nil {
				return seen{in: state.in}
			}
		}
	}
	key := uuid.NewString()
	for range 4 {
		result, err := r.Execute(ctx, Request{commandID: key, hash: "h"}, id, decideRoom(d))
		switch {
		case err == nil && result.State == nil:
			return seen{}
		case err == nil:
			return seen{in: result.State.in, replayed: result.Replayed}
		case errors.Is(err, errFull):
			return seen{refused: true}
		}
	}
	return seen{unknown: true}
}
