-- Licences and the words they are found by. "_gN" stands for the generation, such as "_g3".
-- Times are microseconds since 1970-01-01 UTC; JSON is text.

CREATE TABLE licenses_gN (
    issued_position    bigint           PRIMARY KEY,           -- of license.issued; keeps rows in the order they came
    id                 text COLLATE "C" NOT NULL UNIQUE,
    tenant             text COLLATE "C" NOT NULL,
    product_id         text COLLATE "C" NOT NULL,
    product_code       text COLLATE "C" NOT NULL,
    plan_id            text COLLATE "C" NOT NULL,
    plan_code          text COLLATE "C" NOT NULL,
    plan_revision      bigint           NOT NULL,
    plan_type          text COLLATE "C" NOT NULL,
    status             text COLLATE "C" NOT NULL GENERATED ALWAYS AS (
        CASE WHEN revoked_at IS NOT NULL THEN 'REVOKED'
             WHEN suspended_at IS NOT NULL THEN 'SUSPENDED'
             WHEN expired_at IS NOT NULL THEN 'EXPIRED'
             ELSE 'ACTIVE' END) STORED,
    customer_name      text COLLATE "C",                       -- NULL: the person was erased
    customer_email     text COLLATE "C",                       -- NULL: the person was erased
    customer_name_key  text COLLATE "C" NOT NULL,              -- folded for comparison; empty when erased
    customer_email_key text COLLATE "C" NOT NULL,              -- folded for comparison; empty when erased
    subject_id         text COLLATE "C" NOT NULL,
    metadata           text COLLATE "C" NOT NULL,              -- JSON object
    features           text COLLATE "C" NOT NULL,              -- JSON object
    seats_used         bigint           NOT NULL,
    seat_limit         bigint           NOT NULL,
    lease_seconds      bigint,                                 -- NULL: node-locked
    offline_days       bigint           NOT NULL,
    fingerprint_match  text COLLATE "C" NOT NULL,
    max_rebinds        bigint,                                 -- NULL: no limit
    rebind_window_days bigint           NOT NULL,
    rebind_cooldown_seconds bigint,                                 -- seconds; NULL: none
    daily_activations_per_seat bigint,                                 -- of machines; NULL: the default
    key_generation     bigint           NOT NULL,
    issued_at          bigint           NOT NULL,
    expires_at         bigint,                                 -- NULL: perpetual, or not begun yet
    validity_days      bigint,
    validity_starts    text COLLATE "C" NOT NULL,
    suspended_at       bigint,
    expired_at         bigint,
    revoked_at         bigint,
    last_reason        text COLLATE "C",
    words              text COLLATE "C" NOT NULL,              -- the words of license_words, each between spaces
    revision           bigint           NOT NULL,
    position           bigint           NOT NULL               -- of the licence's last event
);

CREATE TABLE license_words_gN (
    tenant          text COLLATE "C" NOT NULL,
    word            text COLLATE "C" NOT NULL,
    issued_position bigint           NOT NULL
);

-- indexes
-- The last column of every index is the primary key: a page of licences is one range of one index.
CREATE INDEX licenses_gN_by_issued ON licenses_gN (tenant, issued_at, issued_position);
CREATE INDEX licenses_gN_by_expiry ON licenses_gN (tenant, COALESCE(expires_at, 9223372036854775807), issued_position);
CREATE INDEX licenses_gN_by_customer ON licenses_gN (tenant, customer_name_key, issued_position);
CREATE INDEX licenses_gN_by_email ON licenses_gN (tenant, customer_email_key, issued_position);
CREATE INDEX licenses_gN_by_status ON licenses_gN (tenant, status, issued_position);
CREATE INDEX licenses_gN_by_status_issued ON licenses_gN (tenant, status, issued_at, issued_position);
CREATE INDEX licenses_gN_by_status_expiry ON licenses_gN (tenant, status, COALESCE(expires_at, 9223372036854775807), issued_position);
CREATE INDEX licenses_gN_by_product ON licenses_gN (tenant, product_id, issued_at, issued_position);
CREATE INDEX licenses_gN_by_plan ON licenses_gN (tenant, plan_id, issued_at, issued_position);
CREATE INDEX licenses_gN_by_due ON licenses_gN (expires_at) WHERE expired_at IS NULL AND revoked_at IS NULL AND expires_at IS NOT NULL;
ALTER TABLE license_words_gN ADD PRIMARY KEY (tenant, word, issued_position);
ANALYZE licenses_gN, license_words_gN;
