-- +goose Up
CREATE TABLE runs (
	run       TEXT PRIMARY KEY,
	pipeline  TEXT NOT NULL,
	partition TEXT NOT NULL,
	status    TEXT NOT NULL,
	started   TEXT NOT NULL,
	record    TEXT NOT NULL -- pipeline.RunRecord as JSON
) STRICT;
CREATE INDEX runs_started ON runs (started DESC);
CREATE INDEX runs_of ON runs (pipeline, partition, started DESC);

CREATE TABLE versions (
	dataset   TEXT NOT NULL,
	partition TEXT NOT NULL,
	version   INTEGER NOT NULL,
	run       TEXT NOT NULL,
	digest    TEXT NOT NULL, -- SHA-256 of the manifest
	current   INTEGER NOT NULL,
	manifest  TEXT NOT NULL, -- pipeline.Manifest as JSON
	PRIMARY KEY (dataset, partition, version)
) STRICT;

-- +goose Down
DROP TABLE versions;
DROP TABLE runs;
