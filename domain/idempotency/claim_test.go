package idempotency_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/idempotency"
	"github.com/licenseledger/licenseledger/domain/license"
)

func TestAClaimIsOfOneTenantAndOneKey(t *testing.T) {
	t.Parallel()
	id := idempotency.ClaimID("acme", "hash")
	require.Equal(t, id, idempotency.ClaimID("acme", "hash"))
	require.NotEqual(t, id, idempotency.ClaimID("acme", "other"))
	require.NotEqual(t, id, idempotency.ClaimID("other", "hash"))
	require.NotEqual(t, idempotency.ClaimID("a", "bc"), idempotency.ClaimID("ab", "c"))
}

func TestAClaimRemembersTheCommandOfItsKey(t *testing.T) {
	t.Parallel()
	fold := idempotency.Aggregate().Fold
	claimed := idempotency.KeyClaimed{Command: "RenewLicense", Stream: "license-1", Revision: 7, ClaimedAt: time.Unix(1, 0)}
	envelope := event.Envelope{Revision: 1, Position: 9, Pending: event.Pending{
		Type: idempotency.KeyClaimedType, Metadata: event.Metadata{Tenant: "acme", CommandID: "hash", RequestHash: "request"},
	}}
	claim, err := fold(nil, event.Event{Envelope: envelope, Payload: claimed})
	require.NoError(t, err)
	require.Equal(t, claimed, claim.KeyClaimed)
	command, known := claim.StreamState().Command("hash")
	require.True(t, known)
	require.True(t, command.HasRequestHash("request"))
	require.Equal(t, "acme", claim.StreamState().Tenant)

	_, err = fold(claim, event.Event{Envelope: event.Envelope{Position: 10, Pending: event.Pending{Type: license.SuspendedType}},
		Payload: license.Suspended{}})
	require.ErrorContains(t, err, "position 10")
}
