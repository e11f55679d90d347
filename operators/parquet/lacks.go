package parquet

import (
	"encoding/binary"
	"io"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/parquet-go/parquet-go/bloom"
	"github.com/parquet-go/parquet-go/format"
)

// maxFilter bounds a Bloom filter, in bytes; no more than a block of it is ever read.
const maxFilter = 128 << 20

// lacks gives the function that asks the Bloom filter of a column of a row group; nil
// where there is none that can be asked. A filter that can't be read, or is no good,
// has everything.
func (f *footer) lacks(group int, c *column) func(value any) bool {
	chunk := &f.Metadata().RowGroups[group].Columns[c.flat().index].MetaData
	if chunk.BloomFilterOffset <= 0 {
		return nil
	}
	return func(value any) (lacks bool) {
		text := c.flat().plain(value)
		if text == nil || f.open() != nil {
			return false
		}
		defer f.close()
		defer func() {
			if recover() != nil {
				lacks = false
			}
		}()
		has, err := f.mayHave(chunk, text)
		return err == nil && !has
	}
}

// mayHave asks a filter for a value in the plain encoding.
func (f *footer) mayHave(chunk *format.ColumnMetaData, text []byte) (bool, error) {
	from, limit := chunk.BloomFilterOffset, f.footerAt
	if f.believed() != nil || from < int64(len(magic)) || from >= limit || !f.covered(from, 1) {
		return true, nil
	}
	head := make([]byte, min(64, limit-from))
	if _, err := f.ReadAt(head, from); err != nil {
		return true, err
	}
	w := &thriftWalker{rest: head}
	if err := w.value(thriftStruct, 0); err != nil {
		return true, err
	}
	size := len(head) - len(w.rest)
	var h format.BloomFilterHeader
	if err := decodeIndex(head[:size], &h); err != nil {
		return true, err
	}
	n := int64(h.NumBytes)
	from += int64(size)
	if !readable(&h) || n <= 0 || n > maxFilter || n%bloom.BlockSize != 0 || n > limit-from || !f.covered(from, n) {
		return true, nil
	}
	return bloom.CheckSplitBlock(io.NewSectionReader(f, from, n), n, bloom.XXH64{}.Sum64(text))
}

func readable(h *format.BloomFilterHeader) bool {
	_, blocks := h.Algorithm.Value.(*format.SplitBlockAlgorithm)
	_, hash := h.Hash.Value.(*format.XxHash)
	_, plain := h.Compression.Value.(*format.BloomFilterUncompressed)
	return blocks && hash && plain
}

// plain is a value, as pipeline.Facts has it, in the plain encoding; nil if the column
// does not keep such values as they are.
func (l *leaf) plain(value any) []byte {
	switch l.typ.ID() {
	case arrow.FLOAT32, arrow.FLOAT64, arrow.BOOL, arrow.DECIMAL128, arrow.DECIMAL256:
		return nil
	}
	if l.uuid || l.physical == format.Int96 {
		return nil
	}
	unsigned := arrow.IsUnsignedInteger(l.typ.ID())
	switch v := value.(type) {
	case int64:
		switch {
		case unsigned:
		case l.physical == format.Int32 && v >= math.MinInt32 && v <= math.MaxInt32:
			return binary.LittleEndian.AppendUint32(nil, uint32(v))
		case l.physical == format.Int64:
			return binary.LittleEndian.AppendUint64(nil, uint64(v))
		}
	case uint64:
		switch {
		case !unsigned:
		case l.physical == format.Int32 && v <= math.MaxUint32:
			return binary.LittleEndian.AppendUint32(nil, uint32(v))
		case l.physical == format.Int64:
			return binary.LittleEndian.AppendUint64(nil, v)
		}
	case string:
		if l.physical == format.ByteArray || l.physical == format.FixedLenByteArray && len(v) == l.size {
			return append([]byte{}, v...)
		}
	}
	return nil
}
