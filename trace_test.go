package penstock_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/lineage/verify"
	"github.com/penstock-data/penstock/pipeline"
)

// tracedProject is a project whose pipeline traces two datasets.
type tracedProject struct {
	*testing.T
	dir string
	p   *penstock.Project
	// text is the pipeline, as it is now.
	text string
}

const tracedText = `
name: shop
partitions: {by: key}
sources:
  orders: {csv: 'raw/{partition}.csv', schema: {id: int64, who: string, amount: int64}}
  names: {csv: raw/names.csv, schema: {who: string, name: string}}
stages:
  clean:
    from: orders
    operators: [{filter: amount != 0}]
    gates:
      - {name: enough, expect: rows() >= 1}
      - {name: positive, rows: amount > 0, else: quarantine}
    output: {parquet: out/clean}
    lineage: rows
  named:
    from: [clean, names]
    operators:
      - join: {on: [who], kind: left}
      - sort: [-amount]
    output: {parquet: out/named}
    lineage: rows
`

func newTraced(t *testing.T) *tracedProject {
	x := &tracedProject{T: t, dir: t.TempDir(), text: tracedText}
	x.write("raw/eu.csv", "id,who,amount\n1,a,10\n2,b,0\n3,b,30\n4,c,-5\n5,z,20\n")
	x.write("raw/names.csv", "who,name\nb,Bo\na,Al\nc,Cy\n")
	x.open(penstock.Options{Actor: "ann", Keep: 10})
	return x
}

func (x *tracedProject) open(o penstock.Options) {
	x.Helper()
	p, err := penstock.Open(x.Context(), x.dir, o)
	if err != nil {
		x.Fatal(err)
	}
	x.Cleanup(func() { _ = p.Close() })
	x.p = p
}

func (x *tracedProject) write(name, text string) {
	x.Helper()
	path := filepath.Join(x.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		x.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		x.Fatal(err)
	}
}

func (x *tracedProject) pipeline() *pipeline.Pipeline {
	x.Helper()
	pl, err := config.Parse("shop.yaml", []byte(x.text), config.Options{})
	if err != nil {
		x.Fatal(err)
	}
	return pl
}

func (x *tracedProject) run(want pipeline.Status) *pipeline.RunRecord {
	x.Helper()
	rec, err := x.p.Run(x.Context(), x.pipeline(), "eu")
	if err != nil || rec.Status != want {
		x.Fatalf("%s, want %s: %v", rec.Status, want, err)
	}
	return rec
}

// trace gives a line for each row that is told, indented by how far upstream it is.
func (x *tracedProject) trace(o penstock.TraceOptions) (lines []string, err error) {
	o.Pipeline = func(*pipeline.Manifest) (*pipeline.Pipeline, error) { return x.pipeline(), nil }
	var tell func(r *penstock.TracedRow, indent string)
	tell = func(r *penstock.TracedRow, indent string) {
		line := fmt.Sprintf("%s%s %s:%d", indent, r.Input, filepath.Base(r.File), r.Row)
		if r.Dataset != "" {
			line += fmt.Sprintf(" of %s v%d", r.Dataset, r.Version)
		}
		if r.Values != nil {
			for _, c := range r.Values.Columns() {
				line += " " + c.ValueStr(0)
			}
		}
		for _, text := range []string{r.Problem, r.Untraced} {
			if text != "" {
				line += " (" + text + ")"
			}
		}
		lines = append(lines, line)
		for _, f := range r.From {
			tell(f, indent+"  ")
		}
		if r.More > 0 {
			lines = append(lines, fmt.Sprintf("%s  %d more", indent, r.More))
		}
	}
	_, err = x.p.Trace(x.Context(), o, func(r *penstock.TracedRow) error {
		tell(r, "")
		return nil
	})
	return lines, err
}

func (x *tracedProject) want(o penstock.TraceOptions, want ...string) {
	x.Helper()
	got, err := x.trace(o)
	if err != nil {
		x.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		x.Errorf("%+v: %s", o, diff)
	}
}

func (x *tracedProject) verify() {
	x.Helper()
	report, err := x.p.Verify(x.Context())
	if err != nil || len(report.Problems) > 0 {
		x.Errorf("verify: %+v, %v", report, err)
	}
}

var tracedNamed = penstock.TraceOptions{Dataset: "out/named", Partition: "eu", Where: "amount == 30"}

func TestTrace(t *testing.T) {
	x := newTraced(t)
	x.run(pipeline.Published)
	x.verify()
	x.want(penstock.TraceOptions{Dataset: "out/named", Partition: "eu"},
		" part-0.parquet:0 of out/named v1 3 b 30 Bo",
		"  clean part-0.parquet:1 of out/clean v1 3 b 30",
		"    orders eu.csv:2 3 b 30",
		"  names names.csv:0 b Bo",
		" part-0.parquet:1 of out/named v1 5 z 20 (null)",
		"  clean part-0.parquet:2 of out/clean v1 5 z 20",
		"    orders eu.csv:4 5 z 20",
		" part-0.parquet:2 of out/named v1 1 a 10 Al",
		"  clean part-0.parquet:0 of out/clean v1 1 a 10",
		"    orders eu.csv:0 1 a 10",
		"  names names.csv:1 a Al",
	)
	one := tracedNamed
	one.Depth = 1
	x.want(one,
		" part-0.parquet:0 of out/named v1 3 b 30 Bo",
		"  clean part-0.parquet:1 of out/clean v1 3 b 30",
		"  names names.csv:0 b Bo")
	byPath := penstock.TraceOptions{Dataset: "out/clean/key=eu", Limit: 1}
	x.want(byPath, " part-0.parquet:0 of out/clean v1 1 a 10", "  orders eu.csv:0 1 a 10")
	x.want(penstock.TraceOptions{Dataset: "out/named", Where: "amount == 30", Sources: 1, Depth: 1},
		" part-0.parquet:0 of out/named v1 3 b 30 Bo", "  clean part-0.parquet:1 of out/clean v1 3 b 30", "  1 more")
	x.want(penstock.TraceOptions{Dataset: "out/named", Where: "amount > 1000"})
	// The same again is no new version.
	x.run(pipeline.Unchanged)
}

// What can't be read is still told, and why it can't.
func TestTraceOfChangedFiles(t *testing.T) {
	x := newTraced(t)
	x.run(pipeline.Published)
	x.write("raw/names.csv", "who,name\nb,Bob\n")
	if err := os.Remove(filepath.Join(x.dir, "raw/eu.csv")); err != nil {
		t.Fatal(err)
	}
	x.want(tracedNamed,
		" part-0.parquet:0 of out/named v1 3 b 30 Bo",
		"  clean part-0.parquet:1 of out/clean v1 3 b 30",
		"    orders eu.csv:2 (the file is gone)",
		"  names names.csv:0 (the file has changed since it was read: its SHA-256 is a3cbcd51cf2f…, and was 4f02c1c393e8…)")
	x.text = strings.Replace(x.text, "csv: raw/names.csv,", "csv: raw/names.csv, delimiter: ';',", 1)
	x.write("raw/names.csv", "who,name\nb,Bo\na,Al\nc,Cy\n")
	got, err := x.trace(tracedNamed)
	if err != nil || !strings.Contains(got[3], "does not read it any more as it did") {
		t.Errorf("%q, %v", got, err)
	}
}

// A version upstream that is not kept any more is said so.
func TestTraceOfPrunedVersions(t *testing.T) {
	x := newTraced(t)
	x.open(penstock.Options{Actor: "ann", Keep: -1})
	x.run(pipeline.Published)
	x.write("raw/eu.csv", "id,who,amount\n3,b,30\n")
	if rec, err := x.p.RunSelected(t.Context(), x.pipeline(), "eu", penstock.PlanOptions{Select: []string{"clean"}}); err != nil || rec.Status != pipeline.Published {
		t.Fatalf("%+v, %v", rec, err)
	}
	x.want(tracedNamed,
		" part-0.parquet:0 of out/named v1 3 b 30 Bo",
		"  clean part-0.parquet:1 of out/clean v1 (version 1 of out/clean@eu is not kept any more)",
		"  names names.csv:0 b Bo")
}

// What comes out the same, down to the trace file, is traced to the version that it was computed from
// last: those before it are pruned.
func TestTraceOfWhatCameOutTheSame(t *testing.T) {
	x := newTraced(t)
	x.text = x.text[:strings.Index(x.text, "  named:")] +
		"  sums: {from: clean, operators: [{aggregate: {columns: {n: count()}}}], output: {parquet: out/sums}, lineage: rows}\n"
	x.open(penstock.Options{Actor: "ann", Keep: 2})
	for i := range 5 {
		x.write("raw/eu.csv", fmt.Sprintf("id,who,amount\n3,b,%d\n", 30+i))
		x.run(pipeline.Published)
		x.want(penstock.TraceOptions{Dataset: "out/sums", Partition: "eu"},
			fmt.Sprintf(" part-0.parquet:0 of out/sums v%d 1", i+1),
			fmt.Sprintf("  clean part-0.parquet:0 of out/clean v%d 3 b %d", i+1, 30+i),
			fmt.Sprintf("    orders eu.csv:0 3 b %d", 30+i))
	}
	x.run(pipeline.Unchanged)
	x.verify()
}

// Where only some stages run, what others publish is read, and traced as if all had run.
func TestTraceOfSomeStages(t *testing.T) {
	x := newTraced(t)
	x.run(pipeline.Published)
	before, err := x.p.Versions(t.Context(), "out/named", "eu")
	if err != nil {
		t.Fatal(err)
	}
	if rec, err := x.p.RunSelected(t.Context(), x.pipeline(), "eu", penstock.PlanOptions{Select: []string{"named"}}); err != nil {
		t.Fatalf("%+v, %v", rec, err)
	}
	after, err := x.p.Versions(t.Context(), "out/named", "eu")
	if err != nil {
		t.Fatal(err)
	}
	if a, b := before[0].Lineage[0].SHA256, after[len(after)-1].Lineage[0].SHA256; a != b {
		t.Errorf("the trace of the same rows is another: %s, %s", a, b)
	}
	x.want(tracedNamed,
		" part-0.parquet:0 of out/named v1 3 b 30 Bo",
		"  clean part-0.parquet:1 of out/clean v1 3 b 30",
		"    orders eu.csv:2 3 b 30",
		"  names names.csv:0 b Bo")
}

// To ask for lineage of rows makes a new version, of the same data.
func TestTraceIsAskedForLater(t *testing.T) {
	x := newTraced(t)
	x.text = strings.ReplaceAll(tracedText, "    lineage: rows\n", "")
	x.run(pipeline.Published)
	if _, err := x.trace(tracedNamed); err == nil || !strings.Contains(err.Error(), `write `+"`lineage: rows`"+` at stage "named"`) {
		t.Errorf("got %v", err)
	}
	x.text = strings.Replace(tracedText, "    lineage: rows\n", "", 1) // of clean
	x.run(pipeline.Published)
	x.want(tracedNamed,
		" part-0.parquet:0 of out/named v2 3 b 30 Bo",
		"  clean part-0.parquet:1 of out/clean v1 3 b 30 (the rows of out/clean@eu were not traced when it was made)",
		"  names names.csv:0 b Bo")
	// When the dataset before is traced as well, of the same data, it is gone on to it, though what
	// was read was the version before: nothing made it stale.
	x.text = tracedText
	if rec, err := x.p.RunSelected(t.Context(), x.pipeline(), "eu", penstock.PlanOptions{Select: []string{"clean"}}); err != nil || rec.Status != pipeline.Published {
		t.Fatalf("%+v, %v", rec, err)
	}
	x.want(tracedNamed,
		" part-0.parquet:0 of out/named v2 3 b 30 Bo",
		"  clean part-0.parquet:1 of out/clean v2 3 b 30",
		"    orders eu.csv:2 3 b 30",
		"  names names.csv:0 b Bo")
	all, err := x.p.Versions(t.Context(), "out/named", "eu")
	if err != nil || len(all) != 2 || all[0].DataDigest() != all[1].DataDigest() {
		t.Errorf("%d versions, %v", len(all), err)
	}
}

// A version that is made of links to an earlier one, or held, or only judged again, or released,
// is traced as well.
func TestTraceOfVersionsThatWereNotComputed(t *testing.T) {
	clean := penstock.TraceOptions{Dataset: "out/clean", Partition: "eu", Where: "id == 3"}
	t.Run("rollback", func(t *testing.T) {
		x := newTraced(t)
		x.run(pipeline.Published)
		first, err := os.ReadFile(filepath.Join(x.dir, "raw/eu.csv"))
		if err != nil {
			t.Fatal(err)
		}
		x.write("raw/eu.csv", "id,who,amount\n3,b,31\n")
		x.run(pipeline.Published)
		if _, err := x.p.Rollback(t.Context(), "out/clean", "eu", 1, "the feed was wrong"); err != nil {
			t.Fatal(err)
		}
		x.verify()
		x.write("raw/eu.csv", string(first))
		x.want(clean, " part-0.parquet:1 of out/clean v3 3 b 30", "  orders eu.csv:2 3 b 30")
		clean := clean
		clean.Version = 2
		got, err := x.trace(clean)
		if err != nil || len(got) != 2 || !strings.Contains(got[1], "eu.csv:0 (the file has changed") {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("approve", func(t *testing.T) {
		x := newTraced(t)
		x.text = strings.Replace(tracedText, "rows() >= 1", "rows() >= 10", 1)
		rec := x.run(pipeline.Blocked)
		if _, err := x.p.Approve(t.Context(), rec.Run, penstock.Approve{Gates: []string{"enough"}, Reason: "a holiday"}); err != nil {
			t.Fatal(err)
		}
		x.verify()
		x.want(clean, " part-0.parquet:1 of out/clean v1 3 b 30", "  orders eu.csv:2 3 b 30")
	})
	t.Run("judged", func(t *testing.T) {
		x := newTraced(t)
		x.text = strings.Replace(tracedText, ", else: quarantine", ", severity: warn", 1)
		x.run(pipeline.Published)
		x.text = strings.Replace(x.text, "rows() >= 1", "rows() >= 2", 1)
		part, err := x.pipeline().Partitions.Parse("eu")
		if err != nil {
			t.Fatal(err)
		}
		rec, err := x.p.Backfill(t.Context(), x.pipeline(), []pipeline.Partition{part}, penstock.BackfillOptions{})
		if err != nil || rec.Counts.Published != 1 {
			t.Fatalf("%+v, %v", rec, err)
		}
		all, err := x.p.Versions(t.Context(), "out/clean", "eu")
		if err != nil || all[len(all)-1].Judged != 1 {
			t.Fatalf("it was computed: %v", err)
		}
		x.verify()
		x.want(clean, " part-0.parquet:1 of out/clean v2 3 b 30", "  orders eu.csv:2 3 b 30")
	})
	t.Run("release", func(t *testing.T) {
		x := newTraced(t)
		x.run(pipeline.Published)
		rec, err := x.p.Release(t.Context(), x.pipeline(), penstock.ReleaseOptions{Stage: "clean", Partition: "eu", Waive: []string{"positive"}, Reason: "a refund"})
		if err != nil || rec.Status != pipeline.Published {
			t.Fatalf("%+v, %v", rec, err)
		}
		x.verify()
		x.want(penstock.TraceOptions{Dataset: "out/clean", Partition: "eu", Where: "id >= 3"},
			" part-0.parquet:1 of out/clean v2 3 b 30",
			"  clean part-0.parquet:1 of out/clean v1 3 b 30",
			"    orders eu.csv:2 3 b 30",
			" part-0.parquet:2 of out/clean v2 5 z 20",
			"  clean part-0.parquet:2 of out/clean v1 5 z 20",
			"    orders eu.csv:4 5 z 20",
			" part-0.parquet:3 of out/clean v2 4 c -5",
			"  quarantine part-0.parquet:0 4 c -5 positive raw/eu.csv 3 (the row was released from quarantine; its _source and _row say where it came from)")
	})
}

// A trace file that is damaged is found by verify and by trace, and mended by the next run.
func TestDamagedTraceFile(t *testing.T) {
	x := newTraced(t)
	x.run(pipeline.Published)
	found, err := filepath.Glob(filepath.Join(x.dir, "out/.penstock/datasets/clean/versions/*/000001/lineage/rows.trace"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.Chmod(found[0], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(found[0], text, 0o600); err != nil {
		t.Fatal(err)
	}
	report, err := x.p.Verify(t.Context())
	if err != nil || !slices.ContainsFunc(report.Problems, func(p verify.Problem) bool { return strings.HasSuffix(p.Path, "lineage/rows.trace") }) {
		t.Errorf("verify: %+v, %v", report, err)
	}
	if _, err := x.trace(penstock.TraceOptions{Dataset: "out/clean", Partition: "eu"}); err == nil || !strings.Contains(err.Error(), "rows.trace: is not as it was published") {
		t.Errorf("got %v", err)
	}
	x.run(pipeline.Published)
	x.verify()
}

func TestTraceMistakes(t *testing.T) {
	x := newTraced(t)
	x.run(pipeline.Published)
	for _, c := range []struct {
		o    penstock.TraceOptions
		want string
	}{
		{penstock.TraceOptions{Dataset: "out/claen"}, `unknown dataset "out/claen"; did you mean "out/clean"?`},
		{penstock.TraceOptions{Dataset: "out/clean", Partition: "us"}, "out/clean@us is not published"},
		{penstock.TraceOptions{Dataset: "out/clean", Version: 7}, "version 7 of out/clean/key=eu is not kept any more"},
		{penstock.TraceOptions{Dataset: "out/clean", Where: "amuont > 3"}, `unknown column "amuont"; did you mean "amount"?`},
		{penstock.TraceOptions{Dataset: "out/clean", Where: "amount"}, "filter wants a condition"},
	} {
		if _, err := x.trace(c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %q", c.o, err, c.want)
		}
	}
}
