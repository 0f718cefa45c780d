package license_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
)

// FuzzUpcastExpired feeds payloads of the first version of an expiry to the registry: what it accepts has the meaning of that version.
func FuzzUpcastExpired(f *testing.F) {
	for _, data := range []string{`{"expired_at":"2026-03-03T12:00:00Z"}`, `{}`, `null`, `{"lifts_suspension":false}`, `[]`,
		`{"expired_at":7}`} {
		f.Add([]byte(data))
	}
	registry := domain.Events()
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := registry.Decode(event.Envelope{Stream: license.StreamName(licenseID), Pending: event.Pending{
			ID: uuid.New(), Type: "license.expired.v1", Data: data,
		}})
		if err != nil {
			return
		}
		require.True(t, e.Payload.(license.Expired).LiftsSuspension, "%s", data)
	})
}
