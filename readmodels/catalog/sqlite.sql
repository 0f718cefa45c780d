-- Products, their signing keys and their plans. "_gN" stands for the generation, such as "_g3".
-- Times are microseconds since 1970-01-01 UTC; JSON is text.

CREATE TABLE products_gN (
    registered_position      INTEGER PRIMARY KEY, -- of product.registered
    id                       TEXT    NOT NULL UNIQUE,
    tenant                   TEXT    NOT NULL,
    code                     TEXT    NOT NULL,
    name                     TEXT    NOT NULL,
    platforms                TEXT    NOT NULL,    -- JSON array
    offline_days             INTEGER NOT NULL,
    max_machines_per_license INTEGER,
    algorithm                TEXT    NOT NULL,
    signing_key_id           TEXT    NOT NULL,
    registered_at            INTEGER NOT NULL,
    revision                 INTEGER NOT NULL,
    position                 INTEGER NOT NULL
) STRICT;

CREATE TABLE signing_keys_gN (
    added_position INTEGER PRIMARY KEY,
    id             TEXT    NOT NULL UNIQUE,       -- the JWS "kid"
    tenant         TEXT    NOT NULL,
    product_id     TEXT    NOT NULL,
    algorithm      TEXT    NOT NULL,
    public         TEXT    NOT NULL,              -- PKIX DER in base64
    added_at       INTEGER NOT NULL,
    retired_at     INTEGER                        -- NULL: it signs
) STRICT;

CREATE TABLE plans_gN (
    published_position INTEGER PRIMARY KEY,       -- of plan.published
    id                 TEXT    NOT NULL UNIQUE,
    tenant             TEXT    NOT NULL,
    product_id         TEXT    NOT NULL,
    code               TEXT    NOT NULL,
    name               TEXT    NOT NULL,
    type               TEXT    NOT NULL,
    max_machines       INTEGER NOT NULL,
    validity_days      INTEGER,                   -- NULL: perpetual
    validity_starts    TEXT    NOT NULL,
    features           TEXT    NOT NULL,          -- JSON object
    price_minor        INTEGER,
    currency           TEXT,
    lease_seconds      INTEGER,                   -- NULL: node-locked
    fingerprint_match  TEXT    NOT NULL,
    max_rebinds        INTEGER,                   -- NULL: no limit
    rebind_window_days INTEGER NOT NULL,
    rebind_cooldown_seconds INTEGER,                   -- seconds; NULL: none
    daily_activations_per_seat INTEGER,                   -- of machines; NULL: the default
    plan_revision      INTEGER NOT NULL,
    published_at       INTEGER NOT NULL,
    revised_at         INTEGER,
    revision           INTEGER NOT NULL,
    position           INTEGER NOT NULL
) STRICT;

-- indexes
CREATE INDEX products_gN_by_code ON products_gN (tenant, code);
CREATE INDEX signing_keys_gN_by_product ON signing_keys_gN (product_id, added_position);
CREATE INDEX plans_gN_by_code ON plans_gN (tenant, code);
CREATE INDEX plans_gN_by_product ON plans_gN (tenant, product_id, published_position);
