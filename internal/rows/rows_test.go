package rows

import (
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/zeebo/xxh3"
)

func TestFilter(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "i", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "d", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}, Nullable: true},
		{Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64), Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(alloc, schema)
	defer b.Release()
	for i, text := range []string{"a", "b", "a", "c"} {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		if err := b.Field(1).AppendValueFromString(text); err != nil {
			t.Fatal(err)
		}
		b.Field(2).AppendNull()
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	for _, test := range []struct {
		keep []bool
		want string
	}{
		{[]bool{true, true, true, true}, `["a" "b" "a" "c"]`},
		{[]bool{false, false, true, true}, `["a" "c"]`},
		{[]bool{false, false, false, false}, `[]`},
	} {
		got, err := Filter(t.Context(), batch, test.keep, alloc)
		if err != nil {
			t.Fatal(err)
		}
		text := "["
		for i := range int(got.NumRows()) {
			if i > 0 {
				text += " "
			}
			text += `"` + got.Column(1).ValueStr(i) + `"`
		}
		if text+"]" != test.want {
			t.Errorf("got %s], want %s", text, test.want)
		}
		got.Release()
	}
}

// Equal rows have equal keys, however their strings are kept; others have others.
func TestKeys(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	text := []string{"a", "", "ab", "b", "a"}
	plain, dict := array.NewStringBuilder(alloc), array.NewDictionaryBuilder(alloc, dictionaryType).(*array.BinaryDictionaryBuilder)
	defer plain.Release()
	defer dict.Release()
	other := array.NewInt64Builder(alloc)
	defer other.Release()
	for i, s := range text {
		plain.Append(s)
		if err := dict.AppendString(s); err != nil {
			t.Fatal(err)
		}
		other.Append(int64(i % 4))
	}
	plain.AppendNull()
	dict.AppendNull()
	other.Append(0)
	cols := []arrow.Array{plain.NewArray(), dict.NewArray(), other.NewArray()}
	schema := arrow.NewSchema([]arrow.Field{{Name: "p", Type: cols[0].DataType()}, {Name: "d", Type: dictionaryType}, {Name: "i", Type: cols[2].DataType()}}, nil)
	b := array.NewRecordBatch(schema, cols, 6)
	defer b.Release()
	for _, c := range cols {
		c.Release()
	}
	p, d := Keys(nil, b, []int{0}), Keys(nil, b, []int{1})
	two, also := Keys(nil, b, []int{0, 2}), Keys(nil, b, []int{1, 2})
	for i := range p {
		if p[i] != d[i] || two[i] != also[i] {
			t.Errorf("row %d: a dictionary has another key", i)
		}
		for j := range i {
			equal := i < len(text) && text[i] == text[j]
			if (p[i] == p[j]) != equal {
				t.Errorf("rows %d and %d: equal keys %t", i, j, p[i] == p[j])
			}
		}
	}
}

var dictionaryType = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}

// A map is the oracle.
func TestSetIsASet(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var s Set
	want := map[xxh3.Uint128]bool{}
	for range 50_000 {
		h := xxh3.Uint128{Hi: r.Uint64N(3), Lo: r.Uint64N(9000)}
		if s.Has(h) != want[h] {
			t.Fatalf("Has(%v) is %t", h, !want[h])
		}
		if s.Add(h) == want[h] {
			t.Fatalf("Add(%v) says %t", h, want[h])
		}
		want[h] = true
	}
	if s.Len() != len(want) {
		t.Errorf("%d keys, want %d", s.Len(), len(want))
	}
	n := 0
	for h := range s.All() {
		if n++; !want[h] {
			t.Errorf("%v was never added", h)
		}
	}
	if n != len(want) {
		t.Errorf("All gave %d keys, want %d", n, len(want))
	}
}

func BenchmarkSet(b *testing.B) {
	const keys = 500_000
	hashes := make([]xxh3.Uint128, keys)
	for i := range hashes {
		hashes[i] = xxh3.Hash128([]byte{byte(i), byte(i >> 8), byte(i >> 16)})
	}
	b.Run("set", func(b *testing.B) {
		for b.Loop() {
			var s Set
			for _, h := range hashes {
				s.Add(h)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/keys, "ns/key")
	})
	b.Run("map", func(b *testing.B) {
		for b.Loop() {
			m := map[xxh3.Uint128]struct{}{}
			for _, h := range hashes {
				if _, old := m[h]; !old {
					m[h] = struct{}{}
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/keys, "ns/key")
	})
}
