package store

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// filled is an index with a run and what it published.
func filled(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	for version := range int64(2) {
		m := &pipeline.Manifest{Pipeline: "p", Stage: "s", Dataset: "out", Partition: "a", Version: version + 1, Run: "run", Inputs: []pipeline.InputRecord{{Source: "csv x", Files: []pipeline.File{{Path: "x"}}}}}
		rec := &pipeline.RunRecord{
			Run: "run", Pipeline: "p", Partition: "a", Status: pipeline.Published, Started: time.Unix(1e9, 0),
			Bases: []pipeline.Basis{{Stage: "s", Dataset: "out", Code: map[string]string{"s": "c"}, Version: version + 1, Data: "d"}},
		}
		if err := s.Change(t.Context(), func(c *Changes) error {
			return errors.Join(c.PutRun(rec), c.PutVersion(Version{Manifest: m, Digest: "x", Stamp: "then"}, true))
		}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// readAll reads all that has checksums.
func readAll(ctx context.Context, s *Store) error {
	_, runs := s.Runs(ctx, RunFilter{})
	_, versions := s.Versions(ctx, "", "")
	_, base := s.Base(ctx, "p", "s", "a")
	_, basis := s.Basis(ctx, "p", "s", "a")
	_, graph := s.Lineage(ctx, LineageQuery{Name: "x", Down: true, Depth: -1})
	return errors.Join(runs, versions, base, basis, graph)
}

// Whatever value is changed behind the index's back is told when it is read, and by Check.
func TestChangedValuesAreTold(t *testing.T) {
	if s := filled(t); errors.Join(readAll(t.Context(), s), s.Check(t.Context())) != nil {
		t.Fatal(readAll(t.Context(), s), s.Check(t.Context()))
	}
	for _, change := range []string{
		"UPDATE runs SET status = 'blocked'", "UPDATE runs SET partition = 'b'", "UPDATE runs SET record = replace(record, 'published', 'publishet')",
		"UPDATE versions SET digest = 'y' WHERE current", "UPDATE versions SET current = NOT current", "UPDATE versions SET manifest = replace(manifest, 'out', 'oux')",
		"UPDATE versions SET version = version + 7", "UPDATE bases SET data = 'e'", "UPDATE bases SET version = 1", "UPDATE bases SET stamp = 'now'",
		"UPDATE bases SET seconds = seconds + 1", "UPDATE bases SET status = 'failed'", "UPDATE basis_texts SET basis = replace(basis, 'c', 'd')",
		"UPDATE bases SET sum = sum + 1", "UPDATE lineage_nodes SET rows = 7 WHERE dataset <> ''", "UPDATE lineage_nodes SET fact = replace(fact, 'run', 'ruin')",
		"UPDATE lineage_nodes SET published = '2001'", "UPDATE lineage_edges SET sum = sum + 1", "UPDATE lineage_flows SET flow = replace(flow, 'csv', 'cvs')",
	} {
		s := filled(t)
		if _, err := s.db.ExecContext(t.Context(), change); err != nil {
			t.Fatal(change, err)
		}
		for _, err := range []error{readAll(t.Context(), s), s.Check(t.Context())} {
			if err == nil || !s.Broke(err) || !strings.Contains(err.Error(), "the checksum of a row is wrong") {
				t.Errorf("%s: %v", change, err)
			}
		}
	}
}

// Rows from before there were checksums are believed.
func TestRowsWithoutChecksums(t *testing.T) {
	s := filled(t)
	for _, table := range []string{"runs", "versions", "bases", "basis_texts"} {
		if _, err := s.db.ExecContext(t.Context(), "UPDATE "+table+" SET sum = NULL"); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(readAll(t.Context(), s), s.Check(t.Context())); err != nil {
		t.Error(err)
	}
}

// The disk is full for the index: the run is not on record, and the error says so; when there is
// room again it is.
func TestFullIndex(t *testing.T) {
	s := filled(t)
	s.db.SetMaxOpenConns(1) // the bound is of a connection
	if _, err := s.db.ExecContext(t.Context(), "PRAGMA max_page_count = 1"); err != nil {
		t.Fatal(err)
	}
	rec := &pipeline.RunRecord{Run: "next", Status: pipeline.Failed, Error: strings.Repeat("x", 1<<20)}
	if err := s.PutRun(t.Context(), rec); err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("got %v", err)
	}
	if _, err := s.db.ExecContext(t.Context(), "PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Run(t.Context(), "next"); err == nil {
		t.Error("it is on record")
	}
	if err := s.PutRun(t.Context(), rec); err != nil {
		t.Error(err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
