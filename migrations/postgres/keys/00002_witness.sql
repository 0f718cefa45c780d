-- +goose Up

-- The ledger that the keys belong to, and the last event of it that was seen. One row.
CREATE TABLE witness (
    id           smallint         PRIMARY KEY CHECK (id = 1),
    installation text COLLATE "C" NOT NULL,
    epoch        text COLLATE "C" NOT NULL,
    position     bigint           NOT NULL CHECK (position >= 0), -- 0: the ledger was empty
    event_hash   text COLLATE "C" NOT NULL                        -- of the event at that position, see event.Hash
);
