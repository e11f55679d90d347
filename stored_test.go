package penstock_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/operators"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

// storedRows writes a Parquet file of three row groups of 200 rows. a counts from `from`, b is
// a * 7 % 10, c is null in every fifth row, s is a text.
func storedRows(t *testing.T, path string, from int64) {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "a", Type: arrow.PrimitiveTypes.Int64},
		{Name: "b", Type: arrow.PrimitiveTypes.Int64},
		{Name: "c", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "s", Type: arrow.BinaryTypes.String},
	}, nil)
	f, err := os.Create(path)
	check(t, err)
	enc, err := parquet.Format{}.Create(f, schema)
	check(t, err)
	for g := range int64(3) {
		b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		for i := range int64(200) {
			a := from + g*200 + i
			b.Field(0).(*array.Int64Builder).Append(a)
			b.Field(1).(*array.Int64Builder).Append(a * 7 % 10)
			if a%5 == 0 {
				b.Field(2).(*array.Float64Builder).AppendNull()
			} else {
				b.Field(2).(*array.Float64Builder).Append(float64(a%13) / 4)
			}
			b.Field(3).(*array.StringBuilder).Append(fmt.Sprintf("s-%d", a%17))
		}
		batch := b.NewRecordBatch()
		chunk, err := enc.Encode(t.Context(), []arrow.RecordBatch{batch})
		check(t, err)
		check(t, enc.Append(chunk))
		batch.Release()
		b.Release()
	}
	check(t, enc.Close())
	check(t, f.Close())
}

// storedRules pass, fail with a warning, skip rows and put none aside.
var storedRules = []gates.Rule{
	{Name: "low", Check: gates.Rows("a >= 0")},
	{Name: "mixed", Check: gates.Rows("b + a % 3 < 9"), Severity: pipeline.SeverityWarn},
	{Name: "nulls", Check: gates.Rows("c < 2.5"), Nulls: gates.NullsFail, Severity: pipeline.SeverityWarn},
	{Name: "where", Check: gates.Rows("c < 3.25 || s != 's-1'"), Where: "b > 4"},
	{Name: "one", Check: gates.Unique("a", "s")},
	{Name: "aside", Check: gates.Rows("a % 2 < 2"), Else: gates.Quarantine},
	{Name: "ints", Check: gates.Expect("sum(a) > 0 && min(b) == 0 && max(a * 2) > 0 && rows() == 600")},
	{Name: "floats", Check: gates.Expect("mean(c) > 0.0 && stddev(c) < 2.0 && variance(b) > 0.0 && sum(c) > 0.0")},
	{Name: "texts", Check: gates.Expect("min(s) == 's-0' && max(s + 'x') == 's-9x' && count(c) == 480")},
	{Name: "shares", Check: gates.Expect("null_share(c) < 0.1 && count_if(b == 3) == 60 && nulls(c) == 120"), Severity: pipeline.SeverityWarn},
	{Name: "some", Check: gates.Expect("sum(c) < 100.0"), Where: "a > 300", Severity: pipeline.SeverityWarn},
}

func storing(name, from string, rules []gates.Rule, ops ...pipeline.Operator) *pipeline.Pipeline {
	return &pipeline.Pipeline{
		Name: name, Sources: []pipeline.NamedSource{{Name: "in", Source: parquet.Files(from)}},
		Stages: []pipeline.Stage{{
			Name: name, From: []string{"in"}, Operators: ops, Gates: gates.Of(rules...),
			Output: &pipeline.Output{Path: "out/" + name, Format: parquet.Format{}},
		}},
	}
}

// judged runs a pipeline and gives its findings; scan is Options.ForceScan.
func judged(t *testing.T, dir string, pl *pipeline.Pipeline, scan bool) []pipeline.Finding {
	t.Helper()
	p, err := penstock.Open(t.Context(), dir, penstock.Options{Actor: "tester", Workers: 2, ForceScan: scan})
	check(t, err)
	rec, err := p.Run(t.Context(), pl, "all")
	if err != nil || rec.Status != pipeline.Published && rec.Status != pipeline.Unchanged {
		t.Fatalf("%s: %+v, %v", pl.Name, rec, err)
	}
	check(t, p.Close())
	return rec.Gates
}

// fromStored holds that just the first n findings are decided by stored states, and all say
// what a scan says.
func fromStored(t *testing.T, dir string, pl *pipeline.Pipeline, n int) {
	t.Helper()
	got := judged(t, dir, pl, false)
	want := judged(t, dir, pl, true)
	for i, f := range got {
		if is := f.DecidedBy == "stored states"; is != (i < n) || is && (f.GroupsRead != 0 || f.BytesRead != 0) {
			t.Errorf("%s was decided by %s, of %d groups read", f.Name, f.DecidedBy, f.GroupsRead)
		}
		w := want[i]
		if w.DecidedBy == "stored states" {
			t.Errorf("%s was decided by stored states, not by the scan", w.Name)
		}
		a := fmt.Sprint(f.Name, f.Verdict, f.RowsTested, f.RowsFailed, f.RowsNull, f.RowsQuarantined, " ", f.Observed)
		if b := fmt.Sprint(w.Name, w.Verdict, w.RowsTested, w.RowsFailed, w.RowsNull, w.RowsQuarantined, " ", w.Observed); a != b {
			t.Errorf("stored: %s\nscan:   %s", a, b)
		}
	}
}

func storedProject(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	storedRows(t, filepath.Join(dir, "in.parquet"), 0)
	judged(t, dir, storing("x", "in.parquet", storedRules), false)
	return dir
}

// What was found of the same rows before is not looked for again.
func TestStoredStatesDecide(t *testing.T) {
	dir := storedProject(t)
	more := append(storedRules[:len(storedRules):len(storedRules)], gates.Rule{Name: "new", Check: gates.Rows("b * 2 < 19 && a % 7 < 7")})
	fromStored(t, dir, storing("x", "in.parquet", more), len(storedRules))
	filter := operators.Filter("a % 600 < 599")
	judged(t, dir, storing("filtered", "in.parquet", storedRules[:5], filter), false)
	fromStored(t, dir, storing("filtered", "in.parquet", storedRules[:5], filter), 5)
	fromStored(t, dir, storing("other", "out/x/*.parquet", storedRules), len(storedRules))
}

func TestStoredStatesOfOtherRowsDecideNothing(t *testing.T) {
	rest := storedRules[:5]
	aside := append(storedRules[:len(storedRules):len(storedRules)], gates.Rule{Name: "put", Check: gates.Rows("b != 3"), Else: gates.Quarantine})
	for name, test := range map[string]func(t *testing.T, dir string) *pipeline.Pipeline{
		"the input changed": func(t *testing.T, dir string) *pipeline.Pipeline {
			storedRows(t, filepath.Join(dir, "in.parquet"), 1000)
			return storing("x", "in.parquet", storedRules)
		},
		"an operator was added": func(*testing.T, string) *pipeline.Pipeline {
			return storing("x", "in.parquet", storedRules, operators.Filter("a % 600 < 600"))
		},
		"an operator was changed": func(t *testing.T, dir string) *pipeline.Pipeline {
			judged(t, dir, storing("x", "in.parquet", rest, operators.Filter("a % 600 < 599")), false)
			return storing("x", "in.parquet", rest, operators.Filter("a % 600 < 598"))
		},
		"rows were put aside": func(t *testing.T, dir string) *pipeline.Pipeline {
			rules := append([]gates.Rule{aside[len(aside)-1]}, storedRules[:6]...)
			judged(t, dir, storing("x", "in.parquet", rules), false)
			return storing("x", "in.parquet", storedRules)
		},
		"a forged manifest": func(t *testing.T, dir string) *pipeline.Pipeline {
			check(t, os.Mkdir(filepath.Join(dir, "forged"), 0o755))
			for _, name := range []string{"_manifest.json", "part-0.parquet"} {
				text, err := os.ReadFile(filepath.Join(dir, "out/x", name))
				check(t, err)
				check(t, os.WriteFile(filepath.Join(dir, "forged", name), text, 0o644))
			}
			return storing("z", "forged/*.parquet", storedRules)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := storedProject(t)
			fromStored(t, dir, test(t, dir), 0)
		})
	}
}

// Of a rule that puts rows aside, what is stored is what it finds of the rows that stay; where
// that is not known, because other rules put rows aside too, nothing is.
func TestStoredStatesAreOfTheRowsThatStay(t *testing.T) {
	dir := storedProject(t)
	rules := append([]gates.Rule{
		{Name: "first", Check: gates.Rows("b != 3"), Else: gates.Quarantine},
		{Name: "second", Check: gates.Rows("c != 1.5"), Else: gates.Quarantine},
		{Name: "third", Check: gates.Rows("c != 0.5"), Nulls: gates.NullsFail, Else: gates.Quarantine, Where: "b > 2"},
	}, storedRules[1:5]...)
	for i := range 3 { // the others see what the first i+1 leave
		all, n := append(rules[:i+1:i+1], rules[3:]...), 0
		if i == 0 {
			n = len(all)
		}
		name := fmt.Sprintf("y%d", i)
		judged(t, dir, storing(name, "in.parquet", all), false)
		fromStored(t, dir, storing("other"+name, "out/"+name+"/*.parquet", all), n)
		fromStored(t, dir, storing("rest"+name, "out/"+name+"/*.parquet", rules[3:]), 4)
	}
	nulls := []gates.Rule{rules[2]}
	judged(t, dir, storing("n", "in.parquet", nulls), false)
	fromStored(t, dir, storing("othern", "out/n/*.parquet", nulls), 0)
}
