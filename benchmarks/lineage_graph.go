package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/penstock-data/penstock/internal/store"
	"github.com/penstock-data/penstock/pipeline"
)

// A million edges: each of so many datasets is made of the one before, each partition of nine of
// its partitions and a file.
const (
	graphDatasets   = 500
	graphPartitions = 200
)

func graphManifest(d, p int) *pipeline.Manifest {
	m := &pipeline.Manifest{
		Pipeline: fmt.Sprint("p", d/10), Stage: fmt.Sprint("s", d), Dataset: fmt.Sprintf("warehouse/d%03d", d), Partition: fmt.Sprintf("2026-%03d", p), Version: 1,
		Rows: 1000, Run: "run", Published: time.Date(2026, 1, 1, 0, 0, d*graphPartitions+p, 0, time.UTC), Stages: []pipeline.StageRecord{{Name: fmt.Sprint("s", d)}},
		Files:  []pipeline.File{{Path: "data/part-0.parquet", Bytes: 1e6, Rows: 1000, SHA256: fmt.Sprintf("%064x", p)}},
		Inputs: []pipeline.InputRecord{graphFile("raw", fmt.Sprintf("data/%d/%d.parquet", d, p), d*graphPartitions+p)},
	}
	for k := range 9 {
		in := graphFile("shared", fmt.Sprintf("data/shared-%d.csv", k), k)
		if d > 0 {
			in = pipeline.InputRecord{
				Name: "before", Dataset: fmt.Sprintf("warehouse/d%03d", d-1), Partition: fmt.Sprintf("2026-%03d", (p+graphPartitions-k)%graphPartitions), Version: 1,
			}
		}
		m.Inputs = append(m.Inputs, in)
	}
	return m
}

func graphFile(name, path string, n int) pipeline.InputRecord {
	return pipeline.InputRecord{Name: name, Source: "parquet", Files: []pipeline.File{{Path: path, SHA256: fmt.Sprintf("%064x", n)}}}
}

// graphSection asks an index of a million edges.
func graphSection(o *lineageOptions) (_ string, err error) {
	ctx := context.Background()
	dir := filepath.Join(o.dir, "graph")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	s, err := store.Open(ctx, dir)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	start := time.Now()
	for d := range graphDatasets {
		err := s.Change(ctx, func(c *store.Changes) error {
			for p := range graphPartitions {
				if err := c.PutVersion(store.Version{Manifest: graphManifest(d, p), Digest: "x"}, true); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	filled := time.Since(start)
	var b strings.Builder
	fmt.Fprintf(&b, "## Questions\n\nAn index of %d versions with a million edges, filled in %.1f s. The aim: less than 100 ms for what one asks about a partition or a file.\n\n",
		graphDatasets*graphPartitions, filled.Seconds())
	b.WriteString("| question | answers | median |\n|---|---|---|\n")
	for _, q := range []struct {
		what string
		store.LineageQuery
	}{
		{"what a partition was made of, a step up", store.LineageQuery{Name: "warehouse/d300", Partition: "2026-100", Up: true, Depth: 1}},
		{"ten steps up", store.LineageQuery{Name: "warehouse/d300", Partition: "2026-100", Up: true, Depth: 10}},
		{"what was made of a file, at any distance", store.LineageQuery{Name: "data/490/7.parquet", Down: true, Depth: -1}},
		{"all that a partition was made of: 94% of the graph", store.LineageQuery{Name: "warehouse/d499", Partition: "2026-100", Up: true, Depth: -1}},
	} {
		var took []float64
		n := 0
		for run := range o.runs + 1 {
			start := time.Now()
			all, err := s.Lineage(ctx, q.LineageQuery)
			if err != nil {
				return "", err
			}
			if n = len(all); run > 0 {
				took = append(took, time.Since(start).Seconds())
			}
		}
		if n == 0 {
			return "", fmt.Errorf("%s: no answer", q.what)
		}
		fmt.Fprintf(&b, "| %s | %d | %.1f ms |\n", q.what, n, 1000*median(took))
	}
	return b.String(), nil
}
