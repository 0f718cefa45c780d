package readmodels

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// TimelineEntry is one thing that happened to a licence: what, when, by whom, why.
type TimelineEntry struct {
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

const timelineColumns = "position, event_id, license_id, revision, type, recorded_at, actor, correlation, reason, summary, data"

func scanTimelineEntry(r row) (e TimelineEntry, err error) {
	err = r.Scan(&e.Position, &e.EventID, &e.LicenseID, &e.Revision, &e.Type, timeColumn{&e.RecordedAt}, &e.Actor, &e.Correlation,
		&e.Reason, &e.Summary, jsonColumn[json.RawMessage]{&e.Data})
	return e, err
}

// TimelineOfLicense lists what happened to a licence, the oldest first. It fails with [ErrBadCursor] or [ErrInvalidQuery].
// (Projection: [Timeline].)
func (db *DB) TimelineOfLicense(ctx context.Context, tenant string, licenseID uuid.UUID, paging Paging) (Page[TimelineEntry], error) {
	limit, from, err := db.start(paging, "timeline")
	if err != nil {
		return Page[TimelineEntry]{}, err
	}
	var w where
	w.equal("tenant", tenant)
	w.equal("license_id", licenseID.String())
	if from != nil {
		w.and("position > " + w.add(from.Row))
	}
	query := "SELECT " + timelineColumns + " FROM timeline" + w.String() + " ORDER BY position LIMIT " + strconv.Itoa(limit+1)
	items, err := list(ctx, db, scanTimelineEntry, query, w.arguments...)
	if err != nil {
		return Page[TimelineEntry]{}, err
	}
	return paged(db, items, limit, func(e TimelineEntry) cursor { return cursor{Order: "timeline", Row: int64(e.Position)} }), nil
}
