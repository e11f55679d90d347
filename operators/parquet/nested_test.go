package parquet

import (
	"bytes"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/pipeline"
)

// shapes has a column of each way to nest values.
func shapes() *arrow.Schema {
	null := func(name string, t arrow.DataType) arrow.Field {
		return arrow.Field{Name: name, Type: t, Nullable: true}
	}
	some := func(name string, t arrow.DataType) arrow.Field { return arrow.Field{Name: name, Type: t} }
	i64, text := arrow.PrimitiveTypes.Int64, arrow.BinaryTypes.String
	pair := arrow.StructOf(null("a", i64), some("b", text), null("c", arrow.FixedWidthTypes.Boolean))
	requiredMap := arrow.MapOf(text, i64)
	requiredMap.SetItemNullable(false)
	return arrow.NewSchema([]arrow.Field{
		null("struct", pair), some("struct required", pair),
		null("list", arrow.ListOf(i64)), some("list required", arrow.ListOfNonNullable(text)),
		null("large list", arrow.LargeListOf(text)), null("fixed list", arrow.FixedSizeListOf(3, i64)),
		null("map", arrow.MapOf(text, i64)), some("map required", requiredMap),
		null("lists of lists", arrow.ListOf(arrow.ListOf(arrow.ListOfNonNullable(i64)))),
		null("lists of structs", arrow.ListOf(arrow.StructOf(null("x", arrow.ListOf(text)), null("y", pair), some("z", i64)))),
		null("structs of maps", arrow.StructOf(null("m", arrow.MapOf(i64, arrow.ListOf(pair))))),
		null("dictionaries", arrow.ListOf(dictionaryOfStrings)),
		null("decimals", arrow.ListOf(&arrow.Decimal128Type{Precision: 12, Scale: 2})),
		null("last", i64),
	}, nil)
}

// grow appends a random value, and nulls and empty lists among them.
func grow(r *rand.Rand, b array.Builder, f arrow.Field) {
	if f.Nullable && r.IntN(4) == 0 {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.StructBuilder:
		b.Append(true)
		for i, child := range b.Type().(*arrow.StructType).Fields() {
			grow(r, b.FieldBuilder(i), child)
		}
	case *array.MapBuilder:
		b.Append(true)
		t := b.Type().(*arrow.MapType)
		for range r.IntN(4) {
			grow(r, b.KeyBuilder(), t.KeyField())
			grow(r, b.ItemBuilder(), t.ItemField())
		}
	case *array.ListBuilder:
		b.Append(true)
		for range r.IntN(4) {
			grow(r, b.ValueBuilder(), b.Type().(*arrow.ListType).ElemField())
		}
	case *array.LargeListBuilder:
		b.Append(true)
		for range r.IntN(4) {
			grow(r, b.ValueBuilder(), b.Type().(*arrow.LargeListType).ElemField())
		}
	case *array.FixedSizeListBuilder:
		b.Append(true)
		for range 3 {
			grow(r, b.ValueBuilder(), b.Type().(*arrow.FixedSizeListType).ElemField())
		}
	default:
		if err := b.AppendValueFromString(sample(r, f.Type)); err != nil {
			panic(err)
		}
	}
}

func growBatch(schema *arrow.Schema, n int, seed uint64) arrow.RecordBatch {
	r := rand.New(rand.NewPCG(seed, 7))
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for range n {
		for i, f := range schema.Fields() {
			grow(r, b.Field(i), f)
		}
	}
	return b.NewRecordBatch()
}

// What is nested comes back as it was, from our reader, arrow-go's and DuckDB's.
func TestNestedRoundTrip(t *testing.T) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	e := env(t)
	a, b := growBatch(shapes(), 700, 1), growBatch(shapes(), 2000, 2)
	defer a.Release()
	defer b.Release()
	cut := b.NewSlice(17, 1900)
	defer cut.Release()
	file := write(t, Format{}, shapes(), []arrow.RecordBatch{a, cut}, []arrow.RecordBatch{cut})
	save(t, e, "x.parquet", file)
	want := append(append(text(a), text(cut)...), text(cut)...)
	got, err := read(t.Context(), e, Files("x.parquet"), nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, want)
	if got, err = viaArrow(t, file); err != nil {
		t.Fatal(err)
	}
	same(t, got, want)

	ours, theirs := filepath.Join(e.Dir, "x.parquet"), filepath.Join(e.Dir, "theirs.parquet")
	if _, err := db.Exec(fmt.Sprintf("COPY (SELECT * FROM read_parquet('%s')) TO '%s' (FORMAT parquet)", ours, theirs)); err != nil {
		t.Fatal(err)
	}
	if got, err = read(t.Context(), e, Files("theirs.parquet"), nil); err != nil {
		t.Fatal(err)
	}
	same(t, got, want)
}

// Lists that are longer than a page, and pages that end within nested rows.
func TestLongLists(t *testing.T) {
	e := env(t)
	schema := arrow.NewSchema([]arrow.Field{{Name: "l", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true}}, nil)
	b := array.NewRecordBuilder(e.Alloc, schema)
	list := b.Field(0).(*array.ListBuilder)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 60 {
		list.Append(true)
		for range []int{0, 3, 70_000, 200}[i%4] {
			list.ValueBuilder().(*array.StringBuilder).Append(fmt.Sprintf("%x", r.Uint64()))
		}
	}
	batch := b.NewRecordBatch()
	b.Release()
	defer batch.Release()
	save(t, e, "x.parquet", write(t, Format{}, schema, []arrow.RecordBatch{batch}))
	got, err := read(t.Context(), e, Files("x.parquet"), nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, text(batch))
}

// others are the types that come back as another of the same values.
func others() *arrow.Schema {
	var fields []arrow.Field
	for _, typ := range []arrow.DataType{
		arrow.BinaryTypes.LargeString, arrow.BinaryTypes.LargeBinary, arrow.BinaryTypes.StringView, arrow.BinaryTypes.BinaryView,
		arrow.FixedWidthTypes.Float16, arrow.FixedWidthTypes.Date64,
		arrow.FixedWidthTypes.Time32ms, arrow.FixedWidthTypes.Time64ns, &arrow.FixedSizeBinaryType{ByteWidth: 5},
		&arrow.Decimal32Type{Precision: 9, Scale: 2}, &arrow.Decimal64Type{Precision: 18, Scale: 2}, &arrow.Decimal64Type{Precision: 5, Scale: 2},
		&arrow.Decimal128Type{Precision: 9, Scale: 2}, &arrow.Decimal128Type{Precision: 18, Scale: 2},
		&arrow.Decimal256Type{Precision: 60, Scale: 5}, &arrow.Decimal256Type{Precision: 30, Scale: 5},
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint8, ValueType: arrow.PrimitiveTypes.Int64},
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int16, ValueType: arrow.PrimitiveTypes.Float64},
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int64, ValueType: arrow.FixedWidthTypes.Date32},
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: &arrow.FixedSizeBinaryType{ByteWidth: 5}},
	} {
		fields = append(fields, arrow.Field{Name: typ.String(), Type: typ, Nullable: true}, arrow.Field{Name: typ.String() + " required", Type: typ})
	}
	return arrow.NewSchema(fields, nil)
}

func otherSample(r *rand.Rand, t arrow.DataType) string {
	switch t := pipeline.ValueType(t).(type) {
	case *arrow.LargeBinaryType, *arrow.BinaryViewType:
		return "AP8="
	case *arrow.FixedSizeBinaryType:
		return []string{"AP8BAgM=", "AAAAAAA=", "//////8="}[r.IntN(3)]
	case *arrow.Date64Type, *arrow.Date32Type:
		return fmt.Sprintf("%04d-02-03", 1900+r.IntN(300))
	case *arrow.Time32Type:
		return fmt.Sprintf("12:34:%02d.789", r.IntN(60))
	case *arrow.Time64Type:
		return fmt.Sprintf("12:34:%02d.789012345", r.IntN(60))
	case arrow.DecimalType:
		return fmt.Sprint(r.IntN(200)) + "." + strings.Repeat("1", int(t.GetScale()))
	case *arrow.Float16Type, *arrow.Float64Type:
		return []string{"1.5", "-2", "0.25"}[r.IntN(3)]
	}
	return fmt.Sprint(r.IntN(100))
}

func TestOtherTypesRoundTrip(t *testing.T) {
	e := env(t)
	r := rand.New(rand.NewPCG(3, 4))
	b := array.NewRecordBuilder(memory.DefaultAllocator, others())
	defer b.Release()
	for range 500 {
		for i, f := range others().Fields() {
			if f.Nullable && r.IntN(3) == 0 {
				b.Field(i).AppendNull()
			} else if err := b.Field(i).AppendValueFromString(otherSample(r, f.Type)); err != nil {
				t.Fatal(f, err)
			}
		}
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	file := write(t, Format{}, others(), []arrow.RecordBatch{batch})
	save(t, e, "x.parquet", file)
	got, err := read(t.Context(), e, Files("x.parquet"), nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, halves(got), halves(text(batch)))
	if got, err = viaArrow(t, file); err != nil {
		t.Fatal(err)
	}
	same(t, halves(got), halves(text(batch)))
}

// halves leaves the columns of float16 out, which parquet-go and arrow-go give as bytes.
func halves(rows []string) (out []string) {
	for _, row := range rows {
		cells := strings.Split(row, "|")
		out = append(out, strings.Join(slices.Delete(cells, 8, 10), "|"))
	}
	return out
}

// The same bytes come of any number of workers.
func TestSameBytesOfManyWorkers(t *testing.T) {
	schema := shapes()
	var batches []arrow.RecordBatch
	for i := range 8 {
		b := growBatch(schema, 300+i*100, uint64(i))
		defer b.Release()
		batches = append(batches, b)
	}
	encode := func(workers int) []byte {
		var buf bytes.Buffer
		enc, err := Format{}.Create(&buf, schema)
		if err != nil {
			t.Fatal(err)
		}
		chunks := make([]chan pipeline.Chunk, len(batches))
		units := make(chan int, len(batches))
		for i := range chunks {
			chunks[i] = make(chan pipeline.Chunk, 1)
			units <- i
		}
		close(units)
		for range workers {
			go func() {
				for i := range units {
					c, err := enc.Encode(t.Context(), batches[i:i+1])
					if err != nil {
						t.Error(err)
					}
					chunks[i] <- c
				}
			}()
		}
		for i := range chunks {
			if err := enc.Append(<-chunks[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := enc.Close(); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	want := encode(1)
	for _, workers := range []int{2, 8} {
		if !bytes.Equal(encode(workers), want) {
			t.Errorf("%d workers: the bytes differ", workers)
		}
	}
}
