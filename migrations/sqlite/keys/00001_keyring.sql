-- +goose Up
-- The key ring. Everything secret in here is sealed with the master key, which lives elsewhere; times are microseconds
-- since 1970-01-01 UTC.

-- One row: tells a wrong master key from damaged rows.
CREATE TABLE ring (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    master_check BLOB    NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

-- The ring's own secrets, by what they are for. Several versions may be in use at a time; the highest is the newest.
CREATE TABLE ring_secrets (
    purpose    TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    sealed     BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (purpose, version)
) STRICT;

-- The private halves of the products' signing keys. The public halves are in the ledger.
CREATE TABLE signing_keys (
    key_id     TEXT    NOT NULL PRIMARY KEY,
    tenant     TEXT    NOT NULL,
    product_id TEXT    NOT NULL,
    algorithm  TEXT    NOT NULL,
    sealed     BLOB    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- The people whose data the ledger holds sealed, each with a key. An erased subject keeps its row, without key and lookup.
-- Rows are only ever appended (seq), so that no page split leaves a copy of a key behind that erasing would miss.
CREATE TABLE subjects (
    seq        INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    tenant     TEXT    NOT NULL,
    lookup     BLOB    UNIQUE, -- keyed hash of tenant and identity
    sealed     BLOB,
    created_at INTEGER NOT NULL,
    erased_at  INTEGER,
    CHECK ((sealed IS NULL) = (erased_at IS NOT NULL) AND (lookup IS NULL) = (erased_at IS NOT NULL))
) STRICT;
