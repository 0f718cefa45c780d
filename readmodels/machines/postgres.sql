-- Machines, their activations and whose names they bear. "_gN" stands for the generation, such as "_g3".
-- Times are microseconds since 1970-01-01 UTC.

CREATE TABLE machines_gN (
    bound_position       bigint           PRIMARY KEY,         -- of binding.machine_bound
    binding_id           text COLLATE "C" NOT NULL UNIQUE,
    tenant               text COLLATE "C" NOT NULL,
    license_id           text COLLATE "C" NOT NULL,
    fingerprint          text COLLATE "C" NOT NULL,
    previous_fingerprint text COLLATE "C",
    os                   text COLLATE "C" NOT NULL,
    name                 text COLLATE "C",                     -- NULL: none given, or the person was erased
    status               text COLLATE "C" NOT NULL,
    bound_at             bigint           NOT NULL,
    last_seen_at         bigint           NOT NULL,
    released_at          bigint,
    drift_count          bigint           NOT NULL,
    drift_matched        bigint,                               -- component kinds that matched at the last drift
    drift_compared       bigint,                               -- component kinds compared at the last drift
    rebind_count         bigint           NOT NULL,
    activation_id        text COLLATE "C",                     -- the latest activation
    last_reason          text COLLATE "C",
    position             bigint           NOT NULL
);

CREATE TABLE activations_gN (
    granted_position bigint           PRIMARY KEY,             -- of activation.granted
    id               text COLLATE "C" NOT NULL UNIQUE,
    tenant           text COLLATE "C" NOT NULL,
    license_id       text COLLATE "C" NOT NULL,
    binding_id       text COLLATE "C" NOT NULL,
    status           text COLLATE "C" NOT NULL,
    granted_at       bigint           NOT NULL,
    renewed_at       bigint,
    expires_at       bigint           NOT NULL,
    lapses_at        bigint,                                   -- when the lease ends unless it is renewed; NULL: node-locked, or over
    ended_at         bigint,
    last_reason      text COLLATE "C",
    position         bigint           NOT NULL
);

-- Whose key the host names of a licence are sealed with.
CREATE TABLE machine_subjects_gN (
    issued_position bigint           PRIMARY KEY,
    license_id      text COLLATE "C" NOT NULL UNIQUE,
    subject_id      text COLLATE "C" NOT NULL
);

-- indexes
CREATE INDEX machines_gN_by_license ON machines_gN (license_id, bound_position);
CREATE INDEX activations_gN_by_lapse ON activations_gN (lapses_at) WHERE lapses_at IS NOT NULL;
ANALYZE machines_gN, activations_gN, machine_subjects_gN;
