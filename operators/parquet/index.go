package parquet

import (
	"errors"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/penstock-data/penstock/pipeline"
)

// place is where a page with values is, and how many rows it has.
type place struct {
	offset, size int64
	from         int64 // its first row in the row group
	rows         int
}

// maxIndex bounds an index of a column chunk, in bytes.
const maxIndex = 16 << 20

// indexText reads an index; nil is none. The file must be open. An error says that the
// file is not what it was; an index that is merely no good is none.
func (f *footer) indexText(offset int64, length int32) ([]byte, error) {
	n := int64(length)
	if offset < int64(len(magic)) || n <= 0 || n > maxIndex || offset > f.footerAt-n || !f.covered(offset, n) {
		return nil, nil
	}
	if err := f.believed(); errors.Is(err, errUncovered) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	text := make([]byte, n)
	if _, err := f.ReadAt(text, offset); err != nil {
		return nil, bad(f.name, "reading an index: %s", noEOF(err))
	}
	if checkThrift(text) != nil {
		return nil, nil
	}
	return text, nil
}

// places reads the offset index of a column chunk, and says how many bytes that took. The
// pages must lie one behind the other to the end of the chunk, and have all its rows;
// otherwise there is no index. The file must be open.
func (f *footer) places(group, column int) (_ []place, read int64, err error) {
	rg := &f.Metadata().RowGroups[group]
	chunk := &rg.Columns[column]
	text, err := f.indexText(chunk.OffsetIndexOffset, chunk.OffsetIndexLength)
	if text == nil {
		return nil, 0, err
	}
	var index format.OffsetIndex
	if decodeIndex(text, &index) != nil {
		return nil, 0, nil
	}
	return placesOf(index.PageLocations, &chunk.MetaData, rg.NumRows), int64(len(text)), nil
}

// decodeIndex is thrift.Unmarshal without its panics.
func decodeIndex(text []byte, to any) (err error) {
	defer func() {
		if recover() != nil {
			err = errThrift
		}
	}()
	return thrift.Unmarshal(new(thrift.CompactProtocol), text, to)
}

func placesOf(pages []format.PageLocation, m *format.ColumnMetaData, rows int64) []place {
	start := chunkStart(m)
	if len(pages) == 0 || start < 0 || m.TotalCompressedSize < 0 || pages[0].Offset < start || pages[0].FirstRowIndex != 0 {
		return nil
	}
	all := make([]place, len(pages))
	for i, p := range pages {
		end, next := start+m.TotalCompressedSize, rows
		if i+1 < len(pages) {
			end, next = pages[i+1].Offset, pages[i+1].FirstRowIndex
		}
		size := int64(p.CompressedPageSize)
		if size <= 0 || p.Offset > end-size || p.Offset+size != end || next <= p.FirstRowIndex || next > rows {
			return nil
		}
		all[i] = place{p.Offset, size, p.FirstRowIndex, int(next - p.FirstRowIndex)}
	}
	return all
}

// pageFacts reads the column index of a column chunk: what is known of the rows of each
// of its pages, by the rules of facts. Where the index contradicts itself, or has not one
// entry for each page, there is none.
func (f *footer) pageFacts(group int, c *column, pages []place) (_ []pipeline.Facts, read int64, err error) {
	chunk := &f.Metadata().RowGroups[group].Columns[c.flat().index]
	text, err := f.indexText(chunk.ColumnIndexOffset, chunk.ColumnIndexLength)
	if text == nil {
		return nil, 0, err
	}
	var index format.ColumnIndex
	if decodeIndex(text, &index) != nil {
		return nil, 0, nil
	}
	return f.factsOf(c, &index, pages), int64(len(text)), nil
}

func (f *footer) factsOf(c *column, index *format.ColumnIndex, pages []place) []pipeline.Facts {
	n := len(pages)
	if len(index.NullPages) != n || len(index.MinValues) != n || len(index.MaxValues) != n || len(index.NullCounts) != 0 && len(index.NullCounts) != n {
		return nil
	}
	all := make([]pipeline.Facts, n)
	for i := range all {
		nulls := int64(-1)
		if len(index.NullCounts) == n {
			if nulls = index.NullCounts[i]; nulls < 0 {
				return nil
			}
		}
		facts, ok := f.onePage(c, index.MinValues[i], index.MaxValues[i], index.NullPages[i], nulls, int64(pages[i].rows))
		if !ok {
			return nil
		}
		all[i] = facts
	}
	return all
}

// onePage is what an entry of a column index says; nulls of -1 are not known. It is not ok
// if it contradicts itself.
func (f *footer) onePage(c *column, least, greatest []byte, allNull bool, nulls, rows int64) (facts pipeline.Facts, ok bool) {
	switch {
	case nulls > rows:
		return facts, false
	case allNull && nulls >= 0 && nulls != rows:
		return facts, false
	case c.flat().maxDef == 0 && (nulls > 0 || allNull):
		return facts, false
	case nulls >= 0:
		facts.Nulls, facts.HasNulls = nulls, true
	case c.flat().maxDef == 0:
		facts.HasNulls = true
	}
	if allNull {
		// Without counts, it may also be a page of NaN that its writer had no bounds for.
		return facts, true
	}
	facts.Min, facts.Max, ok = f.bounds(c, least, greatest)
	return facts, ok
}
