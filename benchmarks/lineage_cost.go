package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/penstock-data/penstock/internal/cli"
	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/lineage/audit"
	"github.com/penstock-data/penstock/pipeline"
)

// publishTraced filters and derives, and publishes; with the variant "rows" it is recorded of each
// row where it came from.
func publishTraced(j job) (outcome, error) {
	s, err := j.set()
	if err != nil {
		return outcome{}, err
	}
	pl := publishing(s, "filter", j.Path)
	if j.Variant == "rows" {
		pl.Stages[0].Lineage = pipeline.RowDepth
	}
	m := begin()
	run, err := runInProject(j, pl)
	if err != nil {
		return outcome{}, err
	}
	out := outcome{Work: m.end(), Rows: run.RowsOut}
	if run.Status != pipeline.Published {
		return outcome{}, fmt.Errorf("the run is %s: %w", run.Status, blocked(run.Gates))
	}
	out.Files, err = keptFiles(filepath.Join(j.Dir, "warehouse", ".penstock", "datasets", "out", "versions", "all", "000001"))
	return out, err
}

// keptFiles are all files of a version but its manifest.
func keptFiles(dir string) (all []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && d.Name() != "manifest.json" {
			all = append(all, path)
		}
		return err
	})
	return all, err
}

// rowsSection is what it costs to record of each row where it came from.
func rowsSection(o *lineageOptions) (string, error) {
	file, err := lineitemFile(o.prog.self, o.data, o.rows)
	if err != nil {
		return "", err
	}
	if file, err = filepath.Abs(file); err != nil {
		return "", err
	}
	var jobs []job
	for _, variant := range []string{"usual", "rows"} {
		jobs = append(jobs, job{Do: "publish-traced", Variant: variant, Set: "lineitem", Path: file, Dir: filepath.Join(o.dir, variant)})
	}
	all, err := o.inTurn(true, jobs...)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "## Rows\n\nA filter that keeps half of %d rows, two derived columns and three gates, published; with and without `lineage: rows`. The aims: time +10%%, bytes +5%%.\n\n", o.rows)
	b.WriteString("| | without | with | more |\n|---|---|---|---|\n")
	for _, q := range []struct {
		what, unit string
		of         func(sample) float64
	}{
		{"wall", "s", wallOfWork},
		{"CPU", "s", cpuOfWork},
		{"files of the version", "MiB", func(s sample) float64 { return float64(s.Bytes) / mib }},
		{"peak memory", "MiB", peakOfWork},
	} {
		without, with := medianOf(all[0], q.of), medianOf(all[1], q.of)
		fmt.Fprintf(&b, "| %s | %.2f %s | %.2f %s | %+.1f%% |\n", q.what, without, q.unit, with, q.unit, 100*(with/without-1))
	}
	return b.String(), nil
}

// tinyPartitions is how many partitions, of two rows each, a run is told of or audited.
const tinyPartitions = 200

// tinyPipeline lays out a pipeline of tiny partitions, and gives its file.
func tinyPipeline(dir string) (string, error) {
	var keys []string
	if err := os.MkdirAll(filepath.Join(dir, "raw"), 0o755); err != nil {
		return "", err
	}
	for i := range tinyPartitions {
		key := fmt.Sprintf("k%06d", i)
		keys = append(keys, key)
		text := fmt.Sprintf("{\"id\":1,\"v\":%d}\n{\"id\":2,\"v\":7}\n", i)
		if err := os.WriteFile(filepath.Join(dir, "raw", key+".jsonl"), []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	file := filepath.Join(dir, "tiny.yaml")
	return file, os.WriteFile(file, []byte("name: tiny\npartitions: {by: key, keys: ["+strings.Join(keys, ", ")+"]}\n"+`sources:
  raw: {jsonl: 'raw/{partition}.jsonl', schema: {id: int64, v: int64}}
stages:
  clean:
    from: raw
    operators: [{filter: 'v >= 0'}]
    gates:
      - {name: small, rows: 'v < 1000'}
      - {name: enough, expect: 'rows() >= 1'}
    output: {parquet: out/clean}
`), 0o644)
}

// told backfills the tiny partitions; the variant says where OpenLineage events go.
func told(j job) (outcome, error) {
	file, err := tinyPipeline(j.Dir)
	if err != nil {
		return outcome{}, err
	}
	switch j.Variant {
	case "file":
		err = os.Setenv("OPENLINEAGE__TRANSPORT", fmt.Sprintf(`{"type": "file", "log_file_path": %q}`, filepath.Join(j.Dir, "events.jsonl")))
	case "dead":
		err = os.Setenv("OPENLINEAGE_URL", "http://127.0.0.1:9") // nobody listens to discard
	}
	if err != nil {
		return outcome{}, err
	}
	m := begin()
	if code := cli.Main([]string{"backfill", file, "--all", "--quiet"}, io.Discard, os.Stderr); code != 0 {
		return outcome{}, fmt.Errorf("backfill: exit status %d", code)
	}
	return outcome{Work: m.end()}, nil
}

// toldSection is what it costs to tell OpenLineage.
func toldSection(o *lineageOptions) (string, error) {
	var jobs []job
	names := []string{"nobody is told", "a file", "a server that does not answer"}
	for _, variant := range []string{"none", "file", "dead"} {
		jobs = append(jobs, job{Do: "told", Variant: variant, Dir: filepath.Join(o.dir, "told-"+variant)})
	}
	all, err := o.inTurn(true, jobs...)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "## OpenLineage\n\nA backfill of %d partitions of two rows each, so that nothing else takes long; the whole command. At its end it waits up to two seconds for what was not sent.\n\n", tinyPartitions)
	b.WriteString("| events go to | wall | a partition | CPU | a partition, more |\n|---|---|---|---|---|\n")
	base := medianOf(all[0], cpuOfWork)
	for i, samples := range all {
		wall, cpu := medianOf(samples, wallOfWork), medianOf(samples, cpuOfWork)
		fmt.Fprintf(&b, "| %s | %.2f s | %.1f ms | %.2f s | %+.2f ms of CPU |\n", names[i], wall, 1000*wall/tinyPartitions, cpu, 1000*(cpu-base)/tinyPartitions)
	}
	return b.String(), nil
}

// audited writes the records of as many runs, each with the entries of a run and of a version; the
// variant "usual" only the records, as it was before there was an audit.
func audited(j job) (outcome, error) {
	fsys := faults.OS()
	l := &audit.Log{
		FS: fsys, Clock: faults.SystemClock(), Sleep: faults.Sleep, Root: j.Dir,
		Before: func(string) ([]audit.Entry, error) { return nil, nil }, Datasets: func() ([]string, error) { return nil, nil },
	}
	runs := filepath.Join(j.Dir, ".penstock", "runs")
	dataset := filepath.Join(j.Dir, "out", ".penstock", "datasets", "clean")
	if err := errors.Join(os.MkdirAll(runs, 0o755), os.MkdirAll(dataset, 0o755)); err != nil {
		return outcome{}, err
	}
	text, digest := []byte(strings.Repeat("x", 4096)), strings.Repeat("0", 64)
	m := begin()
	for i := range tinyPartitions {
		run := fmt.Sprintf("20260101T000000-%06x", i)
		path := filepath.Join(runs, run+".json")
		if j.Variant == "usual" {
			if err := faults.WriteFile(fsys, path, text); err != nil {
				return outcome{}, err
			}
			continue
		}
		key := fmt.Sprintf("k%06d", i)
		err := l.Record(context.Background(), path, text,
			audit.Entry{Kind: audit.Publish, Dataset: "out/clean", Partition: "key=" + key, Version: 1, Run: run, Actor: "bench", Digest: digest},
			audit.Entry{Kind: audit.Run, Run: run, Status: string(pipeline.Published), Actor: "bench", Digest: digest})
		if err != nil {
			return outcome{}, err
		}
	}
	return outcome{Work: m.end()}, nil
}

// auditSection is what the chain of entries costs.
func auditSection(o *lineageOptions) (string, error) {
	var jobs []job
	for _, variant := range []string{"usual", "chain"} {
		jobs = append(jobs, job{Do: "audited", Variant: variant, Dir: filepath.Join(o.dir, "audited-"+variant)})
	}
	all, err := o.inTurn(true, jobs...)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "## Audit\n\nThe records of %d runs, each of which published one partition, written durably one after the other; without and with the entries of the\n"+
		"run and of the version in the chains of the project and of the dataset.\n\n| a run | record alone | with its entries | more |\n|---|---|---|---|\n", tinyPartitions)
	for _, q := range []struct {
		what string
		of   func(sample) float64
	}{{"wall", wallOfWork}, {"CPU", cpuOfWork}} {
		without, with := 1000*medianOf(all[0], q.of)/tinyPartitions, 1000*medianOf(all[1], q.of)/tinyPartitions
		fmt.Fprintf(&b, "| %s | %.2f ms | %.2f ms | %+.2f ms |\n", q.what, without, with, with-without)
	}
	return b.String(), nil
}
