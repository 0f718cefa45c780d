package projections_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/aggregate"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/projections/runtime"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/store"
	"github.com/licenseledger/licenseledger/readmodels/timeline"
)

// noted is an event that no projector names.
type noted struct {
	Reason string `json:"reason"`
}

func (noted) EventType() event.Type { return "license.noted.v1" }

// TestAnEventThatNoProjectorNames states what whoever adds an event to an aggregate can rely on.
func TestAnEventThatNoProjectorNames(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	inStream := func(stream string) event.Event {
		return event.Event{Payload: noted{"call back"},
			Envelope: event.Envelope{Position: 9, Revision: 4, Stream: stream, Pending: pending(t, noted{"call back"})}}
	}
	expected := map[string]string{
		licenses.Definition.Name: "UPDATE licenses_g1 SET position = $1, revision = $2 WHERE id = $3",
		timeline.Definition.Name: "INSERT INTO timeline_g1",
	}
	for _, p := range w.projectors() {
		name := p.Definition().Name
		wanted, listed := expected[name]
		require.Equal(t, listed, p.Wants(noted{}.EventType(), licenseStream), name)
		if !listed {
			continue
		}
		changes := w.models.Changes(p.Definition(), store.Checkpoint{Generation: 1})
		require.NoError(t, p.Project(t.Context(), inStream(licenseStream), changes), name)
		require.Contains(t, changes.Statements()[0].SQL, wanted, name)
		if name == timeline.Definition.Name {
			require.Subset(t, changes.Statements()[0].Args, []any{"License noted", "call back"}, "its name and its reason")
		}
	}
	products := runtime.Table{Streams: []aggregate.Prefix{catalog.ProductAggregate().Prefix}}
	require.True(t, products.Wants(noted{}.EventType(), productStream), "what is not declared ignorable must not be passed over")
	require.ErrorIs(t, products.Project(t.Context(), inStream(productStream), forgiving{}), runtime.ErrPoison)
}
