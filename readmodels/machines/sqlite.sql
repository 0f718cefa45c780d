-- Machines, their activations and whose names they bear. "_gN" stands for the generation, such as "_g3".
-- Times are microseconds since 1970-01-01 UTC.

CREATE TABLE machines_gN (
    bound_position       INTEGER PRIMARY KEY, -- of binding.machine_bound
    binding_id           TEXT    NOT NULL UNIQUE,
    tenant               TEXT    NOT NULL,
    license_id           TEXT    NOT NULL,
    fingerprint          TEXT    NOT NULL,
    previous_fingerprint TEXT,
    os                   TEXT    NOT NULL,
    name                 TEXT,                -- NULL: none given, or the person was erased
    status               TEXT    NOT NULL,
    bound_at             INTEGER NOT NULL,
    last_seen_at         INTEGER NOT NULL,
    released_at          INTEGER,
    drift_count          INTEGER NOT NULL,
    drift_matched        INTEGER,             -- component kinds that matched at the last drift
    drift_compared       INTEGER,             -- component kinds compared at the last drift
    rebind_count         INTEGER NOT NULL,
    activation_id        TEXT,                -- the latest activation
    last_reason          TEXT,
    position             INTEGER NOT NULL
) STRICT;

CREATE TABLE activations_gN (
    granted_position INTEGER PRIMARY KEY,     -- of activation.granted
    id               TEXT    NOT NULL UNIQUE,
    tenant           TEXT    NOT NULL,
    license_id       TEXT    NOT NULL,
    binding_id       TEXT    NOT NULL,
    status           TEXT    NOT NULL,
    granted_at       INTEGER NOT NULL,
    renewed_at       INTEGER,
    expires_at       INTEGER NOT NULL,
    lapses_at        INTEGER,                 -- when the lease ends unless it is renewed; NULL: node-locked, or over
    ended_at         INTEGER,
    last_reason      TEXT,
    position         INTEGER NOT NULL
) STRICT;

-- Whose key the host names of a licence are sealed with.
CREATE TABLE machine_subjects_gN (
    issued_position INTEGER PRIMARY KEY,
    license_id      TEXT    NOT NULL UNIQUE,
    subject_id      TEXT    NOT NULL
) STRICT;

-- indexes
CREATE INDEX machines_gN_by_license ON machines_gN (license_id, bound_position);
CREATE INDEX activations_gN_by_lapse ON activations_gN (lapses_at) WHERE lapses_at IS NOT NULL;
