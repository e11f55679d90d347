package operators

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/pipeline"
)

var rewrite = flag.Bool("rewrite", false, "write what the operators give into testdata")

// named are the operators that the files in testdata name.
var named = map[string]pipeline.Operator{
	"filter delay > 0":             Filter("delay > 0"),
	"filter nothing":               Filter("delay > 1000"),
	"filter by string":             Filter(`origin == "ORD" || delay == null`),
	"filter error":                 Filter("10 / (delay - 5) > 0"),
	"filter not bool":              Filter("delay + 1"),
	"filter unknown column":        Filter("dely > 0"),
	"select":                       Select("delay", "id"),
	"select unknown":               Select("dely"),
	"select twice":                 Select("id", "id"),
	"drop":                         Drop("origin"),
	"drop unknown":                 Drop("origi"),
	"rename":                       Rename(map[string]string{"id": "flight", "delay": "minutes"}),
	"rename to one in use":         Rename(map[string]string{"id": "delay"}),
	"cast":                         Cast(map[string]string{"delay": "float64", "origin": "string"}),
	"cast that does not fit":       Cast(map[string]string{"delay": "uint8"}),
	"cast of a kind there is none": Cast(map[string]string{"id": "decmal"}),
	"fill_null":                    FillNull(map[string]any{"delay": 0, "origin": "???"}),
	"fill_null of another type":    FillNull(map[string]any{"delay": "none"}),
	"derive":                       Derive(Column{Name: "late", Expr: "delay > 15"}, Column{Name: "twice", Expr: "delay * 2"}, Column{Name: "delay", Expr: "twice + 1"}),
	"derive with type":             Derive(Column{Name: "d", Expr: "delay", Type: "int16"}),
	"derive error":                 Derive(Column{Name: "x", Expr: "9223372036854775807 + delay"}),
	"limit":                        Limit(3),
	"limit nothing":                Limit(0),
	"sample all":                   Sample(1, 7),
	"sample none":                  Sample(0, 7),
	"sample wrong":                 Sample(1.5, 7),
	"union":                        Union(),
}

// TestFiles runs the cases of testdata/*.txt: the name of an operator, its input rows,
// a line of dashes, and what comes out. Each case is run with the input cut into batches
// of several sizes; errors are cases too.
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
		for _, block := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
			head, want, _ := strings.Cut(block, "\n----")
			name, input, _ := strings.Cut(head, "\n")
			var first string
			for _, size := range []int{1, 2, 100} {
				got := runCase(t, name, strings.Split(input, "\n"), size)
				if first == "" {
					first = got
				} else if got != first {
					t.Errorf("%s: batches of %d give\n%s\nand batches of 1\n%s", name, size, got, first)
				}
			}
			if got := strings.TrimSpace(first); got != strings.TrimSpace(want) && !*rewrite {
				t.Errorf("%s: %s:\n got\n%s\nwant\n%s", file, name, got, strings.TrimSpace(want))
			}
			out = append(out, head+"\n----\n"+strings.TrimSpace(first))
		}
		if *rewrite {
			if err := os.WriteFile(file, []byte(strings.Join(out, "\n\n")+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

var inputSchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "origin", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}, Nullable: true},
	{Name: "delay", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
}, nil)

func runCase(t *testing.T, name string, input []string, size int) string {
	t.Helper()
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	env := &pipeline.Env{Alloc: alloc, Workers: 1, Memory: pipeline.NewBudget(1 << 20)}
	op, ok := named[name]
	if !ok {
		t.Fatalf("no operator is called %q here", name)
	}
	in := []*arrow.Schema{inputSchema}
	if name == "union" {
		in = append(in, inputSchema)
	}
	bound, err := op.Bind(in...)
	if err != nil {
		return "error: " + err.Error()
	}
	var got []string
	for _, f := range bound.Schema.Fields() {
		typ := f.Name + ":" + pipeline.TypeName(f.Type)
		if f.Nullable {
			typ += "?"
		}
		got = append(got, typ)
	}
	lines := []string{strings.Join(got, " ")}
	r, err := open(env, bound, len(in), func() pipeline.Reader { return pipeline.Batches(batches(t, alloc, input, size)...) })
	if err == nil {
		err = pipeline.Each(t.Context(), r, func(b arrow.RecordBatch) error {
			for i := range int(b.NumRows()) {
				var cells []string
				for _, c := range b.Columns() {
					cells = append(cells, strings.ReplaceAll(c.ValueStr(i), array.NullValueStr, "null"))
				}
				lines = append(lines, strings.Join(cells, " "))
			}
			return nil
		})
	}
	if err != nil {
		return "error: " + err.Error()
	}
	return strings.Join(lines, "\n")
}

// open gives the operator's rows as one stream, whatever its kind.
func open(env *pipeline.Env, b *pipeline.Bound, inputs int, input func() pipeline.Reader) (pipeline.Reader, error) {
	if b.Stream != nil {
		var in []pipeline.Reader
		for range inputs {
			in = append(in, input())
		}
		return b.Stream(context.Background(), env, in...)
	}
	u := pipeline.Unit{Name: "input", Env: env}
	if b.Keep != nil {
		keep, err := b.Keep(u)
		return &each{input(), func(ctx context.Context, in arrow.RecordBatch) (arrow.RecordBatch, error) {
			marks, err := keep(ctx, in)
			if err != nil {
				return nil, err
			}
			return pipeline.Filter(ctx, in, marks, env.Alloc)
		}}, err
	}
	f, err := b.Each(u)
	return &each{input(), f}, err
}

type each struct {
	pipeline.Reader
	f pipeline.BatchFunc
}

func (e *each) Next(ctx context.Context) (arrow.RecordBatch, error) {
	b, err := e.Reader.Next(ctx)
	if err != nil {
		return nil, err
	}
	defer b.Release()
	return e.f(ctx, b)
}

func batches(t *testing.T, alloc memory.Allocator, rows []string, size int) (all []arrow.RecordBatch) {
	t.Helper()
	for from := 0; from < len(rows); from += size {
		b := array.NewRecordBuilder(alloc, inputSchema)
		for _, row := range rows[from:min(from+size, len(rows))] {
			for i, cell := range strings.Fields(row) {
				if cell == "null" {
					b.Field(i).AppendNull()
				} else if err := b.Field(i).AppendValueFromString(cell); err != nil {
					t.Fatal(err)
				}
			}
		}
		all = append(all, b.NewRecordBatch())
		b.Release()
	}
	return all
}

// What a narrowed operator gives of the columns that are left is what the whole gives.
func TestNarrow(t *testing.T) {
	left := arrow.NewSchema(inputSchema.Fields()[:1], nil) // id alone
	for name, want := range map[string]string{
		"select": "select id", "drop": "drop ", "rename": "rename id to flight", "cast": "cast ", "fill_null": "fill_null ", "derive": "derive ",
	} {
		op := named[name].(pipeline.Narrower).Narrow(left)
		if op.String() != want {
			t.Errorf("%s narrowed to %q, want %q", name, op, want)
		}
		if _, err := op.Bind(left); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSampleGoesByUnit(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	env := &pipeline.Env{Alloc: alloc}
	bound, err := Sample(0.5, 1).Bind(inputSchema)
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for i := range 1000 {
		rows = append(rows, fmt.Sprint(i, " a 1"))
	}
	counts := map[int]int64{}
	for range 2 {
		for seq := range 3 {
			f, err := bound.Keep(pipeline.Unit{Seq: seq, Env: env})
			if err != nil {
				t.Fatal(err)
			}
			in := batches(t, alloc, rows, 1000)[0]
			keep, err := f(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			out, err := pipeline.Filter(t.Context(), in, keep, alloc)
			if err != nil {
				t.Fatal(err)
			}
			if n, old := counts[seq]; old && n != out.NumRows() {
				t.Errorf("unit %d gave %d rows, then %d", seq, n, out.NumRows())
			}
			if n := out.NumRows(); n < 400 || n > 600 {
				t.Errorf("unit %d gave %d rows of 1000", seq, n)
			}
			counts[seq] = out.NumRows()
			in.Release()
			out.Release()
		}
	}
}

func TestMap(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	env := &pipeline.Env{Alloc: alloc}
	half := Map("half", nil, func(_ context.Context, b arrow.RecordBatch) (arrow.RecordBatch, error) {
		return b.NewSlice(0, b.NumRows()/2), nil
	})
	liar := Map("liar", func(*arrow.Schema) (*arrow.Schema, error) { return arrow.NewSchema(nil, nil), nil },
		func(_ context.Context, b arrow.RecordBatch) (arrow.RecordBatch, error) { b.Retain(); return b, nil })
	for _, test := range []struct {
		op   pipeline.Operator
		rows int64
		err  string
	}{{half, 1, ""}, {liar, 0, "map liar gave "}} {
		bound, err := test.op.Bind(inputSchema)
		if err != nil {
			t.Fatal(err)
		}
		f, err := bound.Each(pipeline.Unit{Env: env})
		if err != nil {
			t.Fatal(err)
		}
		in := batches(t, alloc, []string{"1 a 1", "2 b 2"}, 2)[0]
		out, err := f(t.Context(), in)
		in.Release()
		switch {
		case err != nil && (test.err == "" || !strings.HasPrefix(err.Error(), test.err)):
			t.Errorf("%v: %v", test.op, err)
		case err == nil && out.NumRows() != test.rows:
			t.Errorf("%v: %d rows", test.op, out.NumRows())
		}
		if out != nil {
			out.Release()
		}
	}
}

func ExampleFilter() {
	fmt.Println(Filter("delay > 15")) // Output: filter delay > 15
}

func ExampleDerive() {
	fmt.Println(Derive(Column{Name: "late", Expr: "delay > 15"}, Column{Name: "hours", Expr: "double(delay) / 60.0", Type: "float32"}))
	// Output: derive late = delay > 15, hours = double(delay) / 60.0 as float32
}

// A dataset of which nothing is published yet has no columns, and adds nothing.
func TestUnionLeavesOutWhatHasNoColumns(t *testing.T) {
	none := arrow.NewSchema(nil, nil)
	some := arrow.NewSchema([]arrow.Field{{Name: "v", Type: arrow.PrimitiveTypes.Int64}}, nil)
	for _, in := range [][]*arrow.Schema{{none, some}, {some, none}} {
		b, err := Union().Bind(in...)
		if err != nil || !b.Schema.Equal(some) || len(b.From) != 1 || len(b.From[0]) != 1 || in[b.From[0][0].Input] != some {
			t.Errorf("%v: %+v, %v", in, b, err)
		}
	}
}
