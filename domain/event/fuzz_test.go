package event_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/event"
)

// FuzzDecode feeds bytes to the decoder of every event type: it never panics, and what it accepts it can write and read
// back unchanged.
func FuzzDecode(f *testing.F) {
	registry := domain.Events()
	goldens, err := filepath.Glob(filepath.Join("..", "testdata", "events", "*.json"))
	require.NoError(f, err)
	require.NotEmpty(f, goldens)
	for _, path := range goldens {
		text, err := os.ReadFile(path)
		require.NoError(f, err)
		var samples map[string]json.RawMessage
		require.NoError(f, json.Unmarshal(text, &samples))
		for _, data := range samples {
			f.Add(strings.TrimSuffix(filepath.Base(path), ".json"), []byte(data))
		}
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		first, err := registry.Decode(event.Envelope{Pending: event.Pending{Type: event.Type(name), Data: data}})
		if err != nil {
			require.Nil(t, first.Payload)
			return
		}
		written, err := event.Encode(first.Payload)
		require.NoError(t, err)
		second, err := registry.Decode(event.Envelope{Pending: event.Pending{Type: first.Payload.EventType(), Data: written}})
		require.NoError(t, err)
		again, err := event.Encode(second.Payload)
		require.NoError(t, err)
		require.Equal(t, string(written), string(again))
	})
}
