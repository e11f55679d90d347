package expr

import (
	"flag"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// same fails the test at the first row on which a result says other than cel-go.
func same(t testing.TB, p *Program, got *Result, batch arrow.RecordBatch) {
	t.Helper()
	errs := map[int]error{}
	last := -1
	for _, e := range got.Errs {
		if e.Row <= last {
			t.Fatalf("%s: errors out of order: row %d after %d", p.Source(), e.Row, last)
		}
		last = e.Row
		errs[e.Row] = e.Err
	}
	if got.Values.Len() != int(batch.NumRows()) || !arrow.TypeEqual(got.Values.DataType(), p.Type()) {
		t.Fatalf("%s: %d values of %v, want %d of %v", p.Source(), got.Values.Len(), got.Values.DataType(), batch.NumRows(), p.Type())
	}
	o := newOracle(p, batch)
	for row := range int(batch.NumRows()) {
		want := shown(o.eval(row))
		if is := outcome(got, errs, row); is != want {
			values := ""
			for _, c := range p.Columns() {
				values += "\n\t" + batch.ColumnName(c) + " = " + shown(celValue(batch.Column(c), row))
			}
			t.Fatalf("%s\n\trow %d: got %s, cel-go says %s%s", p.Source(), row, is, want, values)
		}
	}
}

var expressions = flag.Int("expressions", 400, "how many random expressions TestDifferential tries")

// Every outcome over columns is that of cel-go on the row.
func TestDifferential(t *testing.T) {
	const rows = 700
	for seed := range uint64(*expressions / 20) {
		checkRandom(t, seed, 20, rows)
	}
	t.Logf("%d rows times expressions", *expressions/20*20*rows)
}

func checkRandom(t testing.TB, seed uint64, expressions, rows int) {
	t.Helper()
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	r := random{rand.New(rand.NewPCG(seed, 0))}
	batch := r.batch(rows, alloc)
	defer batch.Release()
	var programs []*Program
	for range expressions {
		src := r.expression("biufsytd"[min(r.IntN(12), 7)], 1+r.IntN(4))
		if r.IntN(2) == 0 {
			src = r.expression('b', 1+r.IntN(4))
		}
		p, err := Compile(src, batch.Schema())
		if err != nil && (strings.Contains(err.Error(), "overflow") || strings.Contains(err.Error(), "range")) {
			continue // a constant that can't be, which cel-go finds when it plans
		}
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		programs = append(programs, p)
	}
	results, err := NewGroup(programs...).Eval(t.Context(), batch, alloc)
	if err != nil {
		t.Fatal(err)
	}
	for i, res := range results {
		same(t, programs[i], res, batch)
		res.Release()
	}
}

func FuzzDifferential(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { checkRandom(t, seed, 5, 200) })
}

// Gates count the true bits of a result: none may be left under a null.
func TestNoTruthUnderNull(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{{Name: "b", Type: arrow.FixedWidthTypes.Boolean, Nullable: true}}, nil)
	data := array.NewData(arrow.FixedWidthTypes.Boolean, 8, []*memory.Buffer{
		memory.NewBufferBytes([]byte{0b0000_1111}), memory.NewBufferBytes([]byte{0b1111_1111}),
	}, nil, 4, 0)
	column := array.NewBooleanData(data)
	batch := array.NewRecordBatch(schema, []arrow.Array{column}, 8)
	for _, src := range []string{"b", "!!b", "b || b", "true ? b : b", "coalesce(b, b)", "b == true"} {
		p, err := Compile(src, schema)
		if err != nil {
			t.Fatal(err)
		}
		res, err := p.Eval(t.Context(), batch, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := res.Values.Data().Buffers()[1].Bytes()[0]; got != 0b1111 || res.Values.NullN() != 4 {
			t.Errorf("%s: bits %08b, %d nulls", src, got, res.Values.NullN())
		}
	}
}
