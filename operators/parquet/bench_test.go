package parquet

import (
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// BenchmarkEncode encodes a row group of one column of each of the kinds that tables
// have. A byte of the rate is one of the Arrow array; out/in is how much of it is written.
func BenchmarkEncode(b *testing.B) {
	const rows = 120_000
	r := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("furiously final deposits sleep quickly among the pending requests and even theodolites nag blithely")
	sentence := func() string {
		var s []string
		for range 3 + r.IntN(4) {
			s = append(s, words[r.IntN(len(words))])
		}
		return strings.Join(s, " ")
	}
	for _, kind := range []struct {
		name   string
		typ    arrow.DataType
		append func(array.Builder, int)
	}{
		{"sorted ints", arrow.PrimitiveTypes.Int64, func(b array.Builder, i int) { b.(*array.Int64Builder).Append(int64(i/4*32 + i%4)) }},
		{"random ints", arrow.PrimitiveTypes.Int64, func(b array.Builder, _ int) { b.(*array.Int64Builder).Append(r.Int64N(2_000_000)) }},
		{"few ints", arrow.PrimitiveTypes.Int32, func(b array.Builder, _ int) { b.(*array.Int32Builder).Append(r.Int32N(50)) }},
		{"ints and nulls", arrow.PrimitiveTypes.Int64, func(b array.Builder, _ int) {
			if r.IntN(10) == 0 {
				b.AppendNull()
				return
			}
			b.(*array.Int64Builder).Append(r.Int64N(1000))
		}},
		{"timestamps", &arrow.TimestampType{Unit: arrow.Microsecond}, func(b array.Builder, i int) {
			b.(*array.TimestampBuilder).Append(arrow.Timestamp(1_700_000_000_000_000 + int64(i)*1_000_000 + r.Int64N(900_000)))
		}},
		{"prices", arrow.PrimitiveTypes.Float64, func(b array.Builder, _ int) { b.(*array.Float64Builder).Append(float64(r.IntN(10_000_000)) / 100) }},
		{"decimals", &arrow.Decimal128Type{Precision: 15, Scale: 2}, func(b array.Builder, _ int) { _ = b.AppendValueFromString("1234.56") }},
		{"flags", arrow.FixedWidthTypes.Boolean, func(b array.Builder, _ int) { b.(*array.BooleanBuilder).Append(r.IntN(5) == 0) }},
		{"dictionary", dictionaryOfStrings, func(b array.Builder, _ int) {
			_ = b.(*array.BinaryDictionaryBuilder).AppendString(words[r.IntN(len(words))])
		}},
		{"few texts", arrow.BinaryTypes.String, func(b array.Builder, _ int) { b.(*array.StringBuilder).Append(words[r.IntN(len(words))]) }},
		{"sentences", arrow.BinaryTypes.String, func(b array.Builder, _ int) { b.(*array.StringBuilder).Append(sentence()) }},
		{"lists", arrow.ListOf(arrow.PrimitiveTypes.Int64), func(b array.Builder, _ int) {
			b.(*array.ListBuilder).Append(true)
			for range r.IntN(5) {
				b.(*array.ListBuilder).ValueBuilder().(*array.Int64Builder).Append(r.Int64N(1000))
			}
		}},
	} {
		b.Run(kind.name, func(b *testing.B) {
			schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: kind.typ, Nullable: true}}, nil)
			rb := array.NewRecordBuilder(memory.DefaultAllocator, schema)
			defer rb.Release()
			for i := range rows {
				kind.append(rb.Field(0), i)
			}
			batch := rb.NewRecordBatch()
			defer batch.Release()
			size := int64(batch.Column(0).Data().SizeInBytes())
			enc, err := Format{}.Create(io.Discard, schema)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(size)
			b.ReportAllocs()
			var out int
			for b.Loop() {
				c, err := enc.Encode(b.Context(), []arrow.RecordBatch{batch})
				if err != nil {
					b.Fatal(err)
				}
				out = 0
				for _, c := range c.(*rowGroup).chunks {
					out += len(c.data)
					c.free()
				}
			}
			b.ReportMetric(float64(out)/float64(size), "out/in")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
		})
	}
}
