package expr

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// benchBatch is like flights: numbers, a dictionary of 200 airports, and a plain text.
func benchBatch(rows int) arrow.RecordBatch {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "delay", Type: arrow.PrimitiveTypes.Int64},
		{Name: "distance", Type: arrow.PrimitiveTypes.Int64},
		{Name: "taxi", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "price", Type: arrow.PrimitiveTypes.Float64},
		{Name: "discount", Type: arrow.PrimitiveTypes.Float64},
		{Name: "origin", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}},
		{Name: "destination", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}},
		{Name: "carrier", Type: arrow.BinaryTypes.String},
		{Name: "date", Type: arrow.FixedWidthTypes.Timestamp_us},
	}, nil)
	r := rand.New(rand.NewPCG(1, 2))
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for range rows {
		b.Field(0).(*array.Int64Builder).Append(int64(r.NormFloat64() * 40))
		b.Field(1).(*array.Int64Builder).Append(r.Int64N(3000))
		if r.IntN(20) == 0 {
			b.Field(2).AppendNull()
		} else {
			b.Field(2).(*array.Int64Builder).Append(r.Int64N(60))
		}
		b.Field(3).(*array.Float64Builder).Append(r.Float64() * 1000)
		b.Field(4).(*array.Float64Builder).Append(r.Float64() / 10)
		for _, f := range []int{5, 6} {
			if err := b.Field(f).(*array.BinaryDictionaryBuilder).AppendString(fmt.Sprintf("A%02d", r.IntN(200))); err != nil {
				panic(err)
			}
		}
		b.Field(7).(*array.StringBuilder).Append(fmt.Sprintf("carrier %d", r.IntN(100_000)))
		b.Field(8).(*array.TimestampBuilder).Append(arrow.Timestamp(978_307_200_000_000 + r.Int64N(15_552_000)*1_000_000))
	}
	return b.NewRecordBatch()
}

func BenchmarkEval(b *testing.B) {
	const rows = 64 << 10
	batch := benchBatch(rows)
	defer batch.Release()
	for _, src := range []string{
		`distance > 0`, `distance + delay > 5`, `distance * delay > 5`, `price + discount > 0.5`, `delay >= -60 && delay <= 720`, `distance + delay`, `distance * 2 - delay`, `distance / 60`, `price * (1.0 - discount)`, `price * (1.0 - discount) >= 0.0`,
		`taxi > 10`, `taxi == null`, `taxi != null && taxi < 120`, `coalesce(taxi, 0) + delay`, `delay > 0 ? delay : 0`,
		`origin == "A17"`, `origin.matches("^[A-Z0-9]{3}$")`, `origin != destination`, `lower(origin)`, `origin in ["A01", "A02", "A03", "A99"]`,
		`carrier == "carrier 7"`, `carrier.startsWith("carr")`, `carrier.contains("99")`, `carrier.matches("^carrier [0-9]+$")`, `like(carrier, "%er 1%")`, `size(carrier) < 20`, `lower(carrier) == "x"`,
		`date >= "2001-02-01"`, `month(date)`, `hour(date) >= 6 && hour(date) <= 22`, `date_trunc("month", date)`, `double(distance) * 1.6`, `string(delay)`, `int(carrier.substring(8)) > 5`,
	} {
		p, err := Compile(src, batch.Schema())
		if err != nil {
			b.Fatal(err)
		}
		b.Run(src, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				res, err := p.Eval(b.Context(), batch, nil)
				if err != nil {
					b.Fatal(err)
				}
				res.Release()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
		})
	}
}

// BenchmarkRules evaluates twenty row rules together, as a stage does.
func BenchmarkRules(b *testing.B) {
	const rows = 64 << 10
	batch := benchBatch(rows)
	defer batch.Release()
	var programs []*Program
	for _, src := range []string{
		`distance > 0`, `distance < 6000`, `delay >= -60`, `delay <= 720`, `delay >= -60 && delay <= 720`, `origin != null`, `destination != null`,
		`origin.matches("^[A-Z0-9]{3}$")`, `destination.matches("^[A-Z0-9]{3}$")`, `origin in ["A01", "A02", "A03"] || distance > 0`, `size(origin) == 3`,
		`price >= 0.0`, `price * (1.0 - discount) >= 0.0`, `discount >= 0.0 && discount < 1.0`, `taxi == null || taxi < 120`, `date >= "2001-01-01"`,
		`date < "2002-01-01"`, `hour(date) >= 0`, `month(date) <= 12`, `coalesce(taxi, 0) + delay < 2000`,
	} {
		p, err := Compile(src, batch.Schema())
		if err != nil {
			b.Fatal(err)
		}
		programs = append(programs, p)
	}
	g := NewGroup(programs...)
	b.ReportAllocs()
	for b.Loop() {
		results, err := g.Eval(b.Context(), batch, nil)
		if err != nil {
			b.Fatal(err)
		}
		for _, res := range results {
			res.Release()
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
}

func BenchmarkCompile(b *testing.B) {
	batch := benchBatch(1)
	defer batch.Release()
	for b.Loop() {
		if _, err := Compile(`delay >= -60 && delay <= 720 && origin.matches("^[A-Z]{3}$")`, batch.Schema()); err != nil {
			b.Fatal(err)
		}
	}
}
