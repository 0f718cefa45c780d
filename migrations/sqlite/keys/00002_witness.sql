-- +goose Up

-- The ledger that the keys belong to, and the last event of it that was seen. One row.
CREATE TABLE witness (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    installation TEXT    NOT NULL,
    epoch        TEXT    NOT NULL,
    position     INTEGER NOT NULL CHECK (position >= 0), -- 0: the ledger was empty
    event_hash   TEXT    NOT NULL                        -- of the event at that position, see event.Hash
) STRICT;
