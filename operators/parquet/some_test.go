package parquet

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/pipeline"
)

// masks are ways to keep rows: all, none, one, at random, and in runs.
func masks(r *rand.Rand, n int) map[string][]bool {
	all := map[string][]bool{"none": make([]bool, n), "one": make([]bool, n)}
	all["one"][r.IntN(n)] = true
	for name, share := range map[string]float64{"all": 1, "half": 0.5, "few": 0.02, "most": 0.97} {
		keep := make([]bool, n)
		for i := range keep {
			keep[i] = r.Float64() < share
		}
		all[name] = keep
	}
	for _, run := range []int{7, 40, 300} {
		keep := make([]bool, n)
		for i, on := 0, false; i < n; on = !on {
			for range min(1+r.IntN(run), n-i) {
				keep[i] = on
				i++
			}
		}
		all[fmt.Sprint("runs of ", run)] = keep
	}
	return all
}

// rowsOf reads a split as text: all rows, or those that keep marks if it is not nil.
func rowsOf(t *testing.T, e *pipeline.Env, s pipeline.Split, columns []string, keep []bool) (rows []string) {
	t.Helper()
	open := s.Open
	if keep != nil {
		open = func(ctx context.Context, e *pipeline.Env, columns []string) (pipeline.Reader, error) {
			return s.OpenSome(ctx, e, columns, keep)
		}
	}
	r, err := open(t.Context(), e, columns)
	if err == nil {
		err = pipeline.Each(t.Context(), r, func(b arrow.RecordBatch) error {
			rows = append(rows, text(b)...)
			return nil
		})
	}
	if err != nil {
		t.Fatalf("%s: %v", s.Name, err)
	}
	return rows
}

// Some rows are those rows, of files by three writers, for every mask.
func TestOpenSome(t *testing.T) {
	const seed = 11
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	e := env(t)
	for _, f := range corpus(t, 700) {
		save(t, e, "x.parquet", f.text)
		in, err := Files("x.parquet").Resolve(t.Context(), e)
		if err != nil {
			t.Fatalf("%s: %v", f.name, err)
		}
		for _, s := range in.Splits {
			every := rowsOf(t, e, s, nil, nil)
			for name, keep := range masks(r, int(s.Rows)) {
				var want []string
				for i, k := range keep {
					if k {
						want = append(want, every[i])
					}
				}
				if got := rowsOf(t, e, s, nil, keep); strings.Join(got, "\n") != strings.Join(want, "\n") {
					t.Fatalf("%s: %s, keeping %s: other rows", f.name, s.Name, name)
				}
				if got := rowsOf(t, e, s, []string{}, keep); len(got) != len(want) {
					t.Fatalf("%s, keeping %s without columns: %d rows, want %d", f.name, name, len(got), len(want))
				}
			}
			if _, err := s.OpenSome(t.Context(), e, nil, make([]bool, 1)); err == nil {
				t.Fatal("a mask of another length was taken")
			}
		}
	}
}

// A row group with very many rows is cut into splits, which give the same rows.
func TestHugeGroupsAreCut(t *testing.T) {
	const rows = hugeGroup + 12345
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "i", Type: arrow.PrimitiveTypes.Int64}, {Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
	}, nil))
	for i := range rows {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		if i%3 == 0 {
			b.Field(1).AppendNull()
		} else {
			b.Field(1).(*array.StringBuilder).Append([]string{"a", "bc", ""}[i%7%3])
		}
	}
	batch := b.NewRecordBatch()
	e := env(t)
	save(t, e, "x.parquet", write(t, Format{}, batch.Schema(), []arrow.RecordBatch{batch}))
	in, err := Files("x.parquet").Resolve(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	if len(in.Splits) != 5 || in.Splits[1].Name != "x.parquet: row group 0, rows 524288 to 1048576" {
		t.Fatalf("%d splits, the second %q", len(in.Splits), in.Splits[1].Name)
	}
	at := int64(0)
	for _, s := range in.Splits {
		if f := s.Facts("s"); f.HasNulls {
			t.Errorf("%d nulls are said to be in %s", f.Nulls, s.Name)
		}
		r, err := s.Open(t.Context(), e, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := pipeline.Each(t.Context(), r, func(b arrow.RecordBatch) error {
			for i := 0; i < int(b.NumRows()); i += 97 {
				for c := range b.Columns() {
					if got, want := b.Column(c).ValueStr(i), batch.Column(c).ValueStr(int(at)+i); got != want {
						t.Fatalf("%s: row %d: %q, want %q", s.Name, int(at)+i, got, want)
					}
				}
			}
			at += b.NumRows()
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		parts, _, err := s.Pages([]string{"i"})
		if err != nil || len(parts) < 2 && s.Rows == splitRows {
			t.Errorf("%s: %d parts, %v", s.Name, len(parts), err)
		}
		total := int64(0)
		for _, p := range parts {
			if f := p.Facts("i"); f.Min.(int64) > at-s.Rows+total || f.Max.(int64) < at-s.Rows+total+p.Rows-1 {
				t.Errorf("%s: rows from %d on are said to be %v to %v", s.Name, at-s.Rows+total, f.Min, f.Max)
			}
			total += p.Rows
		}
		if total != s.Rows && total != 0 {
			t.Errorf("%s: parts of %d rows", s.Name, total)
		}
	}
	if at != rows {
		t.Errorf("%d rows, want %d", at, rows)
	}
}

// What pages and dictionaries are said to have is so.
func TestPagesAndDictionariesHold(t *testing.T) {
	e := env(t)
	parts, dictionaries, blooms := map[string]int{}, map[string]int{}, map[string]int{}
	for _, f := range corpus(t, 700) {
		save(t, e, "x.parquet", f.text)
		in, err := Files("x.parquet").Resolve(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range in.Splits {
			b := onlyBatch(t, e, s)
			var names []string
			for _, field := range in.Schema.Fields() {
				names = append(names, field.Name)
				parts[f.name] += checkParts(t, s, []string{field.Name}, b)
				dictionaries[f.name] += checkDictionary(t, e, s, field.Name, b)
				blooms[f.name] += checkBloom(t, s.Facts(field.Name), b.Column(b.Schema().FieldIndices(field.Name)[0]))
				if s.ColumnBytes(field.Name) <= 0 {
					t.Errorf("%s: column %s has no bytes", f.name, field.Name)
				}
			}
			checkParts(t, s, names, b)
			b.Release()
			if t.Failed() {
				t.Fatalf("%s: %s", f.name, s.Name)
			}
		}
	}
	for _, name := range []string{"arrow indexed", "arrow v2", "arrow dictionary"} {
		if parts[name] < 100 {
			t.Errorf("%s: only %d parts", name, parts[name])
		}
	}
	for _, name := range []string{"ours zstd", "arrow dictionary", "duckdb zstd V1", "duckdb zstd V2"} {
		if dictionaries[name] == 0 {
			t.Errorf("%s: no dictionaries", name)
		}
	}
	for _, name := range []string{"arrow bloom", "duckdb zstd V1"} {
		if blooms[name] < 100 {
			t.Errorf("%s: Bloom filters say only %d things", name, blooms[name])
		}
	}
	t.Logf("parts %v, dictionaries %v, Bloom filters %v", parts, dictionaries, blooms)
}

func onlyBatch(t *testing.T, e *pipeline.Env, s pipeline.Split) arrow.RecordBatch {
	t.Helper()
	r, err := s.Open(t.Context(), e, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := r.Next(t.Context())
	if err != nil || b.NumRows() != s.Rows {
		t.Fatalf("%s: %v", s.Name, err)
	}
	return b
}

func checkParts(t *testing.T, s pipeline.Split, columns []string, b arrow.RecordBatch) int {
	t.Helper()
	parts, read, err := s.Pages(columns)
	if err != nil {
		t.Fatal(err)
	}
	at := int64(0)
	for _, p := range parts {
		if read <= 0 {
			t.Error("nothing was read for it")
		}
		for _, name := range columns {
			col := b.Column(b.Schema().FieldIndices(name)[0])
			if arrow.IsNested(col.DataType().ID()) {
				continue
			}
			some := array.NewSlice(col, at, at+p.Rows)
			holds(t, p.Facts(name), some)
			some.Release()
			if t.Failed() {
				t.Fatalf("column %s, rows %d to %d", name, at, at+p.Rows)
			}
		}
		at += p.Rows
	}
	if len(parts) > 0 && at != s.Rows {
		t.Errorf("parts of %d rows, the split has %d", at, s.Rows)
	}
	return len(parts)
}

func checkDictionary(t *testing.T, e *pipeline.Env, s pipeline.Split, name string, b arrow.RecordBatch) int {
	t.Helper()
	f, read, err := s.Dictionary(t.Context(), e, name)
	if err != nil {
		t.Fatal(err)
	}
	if f.Values == nil {
		return 0
	}
	if read <= 0 {
		t.Error("nothing was read for it")
	}
	have := map[string]bool{}
	for i := range f.Values.Len() {
		have[f.Values.ValueStr(i)] = true
	}
	col := b.Column(b.Schema().FieldIndices(name)[0])
	holds(t, f, col)
	if pipeline.ValueType(col.DataType()).ID() != f.Values.DataType().ID() {
		t.Errorf("column %s: values of %s", name, f.Values.DataType())
	}
	for i := range col.Len() {
		if col.IsValid(i) && !have[col.ValueStr(i)] {
			t.Fatalf("column %s: %s is not in the dictionary", name, col.ValueStr(i))
		}
	}
	return 1
}

// checkBloom asks for each value, which is there, and for others, and says how many of these
// are known not to be.
func checkBloom(t *testing.T, f pipeline.Facts, col arrow.Array) (lacking int) {
	t.Helper()
	if f.Lacks == nil {
		return 0
	}
	for i := range col.Len() {
		if col.IsValid(i) && f.Lacks(value(col, i)) {
			t.Fatalf("%s is there, and said not to be", col.ValueStr(i))
		}
	}
	for i := range 20 {
		for _, v := range []any{int64(1000 + i), uint64(1000 + i), fmt.Sprint("none of those ", i), nil, 1.5} {
			if f.Lacks(v) {
				lacking++
			}
		}
	}
	return lacking
}
