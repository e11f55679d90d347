package parquet

import (
	"encoding/binary"
	"io"
	"math"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/parquet-go/parquet-go/format"

	"github.com/penstock-data/penstock/pipeline"
)

// facts tells what the footer's statistics prove of a column in a row group. What they
// do not prove is not known:
//
//   - The deprecated bounds are not looked at; they were made by signed comparison, of
//     texts too.
//   - Texts, bytes and unsigned numbers are compared without a sign only where the footer
//     says by which order its bounds were made.
//   - Bounds of doubles leave NaN out: there may be some, whatever they say, and bounds
//     that are NaN themselves are none.
//   - arrow-go leaves the empty text out of the least of a dictionary (v18.8.0): of its
//     files the least of texts is not believed.
//   - An absent count of nulls is unknown, not none. parquet-go does not tell the two
//     apart, so the footer is read a second time by a library that does.
//   - A bound of the wrong size, a count of more nulls than rows, or a statistic that
//     can't be read at all, proves nothing.
func facts(file *footer) func(group int, name string) pipeline.Facts {
	footer := file.Metadata()
	byName := map[string]*column{}
	for _, c := range file.columns {
		if c.flat() != nil {
			byName[c.field.Name] = c
		}
	}
	var meta *metadata.FileMetaData
	return func(group int, name string) (f pipeline.Facts) {
		defer func() {
			if recover() != nil {
				f = pipeline.Facts{}
			}
		}()
		c, ok := byName[name]
		if !ok {
			return f
		}
		leaf := c.flat()
		chunk := &footer.RowGroups[group].Columns[leaf.index].MetaData
		f.Min = bound(c, chunk.Type, chunk.Statistics.MinValue, ordered(footer, leaf.index))
		if _, isText := f.Min.(string); isText && strings.HasPrefix(footer.CreatedBy, "parquet-go version") {
			f.Min = nil
		}
		f.Max = bound(c, chunk.Type, chunk.Statistics.MaxValue, ordered(footer, leaf.index))
		if leaf.maxDef == 0 {
			f.HasNulls = true
			return f
		}
		if meta == nil {
			if meta = nullsOf(file.path); meta == nil {
				return f
			}
		}
		nulls, known := nullCount(meta, group, leaf.index)
		if known && nulls >= 0 && nulls <= footer.RowGroups[group].NumRows {
			f.Nulls, f.HasNulls = nulls, true
		}
		return f
	}
}

// ordered reports whether the footer says that a column's bounds follow its type's order.
func ordered(footer *format.FileMetaData, index int) bool {
	if index >= len(footer.ColumnOrders) {
		return false
	}
	_, ok := footer.ColumnOrders[index].Value.(*format.TypeDefinedOrder)
	return ok
}

func nullCount(meta *metadata.FileMetaData, group, index int) (int64, bool) {
	chunk, err := meta.RowGroup(group).ColumnChunk(index)
	if err != nil {
		return 0, false
	}
	stats, err := chunk.Statistics()
	if err != nil || stats == nil || !stats.HasNullCount() {
		return 0, false
	}
	return stats.NullCount(), true
}

// bound reads a bound as pipeline.Facts has it; nil is none.
func bound(c *column, physical format.Type, plain []byte, ordered bool) any {
	switch physical {
	case format.Boolean:
		if len(plain) == 1 && c.field.Type.ID() == arrow.BOOL {
			return plain[0] != 0
		}
	case format.Int32:
		if len(plain) == 4 {
			return whole(c.field.Type, int64(int32(binary.LittleEndian.Uint32(plain))), uint64(binary.LittleEndian.Uint32(plain)), ordered)
		}
	case format.Int64:
		if len(plain) == 8 {
			return whole(c.field.Type, int64(binary.LittleEndian.Uint64(plain)), binary.LittleEndian.Uint64(plain), ordered)
		}
	case format.Float:
		if len(plain) == 4 {
			return notNaN(float64(math.Float32frombits(binary.LittleEndian.Uint32(plain))))
		}
	case format.Double:
		if len(plain) == 8 {
			return notNaN(math.Float64frombits(binary.LittleEndian.Uint64(plain)))
		}
	case format.ByteArray, format.FixedLenByteArray:
		return textBound(c, plain, ordered)
	}
	return nil
}

// whole is a bound of what is kept as a whole number.
func whole(t arrow.DataType, signed int64, unsigned uint64, ordered bool) any {
	switch t.ID() {
	case arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64:
		if ordered {
			return unsigned
		}
		return nil
	case arrow.DECIMAL128:
		if t.(*arrow.Decimal128Type).Precision > 18 {
			return nil
		}
	}
	return signed
}

func notNaN(f float64) any {
	if math.IsNaN(f) {
		return nil
	}
	return f
}

// textBound is a bound of texts and bytes. An empty one is taken for an absent one, which
// parquet-go does not tell apart. It may be cut off, so that it bounds and is no value.
func textBound(c *column, plain []byte, ordered bool) any {
	if len(plain) == 0 || !ordered || c.flat().uuid {
		return nil
	}
	switch pipeline.ValueType(c.field.Type).ID() {
	case arrow.STRING:
		if !utf8.Valid(plain) {
			return nil // cut off within a character, or not made by the order of texts
		}
	case arrow.BINARY, arrow.FIXED_SIZE_BINARY:
	default:
		return nil
	}
	return string(plain)
}

// nullsOf reads the footer with the library that tells no count from a count of none.
func nullsOf(path string) *metadata.FileMetaData {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() < 12 {
		return nil
	}
	var tail [4]byte
	if _, err := f.ReadAt(tail[:], info.Size()-8); err != nil {
		return nil
	}
	n := int64(binary.LittleEndian.Uint32(tail[:]))
	if n > info.Size()-12 || n > maxFooter {
		return nil
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(io.NewSectionReader(f, info.Size()-8-n, n), text); err != nil {
		return nil
	}
	meta, err := metadata.NewFileMetaData(text, nil)
	if err != nil {
		return nil
	}
	return meta
}
