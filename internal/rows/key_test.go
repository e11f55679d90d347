package rows

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

var keyTypes = []arrow.DataType{
	arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Int32, arrow.FixedWidthTypes.Timestamp_us, arrow.PrimitiveTypes.Date32,
	arrow.PrimitiveTypes.Float64, arrow.PrimitiveTypes.Float32, arrow.BinaryTypes.String, dictionaryType,
	arrow.FixedWidthTypes.Boolean, arrow.PrimitiveTypes.Uint64,
}

// randomColumn has n values, some of them null if nulls is set.
func randomColumn(r *rand.Rand, alloc memory.Allocator, typ arrow.DataType, n int, nulls bool) arrow.Array {
	b := array.NewBuilder(alloc, typ)
	defer b.Release()
	for range n {
		v := r.Int64() >> r.IntN(63)
		switch b := b.(type) {
		case *array.Int64Builder:
			b.Append(v)
		case *array.Int32Builder:
			b.Append(int32(v))
		case *array.Uint64Builder:
			b.Append(uint64(v))
		case *array.TimestampBuilder:
			b.Append(arrow.Timestamp(v))
		case *array.Date32Builder:
			b.Append(arrow.Date32(v))
		case *array.BooleanBuilder:
			b.Append(v&1 == 0)
		case *array.Float64Builder:
			b.Append([]float64{float64(v), 0, math.Copysign(0, -1), math.NaN(), -math.NaN(), math.Inf(1)}[r.IntN(6)])
		case *array.Float32Builder:
			b.Append(float32(v))
		case *array.StringBuilder:
			b.Append(randomText(r))
		case *array.BinaryDictionaryBuilder:
			if err := b.AppendString(randomText(r)); err != nil {
				panic(err)
			}
		}
		if nulls && r.IntN(3) == 0 {
			b.AppendNull()
		}
	}
	return b.NewArray()
}

func randomText(r *rand.Rand) string {
	text := make([]byte, r.IntN(1<<r.IntN(9)))
	for i := range text {
		text[i] = byte('a' + r.IntN(4))
	}
	return string(text)
}

// The fast paths give what the generic one gives, of slices too.
func TestFastKeys(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 9))
		for _, typ := range keyTypes {
			t.Run(fmt.Sprintf("%s %d", typ, seed), func(t *testing.T) {
				col := randomColumn(r, alloc, typ, r.IntN(100), r.IntN(2) == 0)
				defer col.Release()
				whole := array.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "x", Type: typ, Nullable: true}}, nil), []arrow.Array{col}, int64(col.Len()))
				defer whole.Release()
				from := int64(r.IntN(col.Len() + 1))
				to := from + r.Int64N(whole.NumRows()-from+1)
				b := whole.NewSlice(from, to)
				defer b.Release()
				before := Keys(nil, whole, []int{0})
				got, want := Keys(slices.Clone(before), b, []int{0}), anyKeys(slices.Clone(before), b, []int{0})
				if !slices.Equal(got, want) {
					t.Errorf("rows %d to %d: other keys", from, to)
				}
				if !slices.Equal(got[len(before):], before[from:to]) {
					t.Error("a slice has other keys")
				}
			})
		}
	}
}

func BenchmarkKeys(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, typ := range keyTypes[:8] {
		col := randomColumn(r, memory.DefaultAllocator, typ, 8192, false)
		batch := array.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "x", Type: typ}}, nil), []arrow.Array{col}, 8192)
		keys := Keys(nil, batch, []int{0})
		for name, of := range map[string]bool{"fast": true, "any": false} {
			b.Run(fmt.Sprintf("%s/%s", typ, name), func(b *testing.B) {
				for b.Loop() {
					if of {
						keys = Keys(keys[:0], batch, []int{0})
					} else {
						keys = anyKeys(keys[:0], batch, []int{0})
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/8192, "ns/row")
			})
		}
	}
}
