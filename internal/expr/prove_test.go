package expr

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/internal/expr/vector"
	"github.com/penstock-data/penstock/pipeline"
)

// What is known of the columns i in 1..100, n nullable in -5..5, f in 0..1 without NaN,
// g the same with, s in "abc".."abd", t in January 2001, and e, which is only null.
func TestProofs(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "i", Type: arrow.PrimitiveTypes.Int64},
		{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "f", Type: arrow.PrimitiveTypes.Float64},
		{Name: "g", Type: arrow.PrimitiveTypes.Float64},
		{Name: "s", Type: arrow.BinaryTypes.String},
		{Name: "t", Type: arrow.FixedWidthTypes.Timestamp_us},
		{Name: "e", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "d", Type: arrow.BinaryTypes.String},
		{Name: "b", Type: arrow.BinaryTypes.String},
		{Name: "k", Type: arrow.PrimitiveTypes.Int32},
	}, nil)
	values := array.NewStringBuilder(memory.DefaultAllocator)
	values.AppendValues([]string{"ORD", "JFK", "LAX"}, nil)
	none := func(k pipeline.Facts) pipeline.Facts { k.HasNulls = true; return k }
	known := map[int]pipeline.Facts{
		0: none(pipeline.Facts{Min: int64(1), Max: int64(100)}), 1: {Min: int64(-5), Max: int64(5), Nulls: 3, HasNulls: true},
		2: none(pipeline.Facts{Min: 0.0, Max: 1.0, NoNaN: true}), 3: none(pipeline.Facts{Min: 0.0, Max: 1.0}), 4: none(pipeline.Facts{Min: "abc", Max: "abd"}),
		5: none(pipeline.Facts{Min: int64(978_307_200_000_000), Max: int64(980_985_599_000_000)}), 6: {Nulls: 10, HasNulls: true},
		7: none(pipeline.Facts{Values: values.NewArray()}),
		8: none(pipeline.Facts{Lacks: func(v any) bool { return v == "no" }}),
		9: none(pipeline.Facts{Lacks: func(v any) bool { return v == int64(7) }}),
	}
	for _, test := range []struct{ src, want string }{
		{`i > 0`, "true"},
		{`i > 1`, "true false"},
		{`i > 100`, "false"},
		{`i == 0`, "false"},
		{`i != 0`, "true"},
		{`i + 1 > 1`, "true"},
		{`i * i > 0`, "true"},
		{`i - 1 >= 0 && i < 101`, "true"},
		{`i * 9223372036854775807 > 0`, "true error"},
		{`100 / i >= 1`, "true"},
		{`100 / n > 0`, "true false null error 3"},
		{`n < 6`, "true null 3"},
		{`n == null`, "true false"},
		{`e == null`, "true"},
		{`e > 0`, "null 10"},
		{`i == null`, "false"},
		{`coalesce(n, 0) < 6`, "true"},
		{`n > 5 || i > 0`, "true"},
		{`e > 0 && i > 100`, "false"},
		{`e > 0 && i > 0`, "null"},
		{`f >= 0.0`, "true"},
		{`g >= 0.0`, "true false"},
		{`g > 1.0`, "false"},
		{`!(g > 1.0)`, "true"},
		{`f * (1.0 - f) >= 0.0`, "true"},
		{`f / 0.0 > 1.0`, "true false"},
		{`s >= "abc"`, "true"},
		{`s == "b"`, "false"},
		{`s.startsWith("ab")`, "true"},
		{`s.startsWith("b")`, "false"},
		{`s.startsWith("abc")`, "true false"},
		{`size(s) >= 0`, "true"},
		{`t >= "2001-01-01"`, "true"},
		{`t < timestamp("2001-02-01T00:00:00Z")`, "true"},
		{`year(t) == 2001`, "true"},
		{`month(t) <= 12`, "true"},
		{`date_trunc("month", t) == "2001-01-01"`, "true false"},
		{`d.matches("^[A-Z]{3}$")`, "true"},
		{`d in ["ORD", "JFK", "LAX", "SFO"]`, "true"},
		{`d == "ORD"`, "true false"},
		{`lower(d) == "xyz"`, "false"},
		{`i in [200, 300]`, "false"},
		{`i > 50 ? true : false`, "true false"},
		{`i > 0 ? f <= 1.0 : false`, "true"},
		{`double(i) > 0.5`, "true"},
		{`abs(n) <= 5`, "true null 3"},
		{`i > 0.5`, "true"},
		{`b == "no"`, "false"},
		{`"no" != b`, "true"},
		{`b == "yes"`, "true false"},
		{`b in ["no"]`, "false"},
		{`b in ["no", "yes"]`, "true false"},
		{`lower(b) == "no"`, "true false"},
		{`b > "no"`, "true false"},
		{`k == 7`, "false"},
		{`k in [7]`, "false"},
		{`double(k) == 7.0`, "true false"},
		{`k == 8`, "true false"},
		{`string(i) == "7"`, "true false null error"},
	} {
		p, err := Compile(test.src, schema)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Prove(10, known).String(); got != test.want {
			t.Errorf("%s: %s, want %s", test.src, got, test.want)
		}
	}
}

// know gathers what is known of the columns of a batch, and forgets some of it.
func (r random) know(batch arrow.RecordBatch) map[int]pipeline.Facts {
	known := map[int]pipeline.Facts{}
	for i, col := range batch.Columns() {
		var k pipeline.Facts
		if r.IntN(4) > 0 {
			k.HasNulls = true
			for row := range col.Len() {
				if celValue(col, row) == null {
					k.Nulls++
				}
			}
		}
		if r.IntN(4) > 0 {
			r.bound(&k, col)
		}
		if r.IntN(3) == 0 {
			k.Values = distinct(col)
		}
		known[i] = k
	}
	return known
}

// bound finds the bounds of a column, and widens them now and then.
func (r random) bound(k *pipeline.Facts, col arrow.Array) {
	k.NoNaN = true
	for row := range col.Len() {
		v := plain(col, row)
		if v == nil {
			continue
		}
		if f, ok := v.(float64); ok && math.IsNaN(f) {
			k.NoNaN = false
			continue
		}
		if k.Min == nil || before(v, k.Min) {
			k.Min = v
		}
		if k.Max == nil || before(k.Max, v) {
			k.Max = v
		}
	}
	if s, ok := k.Min.(string); ok && len(s) > 1 && r.IntN(2) == 0 {
		k.Min = s[:1]
	}
	if s, ok := k.Max.(string); ok && s != "" && s[0] < 255 && r.IntN(2) == 0 {
		k.Max = string([]byte{s[0] + 1})
	}
	if r.IntN(6) == 0 {
		k.Min = nil
	}
	if r.IntN(6) == 0 {
		k.Max, k.NoNaN = nil, false
	}
}

func before(a, b any) bool {
	switch a := a.(type) {
	case int64:
		return a < b.(int64)
	case uint64:
		return a < b.(uint64)
	case float64:
		return a < b.(float64)
	case string:
		return a < b.(string)
	}
	return !a.(bool) && b.(bool)
}

// plain is a value as statistics have it: nil for null.
func plain(a arrow.Array, row int) any {
	if a.IsNull(row) {
		return nil
	}
	switch a := a.(type) {
	case *array.Dictionary:
		return plain(a.Dictionary(), a.GetValueIndex(row))
	case *array.RunEndEncoded:
		return plain(a.Values(), a.GetPhysicalIndex(row))
	case *array.Date32:
		return int64(a.Value(row))
	case *array.Date64:
		return int64(a.Value(row))
	case *array.Timestamp:
		return int64(a.Value(row))
	case *array.Time32:
		return int64(a.Value(row))
	case *array.Time64:
		return int64(a.Value(row))
	case *array.Duration:
		return int64(a.Value(row))
	}
	if _, ok := scaleOf(a.DataType()); ok {
		if vector.KindOf(a.DataType()) != vector.Decimal {
			return nil // bounds of wide decimals are not made use of
		}
		return int64(a.(*array.Decimal128).Value(row).LowBits())
	}
	switch v := celValue(a, row).Value().(type) {
	case []byte:
		return string(v)
	default:
		return v
	}
}

func distinct(col arrow.Array) arrow.Array {
	switch a := col.(type) {
	case *array.Dictionary:
		return a.Dictionary()
	case *array.RunEndEncoded:
		return a.Values()
	}
	return col
}

// A proof must hold on every row.
func checkProofs(t testing.TB, seed uint64, expressions, rows int) (proved int) {
	t.Helper()
	r := random{rand.New(rand.NewPCG(seed, 1))}
	batch := r.batch(rows, memory.DefaultAllocator)
	defer batch.Release()
	known := r.know(batch)
	for range expressions {
		src := r.expression('b', 1+r.IntN(3))
		p, err := Compile(src, batch.Schema())
		if err != nil {
			continue
		}
		proof := p.Prove(int64(rows), known)
		if !proof.MayTrue || !proof.MayFalse {
			proved++
		}
		res, err := p.Eval(t.Context(), batch, nil)
		if err != nil {
			t.Fatal(err)
		}
		truth := res.Values.(*array.Boolean)
		nulls := int64(truth.NullN() - len(res.Errs))
		var is Proof
		for row := range rows {
			is.MayTrue = is.MayTrue || truth.IsValid(row) && truth.Value(row)
			is.MayFalse = is.MayFalse || truth.IsValid(row) && !truth.Value(row)
		}
		is.MayNull, is.MayFail = nulls > 0, len(res.Errs) > 0
		if is.MayTrue && !proof.MayTrue || is.MayFalse && !proof.MayFalse || is.MayNull && !proof.MayNull || is.MayFail && !proof.MayFail || proof.HasNulls && proof.Nulls != nulls {
			var of []string
			for _, c := range p.Columns() {
				k := known[c]
				of = append(of, strings.ReplaceAll(batch.ColumnName(c), "\n", " "), "min", shownAny(k.Min), "max", shownAny(k.Max))
			}
			t.Fatalf("%s\n\tproved: %v\n\tis: %v, %d nulls\n\t%v", src, proof, is, nulls, of)
		}
		res.Release()
	}
	return proved
}

func shownAny(v any) string {
	if s, ok := v.(string); ok {
		return "\"" + s + "\""
	}
	return strings.TrimSpace(strings.Join(strings.Fields(fmt.Sprint(v)), " "))
}

func TestProofsHold(t *testing.T) {
	proved := 0
	for seed := range uint64(*expressions / 20) {
		proved += checkProofs(t, seed, 20, 200)
	}
	if all := *expressions / 20 * 20; proved < all/20 {
		t.Errorf("only %d of %d were proved at all", proved, all)
	}
	t.Logf("%d of %d proved", proved, *expressions/20*20)
}

func FuzzProofs(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { checkProofs(t, seed, 20, 100) })
}
