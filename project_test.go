package penstock_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/operators"
	"github.com/penstock-data/penstock/operators/csv"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"

	"github.com/apache/arrow-go/v18/arrow"
)

func orders(ops ...pipeline.Operator) *pipeline.Pipeline {
	return &pipeline.Pipeline{
		Name:       "orders",
		Partitions: pipeline.Scheme{By: pipeline.Key},
		Sources:    []pipeline.NamedSource{{Name: "orders", Source: csv.Files("orders-{partition}.csv")}},
		Stages: []pipeline.Stage{
			{
				Name: "clean", From: []string{"orders"}, Operators: ops,
				Gates:  gates.Of(gates.Rule{Check: gates.NotNull("id")}, gates.Rule{Check: gates.Rows("amount > 0"), Else: gates.Quarantine}),
				Output: &pipeline.Output{Path: "out/clean", Format: parquet.Format{}},
			},
			{Name: "copy", From: []string{"clean"}, Output: &pipeline.Output{Path: "out/copy", Format: csv.Format{}}},
		},
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, dir string) *penstock.Project {
	t.Helper()
	p, err := penstock.Open(t.Context(), dir, penstock.Options{Actor: "tester", Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// published is a project with two versions of one partition.
func published(t *testing.T) (string, *penstock.Project) {
	t.Helper()
	dir := t.TempDir()
	p := open(t, dir)
	for _, text := range []string{"id,amount\n1,5\n2,-1\n", "id,amount\n1,5\n2,-1\n3,7\n"} {
		write(t, filepath.Join(dir, "orders-eu.csv"), text)
		rec, err := p.Run(t.Context(), orders(), "eu")
		if err != nil || rec.Status != pipeline.Published {
			t.Fatalf("%+v, %v", rec, err)
		}
	}
	return dir, p
}

// Each kind of damage is found and named.
func TestVerifyFindsDamage(t *testing.T) {
	const (
		visible = "out/clean/key=eu/"
		store   = "out/.penstock/datasets/clean/"
		version = store + "versions/key=eu/000002/"
	)
	for name, test := range map[string]struct {
		damage func(t *testing.T, dir string)
		want   string
	}{
		"nothing":         {func(*testing.T, string) {}, ""},
		"a flipped bit":   {func(t *testing.T, dir string) { flip(t, dir+visible+"part-0.parquet") }, visible + "part-0.parquet: sha256 is "},
		"a file cut":      {func(t *testing.T, dir string) { check(t, os.Truncate(dir+version+"quarantine/part-0.parquet", 10)) }, version + "quarantine/part-0.parquet: is 10 bytes, the manifest says "},
		"a file gone":     {func(t *testing.T, dir string) { check(t, os.Remove(dir+visible+"part-0.parquet")) }, visible + "part-0.parquet: can't be read: "},
		"a file too many": {func(t *testing.T, dir string) { write(t, dir+visible+"x.parquet", "x") }, visible + "x.parquet: no manifest names this file"},
		"a manifest torn": {func(t *testing.T, dir string) { check(t, os.Truncate(dir+version+"manifest.json", 20)) }, "out/clean/key=eu: versions are kept, but none is visible: "},
		"a version gone":  {func(t *testing.T, dir string) { check(t, os.RemoveAll(dir+version)) }, "out/clean/key=eu: version 2 is visible, but is not kept"},
		"history changed": {func(t *testing.T, dir string) {
			change(t, dir+store+"versions/key=eu/000001/manifest.json", `"actor": "tester"`, `"actor": "nobody"`)
		}, store + "versions/key=eu: the manifest of version 2 follows "},
		"a verdict changed": {func(t *testing.T, dir string) {
			change(t, dir+version+"manifest.json", `"verdict": "pass"`, `"verdict": "fail"`)
		}, version + "manifest.json"},
		"staging left": {func(t *testing.T, dir string) { check(t, os.MkdirAll(dir+store+"staging/key=eu/000009.dead", 0o755)) }, store + "staging/key=eu/000009.dead: was left by a run that is gone"},
		"the index lost": {func(t *testing.T, dir string) {
			check(t, os.RemoveAll(dir+".penstock"))
		}, "out/clean@eu: is published, but not in the index; run `penstock rebuild`"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, p := published(t)
			check(t, p.Close())
			test.damage(t, dir+"/")
			p = open(t, dir)
			report, err := p.Verify(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, problem := range report.Problems {
				all = append(all, problem.Path+": "+problem.What)
			}
			text := strings.Join(all, "\n")
			if test.want == "" && text != "" {
				t.Errorf("found %s", text)
			}
			if name == "a verdict changed" { // the visible link is the same file
				test.want = version[:len(version)-1] + ": was published although gate "
			}
			if !strings.Contains(text, test.want) {
				t.Errorf("found\n%s\nwant %s", text, test.want)
			}
		})
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func flip(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	check(t, err)
	text[len(text)/2] ^= 4
	check(t, os.WriteFile(path, text, 0o644))
}

func change(t *testing.T, path, old, now string) {
	t.Helper()
	text, err := os.ReadFile(path)
	check(t, err)
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s holds no %s", path, old)
	}
	check(t, os.WriteFile(path, []byte(strings.ReplaceAll(string(text), old, now)), 0o644))
}

func TestRecordOfARun(t *testing.T) {
	dir, p := published(t)
	rec, err := p.Run(t.Context(), orders(), "eu")
	if err != nil || rec.Status != pipeline.Unchanged {
		t.Fatalf("%+v, %v", rec, err)
	}
	if rec.RowsIn != 3 || rec.RowsQuarantined != 1 || rec.RowsOut != 4 || rec.Actor != "tester" || len(rec.Inputs[0].Files[0].SHA256) != 64 {
		t.Errorf("%+v", rec)
	}
	runs, err := p.Runs(t.Context(), penstock.RunFilter{Partition: "eu"})
	if err != nil || len(runs) != 3 || runs[0].Run != rec.Run {
		t.Errorf("%d runs, %v", len(runs), err)
	}
	if _, err := p.RunByID(t.Context(), "nope"); err == nil || !strings.HasPrefix(err.Error(), `no run "nope" is known`) {
		t.Errorf("%v", err)
	}
	g, err := p.Lineage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := g.Find("orders-eu.csv", "", 0); len(n) != 2 {
		t.Errorf("%d contents of the input file are known, want 2: %v", len(n), n)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".penstock/tmp/*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

// A user's operator that panics or fails takes its partition down, and no other.
func TestOthersGoOn(t *testing.T) {
	dir := t.TempDir()
	p := open(t, dir)
	for _, key := range []string{"eu", "us", "asia"} {
		write(t, filepath.Join(dir, "orders-"+key+".csv"), "id,amount\n1,5\n")
	}
	write(t, filepath.Join(dir, "orders-us.csv"), "id,amount\n13,5\n")
	unlucky := operators.Map("unlucky", nil, func(_ context.Context, b arrow.RecordBatch) (arrow.RecordBatch, error) {
		if b.Column(0).ValueStr(0) == "13" {
			panic("thirteen")
		}
		b.Retain()
		return b, nil
	})
	pl := orders(unlucky)
	var parts []pipeline.Partition
	for _, key := range []string{"eu", "us", "none", "asia"} {
		part, err := pl.Partitions.Parse(key)
		check(t, err)
		parts = append(parts, part)
	}
	var failures []string
	var records []*pipeline.RunRecord
	_, err := p.Backfill(t.Context(), pl, parts, penstock.BackfillOptions{Listener: &penstock.BackfillListener{Done: func(rec *pipeline.RunRecord, err error) {
		if records = append(records, rec); err != nil {
			failures = append(failures, strings.SplitN(err.Error(), "\n", 2)[0])
		}
	}}})
	if err != nil || len(records) != 4 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	want := []pipeline.Status{pipeline.Published, pipeline.Failed, pipeline.Failed, pipeline.Published}
	for i, r := range records {
		if r.Status != want[i] {
			t.Errorf("%s: %s, want %s", r.Partition, r.Status, want[i])
		}
	}
	if len(failures) != 2 || failures[0] != `stage "clean": panic: thirteen` || failures[1] != `source "orders": no file matches orders-none.csv` {
		t.Errorf("%q", failures)
	}
	report, err := p.Verify(t.Context())
	if err != nil || len(report.Problems) != 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestCancelledRunIsOnRecord(t *testing.T) {
	dir := t.TempDir()
	p := open(t, dir)
	write(t, filepath.Join(dir, "orders-eu.csv"), "id,amount\n1,5\n")
	ctx, cancel := context.WithCancel(t.Context())
	stop := operators.Map("stop", nil, func(ctx context.Context, _ arrow.RecordBatch) (arrow.RecordBatch, error) {
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	})
	rec, err := p.Run(ctx, orders(stop), "eu")
	if !errors.Is(err, context.Canceled) || rec.Status != pipeline.Cancelled {
		t.Errorf("%+v, %v", rec, err)
	}
	runs, err := p.Runs(t.Context(), penstock.RunFilter{Status: pipeline.Cancelled})
	if err != nil || len(runs) != 1 {
		t.Errorf("%d cancelled runs on record, %v", len(runs), err)
	}
}

// An operator of a user's that loses rows without a word keeps the partition back; one that
// says that it may leave rows out does not.
func TestLostRowsBlock(t *testing.T) {
	dir := t.TempDir()
	p := open(t, dir)
	write(t, filepath.Join(dir, "orders-eu.csv"), "id,amount\n1,5\n2,-1\n3,7\n")
	first := func(_ context.Context, b arrow.RecordBatch) (arrow.RecordBatch, error) {
		return b.NewSlice(0, b.NumRows()-1), nil
	}
	rec, err := p.Run(t.Context(), orders(operators.Map("tidy", nil, first)), "eu")
	check(t, err)
	f := rec.Gates[len(rec.Gates)-1]
	got := fmt.Sprintf("%s %s %s: %s, %s expected\n%s", f.Stage, f.Name, f.Verdict, f.Observed, f.Expected, strings.Join(f.Detail, "\n"))
	want := `clean conservation fail: operator 1 (map tidy) took 3 rows and gave 2, as many expected
3 rows in, 1 out, 1 quarantined, 0 filtered
an operator of your own that may change how many rows there are has to say so: pipeline.Bound.Rows, or operators.MapRows`
	if got != want || rec.Status != pipeline.Blocked {
		t.Errorf("got  %s\nwant %s\n%s", got, want, rec.Status)
	}
	rec, err = p.Run(t.Context(), orders(operators.MapRows("tidy", pipeline.RowsFewer, nil, first)), "eu")
	check(t, err)
	if rec.Status != pipeline.Published {
		t.Errorf("%+v", rec)
	}
	if s := rec.Stages[0]; s.RowsFiltered != 1 || s.RowsQuarantined != 1 || s.RowsOut != 1 {
		t.Errorf("%+v", s)
	}
	report, err := p.Verify(t.Context())
	if err != nil || len(report.Problems) != 0 {
		t.Errorf("%+v, %v", report, err)
	}
}
