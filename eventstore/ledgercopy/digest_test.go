package ledgercopy_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
)

// listed is a ledger in memory.
type listed []event.Envelope

func (l listed) Head(context.Context) (event.Position, error) { return l[len(l)-1].Position, nil }

func (l listed) ReadAll(context.Context, event.Position) iter.Seq2[event.Envelope, error] {
	return func(yield func(event.Envelope, error) bool) {
		for _, e := range l {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func sample() event.Envelope {
	return event.Envelope{Position: 1, Stream: "thing-1", Revision: 1, Pending: event.Pending{
		ID: uuid.MustParse("0195a000-0000-7000-8000-00000000000a"), Type: "thing.happened.v1",
		RecordedAt: time.UnixMicro(1_700_000_000_000_001).UTC(),
		Metadata:   event.Metadata{Tenant: "default", Actor: "admin", Correlation: "c", Causation: "d", CommandID: "e", RequestHash: "f"},
		Data:       []byte(`{"a":1}`),
	}}
}

func TestTheDigestOfALedgerNeverChanges(t *testing.T) {
	t.Parallel()
	require.Equal(t, "e03e9c8aa0ab933a099d0f0b1aef59758b1fc59e8ff9aef38f507d761667dcd6", digest(t, listed{sample()}).Digest,
		"manifests of old backups would not fit any more")
}

func TestTheDigestDependsOnEveryFieldExceptThePosition(t *testing.T) {
	t.Parallel()
	same := digest(t, listed{sample()}).Digest
	for field, change := range map[string]func(*event.Envelope){
		"stream": func(e *event.Envelope) { e.Stream = "thing-2" }, "id": func(e *event.Envelope) { e.ID[0]++ },
		"type": func(e *event.Envelope) { e.Type = "x" }, "time": func(e *event.Envelope) { e.RecordedAt = e.RecordedAt.Add(time.Microsecond) },
		"tenant": func(e *event.Envelope) { e.Tenant = "x" }, "actor": func(e *event.Envelope) { e.Actor = "x" },
		"correlation": func(e *event.Envelope) { e.Correlation = "x" }, "causation": func(e *event.Envelope) { e.Causation = "x" },
		"command id": func(e *event.Envelope) { e.CommandID = "x" }, "request hash": func(e *event.Envelope) { e.RequestHash = "x" },
		"payload":  func(e *event.Envelope) { e.Data = []byte(`{"a":2}`) },
		"boundary": func(e *event.Envelope) { e.Correlation, e.Causation = "cd", "" },
	} {
		changed := sample()
		change(&changed)
		require.NotEqual(t, same, digest(t, listed{changed}).Digest, field)
	}
	elsewhere := sample()
	elsewhere.Position = 4711
	require.Equal(t, same, digest(t, listed{elsewhere}).Digest)
}
