-- +goose Up

-- The epochs of the ledger, oldest first: see eventstore.Epoch. Rows are only ever added.
CREATE TABLE epochs (
    number       bigint           PRIMARY KEY CHECK (number > 0), -- 1, 2, 3 … without gaps
    installation uuid             NOT NULL,
    id           uuid             NOT NULL UNIQUE,
    after        bigint           NOT NULL CHECK (after >= 0), -- position of the last event before the epoch
    began_at     bigint           NOT NULL,                    -- microseconds since 1970-01-01 UTC
    reason       text COLLATE "C" NOT NULL
);

CREATE TRIGGER epochs_are_never_changed_nor_removed
BEFORE UPDATE OR DELETE OR TRUNCATE ON epochs
EXECUTE FUNCTION refuse_to_change_the_ledger();
