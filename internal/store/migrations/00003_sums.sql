-- +goose Up
-- Checksums of rows, see sums.go; of rows that were there before there are none.
ALTER TABLE runs ADD COLUMN sum INTEGER;
ALTER TABLE versions ADD COLUMN sum INTEGER;
ALTER TABLE bases ADD COLUMN sum INTEGER;
ALTER TABLE basis_texts ADD COLUMN sum INTEGER;
-- What the manifest that readers see looks like from outside, see Version.Stamp.
ALTER TABLE bases ADD COLUMN stamp TEXT NOT NULL DEFAULT '';
CREATE INDEX runs_running ON runs (run) WHERE status = 'running';

-- +goose Down
DROP INDEX runs_running;
ALTER TABLE bases DROP COLUMN stamp;
ALTER TABLE basis_texts DROP COLUMN sum;
ALTER TABLE bases DROP COLUMN sum;
ALTER TABLE versions DROP COLUMN sum;
ALTER TABLE runs DROP COLUMN sum;
