-- +goose Up

-- Streams have small growing numbers, so that the index below stays small and what is written together lies together in it.
CREATE TABLE streams (
    id   INTEGER PRIMARY KEY CHECK (id > 0),
    name TEXT    NOT NULL UNIQUE CHECK (name <> '')
) STRICT;

-- The ledger: one row per event, in commit order, never changed and never removed.
CREATE TABLE events (
    position     INTEGER PRIMARY KEY CHECK (position > 0), -- place in the ledger: 1, 2, 3 … without gaps
    stream       INTEGER NOT NULL REFERENCES streams (id),
    revision     INTEGER NOT NULL CHECK (revision > 0),    -- place in the stream: 1, 2, 3 … without gaps
    id           BLOB    NOT NULL CHECK (length(id) = 16),
    type         TEXT    NOT NULL CHECK (type <> ''),
    recorded_at  INTEGER NOT NULL,                         -- microseconds since 1970-01-01 UTC
    tenant       TEXT    NOT NULL,
    actor        TEXT    NOT NULL,
    correlation  TEXT    NOT NULL,
    causation    TEXT    NOT NULL,
    command_id   TEXT    NOT NULL,
    request_hash TEXT    NOT NULL,
    data         BLOB    NOT NULL,                         -- the payload, byte for byte as it was appended
    UNIQUE (stream, revision)
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER events_are_never_changed
BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: an event cannot be changed');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER events_are_never_removed
BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: an event cannot be removed');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER streams_are_never_changed
BEFORE UPDATE ON streams
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: a stream cannot be changed');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER streams_are_never_removed
BEFORE DELETE ON streams
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: a stream cannot be removed');
END;
-- +goose StatementEnd
