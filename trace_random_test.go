package penstock_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/internal/seed"
	"github.com/penstock-data/penstock/internal/trace"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

// Random pipelines over rows that carry an id of their own: what is recorded of where each row
// came from must be what the ids in it say.
func TestTraceOfRandomPipelines(t *testing.T) {
	rounds := 30
	if testing.Short() {
		rounds = 10
	}
	first := seed.For(t)
	for i := range rounds {
		t.Run(fmt.Sprintf("seed=%d", first+uint64(i)), func(t *testing.T) {
			t.Parallel()
			w := newTracedWorld(t, first+uint64(i))
			w.pipeline()
			plain := w.run(t, false, 1, false)
			for _, workers := range []int{1, 2} {
				for _, scan := range []bool{false, true} {
					got := w.run(t, true, workers, scan)
					if diff := cmp.Diff(plain.data, got.data); diff != "" {
						t.Fatalf("%s\nrows that are followed are others (workers %d, scan %t):\n%s", w.text(true), workers, scan, diff)
					}
					w.check(t, plain, got)
				}
			}
		})
	}
}

// tracedWorld is a pipeline, its sources, and what is known of their rows.
type tracedWorld struct {
	dir    string
	r      *rand.Rand
	ids    map[string]map[string][]int64 // by source and file
	head   strings.Builder
	stages []*tracedStage
	next   int64
	fresh  int
}

// tracedStage is a stage, or a source, with the columns k, v, s, f and those of ids.
type tracedStage struct {
	name    string
	ids     []string
	text    string // from and operators
	output  bool
	lineage bool
	source  bool
	groups  []string // of an aggregate: what it groups by
	gate    bool
	narrow  bool // it has only k, and ids
}

func newTracedWorld(t *testing.T, seed uint64) *tracedWorld {
	w := &tracedWorld{dir: t.TempDir(), r: rand.New(rand.NewPCG(seed, 1)), ids: map[string]map[string][]int64{}}
	for i := range 2 + w.r.IntN(2) {
		name := fmt.Sprintf("s%d", i)
		w.ids[name] = map[string][]int64{}
		id := "i" + strconv.Itoa(i)
		csv := w.r.IntN(4) == 0
		for f := range 1 + w.r.IntN(3) {
			file := fmt.Sprintf("%s-%d", name, f)
			if csv {
				w.csvFile(t, name, file+".csv", id)
			} else {
				w.parquetFile(t, name, file+".parquet", id)
			}
		}
		kind, types := "parquet: "+name+"-*.parquet", ""
		if csv {
			kind, types = "csv: "+name+"-*.csv", fmt.Sprintf(", schema: {%s: int64, k: int64, v: int64, s: string, f: float64}", id)
		}
		fmt.Fprintf(&w.head, "  %s: {%s%s}\n", name, kind, types)
		w.stages = append(w.stages, &tracedStage{name: name, ids: []string{id}, source: true})
	}
	return w
}

// row gives the values of a row as text; empty is null.
func (w *tracedWorld) row() (id int64, k, v, s, f string) {
	w.next++
	maybe := func(share float64, text string) string {
		if w.r.Float64() < share {
			return ""
		}
		return text
	}
	floats := []string{"0", "-0", "1.5", "2.5", "-1"}
	return w.next, maybe(0.1, fmt.Sprint(w.r.IntN(12))), maybe(0.1, fmt.Sprint(w.r.IntN(100)-50)),
		maybe(0.1, string(rune('a'+w.r.IntN(4)))), maybe(0.2, floats[w.r.IntN(len(floats))])
}

func (w *tracedWorld) csvFile(t *testing.T, source, name, id string) {
	text := id + ",k,v,s,f\n"
	for range 1 + w.r.IntN(60) {
		n, k, v, s, f := w.row()
		w.ids[source][name] = append(w.ids[source][name], n)
		text += fmt.Sprintf("%d,%s,%s,%s,%s\n", n, k, v, s, f)
	}
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (w *tracedWorld) parquetFile(t *testing.T, source, name, id string) {
	file, err := os.Create(filepath.Join(w.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: id, Type: arrow.PrimitiveTypes.Int64},
		{Name: "k", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "v", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "f", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	}, nil)
	enc, err := parquet.Format{}.Create(file, schema)
	if err != nil {
		t.Fatal(err)
	}
	for range 1 + w.r.IntN(4) {
		b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		sorted := w.r.IntN(2) == 0 // so that row groups can be known not to matter
		for i := range 1 + w.r.IntN(40) {
			n, k, v, s, f := w.row()
			if sorted {
				v = strconv.Itoa(i*2 - 40)
			}
			w.ids[source][name] = append(w.ids[source][name], n)
			for j, text := range []string{fmt.Sprint(n), k, v, s, f} {
				if text == "" {
					b.Field(j).AppendNull()
				} else if err := b.Field(j).AppendValueFromString(text); err != nil {
					t.Fatal(err)
				}
			}
		}
		batch := b.NewRecordBatch()
		chunk, err := enc.Encode(t.Context(), []arrow.RecordBatch{batch})
		if err == nil {
			err = enc.Append(chunk)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
}

// pick chooses a source or stage that has all columns.
func (w *tracedWorld) pick() *tracedStage {
	for {
		if s := w.stages[w.r.IntN(len(w.stages))]; !s.narrow {
			return s
		}
	}
}

func (w *tracedWorld) add(s *tracedStage) *tracedStage {
	s.name = fmt.Sprintf("t%d", len(w.stages))
	w.stages = append(w.stages, s)
	return s
}

// pipeline adds stages at random; the last is traced.
func (w *tracedWorld) pipeline() {
	var last *tracedStage
	for range 1 + w.r.IntN(4) {
		left := w.pick()
		switch w.r.IntN(4) {
		case 0:
			last = w.join(left, w.pick())
		case 1:
			last = w.union(left, w.pick())
		default:
			last = w.chain(left)
		}
		if last.output = w.r.IntN(3) == 0; last.output {
			last.lineage, last.gate = w.r.IntN(2) == 0, w.r.IntN(2) == 0
		}
	}
	if w.r.IntN(2) == 0 {
		last = w.aggregate(last)
	}
	last.output, last.lineage, last.gate = true, true, w.r.IntN(3) == 0 && last.groups == nil
}

func (w *tracedWorld) columns(ids []string) string {
	return strings.Join(append([]string{"k", "v", "s", "f"}, ids...), ", ")
}

// renamed gives ids new names, in a stage of its own.
func (w *tracedWorld) renamed(s *tracedStage, names []string, columns string) *tracedStage {
	ops := []string{"select: [" + columns + "]"}
	var pairs []string
	for i, id := range s.ids {
		if id != names[i] {
			pairs = append(pairs, id+": "+names[i])
		}
	}
	if len(pairs) > 0 {
		ops = append(ops, "rename: {"+strings.Join(pairs, ", ")+"}")
	}
	return w.add(&tracedStage{ids: names, text: w.stage([]string{s.name}, ops)})
}

func (w *tracedWorld) stage(from, ops []string) string {
	text := "    from: [" + strings.Join(from, ", ") + "]\n    operators:\n"
	for _, op := range ops {
		text += "      - " + op + "\n"
	}
	return text
}

func (w *tracedWorld) join(left, right *tracedStage) *tracedStage {
	var names []string
	for range right.ids {
		w.fresh++
		names = append(names, fmt.Sprintf("j%d", w.fresh))
	}
	r := w.renamed(right, names, strings.Join(append([]string{"k"}, right.ids...), ", "))
	r.narrow = true
	kind := []string{"inner", "left", "full", "semi", "anti"}[w.r.IntN(5)]
	ids := slices.Clone(left.ids)
	if kind != "semi" && kind != "anti" {
		ids = append(ids, names...)
	}
	ops := append([]string{"join: {on: [k], kind: " + kind + "}", "limit: 500"}, w.operators(ids)...)
	return w.add(&tracedStage{ids: ids, text: w.stage([]string{left.name, r.name}, ops)})
}

func (w *tracedWorld) union(left, right *tracedStage) *tracedStage {
	if len(left.ids) != len(right.ids) {
		return w.chain(left)
	}
	r := w.renamed(right, left.ids, w.columns(right.ids))
	l := w.renamed(left, left.ids, w.columns(left.ids))
	return w.add(&tracedStage{ids: left.ids, text: w.stage([]string{l.name, r.name}, append([]string{"union"}, w.operators(left.ids)...))})
}

func (w *tracedWorld) chain(s *tracedStage) *tracedStage {
	ops := w.operators(s.ids)
	return w.add(&tracedStage{ids: s.ids, text: w.stage([]string{s.name}, append(ops, w.operators(s.ids)...))})
}

// operators are some that leave the columns as they were.
func (w *tracedWorld) operators(ids []string) (ops []string) {
	all := []string{
		"filter: v > -20", "filter: v < 25", "filter: k % 2 == 0", `filter: s != "b"`, "filter: f >= 0.0",
		"derive: {w: v * 2}", "fill_null: {s: none}", "sample: {share: 0.8, seed: 3}", "limit: 60",
		"sort: [s, -v]", "sort: [-f, k]", "dedupe: {keys: [k]}", "dedupe: {keys: [k, s], keep: last}",
		"dedupe: {keys: [f], order_by: [-v]}", "dedupe: {keys: [s, v]}", "dedupe: {}",
	}
	known := fmt.Sprintf("filter: %s > 0", ids[0]) // it holds, and often that is known without reading a row
	for range w.r.IntN(4) {
		if w.r.IntN(4) == 0 {
			ops = append(ops, known)
			continue
		}
		ops = append(ops, all[w.r.IntN(len(all))])
	}
	ops = slices.Compact(ops)
	return append(ops, "select: ["+w.columns(ids)+"]")
}

func (w *tracedWorld) aggregate(s *tracedStage) *tracedStage {
	by := [][]string{{"k"}, {"k", "s"}, {"f"}, {}}[w.r.IntN(4)]
	ops := []string{"aggregate: {by: [" + strings.Join(by, ", ") + "], columns: {n: count(), t: sum(v)}}"}
	if w.r.IntN(2) == 0 {
		ops = append(ops, "filter: n % 2 == 1")
	}
	if w.r.IntN(2) == 0 {
		ops = append(ops, "sort: [-t]")
	}
	return w.add(&tracedStage{text: w.stage([]string{s.name}, ops), groups: by})
}

// text is the pipeline; without lineage what an aggregate reads is written as well.
func (w *tracedWorld) text(lineage bool) string {
	text := "name: p\nsources:\n" + w.head.String() + "stages:\n"
	for i, s := range w.stages {
		if s.source {
			continue
		}
		text += "  " + s.name + ":\n" + s.text
		before := !lineage && i == len(w.stages)-2 && w.stages[i+1].groups != nil
		if s.output || before {
			text += "    output: {parquet: out/" + s.name + "}\n"
		}
		if s.gate && s.output {
			text += "    gates: [{name: odd, rows: 'v != 8 && v != -3', else: quarantine, at_most: 100%}]\n"
		}
		if lineage && s.lineage {
			text += "    lineage: rows\n"
		}
	}
	return text
}

// tracedRun is what a run left.
type tracedRun struct {
	data  map[string]string              // the bytes of each output
	rows  map[string][]map[string]string // of each output
	trace map[string]*trace.Reader
}

func (w *tracedWorld) run(t *testing.T, lineage bool, workers int, scan bool) *tracedRun {
	t.Helper()
	text := w.text(lineage)
	pl, err := config.Parse("p.yaml", []byte(text), config.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	out, alloc := t.TempDir(), memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	env := &pipeline.Env{
		Dir: w.dir, Temp: out, Workers: workers, ForceScan: scan, Memory: pipeline.NewBudget(256 << 20),
		Now: func() time.Time { return time.Time{} }, Alloc: alloc,
	}
	plan, err := pipeline.Bind(t.Context(), pl, env)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	got, err := plan.Run(t.Context(), staged{out}, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	res := left(t, env, got)
	for name := range res.data {
		if !w.named(name).output {
			delete(res.data, name) // it was written to be looked at
		}
	}
	return res
}

// left reads what a run left.
func left(t *testing.T, env *pipeline.Env, got *pipeline.Outcome) *tracedRun {
	t.Helper()
	res := &tracedRun{data: map[string]string{}, rows: map[string][]map[string]string{}, trace: map[string]*trace.Reader{}}
	for _, s := range got.Stages {
		for _, f := range s.Files {
			bytes, err := os.ReadFile(f.Path)
			if err != nil {
				t.Fatal(err)
			}
			res.data[s.Stage.Name] += string(bytes)
			res.rows[s.Stage.Name] = append(res.rows[s.Stage.Name], readRows(t, env, f.Path)...)
		}
		for _, f := range s.Lineage {
			file, err := os.Open(f.Path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { file.Close() })
			info, err := file.Stat()
			if err != nil {
				t.Fatal(err)
			}
			if res.trace[s.Stage.Name], err = trace.Open(file, info.Size()); err != nil {
				t.Fatal(err)
			}
		}
	}
	return res
}

func (w *tracedWorld) named(name string) *tracedStage {
	i := slices.IndexFunc(w.stages, func(s *tracedStage) bool { return s.name == name })
	return w.stages[i]
}

// readRows reads all rows of a file as text.
func readRows(t *testing.T, env *pipeline.Env, path string) (rows []map[string]string) {
	t.Helper()
	in, err := parquet.Files(path).Resolve(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range in.Splits {
		r, err := s.Open(t.Context(), env, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = pipeline.Each(t.Context(), r, func(b arrow.RecordBatch) error {
			for i := range int(b.NumRows()) {
				row := map[string]string{}
				for c, f := range b.Schema().Fields() {
					if b.Column(c).IsValid(i) {
						row[f.Name] = b.Column(c).ValueStr(i)
					}
				}
				rows = append(rows, row)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

// check compares what is recorded with what the rows say of themselves.
func (w *tracedWorld) check(t *testing.T, plain, got *tracedRun) {
	t.Helper()
	for i, s := range w.stages {
		tr := got.trace[s.name]
		if tr == nil {
			if s.lineage {
				t.Fatalf("%s\n%s was not traced", w.text(true), s.name)
			}
			continue
		}
		rows := got.rows[s.name]
		if tr.Rows() != int64(len(rows)) {
			t.Fatalf("%s\n%s has %d rows, %d were traced", w.text(true), s.name, len(rows), tr.Rows())
		}
		var before []map[string]string
		if s.groups != nil {
			before = plain.rows[w.stages[i-1].name]
		}
		for n, row := range rows {
			want, have := w.truth(s, row, before), w.recorded(t, plain, tr, int64(n))
			if !maps.Equal(want, have) {
				t.Fatalf("%s\n%s, row %d %v came from %v, recorded is %v", w.text(true), s.name, n, row, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(have)))
			}
		}
	}
}

// truth is the ids of the rows that a row came from.
func (w *tracedWorld) truth(s *tracedStage, row map[string]string, before []map[string]string) map[int64]bool {
	ids := map[int64]bool{}
	if s.groups == nil {
		addIDs(ids, row, s.ids)
		return ids
	}
	pre := w.stages[len(w.stages)-2]
	for _, b := range before {
		same := true
		for _, by := range s.groups {
			same = same && normal(b, by) == normal(row, by)
		}
		if same {
			addIDs(ids, b, pre.ids)
		}
	}
	return ids
}

// normal is a value so that what a group takes as equal is.
func normal(row map[string]string, column string) string {
	v, ok := row[column]
	if !ok {
		return "null"
	}
	if f, err := strconv.ParseFloat(v, 64); err == nil && f == 0 {
		return fmt.Sprint(math.Abs(f))
	}
	return v
}

func addIDs(ids map[int64]bool, row map[string]string, columns []string) {
	for _, c := range columns {
		if n, err := strconv.ParseInt(row[c], 10, 64); err == nil {
			ids[n] = true
		}
	}
}

// recorded is the ids of the rows that a trace file tells of.
func (w *tracedWorld) recorded(t *testing.T, plain *tracedRun, tr *trace.Reader, row int64) map[int64]bool {
	t.Helper()
	ids := map[int64]bool{}
	err := tr.Each(row, func(o trace.Origin) error {
		if known := w.ids[o.Input.Name]; known != nil {
			ids[known[o.File()][o.Row]] = true
			return nil
		}
		addIDs(ids, plain.rows[o.Input.Name][o.Row], w.named(o.Input.Name).ids)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}
