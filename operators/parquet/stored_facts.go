package parquet

import (
	"math"
	"strings"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// What is said of a chunk that is copied is said by this file from then on, whose readers
// know only who wrote it. So nothing goes over that they would trust of us, but not of the
// first writer: see facts.go for what is to be distrusted.

// statistics are those of a leaf that go over.
func (s *stored) statistics(l *outLeaf, leaf int, nulls int64) format.Statistics {
	from := &s.chunk(leaf).MetaData.Statistics
	out := format.Statistics{NullCount: nulls}
	if !ordered(s.file.Metadata(), s.column.leaves[leaf].index) {
		return out
	}
	if l.holds(from.MaxValue) {
		out.MaxValue = from.MaxValue
	}
	if l.holds(from.MinValue) && !s.doubtfulLeast(l) {
		out.MinValue = from.MinValue
	}
	return out
}

// holds reports whether a bound is a value of the leaf.
func (l *outLeaf) holds(b []byte) bool {
	switch {
	case b == nil || l.order == noOrder:
		return false
	case l.size > 0 && len(b) != l.size:
		return false
	case l.order == floating && math.IsNaN(l.float(b)):
		return false
	}
	return true
}

// doubtfulLeast is true of byte arrays by arrow-go, whose least may not be the empty one.
func (s *stored) doubtfulLeast(l *outLeaf) bool {
	return l.size == 0 && strings.HasPrefix(s.file.Metadata().CreatedBy, "parquet-go version")
}

// columnIndex reads what the file knows of each page, or nil: it may be left out.
func (s *stored) columnIndex(l *outLeaf, leaf, pages int) *format.ColumnIndex {
	c := s.chunk(leaf)
	at, n := c.ColumnIndexOffset, int64(c.ColumnIndexLength)
	if at < 4 || n <= 0 || n > maxIndex || at > s.file.Size()-n || s.doubtfulLeast(l) ||
		!ordered(s.file.Metadata(), s.column.leaves[leaf].index) {
		return nil
	}
	text := make([]byte, n)
	if _, err := s.file.ReadAt(text, at); err != nil || checkThrift(text) != nil {
		return nil
	}
	x := &format.ColumnIndex{}
	var protocol thrift.CompactProtocol
	if thrift.NewDecoder(protocol.NewReaderFromBytes(text)).Decode(x) != nil {
		return nil
	}
	if len(x.NullPages) != pages || len(x.MinValues) != pages || len(x.MaxValues) != pages || len(x.NullCounts) != 0 && len(x.NullCounts) != pages {
		return nil
	}
	for i, empty := range x.NullPages {
		if !empty && (!l.holds(x.MinValues[i]) || !l.holds(x.MaxValues[i])) {
			return nil
		}
	}
	if len(x.NullCounts) == 0 {
		x.NullCounts = nil
	}
	x.RepetitionLevelHistogram, x.DefinitionLevelHistogram = nil, nil
	return x
}

// nulls is how many entries of a leaf are null, where that is known.
func (s *stored) nulls(leaf int, maxDef byte) (n int64, known bool) {
	if maxDef == 0 {
		return 0, true
	}
	n, known = s.file.nulls.of(s.group, s.column.leaves[leaf].index)
	return n, known && n <= s.chunk(leaf).MetaData.NumValues
}
