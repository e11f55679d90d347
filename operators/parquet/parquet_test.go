package parquet

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/penstock-data/penstock/pipeline"
)

func env(t testing.TB) *pipeline.Env {
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	t.Cleanup(func() {
		if n := alloc.CurrentAlloc(); n != 0 {
			t.Errorf("%d bytes were not given back", n)
		}
	})
	return &pipeline.Env{Dir: t.TempDir(), Alloc: alloc, Workers: 2, Memory: pipeline.NewBudget(1 << 30)}
}

// everything has a column of each type that survives the round trip.
func everything() *arrow.Schema {
	var fields []arrow.Field
	for _, name := range []string{
		"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64",
		"string", "binary", "date", "time", "timestamp[ms]", "timestamp[us]", "timestamp[ns, UTC]", "decimal(10, 2)", "decimal(38, 0)",
	} {
		typ, err := pipeline.ParseType(name)
		if err != nil {
			panic(err)
		}
		fields = append(fields, arrow.Field{Name: name, Type: typ, Nullable: true}, arrow.Field{Name: name + " required", Type: typ})
	}
	fields = append(fields, arrow.Field{Name: "dictionary", Type: dictionaryOfStrings, Nullable: true})
	return arrow.NewSchema(fields, nil)
}

func fill(alloc memory.Allocator, schema *arrow.Schema, n int, seed uint64) arrow.RecordBatch {
	r := rand.New(rand.NewPCG(seed, 1))
	b := array.NewRecordBuilder(alloc, schema)
	defer b.Release()
	for range n {
		for i, f := range schema.Fields() {
			if f.Nullable && r.IntN(3) == 0 {
				b.Field(i).AppendNull()
				continue
			}
			if err := b.Field(i).AppendValueFromString(sample(r, f.Type)); err != nil {
				panic(err)
			}
		}
	}
	return b.NewRecordBatch()
}

func sample(r *rand.Rand, t arrow.DataType) string {
	switch t.ID() {
	case arrow.BOOL:
		return fmt.Sprint(r.IntN(2) == 0)
	case arrow.FLOAT32, arrow.FLOAT64:
		return []string{"NaN", "-0", "1.5", "+Inf", "-1e30"}[r.IntN(5)]
	case arrow.BINARY:
		return "AP8="
	case arrow.DATE32:
		return fmt.Sprintf("%04d-02-03", 1900+r.IntN(300))
	case arrow.TIME64:
		return "12:34:56.789012"
	case arrow.TIMESTAMP:
		text := fmt.Sprintf("%04d-02-03 04:05:06.%03d", 1900+r.IntN(300), r.IntN(1000))
		if t.(*arrow.TimestampType).TimeZone != "" {
			text += "Z"
		}
		return text
	case arrow.DECIMAL128:
		return fmt.Sprint(r.IntN(2000000) - 1000000)
	case arrow.STRING, arrow.DICTIONARY:
		return strings.Repeat("é", r.IntN(4))
	}
	return fmt.Sprint(r.IntN(100))
}

func write(t testing.TB, f Format, schema *arrow.Schema, chunks ...[]arrow.RecordBatch) []byte {
	t.Helper()
	var buf bytes.Buffer
	enc, err := f.Create(&buf, schema)
	if err != nil {
		t.Fatal(err)
	}
	var done []pipeline.Chunk
	for _, batches := range chunks { // encoded before any is appended, as by several workers
		c, err := enc.Encode(t.Context(), batches)
		if err != nil {
			t.Fatal(err)
		}
		done = append(done, c)
	}
	for _, c := range done {
		if err := enc.Append(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func save(t testing.TB, e *pipeline.Env, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(e.Dir, name), text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// read gives the text of all values, a line a row.
func read(ctx context.Context, e *pipeline.Env, s pipeline.Source, columns []string) (rows []string, err error) {
	in, err := s.Resolve(ctx, e)
	if err != nil {
		return nil, err
	}
	for _, split := range in.Splits {
		r, err := split.Open(ctx, e, columns)
		if err != nil {
			return rows, err
		}
		if err := pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
			rows = append(rows, text(b)...)
			return nil
		}); err != nil {
			return rows, err
		}
	}
	return rows, nil
}

func text(b arrow.RecordBatch) (rows []string) {
	for i := range int(b.NumRows()) {
		var cells []string
		for _, c := range b.Columns() {
			cells = append(cells, c.ValueStr(i))
		}
		rows = append(rows, strings.Join(cells, "|"))
	}
	return rows
}

func TestRoundTrip(t *testing.T) {
	for _, compression := range Compressions() {
		t.Run(compression, func(t *testing.T) {
			e := env(t)
			a, b := fill(e.Alloc, everything(), 300, 1), fill(e.Alloc, everything(), 5000, 2)
			defer a.Release()
			defer b.Release()
			cut := b.NewSlice(13, 4900)
			defer cut.Release()
			file := write(t, Format{Compression: compression}, everything(), []arrow.RecordBatch{a, cut}, []arrow.RecordBatch{a})
			save(t, e, "x.parquet", file)
			want := append(append(text(a), text(cut)...), text(a)...)
			got, err := read(t.Context(), e, Files("x.parquet"), nil)
			if err != nil {
				t.Fatal(err)
			}
			same(t, got, want)
			got, err = viaArrow(t, file)
			if err != nil {
				t.Fatal(err)
			}
			same(t, got, want)
		})
	}
}

func same(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("row %d:\n got %s\nwant %s", i, got[i], want[i])
		}
	}
}

// viaArrow reads the file with arrow-go's own reader: an oracle that is not ours.
func viaArrow(t *testing.T, text0 []byte) (rows []string, err error) {
	pf, err := file.NewParquetReader(bytes.NewReader(text0))
	if err != nil {
		return nil, err
	}
	fr, err := pqarrow.NewFileReader(pf, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		return nil, err
	}
	table, err := fr.ReadTable(t.Context())
	if err != nil {
		return nil, err
	}
	tr := array.NewTableReader(table, -1)
	for tr.Next() {
		rows = append(rows, text(tr.RecordBatch())...)
	}
	return rows, nil
}

func TestSchemaSurvives(t *testing.T) {
	e := env(t)
	b := fill(e.Alloc, everything(), 10, 1)
	defer b.Release()
	save(t, e, "x.parquet", write(t, Format{}, everything(), []arrow.RecordBatch{b}))
	in, err := Files("x.parquet").Resolve(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range everything().Fields() {
		g := in.Schema.Field(i)
		if g.Name != f.Name || g.Nullable != f.Nullable || pipeline.TypeName(g.Type) != pipeline.TypeName(f.Type) {
			t.Errorf("%v came back as %v", f, g)
		}
	}
}

func TestNoRowsKeepTheSchema(t *testing.T) {
	e := env(t)
	save(t, e, "x.parquet", write(t, Format{}, everything()))
	in, err := Files("x.parquet").Resolve(t.Context(), e)
	if err != nil || in.Schema.NumFields() != everything().NumFields() || len(in.Splits) != 0 {
		t.Errorf("got %v, %v", in, err)
	}
}

func TestOnlyTheColumnsAskedFor(t *testing.T) {
	e := env(t)
	b := fill(e.Alloc, everything(), 10, 1)
	defer b.Release()
	save(t, e, "x.parquet", write(t, Format{}, everything(), []arrow.RecordBatch{b}))
	got, err := read(t.Context(), e, Files("x.parquet"), []string{"int64 required", "int8 required"})
	if err != nil || len(got) != 10 || strings.Count(got[0], "|") != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	got, err = read(t.Context(), e, Files("x.parquet"), []string{})
	if err != nil || len(got) != 10 || got[0] != "" {
		t.Errorf("no columns: got %v, %v", got, err)
	}
}

func TestRefusedTypes(t *testing.T) {
	_, err := Format{}.Create(io.Discard, arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.FixedWidthTypes.Duration_us}}, nil))
	want := "column x is duration[us], which Parquet has no type for\n\tcast it, or choose another output format, like ipc"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Encoding in parallel, in any order, gives the same bytes.
func TestSameBytes(t *testing.T) {
	e := env(t)
	a, b := fill(e.Alloc, everything(), 300, 1), fill(e.Alloc, everything(), 500, 2)
	defer a.Release()
	defer b.Release()
	want := write(t, Format{}, everything(), []arrow.RecordBatch{a}, []arrow.RecordBatch{b})
	var buf bytes.Buffer
	enc, err := Format{}.Create(&buf, everything())
	if err != nil {
		t.Fatal(err)
	}
	chunks := make([]chan pipeline.Chunk, 2)
	for i, batch := range []arrow.RecordBatch{a, b} {
		chunks[i] = make(chan pipeline.Chunk, 1)
		go func() {
			c, err := enc.Encode(t.Context(), []arrow.RecordBatch{batch})
			if err != nil {
				t.Error(err)
			}
			chunks[i] <- c
		}()
	}
	second, first := <-chunks[1], <-chunks[0]
	for _, c := range []pipeline.Chunk{first, second} {
		if err := enc.Append(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(buf.Bytes(), want) {
		t.Error("the bytes differ")
	}
}

func TestBadFiles(t *testing.T) {
	e := env(t)
	b := fill(e.Alloc, everything(), 3000, 1)
	defer b.Release()
	good := write(t, Format{}, everything(), []arrow.RecordBatch{b})
	for _, test := range []struct {
		name string
		text []byte
		want string
	}{
		{"empty.parquet", nil, "empty.parquet: is empty (0 bytes)"},
		{"tiny.parquet", []byte("PAR1"), "tiny.parquet: is not a Parquet file: it has 4 bytes"},
		{"csv.parquet", []byte("iata,name\n00M,Thigpen\n"), "csv.parquet: is not a Parquet file: it doesn't begin with PAR1"},
		{"cut.parquet", good[:len(good)/2], "cut.parquet: is truncated: it begins like a Parquet file, but doesn't end in PAR1"},
		{"footer.parquet", append(append([]byte{}, good[:len(good)-8]...), 0xff, 0xff, 0xff, 0x7f, 'P', 'A', 'R', '1'), fmt.Sprintf("footer.parquet: its footer is damaged: it says it has 2147483647 bytes, the file has %d", len(good))},
	} {
		save(t, e, test.name, test.text)
		_, err := read(t.Context(), e, Files(test.name), nil)
		if err == nil || err.Error() != test.want {
			t.Errorf("%s:\n got %v\nwant %s", test.name, err, test.want)
		}
	}
	_, err := read(t.Context(), e, Files("cutt.parquet"), nil)
	if want := "no file matches cutt.parquet\n\tthe nearest there is cut.parquet"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// A flipped byte anywhere is an error or gives the same rows: never a panic, never
// other rows without a word. Pages have checksums; the footer has none, so there a
// flip may change what is not the data, or be an error.
func TestFlippedBytesAreNoticed(t *testing.T) {
	e := env(t)
	schema := arrow.NewSchema([]arrow.Field{{Name: "i", Type: arrow.PrimitiveTypes.Int64}, {Name: "s", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	b := fill(e.Alloc, schema, 2000, 3)
	defer b.Release()
	good := write(t, Format{}, schema, []arrow.RecordBatch{b})
	save(t, e, "good.parquet", good)
	want, err := read(t.Context(), e, Files("good.parquet"), nil)
	if err != nil {
		t.Fatal(err)
	}
	footer := len(good) - 8 - int(uint32(good[len(good)-8])|uint32(good[len(good)-7])<<8)
	silent := 0
	for i := 0; i < len(good); i++ {
		flipped := bytes.Clone(good)
		flipped[i] ^= 1 << (i % 8)
		save(t, e, "flipped.parquet", flipped)
		got, err := read(t.Context(), e, Files("flipped.parquet"), nil)
		if err != nil {
			continue
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			if i < footer {
				silent++
				t.Logf("byte %d of %d: other rows, no error", i, footer)
			}
		}
	}
	if silent > 0 {
		t.Errorf("%d flips in the pages went unnoticed", silent)
	}
}
