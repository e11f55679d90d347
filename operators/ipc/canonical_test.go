package ipc

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/internal/seed"
)

// hidden is an array whose values from one row to another come from r; the others, and what lies
// below nulls, from another source.
func hidden(r *rand.Rand, t arrow.DataType, nulls, below *rand.Rand, n, first, end int) arrow.ArrayData {
	valid, missing := make([]byte, (n+7)/8), 0
	null := make([]bool, n)
	for i := range n {
		if null[i] = nulls.IntN(3) == 0; null[i] {
			missing++
		} else {
			valid[i/8] |= 1 << (i % 8)
		}
	}
	from := func(i int) *rand.Rand {
		if null[i] || i < first || i >= end {
			return below
		}
		return r
	}
	validity := memory.NewBufferBytes(valid)
	var buffers []*memory.Buffer
	var children []arrow.ArrayData
	switch t := t.(type) {
	case *arrow.BooleanType:
		bits := make([]byte, (n+7)/8)
		for i := range n {
			bits[i/8] |= byte(from(i).IntN(2)) << (i % 8)
		}
		if n%8 > 0 {
			bits[n/8] |= byte(below.IntN(256)) << (n % 8)
		}
		buffers = []*memory.Buffer{memory.NewBufferBytes(bits)}
	case *arrow.StringType, *arrow.ListType:
		ends, items := []int32{0}, 0
		for i := range n {
			items += from(i).IntN(4)
			ends = append(ends, int32(items))
		}
		buffers = []*memory.Buffer{memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(ends))}
		owner := func(item int) int {
			for i := range n {
				if item < int(ends[i+1]) {
					return i
				}
			}
			return 0
		}
		if t.ID() == arrow.LIST {
			vals := make([]int64, items)
			for i := range vals {
				vals[i] = int64(from(owner(i)).Uint64())
			}
			children = numbers(vals)
			break
		}
		text := make([]byte, items)
		for i := range text {
			text[i] = byte('a' + from(owner(i)).IntN(26))
		}
		buffers = append(buffers, memory.NewBufferBytes(text))
	case *arrow.StructType:
		vals := make([]int64, n)
		for i := range n {
			vals[i] = int64(from(i).Uint64())
		}
		children = numbers(vals)
	case *arrow.FixedSizeListType:
		vals := make([]int64, 2*n)
		for i := range vals {
			vals[i] = int64(from(i / 2).Uint64())
		}
		children = numbers(vals)
	case arrow.FixedWidthDataType:
		width := t.BitWidth() / 8
		raw := make([]byte, n*width)
		for i := range raw {
			raw[i] = byte(from(i / width).IntN(256))
		}
		buffers = []*memory.Buffer{memory.NewBufferBytes(raw)}
	}
	return array.NewData(t, n, append([]*memory.Buffer{validity}, buffers...), children, missing, 0)
}

func numbers(of []int64) []arrow.ArrayData {
	buffers := []*memory.Buffer{nil, memory.NewBufferBytes(arrow.Int64Traits.CastToBytes(of))}
	return []arrow.ArrayData{array.NewData(arrow.PrimitiveTypes.Int64, len(of), buffers, nil, 0, 0)}
}

// What lies in memory where there is no value is not written: files of the same values are the same,
// byte for byte, and hold those values.
func TestNothingIsWrittenOfNulls(t *testing.T) {
	first := seed.For(t)
	for _, typ := range []arrow.DataType{
		arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Float64, arrow.FixedWidthTypes.Boolean, arrow.FixedWidthTypes.Timestamp_us,
		&arrow.Decimal128Type{Precision: 10, Scale: 2}, &arrow.FixedSizeBinaryType{ByteWidth: 3}, arrow.BinaryTypes.String, arrow.ListOf(arrow.PrimitiveTypes.Int64),
		arrow.StructOf(arrow.Field{Name: "v", Type: arrow.PrimitiveTypes.Int64, Nullable: true}), arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int64),
	} {
		for round := range uint64(40) {
			var files [2][]byte
			for i := range files {
				random := func(of uint64) *rand.Rand { return rand.New(rand.NewPCG(first+round, of)) }
				n := 1 + random(1).IntN(40)
				from := random(6).IntN(n)
				end := from + 1 + random(7).IntN(n-from)
				some := array.NewSlice(array.MakeFromData(hidden(random(2), typ, random(3), random(4+uint64(i)), n, from, end)), int64(from), int64(end))
				var read arrow.Array
				files[i], read = written(t, some)
				if fmt.Sprint(some) != fmt.Sprint(read) {
					t.Fatalf("%s, round %d: %v was written, %v is read", typ, round, some, read)
				}
			}
			if !bytes.Equal(files[0], files[1]) {
				t.Errorf("%s, round %d: what lies below nulls is in the file", typ, round)
			}
		}
	}
}

// written is the file of an array, and what is read of it.
func written(t *testing.T, a arrow.Array) ([]byte, arrow.Array) {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{{Name: "c", Type: a.DataType(), Nullable: true}}, nil)
	var out bytes.Buffer
	e, err := Format{}.Create(&out, schema)
	if err != nil {
		t.Fatal(err)
	}
	chunk, err := e.Encode(context.Background(), []arrow.RecordBatch{array.NewRecordBatch(schema, []arrow.Array{a}, int64(a.Len()))})
	if err == nil {
		err = e.Append(chunk)
	}
	if err == nil {
		err = e.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := ipc.NewFileReader(bytes.NewReader(out.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.RecordBatch(0)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), b.Column(0)
}
