package eventstoredb

import (
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
)

// FuzzConnectionString holds that no error of a connection string shows the password in it.
func FuzzConnectionString(f *testing.F) {
	for _, url := range []string{
		"esdb://localhost:2113?tls=false", "kurrentdb://a:2113,b:2113", "esdb+discover://cluster", "esdb://[::1",
		"esdb://host?maxDiscoverAttempts=x", "",
	} {
		f.Add(url)
	}
	const password = "correct-horse-battery"
	f.Fuzz(func(t *testing.T, url string) {
		if strings.Contains(url, password) {
			return
		}
		withPassword := strings.Replace(url, "://", "://admin:"+password+"@", 1)
		if _, err := parse(withPassword); err != nil {
			require.NotContains(t, err.Error(), password)
		}
	})
}

// FuzzCodec holds that an event of ours comes back as it was appended.
func FuzzCodec(f *testing.F) {
	f.Add("license-1", "license.issued.v1", "acme", "request-1", []byte(`{"a":1}`), int64(1_700_000_000_000_001))
	f.Add("ä", "x", "", "\x00", []byte{0xff}, int64(0))
	f.Add("$system", "$x", "t", "c", []byte(nil), int64(-1))
	f.Fuzz(func(t *testing.T, stream, kind, tenant, correlation string, data []byte, micros int64) {
		c := codec{prefix: "ledger-"}
		if c.checkName(stream) != nil || strings.HasPrefix(stream, "$") || strings.HasPrefix(kind, "$") {
			return
		}
		at := time.UnixMicro(micros).UTC()
		if at.Year() < 1 || at.Year() > 9999 {
			return // times that JSON has no form for
		}
		given := event.Pending{
			ID: uuid.New(), Type: event.Type(kind), RecordedAt: at, Data: data,
			Metadata: event.Metadata{Tenant: strings.ToValidUTF8(tenant, "?"), Correlation: strings.ToValidUTF8(correlation, "?")},
		}
		messages, err := c.encode([]event.Pending{given})
		require.NoError(t, err)
		m := messages[0]
		stored, ours, err := c.decode(&recorded{
			Id: m.Id, StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("ledger-" + stream)}, StreamRevision: 6, CommitPosition: 42,
			Metadata: m.Metadata, CustomMetadata: m.CustomMetadata, Data: m.Data,
		})
		require.NoError(t, err)
		require.True(t, ours)
		require.Equal(t, event.Envelope{Position: 42, Stream: stream, Revision: 7, Pending: given}, stored)
	})
}

// FuzzDecode feeds the metadata of foreign events to the decoder: it leaves them to others, or says that one of ours is damaged.
func FuzzDecode(f *testing.F) {
	f.Add("ledger-license-1", "license.issued.v1", []byte(`{"ledger":"licenseledger","prefix":"ledger-"}`))
	f.Add("other", "x", []byte(`{}`))
	f.Add("ledger-$x", "$y", []byte(`null`))
	f.Fuzz(func(t *testing.T, stream, kind string, metadata []byte) {
		c := codec{prefix: "ledger-"}
		e, ours, err := c.decode(&recorded{
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)}, Metadata: map[string]string{metadataType: kind},
			CustomMetadata: metadata,
		})
		if !ours {
			require.NoError(t, err)
			require.Zero(t, e)
		}
	})
}
