package expr

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Each case is evaluated on a row with values, one with an empty list and null fields,
// and one in which every column is null.
func TestNested(t *testing.T) {
	p := arrow.PrimitiveTypes
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "xs", Type: arrow.ListOf(p.Int64), Nullable: true},
		{Name: "at", Type: arrow.StructOf(
			arrow.Field{Name: "city", Type: arrow.BinaryTypes.String, Nullable: true},
			arrow.Field{Name: "geo", Type: arrow.StructOf(arrow.Field{Name: "lat", Type: p.Float64, Nullable: true}), Nullable: true},
		), Nullable: true},
		{Name: "tags", Type: arrow.MapOf(arrow.BinaryTypes.String, p.Int64), Nullable: true},
		{Name: "price", Type: &arrow.Decimal128Type{Precision: 10, Scale: 2}, Nullable: true},
		{Name: "big", Type: &arrow.Decimal256Type{Precision: 60, Scale: 3}, Nullable: true},
		{Name: "n", Type: arrow.Null, Nullable: true},
	}, nil)
	rows := `[{"xs":[1,null,3],"at":{"city":"Oslo","geo":{"lat":59.9}},"tags":[{"key":"a","value":1}],"price":"12.30","big":"0.125","n":null},
		{"xs":[],"at":{"city":null,"geo":null},"tags":[],"price":"-0.01","big":"1","n":null},
		{"xs":null,"at":null,"tags":null,"price":null,"big":null,"n":null}]`
	batch, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Release()
	for _, test := range []struct{ src, want string }{
		{`size(xs)`, "3; 0; null"},
		{`xs[0]`, "1; error: index out of bounds: 0; null"},
		{`xs.exists(x, x > 2)`, "true; false; null"},
		{`xs.all(x, x > 0)`, "null; true; null"},
		{`xs.exists(x, x == null)`, "true; false; null"},
		{`xs == null`, "false; false; true"},
		{`3 in xs`, "true; false; null"},
		{`at.city == "Oslo"`, "true; null; null"},
		{`has(at.city)`, "true; false; null"},
		{`has(at.geo) && at.geo.lat > 50.0`, "true; false; null"},
		{`at.geo.lat == null`, "false; true; true"},
		{`at == null`, "false; false; true"},
		{`tags["a"]`, "1; error: no such key: a; null"},
		{`"a" in tags`, "true; false; null"},
		{`price >= 12.30`, "true; false; null"},
		{`price == 12.3`, "true; false; null"},
		{`0 < price`, "true; false; null"},
		{`price * 2 + 0.005`, "24.605; -0.015; null"},
		{`round(price * 0.25, 2)`, "3.08; 0; null"},
		{`price > 12.299999999999999999999`, "true; false; null"},
		{`big * price`, "1.5375; -0.01; null"},
		{`string(abs(price))`, `"12.3"; "0.01"; null`},
		{`double(price) > 12.0`, "true; false; null"},
		{`coalesce(price, 0.0)`, "12.3; -0.01; 0"},
		{`price > decimal("1e3") ? "dear" : "cheap"`, `"cheap"; "cheap"; null`},
		{`n == null`, "true; true; true"},
	} {
		prg, err := Compile(test.src, schema)
		if err != nil {
			t.Errorf("%s: %v", test.src, err)
			continue
		}
		res, err := prg.Eval(t.Context(), batch, nil)
		if err != nil {
			t.Errorf("%s: %v", test.src, err)
			continue
		}
		errs := map[int]error{}
		for _, e := range res.Errs {
			errs[e.Row] = e.Err
		}
		var got []string
		for row := range 3 {
			got = append(got, outcome(res, errs, row))
		}
		if s := strings.Join(got, "; "); s != test.want {
			t.Errorf("%s: %s, want %s", test.src, s, test.want)
		}
		res.Release()
	}
}

func TestDecimalErrors(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "price", Type: &arrow.Decimal128Type{Precision: 10, Scale: 2}}, {Name: "qty", Type: arrow.PrimitiveTypes.Int64}, {Name: "s", Type: arrow.BinaryTypes.String},
	}, nil)
	for _, test := range []struct{ src, want string }{
		{`price * qty`, "no matching overload for '_*_' applied to '(decimal, int)'"},
		{`price / 2`, "no matching overload for '_/_' applied to '(decimal, int)'"},
		{`decimal(s)`, "how many places the result has is not known; say it: round(x, 2)"},
	} {
		if _, err := Compile(test.src, schema); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", test.src, err, test.want)
		}
	}
}

// What looks alike but is not must not be taken for the same in a group.
func TestGroupsTellMacrosApart(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{{Name: "xs", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64)}}, nil)
	batch, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(`[{"xs":[1,2]}]`))
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Release()
	var programs []*Program
	for _, src := range []string{`xs.all(x, x > 0)`, `xs.all(x, x > 1)`, `xs.all(x, x > 2)`, `xs.exists(x, x > 1)`, `[1, 2] == xs`, `[1, 3] == xs`} {
		p, err := Compile(src, schema)
		if err != nil {
			t.Fatal(err)
		}
		programs = append(programs, p)
	}
	results, err := NewGroup(programs...).Eval(t.Context(), batch, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range results {
		got = append(got, outcome(r, nil, 0))
	}
	if s := strings.Join(got, " "); s != "true false false true true false" {
		t.Error(s)
	}
	if got, want := programs[0].Fallbacks(), "xs.all(x, x > 0) is evaluated row by row: macros have no kernel"; len(got) != 1 || got[0] != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A dictionary whose indexes lead outside of it is an error, however few its values are.
func TestIndexesOutside(t *testing.T) {
	typ := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	schema := arrow.NewSchema([]arrow.Field{{Name: "s", Type: typ, Nullable: true}}, nil)
	values := array.NewStringBuilder(memory.DefaultAllocator)
	values.AppendValues([]string{"a", "b"}, nil)
	for _, test := range []struct {
		index []int32
		valid []bool
		wrong bool
	}{
		{[]int32{0, 1}, nil, false},
		{[]int32{0, 2}, nil, true},
		{[]int32{-1, 0}, nil, true},
		{[]int32{256, 0}, nil, true},
		{[]int32{1 << 30, 0}, nil, true},
		{[]int32{0, 99}, []bool{true, false}, false},
		{[]int32{2, 0}, []bool{true, false}, true},
		{[]int32{-5, 0}, []bool{true, false}, true},
	} {
		b := array.NewInt32Builder(memory.DefaultAllocator)
		b.AppendValues(test.index, test.valid)
		indexes := b.NewArray()
		words := values.NewArray()
		values.AppendValues([]string{"a", "b"}, nil)
		data := array.NewDataWithDictionary(typ, len(test.index), indexes.Data().Buffers(), indexes.NullN(), 0, words.Data().(*array.Data))
		batch := array.NewRecordBatch(schema, []arrow.Array{array.NewDictionaryData(data)}, int64(len(test.index)))
		p, err := Compile(`s == "a"`, schema)
		if err != nil {
			t.Fatal(err)
		}
		res, err := p.Eval(t.Context(), batch, nil)
		if (err != nil) != test.wrong {
			t.Errorf("%v %v: %v, %v", test.index, test.valid, res, err)
		}
	}
}
