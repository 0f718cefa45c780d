-- What happened to each licence. "_gN" stands for the generation, such as "_g3".
-- Times are microseconds since 1970-01-01 UTC; JSON is text.

CREATE TABLE timeline_gN (
    position    INTEGER PRIMARY KEY,
    event_id    TEXT    NOT NULL,
    tenant      TEXT    NOT NULL,
    license_id  TEXT    NOT NULL,
    revision    INTEGER NOT NULL,
    type        TEXT    NOT NULL,
    recorded_at INTEGER NOT NULL,
    actor       TEXT    NOT NULL,
    correlation TEXT    NOT NULL,
    reason      TEXT,
    summary     TEXT    NOT NULL,
    data        TEXT    NOT NULL                -- JSON object, without sealed fields
) STRICT;

-- How many seats a licence has, for the summaries.
CREATE TABLE timeline_seats_gN (
    issued_position INTEGER PRIMARY KEY,
    license_id      TEXT    NOT NULL UNIQUE,
    seat_limit      INTEGER NOT NULL
) STRICT;

-- indexes
CREATE INDEX timeline_gN_by_license ON timeline_gN (license_id, position);
