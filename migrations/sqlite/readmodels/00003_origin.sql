-- +goose Up

-- The ledger that the rows are derived from, and the last event whose rows are there: rows of another ledger, or of events that the
-- ledger does not hold, are never shown. Empty in rows that an older version wrote.
ALTER TABLE projections ADD COLUMN installation TEXT NOT NULL DEFAULT '';
ALTER TABLE projections ADD COLUMN ledger_epoch TEXT NOT NULL DEFAULT ''; -- see eventstore.Epoch
ALTER TABLE projections ADD COLUMN event_hash TEXT NOT NULL DEFAULT '';   -- of the event at the position, see event.Hash
