package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// fillMillion writes 100,000 versions with a million inputs: as many datasets and partitions as
// BenchmarkMillion of package lineage has.
func fillMillion(b *testing.B, s *Store) {
	const datasets, partitions = 500, 200
	for d := range datasets {
		err := s.Change(context.Background(), func(c *Changes) error {
			for p := range partitions {
				m := &pipeline.Manifest{
					Pipeline: fmt.Sprint("p", d/10), Stage: fmt.Sprint("s", d), Dataset: fmt.Sprintf("warehouse/d%03d", d), Partition: fmt.Sprintf("2026-%03d", p), Version: 1,
					Rows: 1000, Run: "run", Published: time.Date(2026, 1, 1, 0, 0, d*partitions+p, 0, time.UTC), Stages: []pipeline.StageRecord{{Name: fmt.Sprint("s", d)}},
					Files: []pipeline.File{{Path: "data/part-0.parquet", Bytes: 1e6, Rows: 1000, SHA256: fmt.Sprintf("%064x", p)}},
				}
				m.Inputs = append(m.Inputs, pipeline.InputRecord{
					Name: "raw", Source: "parquet data/{partition}.parquet",
					Files: []pipeline.File{{Path: fmt.Sprintf("data/%d/%d.parquet", d, p), SHA256: fmt.Sprintf("%064x", d*partitions+p)}},
				})
				for k := range 9 {
					if d == 0 {
						m.Inputs = append(m.Inputs, pipeline.InputRecord{Name: "shared", Source: "csv data/shared.csv", Files: []pipeline.File{{Path: fmt.Sprintf("data/shared-%d.csv", k), SHA256: fmt.Sprintf("%064x", k)}}})
					} else {
						m.Inputs = append(m.Inputs, pipeline.InputRecord{Name: "before", Dataset: fmt.Sprintf("warehouse/d%03d", d-1), Partition: fmt.Sprintf("2026-%03d", (p+partitions-k)%partitions), Version: 1})
					}
				}
				if err := c.PutVersion(Version{Manifest: m, Digest: "x"}, true); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLineage asks an index of a million edges what a few are made of. It is kept in
// $PENSTOCK_BENCH_DIR, if that is set, for the next time.
func BenchmarkLineage(b *testing.B) {
	dir := os.Getenv("PENSTOCK_BENCH_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	_, err := os.Stat(filepath.Join(dir, Name))
	s, oerr := Open(context.Background(), dir)
	if oerr != nil {
		b.Fatal(oerr)
	}
	defer s.Close()
	if err != nil {
		fillMillion(b, s)
	}
	for _, q := range []struct {
		name string
		LineageQuery
		least int
	}{
		{"up a step", LineageQuery{Name: "warehouse/d300", Partition: "2026-100", Up: true, Depth: 1}, 10},
		{"up 10 steps", LineageQuery{Name: "warehouse/d300", Partition: "2026-100", Up: true, Depth: 10}, 400},
		{"down from a file", LineageQuery{Name: "data/490/7.parquet", Down: true, Depth: -1}, 300},
		{"everything up", LineageQuery{Name: "warehouse/d499", Partition: "2026-100", Up: true, Depth: -1}, 90000},
		{"everything", LineageQuery{}, 100000},
	} {
		b.Run(q.name, func(b *testing.B) {
			for b.Loop() {
				all, err := s.Lineage(context.Background(), q.LineageQuery)
				if err != nil || len(all) < q.least {
					b.Fatal(len(all), err)
				}
			}
		})
	}
	for _, at := range []time.Time{{}, time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)} {
		b.Run("flows "+at.Format(time.DateOnly), func(b *testing.B) {
			for b.Loop() {
				if all, err := s.Flows(context.Background(), at); err != nil || len(all) < 200 {
					b.Fatal(len(all), err)
				}
			}
		})
	}
}

// BenchmarkPutVersion writes a version with ten inputs, nine of them known, as a run does, with the
// commit.
func BenchmarkPutVersion(b *testing.B) {
	s := open(b)
	version := int64(0)
	for b.Loop() {
		version++
		m := &pipeline.Manifest{Pipeline: "p", Stage: "s", Dataset: "d", Partition: fmt.Sprint(version), Version: 1, Published: time.Date(2026, 1, 1, 0, 0, 0, int(version), time.UTC)}
		for k := range int64(10) {
			m.Inputs = append(m.Inputs, pipeline.InputRecord{Name: "x", Dataset: "up", Partition: fmt.Sprint(version + k), Version: 1})
		}
		if err := s.Change(context.Background(), func(c *Changes) error { return c.PutVersion(Version{Manifest: m, Digest: "x"}, true) }); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPutLineage is what of that is for lineage, without the commit.
func BenchmarkPutLineage(b *testing.B) {
	s := open(b)
	if err := s.Change(context.Background(), func(c *Changes) error {
		version := int64(0)
		for b.Loop() {
			version++
			m := &pipeline.Manifest{Pipeline: "p", Stage: "s", Dataset: "d", Partition: fmt.Sprint(version), Version: 1}
			for k := range int64(10) {
				m.Inputs = append(m.Inputs, pipeline.InputRecord{Name: "x", Dataset: "up", Partition: fmt.Sprint(version + k), Version: 1})
			}
			if err := c.putLineage(m); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
}
