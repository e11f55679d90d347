package parquet

import (
	"bytes"
	"database/sql"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/pipeline"
)

func footerOf(t testing.TB, e *pipeline.Env, name string) *footer {
	t.Helper()
	f, err := readFooter(files.File{File: pipeline.File{Path: name}, Abs: filepath.Join(e.Dir, name)})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// copied writes what a file has, taking over the columns that the encoder takes.
func copied(t testing.TB, f Format, src *footer, schema *arrow.Schema, must bool) (_ []byte, taken int) {
	t.Helper()
	var buf bytes.Buffer
	enc, err := f.Create(&buf, schema)
	if err != nil {
		t.Fatal(err)
	}
	for g := range src.Metadata().RowGroups {
		var columns []pipeline.ColumnValues
		for i, c := range src.columns {
			s := storedColumn(src, g, c)
			if enc.(pipeline.Copier).Takes(i, s) {
				taken++
				columns = append(columns, pipeline.ColumnValues{Stored: s})
				continue
			}
			if must {
				t.Errorf("column %s is not taken", c.field.Name)
			}
			columns = append(columns, pipeline.ColumnValues{Arrays: arraysOf(t, src, g, c.field.Name)})
		}
		chunk, err := enc.(pipeline.Copier).EncodeColumns(t.Context(), src.Metadata().RowGroups[g].NumRows, columns)
		if err != nil {
			t.Fatal(err)
		}
		if err := enc.Append(chunk); err != nil {
			t.Fatal(err)
		}
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes(), taken
}

func arraysOf(t testing.TB, src *footer, group int, column string) (arrays []arrow.Array) {
	t.Helper()
	r, err := openGroup(t.Context(), src, rowRange{group: group, to: src.Metadata().RowGroups[group].NumRows, all: true}, []string{column}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := pipeline.Each(t.Context(), r, func(b arrow.RecordBatch) error {
		b.Column(0).Retain()
		arrays = append(arrays, b.Column(0))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return arrays
}

func schemaOf(f *footer) *arrow.Schema {
	var fields []arrow.Field
	for _, c := range f.columns {
		fields = append(fields, c.field)
	}
	return arrow.NewSchema(fields, nil)
}

// A file whose columns are all taken over is the same file.
func TestCopyOfOurs(t *testing.T) {
	e := env(t)
	flat, batch := several(t, 70_000)
	nested := growBatch(shapes(), 500, 3)
	defer nested.Release()
	every := fill(e.Alloc, everything(), 3, 1)
	defer every.Release()
	for name, data := range map[string][]byte{
		"flat.parquet":   write(t, Format{}, flat, []arrow.RecordBatch{batch}, []arrow.RecordBatch{batch.NewSlice(3, 1000)}),
		"all.parquet":    write(t, Format{Compression: "snappy"}, everything(), []arrow.RecordBatch{every}),
		"nested.parquet": write(t, Format{}, shapes(), []arrow.RecordBatch{nested}, []arrow.RecordBatch{nested}),
	} {
		save(t, e, name, data)
		src := footerOf(t, e, name)
		got, _ := copied(t, Format{}, src, schemaOf(src), true)
		save(t, e, "copy.parquet", got)
		sameFiles(t, e, name, "copy.parquet")
		if name == "flat.parquet" {
			// Distinct counts are not taken over; all before the footer is.
			if n := bytes.LastIndex(data, []byte(createdBy)); !bytes.Equal(data[:n/2], got[:n/2]) {
				t.Error("the bytes differ")
			}
			checkCopiedIndex(t, got)
		}
	}
}

func checkCopiedIndex(t *testing.T, data []byte) {
	t.Helper()
	for _, g := range metaOf(t, data).RowGroups {
		for _, c := range g.Columns {
			if c.OffsetIndexLength == 0 || c.ColumnIndexLength == 0 {
				t.Errorf("%v has no page index", c.MetaData.PathInSchema)
			}
		}
	}
}

func sameFiles(t *testing.T, e *pipeline.Env, a, b string) {
	t.Helper()
	want, err := read(t.Context(), e, Files(a), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(t.Context(), e, Files(b), nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, want)
}

// What others wrote is taken over where the types agree, and is the same rows, the same
// bounds at most, and has no more nulls than it had.
func TestCopyOfOthers(t *testing.T) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	e := env(t)
	batch := fill(e.Alloc, everything(), 3000, 5)
	defer batch.Release()
	save(t, e, "ours.parquet", write(t, Format{}, everything(), []arrow.RecordBatch{batch}))
	for _, options := range []string{"COMPRESSION zstd", "COMPRESSION snappy, PARQUET_VERSION V2", "COMPRESSION brotli"} {
		if _, err := db.Exec(fmt.Sprintf("COPY (SELECT * FROM '%s') TO '%s' (FORMAT parquet, %s)",
			filepath.Join(e.Dir, "ours.parquet"), filepath.Join(e.Dir, "theirs.parquet"), options)); err != nil {
			t.Fatal(err)
		}
		src := footerOf(t, e, "theirs.parquet")
		data, taken := copied(t, Format{}, src, schemaOf(src), false)
		save(t, e, "copy.parquet", data)
		sameFiles(t, e, "theirs.parquet", "copy.parquet")
		checkFacts(t, e, "copy.parquet")
		if want := options == "COMPRESSION brotli"; want != (taken == 0) {
			t.Errorf("%s: %d of %d columns were taken over", options, taken, len(src.columns))
		}
		t.Logf("%s: %d of %d columns were taken over", options, taken, len(src.columns))
	}
	for _, options := range [][]parquet.WriterProperty{{}, {parquet.WithDataPageVersion(parquet.DataPageV2)}, {parquet.WithStats(false)}} {
		var file bytes.Buffer
		w, err := pqarrow.NewFileWriter(everything(), &file, parquet.NewWriterProperties(options...), pqarrow.DefaultWriterProps())
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(batch); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		save(t, e, "theirs.parquet", file.Bytes())
		src := footerOf(t, e, "theirs.parquet")
		data, taken := copied(t, Format{}, src, schemaOf(src), false)
		save(t, e, "copy.parquet", data)
		sameFiles(t, e, "theirs.parquet", "copy.parquet")
		checkFacts(t, e, "copy.parquet")
		t.Logf("arrow-go: %d of %d columns were taken over", taken, len(src.columns))
	}
}

func TestTakesOnlyTheSame(t *testing.T) {
	e := env(t)
	fields := []arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}
	schema, batch := batchOf(t, fields, func(b *array.RecordBuilder) { b.Field(0).(*array.Int64Builder).Append(1) })
	save(t, e, "x.parquet", write(t, Format{Compression: "snappy"}, schema, []arrow.RecordBatch{batch}))
	src := footerOf(t, e, "x.parquet")
	s := storedColumn(src, 0, src.columns[0])
	for _, test := range []struct {
		format Format
		field  arrow.Field
		want   bool
	}{
		{Format{}, fields[0], true},
		{Format{}, arrow.Field{Name: "y", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, true},
		{Format{Compression: "snappy"}, fields[0], true},
		{Format{Compression: "zstd"}, fields[0], false},
		{Format{Bloom: []string{"x"}}, fields[0], false},
		{Format{}, arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int64}, false},
		{Format{}, arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Uint64, Nullable: true}, false},
		{Format{}, arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int32, Nullable: true}, false},
		{Format{}, arrow.Field{Name: "x", Type: &arrow.TimestampType{Unit: arrow.Microsecond}, Nullable: true}, false},
		{Format{}, arrow.Field{Name: "x", Type: &arrow.Decimal128Type{Precision: 18}, Nullable: true}, false},
		{Format{}, arrow.Field{Name: "x", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64), Nullable: true}, false},
	} {
		enc, err := test.format.Create(new(bytes.Buffer), arrow.NewSchema([]arrow.Field{test.field}, nil))
		if err != nil {
			t.Fatal(err)
		}
		if got := enc.(pipeline.Copier).Takes(0, s); got != test.want {
			t.Errorf("%v as %v: %v", test.format, test.field, got)
		}
	}
	enc, _ := Format{}.Create(new(bytes.Buffer), schema)
	for _, other := range []pipeline.Stored{nil, 7, (*stored)(nil)} {
		if enc.(pipeline.Copier).Takes(0, other) {
			t.Errorf("%v was taken", other)
		}
	}
}

// A byte that was flipped anywhere in what is copied is an error, by the checksums of the
// pages or, where it is in a header, by the digest.
func TestFlippedBytesAreNotCopied(t *testing.T) {
	e := env(t)
	fields := []arrow.Field{{Name: "i", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "s", Type: arrow.BinaryTypes.String}}
	schema, batch := batchOf(t, fields, func(b *array.RecordBuilder) {
		for i := range 300 {
			b.Field(0).(*array.Int64Builder).Append(int64(math.Sqrt(float64(i * 7919))))
			b.Field(1).(*array.StringBuilder).Append(fmt.Sprint(i % 20))
		}
	})
	good := write(t, Format{}, schema, []arrow.RecordBatch{batch})
	save(t, e, "x.parquet", good)
	whole := footerOf(t, e, "x.parquet")
	for column := range 2 {
		m := metaOf(t, good).RowGroups[0].Columns[column].MetaData
		from := m.DataPageOffset
		if d := m.DictionaryPageOffset; d > 0 {
			from = d
		}
		silent := 0
		digest := digestOf(good[from : from+m.TotalCompressedSize])
		for at := from; at < from+m.TotalCompressedSize; at++ {
			flipped := bytes.Clone(good)
			flipped[at] ^= 1 << (at % 8)
			save(t, e, "flipped.parquet", flipped)
			f := footerOf(t, e, "flipped.parquet")
			s := storedColumn(f, 0, f.columns[column])
			s.digests = []string{digest}
			err := copyOne(t, schema, whole, column, s)
			if err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf(`flipped.parquet: row group 0: column %q is damaged: its digest is `, fields[column].Name)) {
				t.Fatalf("byte %d: got %v", at, err)
			}
			if s.digests = nil; copyOne(t, schema, whole, column, s) == nil {
				silent++
			}
		}
		// Headers have no checksum of their own.
		if silent > 60 {
			t.Errorf("column %d: %d flips of %d went unnoticed without the digest", column, silent, m.TotalCompressedSize)
		}
	}
}

func copyOne(t *testing.T, schema *arrow.Schema, whole *footer, column int, s *stored) error {
	enc, err := Format{}.Create(new(bytes.Buffer), schema)
	if err != nil {
		t.Fatal(err)
	}
	columns := []pipeline.ColumnValues{{Stored: storedColumn(whole, 0, whole.columns[0])}, {Stored: storedColumn(whole, 0, whole.columns[1])}}
	columns[column].Stored = s
	_, err = enc.(pipeline.Copier).EncodeColumns(t.Context(), 300, columns)
	return err
}
