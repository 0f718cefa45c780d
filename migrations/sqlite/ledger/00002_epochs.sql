-- +goose Up

-- The epochs of the ledger, oldest first: see eventstore.Epoch. Rows are only ever added.
CREATE TABLE epochs (
    number       INTEGER PRIMARY KEY CHECK (number > 0), -- 1, 2, 3 … without gaps
    installation TEXT    NOT NULL,
    id           TEXT    NOT NULL UNIQUE,
    after        INTEGER NOT NULL CHECK (after >= 0), -- position of the last event before the epoch
    began_at     INTEGER NOT NULL,                    -- microseconds since 1970-01-01 UTC
    reason       TEXT    NOT NULL
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER epochs_are_never_changed
BEFORE UPDATE ON epochs
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: an epoch cannot be changed');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER epochs_are_never_removed
BEFORE DELETE ON epochs
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: an epoch cannot be removed');
END;
-- +goose StatementEnd
