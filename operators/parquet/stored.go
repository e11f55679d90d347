package parquet

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"github.com/penstock-data/penstock/pipeline"
)

// stored is a column of a row group as its file keeps it.
type stored struct {
	file  *footer
	group int
	// column is where it is in the file, and field what the source gives it as.
	column *column
	field  arrow.Field
	// digests, if not nil, are those that its chunks must have, by leaf; an empty one is
	// not known.
	digests []string
}

// storedColumn is a column of a row group to be copied.
func storedColumn(f *footer, group int, c *column) *stored {
	return &stored{file: f, group: group, column: c, field: c.field}
}

// where names a leaf of the column in messages.
func (s *stored) where() string { return fmt.Sprintf("%s: row group %d", s.file.name, s.group) }

// chunk is the footer's part of a leaf.
func (s *stored) chunk(leaf int) *format.ColumnChunk {
	return &s.file.Metadata().RowGroups[s.group].Columns[s.column.leaves[leaf].index]
}

// Takes implements pipeline.Copier. The types must be the very same, those of the groups
// of a nested column too; codec and encodings such that every reader knows them; and what
// this file says of a chunk must be known of the stored one.
func (e *encoder) Takes(column int, from pipeline.Stored) bool {
	s, ok := from.(*stored)
	if !ok || s == nil || column < 0 || column >= len(e.schema.columns) {
		return false
	}
	groups := s.file.Metadata().RowGroups
	if s.group < 0 || s.group >= len(groups) {
		return false
	}
	for _, l := range s.column.leaves {
		if l.index >= len(groups[s.group].Columns) {
			return false
		}
	}
	leaves := e.schema.leaves[e.schema.firstLeaf[column]:e.schema.firstLeaf[column+1]]
	if len(leaves) != len(s.column.leaves) || !e.sameType(column, s) {
		return false
	}
	for i, l := range leaves {
		if l.bloom || l.maxRep != s.column.leaves[i].maxRep || l.maxDef != s.column.leaves[i].maxDef || !e.copies(l, s, i) {
			return false
		}
	}
	return true
}

// current are the encodings of values that writers use.
var current = []format.Encoding{
	format.Plain, format.PlainDictionary, format.RLE, format.RLEDictionary,
	format.DeltaBinaryPacked, format.DeltaLengthByteArray, format.DeltaByteArray, format.ByteStreamSplit,
}

// copies reports whether the chunk of a leaf can be taken as it is.
func (e *encoder) copies(l *outLeaf, s *stored, i int) bool {
	chunk := s.chunk(i)
	m := &chunk.MetaData
	switch m.Codec {
	case format.Uncompressed, format.Snappy, format.Gzip, format.Zstd:
	default:
		return false
	}
	if e.packer.always && m.Codec != e.packer.codec {
		return false
	}
	for _, enc := range m.Encoding {
		// Java writers name the old encoding of levels where there are none.
		if !slices.Contains(current, enc) && (enc != format.BitPacked || l.maxRep > 0) {
			return false
		}
	}
	if chunk.FilePath != "" || m.Type != l.physical {
		return false
	}
	_, known := s.nulls(i, l.maxDef)
	return known
}

// sameType compares the elements of the schemas, but for the column's name.
func (e *encoder) sameType(column int, s *stored) bool {
	ours := e.schema.elements[e.schema.first[column]:e.schema.first[column+1]]
	theirs := s.elements()
	if len(ours) != len(theirs) {
		return false
	}
	for i := range ours {
		a, b := &ours[i], &theirs[i]
		if i > 0 && a.Name != b.Name || a.Type != b.Type || a.RepetitionType != b.RepetitionType || a.NumChildren.V != b.NumChildren.V {
			return false
		}
		if a.Type.V == format.FixedLenByteArray && a.TypeLength.V != b.TypeLength.V || logicalText(a) != logicalText(b) {
			return false
		}
	}
	return true
}

// elements are those of the column in the file's schema; none if it isn't there.
func (s *stored) elements() []format.SchemaElement {
	all := s.file.Metadata().Schema
	at := 1
	for at < len(all) {
		end := subtree(all, at)
		if all[at].Name == s.column.field.Name {
			return all[at:end]
		}
		at = end
	}
	return nil
}

// subtree is where the elements of the one at a place end.
func subtree(all []format.SchemaElement, at int) int {
	for rest := 1; rest > 0 && at < len(all); at++ {
		rest += int(max(0, all[at].NumChildren.V)) - 1
	}
	return at
}

// logicalText is the logical type of an element, the same for all ways to say it.
func logicalText(e *format.SchemaElement) string {
	if l := e.LogicalType.Value; l != nil {
		switch l := l.(type) {
		case *format.IntType:
			if l.IsSigned && (l.BitWidth == 32 && e.Type.V == format.Int32 || l.BitWidth == 64 && e.Type.V == format.Int64) {
				return ""
			}
		}
		return l.String()
	}
	if !e.ConvertedType.Valid {
		return ""
	}
	c := e.ConvertedType.V
	for kind, converted := range convertedInts {
		if converted == c {
			return logicalText(&format.SchemaElement{
				Type: e.Type, LogicalType: format.LogicalType{Value: &format.IntType{BitWidth: int8(kind.bits), IsSigned: kind.signed}},
			})
		}
	}
	utc := func(u format.TimeUnitValue) string {
		return (&format.TimestampType{IsAdjustedToUTC: true, Unit: format.TimeUnit{Value: u}}).String()
	}
	switch c {
	case deprecated.UTF8:
		return (&format.StringType{}).String()
	case deprecated.List:
		return (&format.ListType{}).String()
	case deprecated.Map, deprecated.MapKeyValue:
		return (&format.MapType{}).String()
	case deprecated.Date:
		return (&format.DateType{}).String()
	case deprecated.Decimal:
		return (&format.DecimalType{Scale: e.Scale.V, Precision: e.Precision.V}).String()
	case deprecated.TimestampMillis:
		return utc(&format.MilliSeconds{})
	case deprecated.TimestampMicros:
		return utc(&format.MicroSeconds{})
	}
	return fmt.Sprintf("CONVERTED(%d)", c)
}
