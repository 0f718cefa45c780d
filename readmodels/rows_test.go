package readmodels_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/readmodels"
)

const tenant = "default"

var noon = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

// licenses are the tables of the projection of that name.
var licenses = readmodels.Definition{Name: readmodels.Licenses, Version: 1, Tables: []readmodels.Table{
	{Name: "licenses", Key: "id", Order: []string{"issued_position"}},
	{Name: "license_words", Order: []string{"tenant", "word", "issued_position"}},
}}

var catalog = readmodels.Definition{Name: readmodels.Catalog, Version: 1, Tables: []readmodels.Table{
	{Name: "products", Key: "id", Order: []string{"registered_position"}},
	{Name: "signing_keys", Key: "id", Order: []string{"added_position"}},
	{Name: "plans", Key: "id", Order: []string{"published_position"}},
}}

func adopt(t testing.TB, db *readmodels.DB, definition readmodels.Definition) readmodels.Checkpoint {
	t.Helper()
	adopted, err := db.Acquire(t.Context(), definition, "test", noon)
	require.NoError(t, err)
	return adopted.Checkpoint
}

// apply writes changes as those of the next event.
func apply(t testing.TB, db *readmodels.DB, definition readmodels.Definition, at readmodels.Checkpoint, change func(*readmodels.Changes)) readmodels.Checkpoint {
	t.Helper()
	changes := db.Changes(definition, at)
	change(changes)
	next, err := db.Apply(t.Context(), at, readmodels.LastEvent{Position: at.Position + 1}, changes, noon)
	require.NoError(t, err)
	return next
}

func id(n int) uuid.UUID { return uuid.MustParse(fmt.Sprintf("00000000-0000-4000-8000-%012d", n)) }

// row is licence n as a projector would write it, except for what is given.
func row(n int, given readmodels.Values) readmodels.Values {
	values := readmodels.Values{
		"issued_position": int64(n), "id": id(n).String(), "tenant": tenant,
		"product_id": id(1).String(), "product_code": "cad", "plan_id": id(2).String(), "plan_code": "pro", "plan_revision": int64(1), "plan_type": "STANDARD",
		"customer_name": "Ada", "customer_email": "ada@example.com", "customer_name_key": "ada", "customer_email_key": "ada@example.com",
		"subject_id": id(3).String(), "metadata": "{}", "features": "{}", "seats_used": int64(0), "seat_limit": int64(1),
		"lease_seconds": nil, "offline_days": int64(3), "fingerprint_match": "MOST", "max_rebinds": nil, "rebind_window_days": int64(30),
		"key_generation": int64(0), "issued_at": noon.UnixMicro(), "expires_at": nil, "validity_days": nil, "validity_starts": "ISSUE",
		"suspended_at": nil, "expired_at": nil, "revoked_at": nil, "last_reason": nil, "words": " ", "revision": int64(1), "position": int64(n),
	}
	for column, value := range given {
		values[column] = value
	}
	return values
}

// words are the values that make a licence findable by them.
func words(all ...string) string { return " " + strings.Join(all, " ") + " " }
