package parquet

import (
	"cmp"
	"encoding/binary"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/parquet-go/parquet-go/format"

	"github.com/penstock-data/penstock/pipeline"
)

// facts tells what the footer's statistics prove of a column in rows of a row group. What
// they do not prove is not known:
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
//     apart, so the footer is walked through once more (nullCountsOf).
//   - A bound of the wrong size, a count of more nulls than rows, or a statistic that
//     can't be read at all, proves nothing.
//   - A least above the greatest, or a bound that the column's type does not hold, proves
//     nothing, nor does the other bound.
//   - Bounds are values of some row only of a whole row group, where the footer says by
//     which order they were made, and never of doubles (a zero may stand for the other, NaN
//     is left out), byte arrays (which may be cut off) or a chunk with a dictionary (arrow-go
//     takes entries that no row uses into them).
//   - A bound that is cut off bounds nothing if it could not be made greater: it is then
//     all 0xff.
//
// Page indexes go by the same rules (pageFacts).
func (f *footer) facts(of rowRange, name string) (facts pipeline.Facts) {
	defer func() {
		if recover() != nil {
			facts = pipeline.Facts{}
		}
	}()
	c := f.flat(name)
	if c == nil {
		return facts
	}
	leaf, rows := c.flat(), f.Metadata().RowGroups[of.group].NumRows
	chunk := &f.Metadata().RowGroups[of.group].Columns[leaf.index].MetaData
	facts.Min, facts.Max, _ = f.bounds(c, chunk.Statistics.MinValue, chunk.Statistics.MaxValue)
	if of.all && ordered(f.Metadata(), leaf.index) && exact(leaf) && !mayBeDictionary(chunk) {
		facts.MinIs, facts.MaxIs = facts.Min != nil, facts.Max != nil
	}
	if nulls, known := f.nulls.of(of.group, leaf.index); known && nulls >= 0 && nulls <= rows {
		facts.Nulls, facts.HasNulls = nulls, true
	}
	if facts.HasNulls && facts.Nulls == rows {
		facts.Min, facts.Max, facts.MinIs, facts.MaxIs = nil, nil, false, false // of what?
	}
	if leaf.maxDef == 0 {
		facts.Nulls, facts.HasNulls = 0, true
	}
	facts.Lacks = f.lacks(of.group, c)
	if !of.all {
		facts = narrow(facts, rows, of.to-of.from)
	}
	return facts
}

// narrow gives what is known of some of the rows, of which there are part, from what is
// known of all.
func narrow(f pipeline.Facts, rows, part int64) pipeline.Facts {
	switch {
	case !f.HasNulls || f.Nulls == 0:
	case f.Nulls == rows:
		f.Nulls = part
	default:
		f.Nulls, f.HasNulls = 0, false
	}
	return f
}

// exact reports whether the bounds that writers give of a leaf are values: of bools, whole
// numbers, dates, times and instants.
func exact(l *leaf) bool {
	switch l.physical {
	case format.Boolean, format.Int32, format.Int64:
		return l.typ.ID() != arrow.DECIMAL128 && l.typ.ID() != arrow.DECIMAL256
	}
	return false
}

// fits reports whether a type of 8 or 16 bits, of which Parquet keeps 32, holds a bound.
// The values of a column that it doesn't hold are cut down when they are read.
func fits(t arrow.DataType, bound any) bool {
	var bits int
	switch t.ID() {
	case arrow.INT8, arrow.UINT8:
		bits = 8
	case arrow.INT16, arrow.UINT16:
		bits = 16
	default:
		return true
	}
	switch v := bound.(type) {
	case int64:
		return v>>(bits-1) == 0 || v>>(bits-1) == -1
	case uint64:
		return v>>bits == 0
	}
	return true
}

// flat finds a column that is not nested; nil if there is none.
func (f *footer) flat(name string) *column {
	for _, c := range f.columns {
		if c.field.Name == name && c.flat() != nil {
			return c
		}
	}
	return nil
}

// bounds reads the least and the greatest of a column; nil is none. They are not ok, and
// none, if they contradict each other or the column's type: also where one of them would
// not be believed, since that is what gives the other away.
func (f *footer) bounds(c *column, least, greatest []byte) (low, high any, ok bool) {
	leaf := c.flat()
	known := ordered(f.Metadata(), leaf.index)
	low, high = bound(c, leaf.physical, least, known), bound(c, leaf.physical, greatest, known)
	if low != nil && high != nil && order(low, high) > 0 || !fits(leaf.typ, low) || !fits(leaf.typ, high) {
		return nil, nil, false
	}
	if _, isText := low.(string); isText && strings.HasPrefix(f.Metadata().CreatedBy, "parquet-go version") {
		low = nil
	}
	if text, isText := high.(string); isText && strings.Count(text, "\xff") == len(text) {
		high = nil
	}
	return low, high, true
}

// order compares bounds of a column, which are of one type.
func order(a, b any) int {
	switch a := a.(type) {
	case int64:
		return cmp.Compare(a, b.(int64))
	case uint64:
		return cmp.Compare(a, b.(uint64))
	case float64:
		return cmp.Compare(a, b.(float64))
	case string:
		return strings.Compare(a, b.(string))
	case bool:
		return cmp.Compare(as01(a), as01(b.(bool)))
	}
	return 0
}

func as01(b bool) int {
	if b {
		return 1
	}
	return 0
}

// ordered reports whether the footer says that a column's bounds follow its type's order.
func ordered(footer *format.FileMetaData, index int) bool {
	if index >= len(footer.ColumnOrders) {
		return false
	}
	_, ok := footer.ColumnOrders[index].Value.(*format.TypeDefinedOrder)
	return ok
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
