-- +goose Up
ALTER TABLE runs ADD COLUMN backfill TEXT NOT NULL DEFAULT ''; -- its id; empty: of none
CREATE INDEX runs_of_backfill ON runs (backfill, started DESC) WHERE backfill <> '';
CREATE INDEX runs_ended ON runs (status, started DESC);
CREATE INDEX versions_digest ON versions (digest);

-- +goose Down
DROP INDEX versions_digest;
DROP INDEX runs_ended;
DROP INDEX runs_of_backfill;
ALTER TABLE runs DROP COLUMN backfill;
