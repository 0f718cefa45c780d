-- +goose Up
-- The key ring. Everything secret in here is sealed with the master key, which lives elsewhere; times are microseconds
-- since 1970-01-01 UTC.

-- One row: tells a wrong master key from damaged rows. Whoever makes the ring's secrets locks the table first.
CREATE TABLE ring (
    id           smallint PRIMARY KEY CHECK (id = 1),
    master_check bytea    NOT NULL,
    created_at   bigint   NOT NULL
);

-- The ring's own secrets, by what they are for. Several versions may be in use at a time; the highest is the newest.
-- They are never removed.
CREATE TABLE ring_secrets (
    purpose    text COLLATE "C" NOT NULL,
    version    integer          NOT NULL,
    sealed     bytea            NOT NULL,
    created_at bigint           NOT NULL,
    PRIMARY KEY (purpose, version)
);

-- The private halves of the products' signing keys. The public halves are in the ledger.
CREATE TABLE signing_keys (
    key_id     text COLLATE "C" PRIMARY KEY,
    tenant     text COLLATE "C" NOT NULL,
    product_id uuid             NOT NULL,
    algorithm  text COLLATE "C" NOT NULL,
    sealed     bytea            NOT NULL,
    created_at bigint           NOT NULL
);

-- The people whose data the ledger holds sealed, each with a key. An erased subject keeps its row, without key and lookup.
CREATE TABLE subjects (
    id         uuid             PRIMARY KEY,
    tenant     text COLLATE "C" NOT NULL,
    lookup     bytea            UNIQUE, -- keyed hash of tenant and identity
    sealed     bytea,
    created_at bigint           NOT NULL,
    erased_at  bigint,
    CHECK ((sealed IS NULL) = (erased_at IS NOT NULL) AND (lookup IS NULL) = (erased_at IS NOT NULL))
) WITH (
    -- A single erasure is reason enough to clean up: the row as it was before, and its place in the index of lookups.
    autovacuum_vacuum_threshold = 0,
    autovacuum_vacuum_scale_factor = 0,
    vacuum_index_cleanup = on
);
