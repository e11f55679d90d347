-- +goose Up
-- Edges say whether they are of what a version was made of, or of what it was computed from again,
-- without another one coming of it. All of it is filled from the manifests anew.
DELETE FROM lineage_nodes;
DROP TABLE lineage_edges;
CREATE TABLE lineage_edges (
	read INTEGER NOT NULL, -- lineage_nodes.id
	made INTEGER NOT NULL,
	kind INTEGER NOT NULL, -- 0: made of it; 1: but done without it when it was computed again; 2: read only then
	sum  INTEGER NOT NULL,
	PRIMARY KEY (made, read)
) STRICT, WITHOUT ROWID;
CREATE INDEX lineage_down ON lineage_edges (read, made, kind, sum);

-- +goose Down
DELETE FROM lineage_nodes;
DROP TABLE lineage_edges;
CREATE TABLE lineage_edges (
	read INTEGER NOT NULL,
	made INTEGER NOT NULL,
	sum  INTEGER NOT NULL,
	PRIMARY KEY (made, read)
) STRICT, WITHOUT ROWID;
CREATE INDEX lineage_down ON lineage_edges (read, made, sum);
