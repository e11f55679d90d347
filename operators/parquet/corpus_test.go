package parquet

import (
	"bytes"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// nestedSchema has columns of each kind of nesting.
func nestedSchema() *arrow.Schema {
	text := arrow.BinaryTypes.String
	point := arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int32, Nullable: true}, arrow.Field{Name: "name", Type: text, Nullable: true})
	return arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "list", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64), Nullable: true},
		{Name: "point", Type: point, Nullable: true},
		{Name: "points", Type: arrow.ListOf(point), Nullable: true},
		{Name: "lists", Type: arrow.ListOf(arrow.ListOf(text)), Nullable: true},
		{Name: "map", Type: arrow.MapOf(text, arrow.PrimitiveTypes.Float64), Nullable: true},
	}, nil)
}

// build appends a random value to a builder, whatever is nested in it.
func build(r *rand.Rand, b array.Builder, nullable bool) {
	if nullable && r.IntN(5) == 0 {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.StructBuilder:
		b.Append(true)
		for i := range b.NumField() {
			build(r, b.FieldBuilder(i), true)
		}
	case *array.MapBuilder:
		b.Append(true)
		for range r.IntN(4) {
			build(r, b.KeyBuilder(), false)
			build(r, b.ItemBuilder(), true)
		}
	case *array.ListBuilder:
		b.Append(true)
		for range r.IntN(4) {
			build(r, b.ValueBuilder(), true)
		}
	default:
		if err := b.AppendValueFromString(sample(r, b.Type())); err != nil {
			panic(err)
		}
	}
}

func fillNested(alloc memory.Allocator, n int, seed uint64) arrow.RecordBatch {
	r := rand.New(rand.NewPCG(seed, 2))
	b := array.NewRecordBuilder(alloc, nestedSchema())
	defer b.Release()
	for i := range n {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		for j := 1; j < b.Schema().NumFields(); j++ {
			build(r, b.Field(j), true)
		}
	}
	return b.NewRecordBatch()
}

// byArrow writes batches, each a row group, as arrow-go does.
func byArrow(t testing.TB, batches []arrow.RecordBatch, options ...parquet.WriterProperty) []byte {
	t.Helper()
	var file bytes.Buffer
	w, err := pqarrow.NewFileWriter(batches[0].Schema(), &file, parquet.NewWriterProperties(options...), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		if err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// arrowOptions are ways in which arrow-go writes files.
var arrowOptions = map[string][]parquet.WriterProperty{
	"plain":      {parquet.WithDictionaryDefault(false)},
	"dictionary": {parquet.WithPageIndexEnabled(true), parquet.WithDataPageSize(200), parquet.WithBatchSize(16)},
	"v2":         {parquet.WithDataPageVersion(parquet.DataPageV2), parquet.WithCompression(compress.Codecs.Zstd), parquet.WithPageIndexEnabled(true), parquet.WithDataPageSize(300), parquet.WithBatchSize(32)},
	"fallback":   {parquet.WithCompression(compress.Codecs.Snappy), parquet.WithDictionaryPageSizeLimit(20), parquet.WithDataPageSize(100), parquet.WithBatchSize(16)},
	"indexed":    {parquet.WithDictionaryDefault(false), parquet.WithPageIndexEnabled(true), parquet.WithDataPageSize(100), parquet.WithBatchSize(8), parquet.WithCompression(compress.Codecs.Gzip)},
	"bloom":      {parquet.WithBloomFilterEnabled(true), parquet.WithBloomFilterNDV(500), parquet.WithCompression(compress.Codecs.Brotli)},
}

// testFile is a file that is good.
type testFile struct {
	name string
	text []byte
	rows int
}

// corpus is a file of every kind: by ourselves, arrow-go and DuckDB, of flat and of
// nested columns.
func corpus(t testing.TB, rows int) (all []testFile) {
	t.Helper()
	flat := func(seed uint64) arrow.RecordBatch { return fill(memory.DefaultAllocator, everything(), rows, seed) }
	for _, c := range Compressions() {
		a, b := flat(1), flat(2)
		all = append(all, testFile{"ours " + c, write(t, Format{Compression: c}, everything(), []arrow.RecordBatch{a, b}, []arrow.RecordBatch{b}), 3 * rows})
	}
	nested := fillNested(memory.DefaultAllocator, rows, 3)
	for name, options := range arrowOptions {
		a, b := flat(4), flat(5)
		all = append(all,
			testFile{"arrow " + name, byArrow(t, []arrow.RecordBatch{a, b}, options...), 2 * rows},
			testFile{"arrow nested " + name, byArrow(t, []arrow.RecordBatch{nested, nested}, options...), 2 * rows})
	}
	for _, version := range []string{"V1", "V2"} {
		for _, codec := range []string{"zstd", "snappy", "uncompressed", "lz4_raw"} {
			all = append(all,
				testFile{"duckdb " + codec + " " + version, byDuckDB(t, byArrow(t, []arrow.RecordBatch{flat(6)}), "COMPRESSION "+codec+", PARQUET_VERSION "+version), rows},
				testFile{"duckdb nested " + codec + " " + version, byDuckDB(t, byArrow(t, []arrow.RecordBatch{nested}), "COMPRESSION "+codec+", PARQUET_VERSION "+version), rows})
		}
	}
	return all
}

// byDuckDB has a file written again by DuckDB.
func byDuckDB(t testing.TB, file []byte, options string) []byte {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from.parquet"), filepath.Join(dir, "to.parquet")
	if err := os.WriteFile(from, file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(fmt.Sprintf("COPY (SELECT * FROM read_parquet('%s')) TO '%s' (FORMAT parquet, %s)", from, to, options)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
