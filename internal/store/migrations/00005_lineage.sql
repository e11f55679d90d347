-- +goose Up
-- What manifests say of each other, apart from all else they say: versions and files, and which
-- was read for which. An index from before it is filled from the manifests when it is opened.
CREATE TABLE lineage_nodes (
	id        INTEGER PRIMARY KEY,
	dataset   TEXT NOT NULL, -- empty: a file
	name      TEXT NOT NULL, -- of the partition; the path of a file
	version   INTEGER NOT NULL,
	sha256    TEXT NOT NULL, -- of a file
	fact      TEXT NOT NULL, -- lineage.Made as JSON; empty of a file, and of a version that is not on record
	flow      INTEGER NOT NULL,
	published TEXT NOT NULL,
	rows      INTEGER NOT NULL,
	bytes     INTEGER NOT NULL,
	seconds   REAL NOT NULL,
	sum       INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX lineage_node ON lineage_nodes (dataset, name, version, sha256);
CREATE INDEX lineage_held ON lineage_nodes (dataset, name, version, published, flow, rows, bytes, seconds) WHERE published <> ''; -- what Flows reads

CREATE TABLE lineage_edges (
	read INTEGER NOT NULL, -- lineage_nodes.id
	made INTEGER NOT NULL,
	sum  INTEGER NOT NULL,
	PRIMARY KEY (made, read)
) STRICT, WITHOUT ROWID;
CREATE INDEX lineage_down ON lineage_edges (read, made, sum);

CREATE TABLE lineage_flows (
	id   INTEGER PRIMARY KEY,
	flow TEXT NOT NULL UNIQUE, -- lineage.Flow as JSON
	sum  INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE lineage_flows;
DROP TABLE lineage_edges;
DROP TABLE lineage_nodes;
