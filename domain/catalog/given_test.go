package catalog_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/event"
)

var noon = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

// recorded returns what happened as it is read from the ledger, through the codec.
func recorded(t *testing.T, happened ...event.Payload) []event.Event {
	t.Helper()
	events := make([]event.Event, len(happened))
	for i, p := range happened {
		data, err := event.Encode(p)
		require.NoError(t, err)
		events[i], err = domain.Events().Decode(event.Envelope{
			Position: event.Position(101 + i), Revision: event.Revision(1 + i),
			Pending: event.Pending{ID: uuid.New(), Type: p.EventType(), Metadata: event.Metadata{Tenant: "acme"}, Data: data},
		})
		require.NoError(t, err)
	}
	return events
}

// product is given by what happened; nil when nothing did.
func product(t *testing.T, happened ...event.Payload) *catalog.Product {
	t.Helper()
	if len(happened) == 0 {
		return nil
	}
	p, err := catalog.FoldProduct(nil, recorded(t, happened...)...)
	require.NoError(t, err)
	return p
}

// plan is given by what happened; nil when nothing did.
func plan(t *testing.T, happened ...event.Payload) *catalog.Plan {
	t.Helper()
	if len(happened) == 0 {
		return nil
	}
	p, err := catalog.FoldPlan(nil, recorded(t, happened...)...)
	require.NoError(t, err)
	return p
}

func signingKey(id string) catalog.SigningKey {
	return catalog.SigningKey{ID: id, Algorithm: catalog.Ed25519, Public: []byte(id)}
}

func registered() catalog.ProductRegistered {
	return catalog.ProductRegistered{
		ProductID: catalog.ProductID("acme", "cad"), Code: "cad", Name: "CAD", Platforms: []string{"linux/amd64"}, OfflineDays: 3,
		MaxMachinesPerLicense: new(50), SigningKey: signingKey("key-1"), RegisteredAt: noon,
	}
}

func rotated(from, to string) catalog.ProductSigningKeyRotated {
	return catalog.ProductSigningKeyRotated{SigningKey: signingKey(to), PreviousKeyID: from, Reason: "once a year", RotatedAt: noon}
}

func terms(changes ...func(*catalog.Terms)) catalog.Terms {
	t := catalog.Terms{Name: "Professional", Type: catalog.Professional, MaxMachines: 5}.WithDefaults()
	for _, apply := range changes {
		apply(&t)
	}
	return t
}

func published() catalog.PlanPublished {
	productID := registered().ProductID
	return catalog.PlanPublished{PlanID: catalog.PlanID(productID, "pro"), ProductID: productID, Code: "pro", Terms: terms(),
		PublishedAt: noon}
}

// requireInvalid expects input to be refused because of one field and its rule.
func requireInvalid(t *testing.T, err error, field, rule string) {
	t.Helper()
	var invalid *domainerr.Invalid
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, []domainerr.Field{{Name: field, Message: rule}}, invalid.Fields)
}
