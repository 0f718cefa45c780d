package rediscache

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
)

type gifted struct{}

func (gifted) EventType() event.Type { return "license.gifted.v1" }

func TestProgramsThatKnowOtherEventsDoNotShareSnapshots(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	ours := keyspace{format: formatOf(domain.Events())}
	require.Equal(t, ours.format, formatOf(domain.Events()))
	newer := keyspace{format: formatOf(event.NewRegistry(catalog.Events(), license.Events(), binding.Events(), activation.Events(),
		[]event.Registration{event.Of[gifted]()}))}
	require.NotEqual(t, ours.key(id), newer.key(id))
	require.NotEqual(t, ours.sealedName(id), newer.sealedName(id))
}
