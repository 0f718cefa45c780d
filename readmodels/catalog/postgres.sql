-- Products, their signing keys and their plans. "_gN" stands for the generation, such as "_g3".
-- Times are microseconds since 1970-01-01 UTC; JSON is text.

CREATE TABLE products_gN (
    registered_position      bigint           PRIMARY KEY,     -- of product.registered
    id                       text COLLATE "C" NOT NULL UNIQUE,
    tenant                   text COLLATE "C" NOT NULL,
    code                     text COLLATE "C" NOT NULL,
    name                     text COLLATE "C" NOT NULL,
    platforms                text COLLATE "C" NOT NULL,        -- JSON array
    offline_days             bigint           NOT NULL,
    max_machines_per_license bigint,
    algorithm                text COLLATE "C" NOT NULL,
    signing_key_id           text COLLATE "C" NOT NULL,
    registered_at            bigint           NOT NULL,
    revision                 bigint           NOT NULL,
    position                 bigint           NOT NULL
);

CREATE TABLE signing_keys_gN (
    added_position bigint           PRIMARY KEY,
    id             text COLLATE "C" NOT NULL UNIQUE,           -- the JWS "kid"
    tenant         text COLLATE "C" NOT NULL,
    product_id     text COLLATE "C" NOT NULL,
    algorithm      text COLLATE "C" NOT NULL,
    public         text COLLATE "C" NOT NULL,                  -- PKIX DER in base64
    added_at       bigint           NOT NULL,
    retired_at     bigint                                      -- NULL: it signs
);

CREATE TABLE plans_gN (
    published_position bigint           PRIMARY KEY,           -- of plan.published
    id                 text COLLATE "C" NOT NULL UNIQUE,
    tenant             text COLLATE "C" NOT NULL,
    product_id         text COLLATE "C" NOT NULL,
    code               text COLLATE "C" NOT NULL,
    name               text COLLATE "C" NOT NULL,
    type               text COLLATE "C" NOT NULL,
    max_machines       bigint           NOT NULL,
    validity_days      bigint,                                 -- NULL: perpetual
    validity_starts    text COLLATE "C" NOT NULL,
    features           text COLLATE "C" NOT NULL,              -- JSON object
    price_minor        bigint,
    currency           text COLLATE "C",
    lease_seconds      bigint,                                 -- NULL: node-locked
    fingerprint_match  text COLLATE "C" NOT NULL,
    max_rebinds        bigint,                                 -- NULL: no limit
    rebind_window_days bigint           NOT NULL,
    rebind_cooldown_seconds bigint,                                 -- seconds; NULL: none
    daily_activations_per_seat bigint,                                 -- of machines; NULL: the default
    plan_revision      bigint           NOT NULL,
    published_at       bigint           NOT NULL,
    revised_at         bigint,
    revision           bigint           NOT NULL,
    position           bigint           NOT NULL
);

-- indexes
CREATE INDEX products_gN_by_registration ON products_gN (tenant, registered_position);
CREATE INDEX products_gN_by_code ON products_gN (tenant, code);
CREATE INDEX signing_keys_gN_by_product ON signing_keys_gN (product_id, added_position);
CREATE INDEX plans_gN_by_publication ON plans_gN (tenant, published_position);
CREATE INDEX plans_gN_by_code ON plans_gN (tenant, code);
CREATE INDEX plans_gN_by_product ON plans_gN (tenant, product_id, published_position);
ANALYZE products_gN, signing_keys_gN, plans_gN;
