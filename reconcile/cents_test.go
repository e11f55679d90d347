package reconcile

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/penstock-data/penstock/operators/sql"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/words"
)

// A million rows a side are right to the cent: DuckDB adds the same columns up, and joins them in full.
func TestCentsOverAMillionRows(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	const n = 1_000_000
	env := testEnv(t)
	r := rand.New(rand.NewPCG(11, 12))
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "amount", Type: &arrow.Decimal128Type{Precision: 18, Scale: 2}, Nullable: true}}, nil)
	var sides [2]arrow.RecordBatch
	var builders [2]*array.RecordBuilder
	for i := range builders {
		builders[i] = array.NewRecordBuilder(env.Alloc, schema)
		defer builders[i].Release()
	}
	add := func(side int, id, cents int64) {
		builders[side].Field(0).(*array.Int64Builder).Append(id)
		builders[side].Field(1).(*array.Decimal128Builder).Append(decimal128.FromI64(cents))
	}
	for _, i := range r.Perm(n) {
		cents := r.Int64N(1e15) - 5e14
		add(0, int64(i), cents)
		switch r.IntN(1000) {
		case 0:
		case 1:
			add(1, int64(i), cents+1)
		case 2:
			add(1, int64(i+n), cents)
		default:
			add(1, int64(i), cents)
		}
	}
	for i, b := range builders {
		sides[i] = b.NewRecordBatch()
		defer sides[i].Release()
	}
	ask := func(query string) string {
		b, err := sql.Query(query, "l", "r").Bind(schema, schema)
		if err != nil {
			t.Fatal(err)
		}
		out, err := b.Stream(t.Context(), env, cut(sides[0], n), cut(sides[1], n))
		if err != nil {
			t.Fatal(err)
		}
		var cells []string
		if err := pipeline.Each(t.Context(), out, func(b arrow.RecordBatch) error {
			for _, c := range b.Columns() {
				cells = append(cells, c.ValueStr(0))
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return strings.Join(cells, " ")
	}
	want := ask(`SELECT count(*), count_if(l.id IS NULL), count_if(r.id IS NULL), count_if(l.amount <> r.amount),
		sum(l.amount), sum(r.amount), sum(CASE WHEN l.amount IS DISTINCT FROM r.amount THEN coalesce(l.amount, 0) - coalesce(r.amount, 0) END) FROM l FULL JOIN r ON l.id = r.id`)
	op := Sides(Options{Keys: []Key{{Left: "id"}}, Columns: []Column{{Left: "amount"}}})
	bound, err := op.Bind(schema, schema)
	if err != nil {
		t.Fatal(err)
	}
	out, err := bound.Scan(t.Context(), env, input(sides[0], 100_000), input(sides[1], 70_000))
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int64{}
	var total [2]decimal128.Num
	var delta decimal128.Num
	err = pipeline.Each(t.Context(), out, func(b arrow.RecordBatch) error {
		col := func(name string) arrow.Array { return b.Column(b.Schema().FieldIndices(name)[0]) }
		for i := range int(b.NumRows()) {
			o := col(words.ColOutcome).ValueStr(i)
			counts[o] += max(col(words.ColLeftRows).(*array.Int64).Value(i), col(words.ColRightRows).(*array.Int64).Value(i))
			for side, name := range []string{words.ColLeftTotal, words.ColRightTotal} {
				if c := col(name).(*array.Decimal128); c.IsValid(i) {
					total[side] = total[side].Add(c.Value(i))
				}
			}
			if o != words.Matched {
				delta = delta.Add(col(words.ColDelta).(*array.Decimal128).Value(i))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	number := func(v decimal128.Num) string { return ofDecimal(v, 2).String() }
	all := counts[words.Matched] + counts[words.Different] + counts[words.OnlyLeft] + counts[words.OnlyRight]
	got := fmt.Sprint(all, counts[words.OnlyRight], counts[words.OnlyLeft], counts[words.Different], " ", number(total[0]), " ", number(total[1]), " ", number(delta))
	if got != want {
		t.Errorf("got %s, DuckDB %s", got, want)
	}
	if f := out.(pipeline.Finder).Findings(); len(f) != 1 || f[0].Verdict != pipeline.Pass {
		t.Errorf("%+v", f)
	}
}

// A pass that would look at too many pairs says so, and does not try.
func TestAPassThatFindsTooMuch(t *testing.T) {
	env := testEnv(t)
	var rows [2][]string
	for i := range 5000 {
		rows[0] = append(rows[0], fmt.Sprintf("%d|x|1.00", i))
		rows[1] = append(rows[1], fmt.Sprintf("%d|x|1.00", i+10_000))
	}
	const head = "id:int64; acct:string; amount:decimal(18, 2)"
	left, right := table(t, env.Alloc, head, rows[0]), table(t, env.Alloc, head, rows[1])
	defer left.Release()
	defer right.Release()
	o := Options{Keys: []Key{{Left: "id"}}, Columns: []Column{{Left: "amount"}}, Passes: []Pass{{Name: "near", On: []string{"acct"}, Amount: "1"}}}
	_, err := run(t.Context(), env, Sides(o), 1000, left, right)
	const want = "reconcile: pass near: 25000000 pairs of rows may belong together, and at most 20000000 are looked at\n\tlet it find fewer: name more columns in on, or a smaller amount or fewer days"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
