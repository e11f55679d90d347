package parquet

import (
	"bytes"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	_ "github.com/duckdb/duckdb-go/v2" // a reader and writer that is not ours
)

// What DuckDB makes of our files, and we of DuckDB's, is what was written, cell by cell
// of every type: our file is copied by DuckDB and read back.
func TestDuckDBAgrees(t *testing.T) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	e := env(t)
	schema := everything()
	for _, codec := range []string{"zstd", "snappy", "gzip", "uncompressed"} {
		for _, version := range []string{"V1", "V2"} {
			batch := fill(e.Alloc, schema, 200, uint64(len(codec)))
			save(t, e, "ours.parquet", write(t, Format{}, schema, []arrow.RecordBatch{batch}))
			batch.Release()
			ours, theirs := filepath.Join(e.Dir, "ours.parquet"), filepath.Join(e.Dir, "theirs.parquet")
			copied := fmt.Sprintf("COPY (SELECT * FROM read_parquet('%s')) TO '%s' (FORMAT parquet, COMPRESSION %s, PARQUET_VERSION %s)", ours, theirs, codec, version)
			if _, err := db.Exec(copied); err != nil {
				t.Fatal(err)
			}
			want, err := read(t.Context(), e, Files("ours.parquet"), nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := read(t.Context(), e, Files("theirs.parquet"), nil)
			if err != nil {
				t.Fatalf("%s %s: %v", codec, version, err)
			}
			same(t, got, want)
			checkFacts(t, e, "theirs.parquet")
		}
	}
}

// We read what arrow-go writes, of every type and in the encodings it has.
func TestArrowAgrees(t *testing.T) {
	e := env(t)
	schema := everything()
	for i, options := range [][]parquet.WriterProperty{
		{},
		{parquet.WithDictionaryDefault(false)},
		{parquet.WithDataPageVersion(parquet.DataPageV2)},
		{parquet.WithCompression(compress.Codecs.Zstd), parquet.WithDataPageSize(100)},
		{parquet.WithCompression(compress.Codecs.Snappy), parquet.WithDictionaryPageSizeLimit(20)},
		{parquet.WithDictionaryDefault(false), parquet.WithVersion(parquet.V2_LATEST), parquet.WithEncoding(parquet.Encodings.Plain)},
	} {
		batch := fill(e.Alloc, schema, 300, uint64(i))
		var file bytes.Buffer
		w, err := pqarrow.NewFileWriter(schema, &file, parquet.NewWriterProperties(options...), pqarrow.DefaultWriterProps())
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(batch); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		want := text(batch)
		batch.Release()
		save(t, e, "theirs.parquet", file.Bytes())
		got, err := read(t.Context(), e, Files("theirs.parquet"), nil)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, want)
	}
}
