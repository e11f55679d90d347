package reconcile

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/words"
)

var rewrite = flag.Bool("rewrite", false, "write what the operator gives into testdata")

func testEnv(t testing.TB) *pipeline.Env {
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	t.Cleanup(func() {
		if n := alloc.CurrentAlloc(); n != 0 {
			t.Errorf("%d bytes were not given back", n)
		}
	})
	day := time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC)
	return &pipeline.Env{
		Alloc: alloc, Memory: pipeline.NewBudget(1 << 30), Workers: 2, Temp: t.TempDir(),
		Partition: pipeline.Partition{By: pipeline.Day, Value: "2026-11-05", Start: day, End: day.AddDate(0, 0, 1)},
	}
}

// table reads "name:type name:type" and a row a line, cells apart by "|", ~ for null.
func table(t testing.TB, alloc memory.Allocator, head string, rows []string) arrow.RecordBatch {
	t.Helper()
	var fields []arrow.Field
	for part := range strings.SplitSeq(head, "; ") {
		name, typ, _ := strings.Cut(part, ":")
		var dt arrow.DataType
		var err error
		switch typ {
		case "dict":
			dt = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
		case "large":
			dt = arrow.BinaryTypes.LargeString
		case "date64":
			dt = arrow.FixedWidthTypes.Date64
		case "time32":
			dt = arrow.FixedWidthTypes.Time32s
		default:
			dt, err = pipeline.ParseType(typ)
		}
		if err != nil {
			t.Fatal(err)
		}
		fields = append(fields, arrow.Field{Name: name, Type: dt, Nullable: true})
	}
	b := array.NewRecordBuilder(alloc, arrow.NewSchema(fields, nil))
	defer b.Release()
	for _, row := range rows {
		cells := strings.Split(row, "|")
		if len(cells) != len(fields) {
			t.Fatalf("%q has %d cells, %d expected", row, len(cells), len(fields))
		}
		for i, cell := range cells {
			if cell == "~" {
				b.Field(i).AppendNull()
			} else if err := b.Field(i).AppendValueFromString(cell); err != nil {
				t.Fatal(err)
			}
		}
	}
	return b.NewRecordBatch()
}

// cut gives a batch in batches of so many rows.
func cut(b arrow.RecordBatch, size int64) pipeline.Reader {
	var all []arrow.RecordBatch
	for from := int64(0); from < b.NumRows(); from += size {
		all = append(all, b.NewSlice(from, min(from+size, b.NumRows())))
	}
	return pipeline.Batches(all...)
}

// input gives a batch in splits of so many rows, each in two batches.
func input(b arrow.RecordBatch, size int64) *pipeline.Input {
	in := &pipeline.Input{Schema: b.Schema()}
	for from := int64(0); from < b.NumRows(); from += size {
		n := min(size, b.NumRows()-from)
		in.Splits = append(in.Splits, pipeline.Split{Name: fmt.Sprint("split ", from), Rows: n, Bytes: -1, Open: func(_ context.Context, _ *pipeline.Env, columns []string) (pipeline.Reader, error) {
			var fields []arrow.Field
			var cols []arrow.Array
			for i, f := range b.Schema().Fields() {
				if columns == nil || slices.Contains(columns, f.Name) {
					fields, cols = append(fields, f), append(cols, b.Column(i))
				}
			}
			whole := array.NewRecordBatch(arrow.NewSchema(fields, nil), cols, b.NumRows())
			defer whole.Release()
			some := whole.NewSlice(from, from+n)
			defer some.Release()
			return cut(some, max(1, n/2)), nil
		}})
	}
	return in
}

// run gives the result as a line a row.
func run(ctx context.Context, env *pipeline.Env, op pipeline.Operator, size int64, left, right arrow.RecordBatch) ([]string, error) {
	bound, err := op.Bind(left.Schema(), right.Schema())
	if err != nil {
		return nil, err
	}
	r, err := bound.Scan(ctx, env, input(left, size), input(right, size))
	if err != nil {
		return nil, err
	}
	var head []string
	for _, f := range bound.Schema.Fields() {
		head = append(head, f.Name)
	}
	rows := []string{strings.Join(head, "|")}
	err = pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
		if !b.Schema().Equal(bound.Schema) {
			return fmt.Errorf("the batch has %v, bound was %v", b.Schema(), bound.Schema)
		}
		for i := range int(b.NumRows()) {
			var cells []string
			for _, c := range b.Columns() {
				cell := "~"
				if c.IsValid(i) {
					cell = strings.ReplaceAll(c.ValueStr(i), "|", "/")
				}
				cells = append(cells, cell)
			}
			rows = append(rows, strings.Join(cells, "|"))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, f := range r.(pipeline.Finder).Findings() {
		if f.Name != pipeline.Balance || f.Verdict != pipeline.Pass {
			return nil, fmt.Errorf("%s: %s: %s, %s expected: %q", f.Name, f.Verdict, f.Observed, f.Expected, f.Detail)
		}
	}
	return rows, nil
}

// TestFiles runs the cases of testdata/*.txt: a name, the left side, the right side, the options as
// JSON, a line of dashes, and what comes out. Each case is run with batches of several sizes, with
// its rows in other orders, and with its sides swapped.
func TestFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for block := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
			head, want, _ := strings.Cut(block, "\n----")
			got := strings.TrimSpace(runCase(t, head))
			if got != strings.TrimSpace(want) && !*rewrite {
				t.Errorf("%s: %s:\n got\n%s\nwant\n%s", file, head, got, strings.TrimSpace(want))
			}
			out = append(out, head+"\n----\n"+got)
		}
		if *rewrite {
			if err := os.WriteFile(file, []byte(strings.Join(out, "\n\n")+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func runCase(t *testing.T, text string) string {
	t.Helper()
	lines := strings.Split(text, "\n")
	var heads [2]string
	var rows [2][]string
	var o Options
	side := -1
	for _, line := range lines[1:] {
		switch word, rest, _ := strings.Cut(line, " "); word {
		case "left", "right":
			side++
			heads[side] = rest
		case "options":
			dec := json.NewDecoder(strings.NewReader(rest))
			dec.DisallowUnknownFields()
			if err := dec.Decode(&o); err != nil {
				t.Fatalf("%s: %v", lines[0], err)
			}
		default:
			rows[side] = append(rows[side], line)
		}
	}
	env := testEnv(t)
	try := func(op pipeline.Operator, size int64, l, r int, rows [2][]string) []string {
		left, right := table(t, env.Alloc, heads[l], rows[l]), table(t, env.Alloc, heads[r], rows[r])
		defer left.Release()
		defer right.Release()
		got, err := run(t.Context(), env, op, size, left, right)
		if err != nil {
			return []string{"error: " + err.Error()}
		}
		return got
	}
	first := try(sides{o, true}, 100, 0, 1, rows)
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int64{1, 3} {
		mixed := [2][]string{slices.Clone(rows[0]), slices.Clone(rows[1])}
		for _, r := range mixed {
			random.Shuffle(len(r), func(i, j int) { r[i], r[j] = r[j], r[i] })
		}
		if got := try(Sides(o), size, 0, 1, mixed); !slices.Equal(got, first) {
			t.Errorf("%s: with the rows in another order, in batches of %d:\n%s\ninstead of\n%s", lines[0], size, strings.Join(got, "\n"), strings.Join(first, "\n"))
		}
	}
	if !strings.HasPrefix(first[0], "error") {
		swapped := try(Sides(mirrored(o)), 2, 1, 0, rows)
		if got := mirror(swapped); !slices.Equal(got, mirror(mirror(first))) && !slices.ContainsFunc(o.Passes, func(p Pass) bool { return p.Many == "" }) {
			t.Errorf("%s: with the sides swapped:\n%s\ninstead of\n%s", lines[0], strings.Join(got, "\n"), strings.Join(first, "\n"))
		}
	}
	return strings.Join(first, "\n")
}

// mirrored are the options for swapped sides.
func mirrored(o Options) Options {
	swap := func(text string) string {
		l, r, two := strings.Cut(text, "=")
		if !two {
			return text
		}
		return strings.TrimSpace(r) + " = " + strings.TrimSpace(l)
	}
	o.Names[0], o.Names[1] = o.Names[1], o.Names[0]
	o.Keys, o.Columns, o.Passes = slices.Clone(o.Keys), slices.Clone(o.Columns), slices.Clone(o.Passes)
	for i, k := range o.Keys {
		left := orElse(k.Left, k.Right)
		o.Keys[i].As = orElse(k.As, left)
		o.Keys[i].Left, o.Keys[i].Right = orElse(k.Right, left), left
	}
	for i, c := range o.Columns {
		left := orElse(c.Left, c.Right)
		o.Columns[i].As = orElse(c.As, left)
		o.Columns[i].Left, o.Columns[i].Right = orElse(c.Right, left), left
	}
	for i, p := range o.Passes {
		o.Passes[i].Date = swap(p.Date)
		o.Passes[i].On = slices.Clone(p.On)
		for j := range p.On {
			o.Passes[i].On[j] = swap(p.On[j])
		}
		o.Passes[i].Many = map[string]string{"": "", "left": "right", "right": "left"}[p.Many]
	}
	if o.Late != nil {
		o.Late = &LateRule{swap(o.Late.Column), o.Late.Days}
	}
	return o
}

// mirror swaps what the lines of a result say of the sides, and puts them in order.
func mirror(lines []string) []string {
	head := strings.Split(lines[0], "|")
	at := map[string]int{}
	for i, name := range head {
		at[name] = i
	}
	out := []string{lines[0]}
	for _, line := range lines[1:] {
		cells := strings.Split(line, "|")
		swapped := slices.Clone(cells)
		for i, name := range head {
			if rest, ok := strings.CutPrefix(name, "left"); ok {
				if j, ok := at["right"+rest]; ok {
					swapped[i], swapped[j] = cells[j], cells[i]
				}
			}
		}
		if o := cells[at[words.ColOutcome]]; o == words.OnlyLeft {
			swapped[at[words.ColOutcome]] = words.OnlyRight
		} else if o == words.OnlyRight {
			swapped[at[words.ColOutcome]] = words.OnlyLeft
		}
		if d := cells[at[words.ColDelta]]; d != "~" && d != "0" {
			if rest, negative := strings.CutPrefix(d, "-"); negative {
				swapped[at[words.ColDelta]] = rest
			} else {
				swapped[at[words.ColDelta]] = "-" + d
			}
		}
		out = append(out, strings.Join(swapped, "|"))
	}
	slices.Sort(out[1:])
	return out
}
