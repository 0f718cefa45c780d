-- +goose Up

-- One row per generation of a projection's tables. The serving one is what queries see; another one is being built beside
-- it, or was replaced and waits to be dropped. The tables themselves are made by the program, one set per generation.
CREATE TABLE projections (
    name              text COLLATE "C" NOT NULL CHECK (name <> ''),
    generation        bigint           NOT NULL CHECK (generation > 0),
    serving           bigint           NOT NULL CHECK (serving IN (0, 1)),
    version           bigint           NOT NULL CHECK (version > 0),   -- of the projector that fills the tables
    position          bigint           NOT NULL CHECK (position >= 0), -- of the last event whose rows are in the tables
    epoch             bigint           NOT NULL,                       -- grows with every owner; a write under an older one is refused
    owner             text COLLATE "C" NOT NULL,
    state             text COLLATE "C" NOT NULL CHECK (state IN ('RUNNING', 'REBUILDING', 'FAILED', 'STOPPED', 'RETIRED')),
    error             text COLLATE "C" NOT NULL DEFAULT '',            -- why it is FAILED or STOPPED
    tables            text COLLATE "C" NOT NULL,                       -- names without the generation, separated by commas
    updated_at        bigint           NOT NULL,                       -- microseconds since 1970-01-01 UTC
    checksum          text COLLATE "C" NOT NULL DEFAULT '',            -- of the tables' content, when it was last computed
    checksum_position bigint           NOT NULL DEFAULT 0,             -- the position the checksum was computed at
    PRIMARY KEY (name, generation)
) WITH (fillfactor = 50); -- every batch updates a row: room for the new version in the same page keeps the indexes as they are

CREATE UNIQUE INDEX projections_serving ON projections (name) WHERE serving = 1;
