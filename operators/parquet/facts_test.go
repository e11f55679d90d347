package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/penstock-data/penstock/pipeline"
)

// holds checks that what is said of a column is so, and reports how much is said.
func holds(t *testing.T, f pipeline.Facts, col arrow.Array) (said int) {
	t.Helper()
	if f.HasNulls {
		said++
		if f.Nulls != int64(col.NullN()) {
			t.Errorf("%d nulls, said to be %d", col.NullN(), f.Nulls)
		}
	}
	for _, bound := range []any{f.Min, f.Max} {
		if bound != nil {
			said++
		}
	}
	least, greatest := !f.MinIs, !f.MaxIs
	for row := range col.Len() {
		v := value(col, row)
		least, greatest = least || v == f.Min, greatest || v == f.Max
		if x, isDouble := v.(float64); v == nil || isDouble && math.IsNaN(x) {
			continue
		}
		if f.Min != nil && order(f.Min, v) > 0 {
			t.Errorf("row %d: %q is below the least, %q", row, v, f.Min)
		}
		if f.Max != nil && order(f.Max, v) < 0 {
			t.Errorf("row %d: %v is above the greatest, %v", row, v, f.Max)
		}
	}
	if !least || !greatest {
		t.Errorf("%v and %v are said to be values, and are not", f.Min, f.Max)
	}
	return said
}

// value is a value as pipeline.Facts has it.
func value(a arrow.Array, row int) any {
	if a.IsNull(row) {
		return nil
	}
	switch a := a.(type) {
	case *array.Dictionary:
		return value(a.Dictionary(), a.GetValueIndex(row))
	case *array.Boolean:
		return a.Value(row)
	case *array.Float32:
		return float64(a.Value(row))
	case *array.Float64:
		return a.Value(row)
	case *array.String:
		return a.Value(row)
	case *array.Binary:
		return string(a.Value(row))
	case *array.Decimal128:
		return int64(a.Value(row).LowBits())
	case *array.Uint8:
		return uint64(a.Value(row))
	case *array.Uint16:
		return uint64(a.Value(row))
	case *array.Uint32:
		return uint64(a.Value(row))
	case *array.Uint64:
		return a.Value(row)
	case *array.Int8:
		return int64(a.Value(row))
	case *array.Int16:
		return int64(a.Value(row))
	case *array.Int32:
		return int64(a.Value(row))
	case *array.Int64:
		return a.Value(row)
	case *array.Date32:
		return int64(a.Value(row))
	case *array.Time64:
		return int64(a.Value(row))
	case *array.Timestamp:
		return int64(a.Value(row))
	}
	panic(a.DataType().String())
}

// checkFacts reads every split of a file and holds it against what is said of it.
func checkFacts(t *testing.T, e *pipeline.Env, name string) (said int) {
	t.Helper()
	in, err := Files(name).Resolve(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range in.Splits {
		r, err := s.Open(t.Context(), e, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i, col := range b.Columns() {
			if said += holds(t, s.Facts(b.ColumnName(i)), col); t.Failed() {
				t.Fatalf("%s: column %s", s.Name, b.ColumnName(i))
			}
		}
		b.Release()
		if _, err := r.Next(t.Context()); err != io.EOF { //nolint:errorlint // identity is the contract
			t.Fatalf("a second batch: %v", err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return said
}

// What the files of two writers say of their columns is so, of every type.
func TestFactsHold(t *testing.T) {
	e := env(t)
	schema := everything()
	for seed := range uint64(20) {
		a, b := fill(e.Alloc, schema, 50, seed), fill(e.Alloc, schema, 3, seed+100)
		save(t, e, "ours.parquet", write(t, Format{}, schema, []arrow.RecordBatch{a}, []arrow.RecordBatch{b}))
		if said := checkFacts(t, e, "ours.parquet"); said < 200 {
			t.Errorf("of ours only %d things are known", said)
		}
		var theirs bytes.Buffer
		w, err := pqarrow.NewFileWriter(schema, &theirs, nil, pqarrow.DefaultWriterProps())
		if err != nil {
			t.Fatal(err)
		}
		for _, batch := range []arrow.RecordBatch{a, b} {
			if err := w.Write(batch); err != nil {
				t.Fatal(err)
			}
			batch.Release()
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		save(t, e, "theirs.parquet", theirs.Bytes())
		if said := checkFacts(t, e, "theirs.parquet"); said < 100 {
			t.Errorf("of theirs only %d things are known", said)
		}
	}
}

// edit changes the footer of a file.
func edit(t *testing.T, file []byte, change func(*format.FileMetaData)) []byte {
	t.Helper()
	size := int(binary.LittleEndian.Uint32(file[len(file)-8:]))
	at := len(file) - 8 - size
	var footer format.FileMetaData
	protocol := new(thrift.CompactProtocol)
	if err := thrift.Unmarshal(protocol, file[at:at+size], &footer); err != nil {
		t.Fatal(err)
	}
	change(&footer)
	text, err := thrift.Marshal(protocol, footer)
	if err != nil {
		t.Fatal(err)
	}
	out := append(append([]byte{}, file[:at]...), text...)
	return append(binary.LittleEndian.AppendUint32(out, uint32(len(text))), magic...)
}

// Statistics that are absent, deprecated, of another order or size, NaN or impossible
// prove nothing.
func TestHostileStatistics(t *testing.T) {
	e := env(t)
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "i", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "u", Type: arrow.PrimitiveTypes.Uint32, Nullable: true},
		{Name: "f", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
	}, nil)
	b, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(`[{"i":1,"u":2,"f":0.5,"s":"b"},{"i":3,"u":4000000000,"f":2.5,"s":"é"},{"i":null,"u":null,"f":null,"s":null}]`))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	file := write(t, Format{}, schema, []arrow.RecordBatch{b})
	each := func(change func(*format.Statistics)) func(*format.FileMetaData) {
		return func(m *format.FileMetaData) {
			for i := range m.RowGroups[0].Columns {
				change(&m.RowGroups[0].Columns[i].MetaData.Statistics)
			}
		}
	}
	nan := binary.LittleEndian.AppendUint64(nil, math.Float64bits(math.NaN()))
	for _, test := range []struct {
		name   string
		change func(*format.FileMetaData)
		want   [4]string // of i, u, f and s: min, max, nulls
	}{
		{"as written", func(*format.FileMetaData) {}, [4]string{"1 3 1", "2 4000000000 1", "0.5 2.5 1", "b é 1"}},
		{"no bounds", each(func(s *format.Statistics) { s.MinValue, s.MaxValue = nil, nil }), [4]string{"- - 1", "- - 1", "- - 1", "- - 1"}},
		{"deprecated bounds", each(func(s *format.Statistics) { s.Min, s.Max, s.MinValue, s.MaxValue = s.MinValue, s.MaxValue, nil, nil }), [4]string{"- - 1", "- - 1", "- - 1", "- - 1"}},
		{"no order", func(m *format.FileMetaData) { m.ColumnOrders = nil }, [4]string{"1 3 1", "- - 1", "0.5 2.5 1", "- - 1"}},
		{"of another size", each(func(s *format.Statistics) { s.MinValue, s.MaxValue = []byte{1, 2, 3}, []byte{0xff, 1, 2} }), [4]string{"- - 1", "- - 1", "- - 1", "\x01\x02\x03 - 1"}},
		{"NaN", func(m *format.FileMetaData) {
			s := &m.RowGroups[0].Columns[2].MetaData.Statistics
			s.MinValue, s.MaxValue = nan, nan
		}, [4]string{"1 3 1", "2 4000000000 1", "- - 1", "b é 1"}},
		{"upside down", each(func(s *format.Statistics) { s.MinValue, s.MaxValue = s.MaxValue, s.MinValue }), [4]string{"- - 1", "- - 1", "- - 1", "- - 1"}},
		{"more nulls than rows", each(func(s *format.Statistics) { s.NullCount = 4 }), [4]string{"1 3 -", "2 4000000000 -", "0.5 2.5 -", "b é -"}},
		{"fewer than none", each(func(s *format.Statistics) { s.NullCount = -1 }), [4]string{"1 3 -", "2 4000000000 -", "0.5 2.5 -", "b é -"}},
	} {
		save(t, e, "x.parquet", edit(t, file, test.change))
		in, err := Files("x.parquet").Resolve(t.Context(), e)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		for i, f := range schema.Fields() {
			if got := shown(in.Splits[0].Facts(f.Name)); got != test.want[i] {
				t.Errorf("%s: %s: %q, want %q", test.name, f.Name, got, test.want[i])
			}
		}
		for _, f := range schema.Fields() {
			if k := in.Splits[0].Facts(f.Name); k.MinIs || k.MaxIs {
				t.Errorf("%s: %s: the bounds of a chunk with a dictionary are said to be values", test.name, f.Name)
			}
		}
		if got := in.Splits[0].Facts("none"); shown(got) != "- - -" {
			t.Errorf("of a column that is not there: %v", got)
		}
	}
	if err := os.Remove(filepath.Join(e.Dir, "x.parquet")); err != nil {
		t.Fatal(err)
	}
}

func shown(f pipeline.Facts) string {
	show := func(v any, ok bool) string {
		if !ok {
			return "-"
		}
		return fmt.Sprint(v)
	}
	return show(f.Min, f.Min != nil) + " " + show(f.Max, f.Max != nil) + " " + show(f.Nulls, f.HasNulls)
}
