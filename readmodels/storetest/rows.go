package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/readmodels/store"
)

// Tenant is whose rows they are.
const Tenant = "default"

// Noon is when everything happens.
var Noon = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

// Adopt makes the test the owner of a projection.
func Adopt(t testing.TB, db *store.DB, definition store.Definition) store.Checkpoint {
	t.Helper()
	adopted, err := db.Acquire(t.Context(), definition, "test", Noon)
	require.NoError(t, err)
	return adopted.Checkpoint
}

// Apply writes changes as those of the next event.
func Apply(t testing.TB, db *store.DB, definition store.Definition, at store.Checkpoint, change func(*store.Changes)) store.Checkpoint {
	t.Helper()
	changes := db.Changes(definition, at)
	change(changes)
	next, err := db.Apply(t.Context(), at, store.LastEvent{Position: at.Position + 1}, changes, Noon)
	require.NoError(t, err)
	return next
}

// ID is a readable id.
func ID(n int) uuid.UUID { return uuid.MustParse(fmt.Sprintf("00000000-0000-4000-8000-%012d", n)) }

// LicenseRow is licence n as a projector would write it, except for what is given.
func LicenseRow(n int, given store.Values) store.Values {
	values := store.Values{
		"issued_position": int64(n), "id": ID(n).String(), "tenant": Tenant,
		"product_id": ID(1).String(), "product_code": "cad", "plan_id": ID(2).String(), "plan_code": "pro", "plan_revision": int64(1),
		"plan_type":     "STANDARD",
		"customer_name": "Ada", "customer_email": "ada@example.com", "customer_name_key": "ada", "customer_email_key": "ada@example.com",
		"subject_id": ID(3).String(), "metadata": "{}", "features": "{}", "seats_used": int64(0), "seat_limit": int64(1),
		"lease_seconds": nil, "offline_days": int64(3), "fingerprint_match": "MOST", "max_rebinds": nil, "rebind_window_days": int64(30),
		"rebind_cooldown_seconds": nil, "daily_activations_per_seat": nil, "key_generation": int64(0),
		"issued_at": Noon.UnixMicro(), "expires_at": nil, "validity_days": nil, "validity_starts": "ISSUE",
		"suspended_at": nil, "expired_at": nil, "revoked_at": nil, "last_reason": nil, "words": " ", "revision": int64(1), "position": int64(n),
	}
	for column, value := range given {
		values[column] = value
	}
	return values
}
