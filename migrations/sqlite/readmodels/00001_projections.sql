-- +goose Up

-- One row per generation of a projection's tables. The serving one is what queries see; another one is being built beside
-- it, or was replaced and waits to be dropped. The tables themselves are made by the program, one set per generation.
CREATE TABLE projections (
    name              TEXT    NOT NULL CHECK (name <> ''),
    generation        INTEGER NOT NULL CHECK (generation > 0),
    serving           INTEGER NOT NULL CHECK (serving IN (0, 1)),
    version           INTEGER NOT NULL CHECK (version > 0),  -- of the projector that fills the tables
    position          INTEGER NOT NULL CHECK (position >= 0), -- of the last event whose rows are in the tables
    epoch             INTEGER NOT NULL,                       -- grows with every owner; a write under an older one is refused
    owner             TEXT    NOT NULL,
    state             TEXT    NOT NULL CHECK (state IN ('RUNNING', 'REBUILDING', 'FAILED', 'STOPPED', 'RETIRED')),
    error             TEXT    NOT NULL DEFAULT '',            -- why it is FAILED or STOPPED
    tables            TEXT    NOT NULL,                       -- names without the generation, separated by commas
    updated_at        INTEGER NOT NULL,                       -- microseconds since 1970-01-01 UTC
    checksum          TEXT    NOT NULL DEFAULT '',            -- of the tables' content, when it was last computed
    checksum_position INTEGER NOT NULL DEFAULT 0,             -- the position the checksum was computed at
    PRIMARY KEY (name, generation)
) STRICT;

CREATE UNIQUE INDEX projections_serving ON projections (name) WHERE serving = 1;
