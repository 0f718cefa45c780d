-- Licences and the words they are found by. "_gN" stands for the generation, such as "_g3".
-- Times are microseconds since 1970-01-01 UTC; JSON is text.

CREATE TABLE licenses_gN (
    issued_position    INTEGER PRIMARY KEY, -- of license.issued; keeps rows in the order they came
    id                 TEXT    NOT NULL UNIQUE,
    tenant             TEXT    NOT NULL,
    product_id         TEXT    NOT NULL,
    product_code       TEXT    NOT NULL,
    plan_id            TEXT    NOT NULL,
    plan_code          TEXT    NOT NULL,
    plan_revision      INTEGER NOT NULL,
    plan_type          TEXT    NOT NULL,
    status             TEXT    NOT NULL GENERATED ALWAYS AS (
        CASE WHEN revoked_at IS NOT NULL THEN 'REVOKED'
             WHEN suspended_at IS NOT NULL THEN 'SUSPENDED'
             WHEN expired_at IS NOT NULL THEN 'EXPIRED'
             ELSE 'ACTIVE' END) STORED,
    customer_name      TEXT,                -- NULL: the person was erased
    customer_email     TEXT,                -- NULL: the person was erased
    customer_name_key  TEXT    NOT NULL,    -- folded for comparison; empty when erased
    customer_email_key TEXT    NOT NULL,    -- folded for comparison; empty when erased
    subject_id         TEXT    NOT NULL,
    metadata           TEXT    NOT NULL,    -- JSON object
    features           TEXT    NOT NULL,    -- JSON object
    seats_used         INTEGER NOT NULL,
    seat_limit         INTEGER NOT NULL,
    lease_seconds      INTEGER,             -- NULL: node-locked
    offline_days       INTEGER NOT NULL,
    fingerprint_match  TEXT    NOT NULL,
    max_rebinds        INTEGER,             -- NULL: no limit
    rebind_window_days INTEGER NOT NULL,
    rebind_cooldown_seconds INTEGER,             -- seconds; NULL: none
    daily_activations_per_seat INTEGER,             -- of machines; NULL: the default
    key_generation     INTEGER NOT NULL,
    issued_at          INTEGER NOT NULL,
    expires_at         INTEGER,             -- NULL: perpetual, or not begun yet
    validity_days      INTEGER,
    validity_starts    TEXT    NOT NULL,
    suspended_at       INTEGER,
    expired_at         INTEGER,
    revoked_at         INTEGER,
    last_reason        TEXT,
    words              TEXT    NOT NULL,    -- the words of license_words, each between spaces
    revision           INTEGER NOT NULL,
    position           INTEGER NOT NULL     -- of the licence's last event
) STRICT;

CREATE TABLE license_words_gN (
    tenant          TEXT    NOT NULL,
    word            TEXT    NOT NULL,
    issued_position INTEGER NOT NULL,
    PRIMARY KEY (tenant, word, issued_position)
) STRICT, WITHOUT ROWID;

-- indexes
-- The last column of every index is, in SQLite, the primary key: a page of licences is one range of one index.
CREATE INDEX licenses_gN_by_issued ON licenses_gN (tenant, issued_at);
CREATE INDEX licenses_gN_by_expiry ON licenses_gN (tenant, COALESCE(expires_at, 9223372036854775807));
CREATE INDEX licenses_gN_by_customer ON licenses_gN (tenant, customer_name_key);
CREATE INDEX licenses_gN_by_email ON licenses_gN (tenant, customer_email_key);
CREATE INDEX licenses_gN_by_status ON licenses_gN (tenant, status);
CREATE INDEX licenses_gN_by_status_issued ON licenses_gN (tenant, status, issued_at);
CREATE INDEX licenses_gN_by_status_expiry ON licenses_gN (tenant, status, COALESCE(expires_at, 9223372036854775807));
CREATE INDEX licenses_gN_by_product ON licenses_gN (tenant, product_id, issued_at);
CREATE INDEX licenses_gN_by_plan ON licenses_gN (tenant, plan_id, issued_at);
CREATE INDEX licenses_gN_by_due ON licenses_gN (expires_at) WHERE expired_at IS NULL AND revoked_at IS NULL AND expires_at IS NOT NULL;
