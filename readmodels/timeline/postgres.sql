-- What happened to each licence. "_gN" stands for the generation, such as "_g3".
-- Times are microseconds since 1970-01-01 UTC; JSON is text.

CREATE TABLE timeline_gN (
    position    bigint           PRIMARY KEY,
    event_id    text COLLATE "C" NOT NULL,
    tenant      text COLLATE "C" NOT NULL,
    license_id  text COLLATE "C" NOT NULL,
    revision    bigint           NOT NULL,
    type        text COLLATE "C" NOT NULL,
    recorded_at bigint           NOT NULL,
    actor       text COLLATE "C" NOT NULL,
    correlation text COLLATE "C" NOT NULL,
    reason      text COLLATE "C",
    summary     text COLLATE "C" NOT NULL,
    data        text COLLATE "C" NOT NULL                      -- JSON object, without sealed fields
);

-- How many seats a licence has, for the summaries.
CREATE TABLE timeline_seats_gN (
    issued_position bigint           PRIMARY KEY,
    license_id      text COLLATE "C" NOT NULL UNIQUE,
    seat_limit      bigint           NOT NULL
);

-- indexes
CREATE INDEX timeline_gN_by_license ON timeline_gN (license_id, position);
ANALYZE timeline_gN, timeline_seats_gN;
