// Package timeline is the read model of what happened to each licence.
package timeline

import (
	"context"
	"embed"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/readmodels/store"
)

//go:embed sqlite.sql postgres.sql
var schema embed.FS

// Definition describes the tables.
var Definition = store.Definition{Name: "timeline", Version: 2, Schema: schema, Tables: []store.Table{
	{Name: "timeline", Order: []string{"position"}},
	{Name: "timeline_seats", Key: "license_id", Order: []string{"issued_position"}},
}}

// Queries answers questions about what happened. Each is limited to one tenant.
type Queries struct{ db *store.DB }

// New returns the queries of a database.
func New(db *store.DB) Queries { return Queries{db} }

// Entry is one thing that happened to a licence: what, when, by whom, why.
type Entry struct {
	Position    uint64
	EventID     uuid.UUID
	LicenseID   uuid.UUID
	Revision    uint64 // of the licence's stream
	Type        string // the event's wire name
	RecordedAt  time.Time
	Actor       string
	Correlation string
	Reason      *string         // nil: none is recorded with such an event
	Summary     string          // one readable line, such as "Machine 3f2a91c0… took seat 1 of 3"
	Data        json.RawMessage // the event's payload, without sealed fields
}

var columns = store.Columns[Entry]{
	store.Col("position", func(e *Entry) any { return &e.Position }),
	store.Col("event_id", func(e *Entry) any { return &e.EventID }),
	store.Col("license_id", func(e *Entry) any { return &e.LicenseID }),
	store.Col("revision", func(e *Entry) any { return &e.Revision }),
	store.Col("type", func(e *Entry) any { return &e.Type }),
	store.Col("recorded_at", func(e *Entry) any { return store.Time{Into: &e.RecordedAt} }),
	store.Col("actor", func(e *Entry) any { return &e.Actor }),
	store.Col("correlation", func(e *Entry) any { return &e.Correlation }),
	store.Col("reason", func(e *Entry) any { return &e.Reason }),
	store.Col("summary", func(e *Entry) any { return &e.Summary }),
	store.Col("data", func(e *Entry) any { return store.JSON[json.RawMessage]{Into: &e.Data} }),
}

var listing = store.Listing[Entry]{Order: "timeline", Select: columns.String(), Scan: columns.Scan, From: "timeline", Column: "position",
	Row: func(e Entry) int64 { return int64(e.Position) }}

// OfLicense lists what happened to a licence, the oldest first.
// It fails with [store.ErrBadCursor], [store.ErrOtherEpoch] or [store.ErrInvalidQuery].
func (q Queries) OfLicense(ctx context.Context, tenant string, licenseID uuid.UUID, paging store.Paging) (store.Page[Entry], error) {
	var w store.Where
	w.Equal("tenant", tenant)
	w.Equal("license_id", licenseID.String())
	return listing.Page(ctx, q.db, w, paging)
}
