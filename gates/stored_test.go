package gates

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// storedColumns are the values that states are made of; of each also a null, and none.
func storedColumns() map[string][]arrow.Array {
	fill := func(b array.Builder, adds ...func()) (all []arrow.Array) {
		for _, add := range adds {
			add()
			b.AppendNull()
			all = append(all, b.NewArray())
		}
		return append(all, b.NewArray())
	}
	i := array.NewInt64Builder(memory.DefaultAllocator)
	u := array.NewUint64Builder(memory.DefaultAllocator)
	f := array.NewFloat64Builder(memory.DefaultAllocator)
	s := array.NewStringBuilder(memory.DefaultAllocator)
	d := array.NewTimestampBuilder(memory.DefaultAllocator, arrow.FixedWidthTypes.Timestamp_us.(*arrow.TimestampType))
	ints := func(v ...int64) func() { return func() { i.AppendValues(v, nil) } }
	uints := func(v ...uint64) func() { return func() { u.AppendValues(v, nil) } }
	floats := func(v ...float64) func() { return func() { f.AppendValues(v, nil) } }
	texts := func(v ...string) func() { return func() { s.AppendValues(v, nil) } }
	times := func(v ...arrow.Timestamp) func() { return func() { d.AppendValues(v, nil) } }
	return map[string][]arrow.Array{
		"int":    fill(i, ints(0), ints(math.MinInt64), ints(math.MaxInt64), ints(math.MinInt64, math.MinInt64), ints(1<<53+1, -7)),
		"uint":   fill(u, uints(0), uints(math.MaxUint64), uints(math.MaxUint64, 1), uints(1<<63)),
		"float":  fill(f, floats(0.1, 0.2, 1e100, -1e100), floats(math.NaN()), floats(math.Inf(1)), floats(math.Inf(-1)), floats(math.Inf(1), math.Inf(-1)), floats(math.MaxFloat64, 5e-324), floats(math.Copysign(0, -1))),
		"string": fill(s, texts(""), texts("NaN"), texts("null"), texts("é\x00\"\\<\u2028"), texts("\xff\xfe")),
		"time":   fill(d, times(0), times(math.MinInt64), times(math.MaxInt64), times(1)),
	}
}

// What is stored of a metric has its value, and merges on.
func TestStatesAreReadAsTheyWereWritten(t *testing.T) {
	same := []cmp.Option{cmpopts.EquateNaNs(), cmpopts.EquateErrors()}
	for name, arrays := range storedColumns() {
		for _, fn := range metricFuncs {
			typ := arrays[0].DataType()
			if _, err := fn.Result([]arrow.DataType{typ}); err != nil || fn.read == nil || len(fn.Params) != 1 || fn.state == "count_if" || fn.Name == "distinct" || fn.exact != nil {
				continue
			}
			for i, a := range arrays {
				was, now := fn.open([]arrow.DataType{typ}, nil, means{}), fn.open([]arrow.DataType{typ}, nil, means{})
				if err := was.update(a, int64(a.Len())); err != nil {
					t.Fatal(err)
				}
				text, err := json.Marshal(was)
				if err != nil {
					t.Fatal(err)
				}
				if err := now.(loader).UnmarshalJSON(text); err != nil {
					t.Errorf("%s of %s %d: %s: %v", fn.Name, name, i, text, err)
				}
				if diff := cmp.Diff(fn.read(was, nil).value, fn.read(now, nil).value, same...); diff != "" {
					t.Errorf("%s of %s %d: %s: %s", fn.Name, name, i, text, diff)
				}
				if f, ok := fn.read(was, nil).value.(float64); ok && f == f && math.Signbit(f) != math.Signbit(fn.read(now, nil).value.(float64)) {
					t.Errorf("%s of %s %d: %s: the sign is lost", fn.Name, name, i, text)
				}
			}
		}
	}
}

// A state of another kind is refused: nothing is taken from it.
func TestStatesOfAnotherKindAreRefused(t *testing.T) {
	kinds := []state{
		&counter{Rows: 1, Count: 1}, openSum([]arrow.DataType{arrow.PrimitiveTypes.Int64}, nil, means{}),
		openSum([]arrow.DataType{arrow.PrimitiveTypes.Float64}, nil, means{}), openMoments(nil, nil, means{}), openQuantiles(nil, nil, means{}),
		&extreme{typ: arrow.BinaryTypes.String, Best: "x"},
	}
	for i, of := range kinds {
		texts := []string{`{}`, `{"x": 1}`, `null`, `[]`, ``, `{"rows": 1`, `{"tested":1,"failed":0,"null":0}`}
		for j, other := range kinds {
			if text, err := json.Marshal(other); err != nil {
				t.Fatal(err)
			} else if i != j {
				texts = append(texts, string(text))
			}
		}
		for _, text := range texts {
			if err := of.(loader).UnmarshalJSON([]byte(text)); err == nil {
				t.Errorf("%T is read from %s", of, text)
			}
		}
	}
	for _, typ := range []arrow.DataType{arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Uint64, arrow.PrimitiveTypes.Float64} {
		if err := (&extreme{typ: typ}).UnmarshalJSON([]byte(`{"best": "x"}`)); err == nil {
			t.Errorf("an extreme of %s is read from a text", typ)
		}
	}
}
