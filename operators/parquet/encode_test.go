package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
	"github.com/zeebo/xxh3"

	"github.com/penstock-data/penstock/pipeline"
)

// batchOf makes a batch of arrays that are built from Go values.
func batchOf(t testing.TB, fields []arrow.Field, fill func(b *array.RecordBuilder)) (*arrow.Schema, arrow.RecordBatch) {
	t.Helper()
	schema := arrow.NewSchema(fields, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	fill(b)
	batch := b.NewRecordBatch()
	t.Cleanup(batch.Release)
	return schema, batch
}

// several has columns of several kinds, long enough for several pages.
func several(t testing.TB, rows int) (*arrow.Schema, arrow.RecordBatch) {
	return batchOf(t, []arrow.Field{
		{Name: "sorted", Type: arrow.PrimitiveTypes.Int64},
		{Name: "some", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
		{Name: "random", Type: arrow.PrimitiveTypes.Uint64, Nullable: true},
		{Name: "double", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "word", Type: dictionaryOfStrings, Nullable: true},
		{Name: "text", Type: arrow.BinaryTypes.String},
		{Name: "late", Type: arrow.BinaryTypes.String, Nullable: true},
	}, func(b *array.RecordBuilder) {
		for i := range rows {
			x := uint64(i) * 0x9e3779b97f4a7c15
			b.Field(0).(*array.Int64Builder).Append(int64(i * 3))
			b.Field(3).(*array.Float64Builder).Append(math.Float64frombits(x)) // NaN among them
			if i%7 == 0 {
				b.Field(1).AppendNull()
				b.Field(2).AppendNull()
			} else {
				b.Field(1).(*array.Int32Builder).Append(int32(i % 50))
				b.Field(2).(*array.Uint64Builder).Append(x)
			}
			_ = b.Field(4).(*array.BinaryDictionaryBuilder).AppendString([]string{"a", "bb", "ccc", ""}[x>>62])
			b.Field(5).(*array.StringBuilder).Append(fmt.Sprintf("%x %s", x, strings.Repeat("y", i%100)))
			if i < rows*2/3 {
				b.Field(6).AppendNull()
			} else {
				b.Field(6).(*array.StringBuilder).Append("z")
			}
		}
	})
}

// parquet-go's reader, which checks page checksums, finds the bounds of each page to hold
// for its values, the rows where the offset index says, and in the filters what is there.
func TestPageIndexAndFiltersHold(t *testing.T) {
	schema, batch := several(t, 100_000)
	f := Format{Bloom: []string{"sorted", "some", "word", "text", "double"}}
	data := write(t, f, schema, []arrow.RecordBatch{batch}, []arrow.RecordBatch{batch.NewSlice(5, 1000)})
	pf, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if got := pf.Metadata().CreatedBy; got != createdBy {
		t.Errorf("created by %q", got)
	}
	for g, group := range pf.RowGroups() {
		for i, chunk := range group.ColumnChunks() {
			checkPages(t, fmt.Sprintf("row group %d, %s", g, schema.Field(i).Name), chunk)
		}
	}
}

func checkPages(t *testing.T, where string, chunk parquet.ColumnChunk) {
	t.Helper()
	columns, err := chunk.ColumnIndex()
	if err != nil {
		t.Fatal(where, err)
	}
	offsets, err := chunk.OffsetIndex()
	if err != nil {
		t.Fatal(where, err)
	}
	compare := chunk.Type().Compare
	pages := chunk.Pages()
	defer pages.Close()
	row := int64(0)
	for p := 0; ; p++ {
		page, err := pages.ReadPage()
		if err != nil {
			if p != columns.NumPages() {
				t.Errorf("%s: %d pages, %d in the index: %v", where, p, columns.NumPages(), err)
			}
			return
		}
		if offsets.FirstRowIndex(p) != row {
			t.Errorf("%s: page %d begins with row %d, the index says %d", where, p, row, offsets.FirstRowIndex(p))
		}
		row += page.NumRows()
		vals := make([]parquet.Value, page.NumValues())
		n, _ := page.Values().ReadValues(vals)
		nulls := int64(0)
		for _, v := range vals[:n] {
			switch {
			case v.IsNull():
				nulls++
				continue
			case v.Kind() == parquet.Double && math.IsNaN(v.Double()):
				continue
			}
			if compare(v, columns.MinValue(p)) < 0 || compare(v, columns.MaxValue(p)) > 0 {
				t.Fatalf("%s: page %d: %v is not within %v and %v", where, p, v, columns.MinValue(p), columns.MaxValue(p))
			}
			if filter := chunk.BloomFilter(); filter != nil && p == 0 {
				if ok, err := filter.Check(v); err != nil || !ok {
					t.Fatalf("%s: the filter has no %v: %v", where, v, err)
				}
			}
		}
		if columns.NullCount(p) != nulls || columns.NullPage(p) != (nulls == int64(n)) {
			t.Errorf("%s: page %d has %d nulls, the index says %d, %v", where, p, nulls, columns.NullCount(p), columns.NullPage(p))
		}
	}
}

func TestFiltersKnowWhatIsNotThere(t *testing.T) {
	schema, batch := several(t, 20_000)
	data := write(t, Format{Bloom: []string{"sorted", "word"}}, schema, []arrow.RecordBatch{batch})
	pf, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	filter := pf.RowGroups()[0].ColumnChunks()[0].BloomFilter()
	wrong := 0
	for i := range 10_000 {
		if ok, _ := filter.Check(parquet.Int64Value(int64(3*i + 1))); ok {
			wrong++
		}
	}
	if wrong > 200 {
		t.Errorf("%d of 10000 are taken for there", wrong)
	}
	r, err := file.NewParquetReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := r.GetBloomFilterReader().RowGroup(0)
	if err != nil {
		t.Fatal(err)
	}
	words, err := theirs.GetColumnBloomFilter(4)
	if err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]bool{"a": true, "": true, "nowhere": false} {
		if got := words.CheckHash(words.Hasher().Sum64([]byte(word))); got != want {
			t.Errorf("arrow-go's filter: %q is there: %v", word, got)
		}
	}
}

// metaOf reads the footer.
func metaOf(t testing.TB, data []byte) *format.FileMetaData {
	t.Helper()
	pf, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return pf.Metadata()
}

func TestBounds(t *testing.T) {
	nan, minus0 := math.NaN(), math.Copysign(0, -1)
	bits := func(f float64) string { return string(binary.LittleEndian.AppendUint64(nil, math.Float64bits(f))) }
	long := strings.Repeat("é", 50)
	doubles := func(vals ...float64) func(array.Builder) {
		return func(b array.Builder) { b.(*array.Float64Builder).AppendValues(vals, nil) }
	}
	texts := func(vals ...string) func(array.Builder) {
		return func(b array.Builder) { b.(*array.StringBuilder).AppendValues(vals, nil) }
	}
	for _, test := range []struct {
		name     string
		typ      arrow.DataType
		fill     func(array.Builder)
		min, max string
	}{
		{"all NaN", arrow.PrimitiveTypes.Float64, doubles(nan, nan), "", ""},
		{"NaN left out", arrow.PrimitiveTypes.Float64, doubles(nan, 2, -1, nan), bits(-1), bits(2)},
		{"zeros", arrow.PrimitiveTypes.Float64, doubles(0, 0), bits(minus0), bits(0)},
		{"negative zeros", arrow.PrimitiveTypes.Float64, doubles(minus0, minus0), bits(minus0), bits(0)},
		{"infinities", arrow.PrimitiveTypes.Float64, doubles(math.Inf(1), math.Inf(1)), bits(math.Inf(1)), bits(math.Inf(1))},
		{"unsigned", arrow.PrimitiveTypes.Uint32, func(b array.Builder) { b.(*array.Uint32Builder).AppendValues([]uint32{1 << 31, 1}, nil) }, "\x01\x00\x00\x00", "\x00\x00\x00\x80"},
		{"signed", arrow.PrimitiveTypes.Int8, func(b array.Builder) { b.(*array.Int8Builder).AppendValues([]int8{1, -1}, nil) }, "\xff\xff\xff\xff", "\x01\x00\x00\x00"},
		{"texts", arrow.BinaryTypes.String, texts("b", "a", "é"), "a", "é"},
		{"cut off", arrow.BinaryTypes.String, texts(long, long), strings.Repeat("é", 32), strings.Repeat("é", 31) + "ê"},
		{"no greater", arrow.BinaryTypes.Binary, func(b array.Builder) { b.(*array.BinaryBuilder).Append(bytes.Repeat([]byte{0xff}, 99)) }, strings.Repeat("\xff", 64), ""},
		{"half", arrow.FixedWidthTypes.Float16, func(b array.Builder) {
			_ = b.AppendValueFromString("1.5")
			_ = b.AppendValueFromString("-2")
		}, "\x00\xc0", "\x00\x3e"},
		{"decimal", &arrow.Decimal128Type{Precision: 20}, func(b array.Builder) {
			_ = b.AppendValueFromString("-5")
			_ = b.AppendValueFromString("3")
		}, strings.Repeat("\xff", 15) + "\xfb", strings.Repeat("\x00", 15) + "\x03"},
		{"none", arrow.PrimitiveTypes.Int64, func(b array.Builder) { b.AppendNull() }, "", ""},
	} {
		schema, batch := batchOf(t, []arrow.Field{{Name: "x", Type: test.typ, Nullable: true}}, func(b *array.RecordBuilder) { test.fill(b.Field(0)) })
		stats := metaOf(t, write(t, Format{}, schema, []arrow.RecordBatch{batch})).RowGroups[0].Columns[0].MetaData.Statistics
		if string(stats.MinValue) != test.min || string(stats.MaxValue) != test.max {
			t.Errorf("%s: %q and %q, want %q and %q", test.name, stats.MinValue, stats.MaxValue, test.min, test.max)
		}
	}
}

// A dictionary has the entries that rows use, in the order they are first used; batches
// may have different ones.
func TestDictionariesAreKept(t *testing.T) {
	e := env(t)
	schema := arrow.NewSchema([]arrow.Field{{Name: "d", Type: dictionaryOfStrings, Nullable: true}}, nil)
	batch := func(dict string, indexes ...string) arrow.RecordBatch {
		words, _, _ := array.FromJSON(memory.DefaultAllocator, arrow.BinaryTypes.String, strings.NewReader(dict))
		ix, _, _ := array.FromJSON(memory.DefaultAllocator, arrow.PrimitiveTypes.Int32, strings.NewReader("["+strings.Join(indexes, ",")+"]"))
		return array.NewRecordBatch(schema, []arrow.Array{array.NewDictionaryArray(dictionaryOfStrings, ix, words)}, int64(ix.Len()))
	}
	first := batch(`["unused", "b", "a", null]`, "2", "1", "null", "3", "2")
	second := batch(`["a", "c", "b"]`, "1", "0", "2", "2", "2", "2", "2", "2", "2", "2", "2")
	data := write(t, Format{}, schema, []arrow.RecordBatch{first, second, first})
	save(t, e, "x.parquet", data)
	got, err := read(t.Context(), e, Files("x.parquet"), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := append(append(text(first), text(second)...), text(first)...)
	want[3], want[19] = "(null)", "(null)"
	same(t, got, want)
	stats := metaOf(t, data).RowGroups[0].Columns[0].MetaData.Statistics
	if stats.DistinctCount != 3 || stats.NullCount != 4 || string(stats.MinValue) != "a" || string(stats.MaxValue) != "c" {
		t.Errorf("got %+v", stats)
	}
	bad := batch(`["a"]`, "7")
	enc, err := Format{}.Create(new(bytes.Buffer), schema)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := enc.Encode(t.Context(), []arrow.RecordBatch{bad}); err == nil || err.Error() != `column "d": it has an index beyond the dictionary` {
		t.Errorf("got %v", err)
	}
}

func TestNullsThatMayNotBe(t *testing.T) {
	nullable := []arrow.Field{{Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64)}, {Name: "x", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}
	_, batch := batchOf(t, nullable, func(b *array.RecordBuilder) {
		b.Field(0).(*array.ListBuilder).Append(true)
		b.Field(0).(*array.ListBuilder).ValueBuilder().AppendNull()
		b.Field(1).AppendNull()
	})
	for i, test := range []struct {
		typ  arrow.DataType
		want string
	}{
		{arrow.ListOfNonNullable(arrow.PrimitiveTypes.Int64), `column "l": a value of l.list.element is null, and may not be`},
		{arrow.PrimitiveTypes.Int64, `column "x": 1 values are null, and the column may have none`},
	} {
		f := arrow.Field{Name: nullable[i].Name, Type: test.typ}
		enc, err := Format{}.Create(new(bytes.Buffer), arrow.NewSchema([]arrow.Field{f}, nil))
		if err != nil {
			t.Fatal(err)
		}
		_, err = enc.(pipeline.Copier).EncodeColumns(t.Context(), 1, []pipeline.ColumnValues{{Arrays: []arrow.Array{batch.Column(i)}}})
		if err == nil || err.Error() != test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

// The digests are those of the bytes in the file.
func TestDigestsOfParts(t *testing.T) {
	schema, batch := several(t, 3000)
	var buf bytes.Buffer
	enc, err := Format{}.Create(&buf, schema)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		c, err := enc.Encode(t.Context(), []arrow.RecordBatch{batch})
		if err != nil {
			t.Fatal(err)
		}
		if err := enc.Append(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	var f pipeline.File
	enc.(pipeline.Describer).Describe(&f)
	data := buf.Bytes()
	for g, group := range metaOf(t, data).RowGroups {
		for i, c := range group.Columns {
			from := c.MetaData.DataPageOffset
			if d := c.MetaData.DictionaryPageOffset; d > 0 {
				from = d
			}
			if want := fmt.Sprintf("%016x", xxh3.Hash(data[from:from+c.MetaData.TotalCompressedSize])); f.Chunks[g][i] != want {
				t.Errorf("row group %d, column %d: %s, want %s", g, i, f.Chunks[g][i], want)
			}
		}
	}
	n := int(binary.LittleEndian.Uint32(data[len(data)-8:]))
	if want := fmt.Sprintf("%016x", xxh3.Hash(data[len(data)-8-n:len(data)-8])); f.Footer != want {
		t.Errorf("footer: %s, want %s", f.Footer, want)
	}
}

func TestOptionsNameColumns(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{{Name: "day", Type: arrow.PrimitiveTypes.Int64}, {Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64)}}, nil)
	for _, test := range []struct {
		f    Format
		want string
	}{
		{Format{SortedBy: []string{"-dya"}}, `sorted_by: unknown column "dya"; did you mean "day"?`},
		{Format{Bloom: []string{"l"}}, `bloom: column l is nested`},
		{Format{Bloom: []string{"something"}}, `bloom: unknown column "something"`},
	} {
		_, err := test.f.Create(new(bytes.Buffer), schema)
		var e *pipeline.Error
		if !errors.As(err, &e) || e.Kind != pipeline.Invalid || e.Error() != test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
	f := Format{SortedBy: []string{"day", "-l"}, Bloom: []string{"day"}}
	if got, want := f.String(), "parquet, zstd, sorted by day -l, bloom day"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Chunks without rows leave no trace.
func TestNoRows(t *testing.T) {
	schema, batch := several(t, 10)
	empty := batch.NewSlice(3, 3)
	defer empty.Release()
	want := write(t, Format{}, schema, []arrow.RecordBatch{batch}, []arrow.RecordBatch{batch})
	got := write(t, Format{}, schema, nil, []arrow.RecordBatch{empty, batch, empty}, []arrow.RecordBatch{empty}, []arrow.RecordBatch{batch})
	if !bytes.Equal(got, want) {
		t.Error("the bytes differ")
	}
}

// A few long texts in a dictionary are not written once for each row that has them; many
// that are used once are written without one.
func TestLargeDictionaries(t *testing.T) {
	e := env(t)
	schema := arrow.NewSchema([]arrow.Field{{Name: "d", Type: dictionaryOfStrings}}, nil)
	for _, test := range []struct {
		entries, size, rows int
		kept                bool
	}{{5, 3 << 20, 2000, true}, {20, 1 << 20, 20, false}, {300, 10, 300, false}, {300, 10, 3000, true}} {
		b := array.NewDictionaryBuilder(memory.DefaultAllocator, dictionaryOfStrings).(*array.BinaryDictionaryBuilder)
		for i := range test.rows {
			if err := b.AppendString(fmt.Sprint(i%test.entries) + strings.Repeat("x", test.size)); err != nil {
				t.Fatal(err)
			}
		}
		batch := array.NewRecordBatch(schema, []arrow.Array{b.NewArray()}, int64(test.rows))
		data := write(t, Format{}, schema, []arrow.RecordBatch{batch})
		if got := metaOf(t, data).RowGroups[0].Columns[0].MetaData.DictionaryPageOffset > 0; got != test.kept {
			t.Errorf("%+v: a dictionary: %v", test, got)
		}
		if test.rows < 1000 {
			save(t, e, "x.parquet", data)
			got, err := read(t.Context(), e, Files("x.parquet"), nil)
			if err != nil {
				t.Fatal(err)
			}
			same(t, got, text(batch))
		}
		b.Release()
	}
}
