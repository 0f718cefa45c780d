-- +goose Up

-- Whoever appends holds this row to the end of the transaction, so positions are dense and in commit order with any number of
-- writers. It holds nothing that changes: under a long snapshot (a backup) the dead versions of a row that every append
-- updates would make every append slower than the last. The head itself is the last event.
CREATE TABLE ledger_head (
    id boolean PRIMARY KEY CHECK (id)
);
INSERT INTO ledger_head (id) VALUES (true);

-- Streams have small growing numbers, so that the index below stays small and what is written together lies together in it.
CREATE TABLE streams (
    id   bigint           PRIMARY KEY CHECK (id > 0),
    name text COLLATE "C" NOT NULL CHECK (name <> ''),
    CONSTRAINT streams_have_one_name UNIQUE (name)
);

-- The ledger: one row per event, in commit order, never changed and never removed.
CREATE TABLE events (
    position     bigint           CONSTRAINT events_have_a_position PRIMARY KEY CHECK (position > 0), -- 1, 2, 3 … without gaps
    stream       bigint           NOT NULL, -- of streams; no foreign key, which would be checked for every row
    revision     bigint           NOT NULL CHECK (revision > 0), -- place in the stream: 1, 2, 3 … without gaps
    recorded_at  bigint           NOT NULL, -- microseconds since 1970-01-01 UTC
    id           uuid             NOT NULL,
    type         text COLLATE "C" NOT NULL CHECK (type <> ''),
    tenant       text COLLATE "C" NOT NULL,
    actor        text COLLATE "C" NOT NULL,
    correlation  text COLLATE "C" NOT NULL,
    causation    text COLLATE "C" NOT NULL,
    command_id   text COLLATE "C" NOT NULL,
    request_hash text COLLATE "C" NOT NULL,
    data         bytea            NOT NULL, -- the payload, byte for byte as it was appended
    CONSTRAINT events_have_a_revision UNIQUE (stream, revision)
);

-- +goose StatementBegin
CREATE FUNCTION refuse_to_change_the_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % of % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA;
END;
$$;
-- +goose StatementEnd

CREATE TRIGGER events_are_never_changed_nor_removed
BEFORE UPDATE OR DELETE OR TRUNCATE ON events
EXECUTE FUNCTION refuse_to_change_the_ledger();

CREATE TRIGGER streams_are_never_changed_nor_removed
BEFORE UPDATE OR DELETE OR TRUNCATE ON streams
EXECUTE FUNCTION refuse_to_change_the_ledger();

CREATE TRIGGER the_ledger_head_is_never_changed_nor_removed
BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON ledger_head
EXECUTE FUNCTION refuse_to_change_the_ledger();
