package penstock_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/internal/seed"
	"github.com/penstock-data/penstock/operators"
	"github.com/penstock-data/penstock/operators/csv"
	"github.com/penstock-data/penstock/pipeline"
)

// knowing is a source in memory that says of its rows what a file would: as little or as
// much as the test wants.
type knowing struct {
	splits                         []arrow.RecordBatch
	page                           int
	facts, some, pages, dictionary bool
}

var knowingSchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "qty", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "price", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "code", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "day", Type: arrow.FixedWidthTypes.Date32},
}, nil)

func randomSplits(r *rand.Rand, alloc memory.Allocator) (splits []arrow.RecordBatch) {
	id := int64(0)
	for range 1 + r.IntN(5) {
		b := array.NewRecordBuilder(alloc, knowingSchema)
		nulls, wide, nan := r.IntN(3) == 0, r.IntN(3) == 0, r.IntN(3) == 0
		for range r.IntN(200) {
			id++
			b.Field(0).(*array.Int64Builder).Append(id)
			qty := int64(r.IntN(10))
			if wide && r.IntN(40) == 0 {
				qty = int64(r.IntN(2000)) - 1000
			}
			b.Field(1).(*array.Int64Builder).Append(qty)
			price := float64(r.IntN(1000)) / 8
			if nan && r.IntN(30) == 0 {
				price = math.NaN()
			}
			b.Field(2).(*array.Float64Builder).Append(price)
			code := string(rune('A' + r.IntN(4)))
			if nulls && r.IntN(10) == 0 {
				b.Field(3).AppendNull()
			} else {
				b.Field(3).(*array.StringBuilder).Append(code)
			}
			b.Field(4).(*array.Date32Builder).Append(arrow.Date32(id / 50))
		}
		splits = append(splits, b.NewRecordBatch())
		b.Release()
	}
	return splits
}

func (s knowing) String() string { return "knowing" }

func (s knowing) Resolve(context.Context, *pipeline.Env) (*pipeline.Input, error) {
	in := &pipeline.Input{Schema: knowingSchema}
	for i, b := range s.splits {
		split := pipeline.Split{Name: fmt.Sprintf("split %d", i), Rows: b.NumRows(), Bytes: -1}
		split.Open = func(ctx context.Context, env *pipeline.Env, columns []string) (pipeline.Reader, error) {
			return s.read(ctx, env, b, columns, nil)
		}
		if s.facts {
			split.Facts = func(c string) pipeline.Facts { return s.known(b, c, 0, b.NumRows()) }
		}
		if s.some {
			split.OpenSome = func(ctx context.Context, env *pipeline.Env, columns []string, keep []bool) (pipeline.Reader, error) {
				return s.read(ctx, env, b, columns, keep)
			}
		}
		if s.pages {
			split.Pages = func([]string) (parts []pipeline.Part, read int64, err error) {
				for from := int64(0); from < b.NumRows(); from += int64(s.page) {
					to := min(b.NumRows(), from+int64(s.page))
					parts = append(parts, pipeline.Part{Rows: to - from, Facts: func(c string) pipeline.Facts { return s.known(b, c, from, to) }})
				}
				return parts, 10, nil
			}
		}
		if s.dictionary {
			split.Dictionary = func(_ context.Context, _ *pipeline.Env, c string) (pipeline.Facts, int64, error) {
				f := s.known(b, c, 0, b.NumRows())
				if c == "code" {
					f.Values = codes("A", "B", "C", "D")
				}
				return f, 20, nil
			}
		}
		in.Splits = append(in.Splits, split)
	}
	return in, nil
}

func codes(all ...string) arrow.Array {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	b.AppendValues(all, nil)
	return b.NewArray()
}

// read gives batches of some 64 rows.
func (s knowing) read(ctx context.Context, env *pipeline.Env, b arrow.RecordBatch, columns []string, keep []bool) (pipeline.Reader, error) {
	var fields []arrow.Field
	var cols []arrow.Array
	for i, f := range knowingSchema.Fields() {
		if columns == nil || slices.Contains(columns, f.Name) {
			fields, cols = append(fields, f), append(cols, b.Column(i))
		}
	}
	whole := array.NewRecordBatch(arrow.NewSchema(fields, nil), cols, b.NumRows())
	if keep != nil {
		some, err := pipeline.Filter(ctx, whole, keep, env.Alloc)
		whole.Release()
		if err != nil {
			return nil, err
		}
		whole = some
	}
	defer whole.Release()
	var batches []arrow.RecordBatch
	for from := int64(0); from < whole.NumRows(); from += 64 {
		batches = append(batches, whole.NewSlice(from, min(whole.NumRows(), from+64)))
	}
	return pipeline.Batches(batches...), nil
}

// known are the facts of a column in some rows, as a careful writer's statistics have them.
func (s knowing) known(b arrow.RecordBatch, column string, from, to int64) (f pipeline.Facts) {
	a := array.NewSlice(b.Column(knowingSchema.FieldIndices(column)[0]), from, to)
	defer a.Release()
	f.Nulls, f.HasNulls = int64(a.NullN()), true
	for i := range a.Len() {
		if a.IsNull(i) {
			continue
		}
		switch a := a.(type) {
		case *array.Int64:
			bound(&f, a.Value(i), a.Value(i))
		case *array.Date32:
			bound(&f, int64(a.Value(i)), int64(a.Value(i)))
		case *array.String:
			bound(&f, a.Value(i), a.Value(i))
		case *array.Float64:
			if v := a.Value(i); v == v {
				bound(&f, v, v)
			}
		}
	}
	f.MinIs, f.MaxIs = f.Min != nil, f.Max != nil
	return f
}

func bound[T int64 | float64 | string](f *pipeline.Facts, low, high T) {
	if old, ok := f.Min.(T); !ok || low < old {
		f.Min = low
	}
	if old, ok := f.Max.(T); !ok || high > old {
		f.Max = high
	}
}

// staged keeps what a run stages in a directory.
type staged struct{ dir string }

type stagedFile struct {
	io.WriteCloser
	path string
}

func (s staged) Create(_ context.Context, st *pipeline.Stage, quarantine bool, name string) (pipeline.StagedFile, error) {
	path := filepath.Join(s.dir, fmt.Sprintf("%s-%t-%s", st.Name, quarantine, name))
	f, err := os.Create(path)
	return stagedFile{f, path}, err
}

func (s staged) Adopt(ctx context.Context, st *pipeline.Stage, name, from string) (pipeline.StagedFile, error) {
	f, err := s.Create(ctx, st, false, name)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(from)
	if err == nil {
		_, err = f.Write(text)
	}
	return f, errors.Join(err, f.Close())
}

func (s staged) Trace(_ context.Context, st *pipeline.Stage, name string) (pipeline.StagedFile, error) {
	path := filepath.Join(s.dir, st.Name+"-"+name)
	f, err := os.Create(path)
	return stagedFile{f, path}, err
}

func (f stagedFile) File() pipeline.File { return pipeline.File{Path: f.path} }
func (f stagedFile) Path() string        { return f.path }

var (
	randomOperators = []func() pipeline.Operator{
		func() pipeline.Operator { return operators.Filter("qty >= 0 && qty < 9") },
		func() pipeline.Operator { return operators.Filter("id > 100") },
		func() pipeline.Operator { return operators.Filter(`code != "B"`) },
		func() pipeline.Operator { return operators.Filter("price < 100.0") },
		func() pipeline.Operator {
			return operators.Derive(operators.Column{Name: "total", Expr: "price * double(qty)"})
		},
		func() pipeline.Operator { return operators.Derive(operators.Column{Name: "qty", Expr: "qty + 1"}) },
		func() pipeline.Operator {
			return operators.Derive(operators.Column{Name: "ratio", Expr: "100 / (id - 150)"})
		},
		func() pipeline.Operator { return operators.Rename(map[string]string{"qty": "amount"}) },
		func() pipeline.Operator { return operators.Rename(map[string]string{"amount": "qty"}) },
		func() pipeline.Operator { return operators.Drop("day") },
		func() pipeline.Operator { return operators.Select("code", "qty", "id") },
		func() pipeline.Operator { return operators.FillNull(map[string]any{"code": "none"}) },
		func() pipeline.Operator { return operators.Sample(0.7, 3) },
	}
	randomRules = []gates.Rule{
		{Name: "r1", Check: gates.Rows("qty >= 0")},
		{Name: "r2", Check: gates.Rows("id > 0")},
		{Name: "r3", Check: gates.Rows("price >= 0.0"), Nulls: gates.NullsFail},
		{Name: "r4", Check: gates.Rows(`code in ["A", "B", "C", "D"]`)},
		{Name: "r5", Check: gates.Rows(`code < "D"`), AtMost: gates.Share(0.5)},
		{Name: "r6", Check: gates.Rows("qty < 10"), Where: `code == "A"`},
		{Name: "r7", Check: gates.Rows("qty < 10 && qty >= 0"), Else: gates.Quarantine},
		{Name: "r8", Check: gates.Rows("id % 50 != 3"), Else: gates.Quarantine, AtMost: gates.Share(0.1)},
		{Name: "r9", Check: gates.Rows("code != null"), Else: gates.Quarantine},
		{Name: "r10", Check: gates.Rows("10 / qty >= 0"), Severity: pipeline.SeverityWarn},
		{Name: "n1", Check: gates.NotNull("id", "code")},
		{Name: "b1", Check: gates.Between("id", 1, 400)},
		{Name: "u1", Check: gates.Unique("id")},
		{Name: "u2", Check: gates.Unique("code", "qty")},
		{Name: "f1", Check: gates.References("code", "codes", "code")},
		{Name: "e1", Check: gates.Expect("rows() > 100")},
		{Name: "e2", Check: gates.Expect("min(id) == 1 && max(id) < 600")},
		{Name: "e3", Check: gates.Expect("sum(qty) > 0")},
		{Name: "e4", Check: gates.Expect("null_share(code) < 0.05")},
		{Name: "e5", Check: gates.Expect("count_if(qty > 9) == 0")},
		{Name: "e6", Check: gates.Expect(`max(code) == "D"`), Where: "id > 150"},
		{Name: "e7", Check: gates.Expect("distinct(code) == 4 && mean(price) > 1.0")},
		{Name: "e8", Check: gates.Expect(`min(day) < timestamp("1971-01-01T00:00:00Z")`)},
	}
)

// randomStages are one stage, or two of which the first streams into the second.
func randomStages(t *testing.T, r *rand.Rand) []pipeline.Stage {
	t.Helper()
	a, schema := randomStage(t, r, "a", "knowing", knowingSchema)
	if a.Output != nil || r.IntN(2) == 0 {
		return []pipeline.Stage{a}
	}
	b, _ := randomStage(t, r, "b", "a", schema)
	return []pipeline.Stage{a, b}
}

// randomStage has operators and rules that bind to each other's columns.
func randomStage(t *testing.T, r *rand.Rand, name, from string, schema *arrow.Schema) (pipeline.Stage, *arrow.Schema) {
	t.Helper()
	s := pipeline.Stage{Name: name, From: []string{from}}
	for range r.IntN(4) {
		op := randomOperators[r.IntN(len(randomOperators))]()
		if b, err := op.Bind(schema); err == nil {
			s.Operators, schema = append(s.Operators, op), b.Schema
		}
	}
	var rules []gates.Rule
	for _, i := range r.Perm(len(randomRules))[:1+r.IntN(8)] {
		if _, err := gates.Of(randomRules[i]).Bind(schema, pipeline.Surroundings{}); err == nil {
			rules = append(rules, randomRules[i])
		}
	}
	s.Gates = gates.Of(rules...)
	quarantines := slices.ContainsFunc(rules, func(r gates.Rule) bool { return r.Else == gates.Quarantine })
	if quarantines || r.IntN(3) > 0 {
		s.Output = &pipeline.Output{Path: "out", Format: csv.Format{}}
	}
	return s, schema
}

// saw is what a run said and wrote.
type saw struct {
	Err      string
	Findings []pipeline.Finding
	Metrics  map[string]string
	Records  []pipeline.StageRecord
	RowsIn   int64
	Files    map[string]string

	rungs map[string]int // findings by what decided them
}

func look(t *testing.T, alloc memory.Allocator, stages []pipeline.Stage, src knowing, scan bool, workers int) saw {
	t.Helper()
	list := knowing{splits: []arrow.RecordBatch{src.splits[0]}}
	dir := t.TempDir()
	env := &pipeline.Env{Dir: dir, Temp: dir, Workers: workers, Alloc: alloc, ForceScan: scan}
	return lookAt(t, env, stages, pipeline.NamedSource{Name: "knowing", Source: src}, pipeline.NamedSource{Name: "codes", Source: list})
}

// lookAt runs stages over sources, which may be files of the environment's directory, and
// leaves what they write among the temporary ones.
func lookAt(t *testing.T, env *pipeline.Env, stages []pipeline.Stage, sources ...pipeline.NamedSource) (s saw) {
	t.Helper()
	env.Memory, env.Now = pipeline.NewBudget(64<<20), func() time.Time { return time.Time{} }
	plan, err := pipeline.Bind(t.Context(), &pipeline.Pipeline{Name: "p", Stages: stages, Sources: sources}, env)
	if err != nil {
		t.Fatal(err)
	}
	out, err := plan.Run(t.Context(), staged{env.Temp}, nil)
	if err != nil {
		return saw{Err: err.Error()}
	}
	s = saw{RowsIn: out.RowsIn, Metrics: map[string]string{}, Files: map[string]string{}}
	for _, st := range out.Stages {
		s.Findings, s.Records = append(s.Findings, st.Findings...), append(s.Records, st.Record)
		for name, text := range st.Metrics {
			s.Metrics[st.Stage.Name+" "+name] = string(bytes.TrimSpace(text))
		}
	}
	s.rungs = map[string]int{}
	for i := range s.Findings {
		f := &s.Findings[i]
		if f.Name == pipeline.Conservation && f.Verdict != pipeline.Pass {
			t.Errorf("%v: %s, %s expected: %q", stages, f.Observed, f.Expected, f.Detail)
		}
		s.rungs[f.DecidedBy]++
		f.DecidedBy, f.Groups, f.GroupsRead, f.BytesRead = "", 0, 0, 0
		f.Detail = slices.Clone(f.Detail)
	}
	paths, _ := filepath.Glob(filepath.Join(env.Temp, "*"))
	for _, path := range paths {
		s.Files[filepath.Base(path)] = written(t, env, path)
	}
	return s
}

// written is what a file says: its text, or the rows it has.
func written(t *testing.T, env *pipeline.Env, path string) string {
	t.Helper()
	if filepath.Ext(path) == ".parquet" {
		return shown(t, env, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// asEver leaves out of findings what depends on which rows were looked at.
var asEver = cmpopts.IgnoreFields(pipeline.Finding{}, "Samples", "Blame")

// Whatever is known of rows without reading them, a run says and writes the same.
func TestEvidenceAndScanAgree(t *testing.T) {
	first := seed.For(t)
	rungs := map[string]int{}
	for i := range 60 {
		r := rand.New(rand.NewPCG(first, uint64(i)))
		alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
		splits := randomSplits(r, alloc)
		stages := randomStages(t, r)
		src := knowing{splits: splits, page: 5 + r.IntN(60)}
		want := look(t, alloc, stages, src, false, 1)
		for _, mode := range append(r.Perm(32)[:8], 15) {
			src := src
			src.facts, src.some, src.pages, src.dictionary = mode&1 != 0, mode&2 != 0, mode&4 != 0, mode&8 != 0
			got := look(t, alloc, stages, src, mode&16 != 0, 1+mode%2)
			for rung, n := range got.rungs {
				rungs[rung] += n
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(saw{}), asEver); diff != "" {
				text, _ := json.Marshal(want.Findings)
				t.Fatalf("case %d, mode %05b: %v\n%s\n%s", i, mode, stages, diff, text)
			}
		}
		for _, b := range splits {
			b.Release()
		}
		alloc.AssertSize(t, 0)
	}
	for _, rung := range []string{"footer", "scan"} {
		if rungs[rung] == 0 {
			t.Errorf("%d findings were decided by %s; all: %v", rungs[rung], rung, rungs)
		}
	}
}
