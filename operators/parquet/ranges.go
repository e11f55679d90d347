package parquet

import (
	"encoding/binary"
	"io"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/parquet-go/parquet-go"

	"github.com/penstock-data/penstock/operators/files"
)

// ranges tells what the footer's statistics prove of dates and timestamps. Only they
// are asked for today, and their bounds have no traps: no NaN, no truncation. An
// absent count of nulls is unknown, not none; parquet-go does not tell the two
// apart, so the footer is read a second time by a library that does.
func ranges(pf *parquet.File, path string, cols []column) func(split int, name string) (files.Range, bool) {
	groups := pf.Metadata().RowGroups
	var meta *metadata.FileMetaData
	return func(split int, name string) (r files.Range, ok bool) {
		defer func() {
			if recover() != nil {
				ok = false // a statistic that can't be read proves nothing
			}
		}()
		for _, c := range cols {
			if c.field.Name != name {
				continue
			}
			if meta == nil {
				if meta = footer(path); meta == nil {
					return r, false
				}
			}
			chunk, err := meta.RowGroup(split).ColumnChunk(c.index)
			if err != nil {
				return r, false
			}
			stats, err := chunk.Statistics()
			if err != nil || stats == nil || !stats.HasMinMax() || !stats.HasNullCount() {
				return r, false
			}
			s := groups[split].Columns[c.index].MetaData.Statistics
			low, ok1 := bound(c.field.Type, s.MinValue)
			high, ok2 := bound(c.field.Type, s.MaxValue)
			return files.Range{Min: low, Max: high, Nulls: stats.NullCount()}, ok1 && ok2
		}
		return r, false
	}
}

func bound(t arrow.DataType, plain []byte) (any, bool) {
	switch t.ID() {
	case arrow.TIMESTAMP:
		if len(plain) == 8 {
			return arrow.Timestamp(binary.LittleEndian.Uint64(plain)), true
		}
	case arrow.DATE32:
		if len(plain) == 4 {
			return arrow.Date32(binary.LittleEndian.Uint32(plain)), true
		}
	}
	return nil, false
}

// maxFooter bounds the footer that is read for its statistics, in bytes.
const maxFooter = 256 << 20

func footer(path string) *metadata.FileMetaData {
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
