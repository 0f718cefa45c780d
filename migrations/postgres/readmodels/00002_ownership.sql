-- +goose Up

-- One process at a time keeps a projection. It says so by counting its beats up; when they stop, another one takes over.
ALTER TABLE projections ADD COLUMN beat bigint NOT NULL DEFAULT 0;

-- Set to ask the owner, whoever it is, for a rebuild.
ALTER TABLE projections ADD COLUMN rebuild_wanted bigint NOT NULL DEFAULT 0 CHECK (rebuild_wanted IN (0, 1));
