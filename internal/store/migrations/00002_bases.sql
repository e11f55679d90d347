-- +goose Up
CREATE TABLE bases ( -- what the latest run of a stage for a partition rests on
	pipeline  TEXT NOT NULL,
	stage     TEXT NOT NULL,
	partition TEXT NOT NULL,
	dataset   TEXT NOT NULL, -- empty if the stage only judges
	run       TEXT NOT NULL,
	started   TEXT NOT NULL,
	status    TEXT NOT NULL,
	why       TEXT NOT NULL, -- the gates that blocked it, or the error
	code_key  TEXT NOT NULL, -- pipeline.Basis.Keys; empty: never computed
	gates_key TEXT NOT NULL,
	up_key    TEXT NOT NULL,
	data      TEXT NOT NULL, -- digest of the data that are current
	version   INTEGER NOT NULL,
	rows      INTEGER NOT NULL,
	bytes_in  INTEGER NOT NULL,
	seconds   REAL NOT NULL,
	aside     INTEGER NOT NULL, -- rows in quarantine
	PRIMARY KEY (pipeline, stage, partition)
) STRICT, WITHOUT ROWID;
CREATE INDEX bases_of ON bases (dataset, partition);

CREATE TABLE basis_texts ( -- apart, so that plans scan little
	pipeline  TEXT NOT NULL,
	stage     TEXT NOT NULL,
	partition TEXT NOT NULL,
	basis     TEXT NOT NULL, -- pipeline.Basis as JSON
	PRIMARY KEY (pipeline, stage, partition)
) STRICT;

-- +goose Down
DROP TABLE basis_texts;
DROP TABLE bases;
