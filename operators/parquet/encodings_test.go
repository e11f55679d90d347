package parquet

import (
	"bytes"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/penstock-data/penstock/pipeline"
)

// one gives a schema with a column of one type, nullable and not.
func one(t arrow.DataType) *arrow.Schema {
	return arrow.NewSchema([]arrow.Field{{Name: "n", Type: t, Nullable: true}, {Name: "r", Type: t}}, nil)
}

// tryArrow writes as arrow-go does, which panics on encodings that a type does not have.
func tryArrow(b arrow.RecordBatch, options ...parquet.WriterProperty) (file []byte, ok bool) {
	defer func() {
		if recover() != nil {
			file, ok = nil, false
		}
	}()
	var buf bytes.Buffer
	w, err := pqarrow.NewFileWriter(b.Schema(), &buf, parquet.NewWriterProperties(options...), pqarrow.DefaultWriterProps())
	if err != nil || w.Write(b) != nil || w.Close() != nil {
		return nil, false
	}
	return buf.Bytes(), true
}

// Every type in every encoding that arrow-go has for it, in pages of both versions, is
// read cell by cell as it was written; so are some of the rows.
func TestEveryEncoding(t *testing.T) {
	e := env(t)
	encodings := []parquet.Encoding{
		parquet.Encodings.Plain, parquet.Encodings.RLE, parquet.Encodings.DeltaBinaryPacked, parquet.Encodings.DeltaByteArray,
		parquet.Encodings.DeltaLengthByteArray, parquet.Encodings.ByteStreamSplit, parquet.Encodings.RLEDict,
	}
	codecs := []compress.Compression{compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Gzip, compress.Codecs.Zstd, compress.Codecs.Brotli, compress.Codecs.Lz4Raw}
	read := map[string]int{}
	for i, field := range everything().Fields() {
		if !field.Nullable || field.Type.ID() == arrow.DICTIONARY {
			continue
		}
		batch := fill(memory.DefaultAllocator, one(field.Type), 400, uint64(i))
		for j, encoding := range encodings {
			for _, version := range []parquet.DataPageVersion{parquet.DataPageV1, parquet.DataPageV2} {
				codec := codecs[(i+j+int(version))%len(codecs)]
				options := []parquet.WriterProperty{parquet.WithDataPageVersion(version), parquet.WithCompression(codec), parquet.WithDataPageSize(500), parquet.WithBatchSize(50), parquet.WithPageIndexEnabled(j%2 == 0)}
				if encoding != parquet.Encodings.RLEDict {
					options = append(options, parquet.WithDictionaryDefault(false), parquet.WithEncoding(encoding))
				}
				file, ok := tryArrow(batch, options...)
				if !ok {
					continue
				}
				what := fmt.Sprintf("%s, %s, %s, version %d", field.Name, encoding, codec, version)
				agrees(t, e, what, file, text(batch))
				read[encoding.String()]++
			}
		}
	}
	for _, encoding := range encodings {
		if read[encoding.String()] == 0 {
			t.Errorf("nothing was written as %s", encoding)
		}
	}
	t.Log(read)
}

// agrees reads a file, all of it and every third row, and compares the text of the rows.
func agrees(t *testing.T, e *pipeline.Env, what string, file []byte, want []string) {
	t.Helper()
	save(t, e, "x.parquet", file)
	got, err := read(t.Context(), e, Files("x.parquet"), nil)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Fatalf("%s: other rows", what)
	}
	in, err := Files("x.parquet").Resolve(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, s := range in.Splits {
		keep := make([]bool, s.Rows)
		var some []string
		for i := range keep {
			if keep[i] = i%3 == 1; keep[i] {
				some = append(some, want[at+i])
			}
		}
		at += len(keep)
		if got := rowsOf(t, e, s, nil, keep); strings.Join(got, "\n") != strings.Join(some, "\n") {
			t.Fatalf("%s: other rows, of every third", what)
		}
	}
}

// Nested columns of arrow-go are read as they were written, in both versions of pages.
func TestNestedByArrow(t *testing.T) {
	e := env(t)
	batch := fillNested(memory.DefaultAllocator, 500, 5)
	for name, options := range arrowOptions {
		agrees(t, e, name, byArrow(t, []arrow.RecordBatch{batch}, options...), text(batch))
	}
}

// What DuckDB makes of values by itself is what we read: it says of each cell as text what
// it is, and we say the same. Its encodings are dictionary, delta and byte stream split.
func TestDuckDBsOwn(t *testing.T) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	e := env(t)
	const query = `SELECT i::BIGINT AS i, (i % 7)::TINYINT AS small, (i * 1000003)::UBIGINT AS big, i / 7 AS share, (i / 3)::FLOAT AS half,
		CASE WHEN i % 5 > 0 THEN 'text ' || i % 50 END AS text, 'a longer prefix, the same, and ' || i AS shared, i % 2 = 0 AS even,
		DATE '2001-01-01' + i::INTEGER AS day, TIMESTAMP '2001-01-01' + INTERVAL (i) MINUTE AS at, (i / 100)::DECIMAL(12, 2) AS price, (i * 12345678901)::HUGEINT::DECIMAL(38, 3) AS wide,
		CASE WHEN i % 4 > 0 THEN range(i % 4) END AS list, {'a': i, 'b': CASE WHEN i % 3 > 0 THEN 'x' || i END} AS pair,
		MAP {'k' || i % 3: i::DOUBLE} AS map, [['a', NULL], [], NULL] AS lists, md5(i::VARCHAR)::BLOB AS bytes
		FROM range(700) t(i)`
	columns := "i, small, big, text, shared, even, day::VARCHAR, price, wide, list, pair.a, pair.b, map::VARCHAR"
	for _, version := range []string{"V1", "V2"} {
		for _, codec := range []string{"zstd", "snappy", "gzip", "uncompressed", "lz4_raw", "brotli"} {
			path := filepath.Join(e.Dir, "x.parquet")
			if _, err := db.Exec(fmt.Sprintf("COPY (%s) TO '%s' (FORMAT parquet, COMPRESSION %s, PARQUET_VERSION %s, ROW_GROUP_SIZE 2048, DICTIONARY_SIZE_LIMIT 100)", query, path, codec, version)); err != nil {
				t.Fatal(err)
			}
			in, err := Files("x.parquet").Resolve(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
			rows, err := db.Query("SELECT " + columns + " FROM read_parquet('" + path + "')")
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, s := range in.Splits {
				b := onlyBatch(t, e, s)
				for row := range int(b.NumRows()) {
					if !rows.Next() {
						t.Fatal("DuckDB has fewer rows")
					}
					compareRow(t, rows, b, row)
					n++
				}
				b.Release()
			}
			if n != 700 || rows.Next() {
				t.Errorf("%s %s: %d rows", codec, version, n)
			}
			if err := rows.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// compareRow holds a row of DuckDB against one of ours.
func compareRow(t *testing.T, rows *sql.Rows, b arrow.RecordBatch, row int) {
	t.Helper()
	theirs := make([]any, 13)
	into := make([]any, len(theirs))
	for i := range theirs {
		into[i] = &theirs[i]
	}
	if err := rows.Scan(into...); err != nil {
		t.Fatal(err)
	}
	col := func(name string) arrow.Array { return b.Column(b.Schema().FieldIndices(name)[0]) }
	pair := col("pair").(*array.Struct)
	i := int(col("i").(*array.Int64).Value(row))
	ours := []string{}
	for _, name := range []string{"i", "small", "big", "text", "shared", "even", "day", "price", "wide"} {
		ours = append(ours, col(name).ValueStr(row))
	}
	for j, got := range append(ours, "", pair.Field(0).ValueStr(row), pair.Field(1).ValueStr(row)) {
		want := fmt.Sprint(theirs[j])
		switch {
		case j == 9: // the list, below
			continue
		case theirs[j] == nil:
			want = array.NullValueStr
		case j == 7 || j == 8: // decimals: both without zeros at the end
			got, want = trimZeros(got), trimZeros(fmt.Sprint(theirs[j]))
		}
		if got != want {
			t.Fatalf("row %d: column %d: %q, want %q", i, j, got, want)
		}
	}
	list := col("list").(*array.List)
	if i%4 == 0 != list.IsNull(row) {
		t.Fatalf("row %d: a list that is null, or not", i)
	}
	from, to := list.ValueOffsets(row)
	for k := from; k < to; k++ {
		if got := list.ListValues().(*array.Int64).Value(int(k)); got != k-from || int(to-from) != i%4 {
			t.Fatalf("row %d: %d in its list of %d", i, got, to-from)
		}
	}
	m := col("map").(*array.Map)
	at, _ := m.ValueOffsets(row)
	if m.Keys().ValueStr(int(at)) != fmt.Sprint("k", i%3) || m.Items().(*array.Float64).Value(int(at)) != float64(i) {
		t.Fatalf("row %d: its map is %s", i, m.ValueStr(row))
	}
	if got := col("lists").ValueStr(row); got != `[["a",null],[],null]` {
		t.Fatalf("row %d: %s", i, got)
	}
}

func trimZeros(s string) string {
	if strings.Contains(s, ".") {
		return strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
