package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
	"github.com/zeebo/xxh3"
)

// outChunk is an encoded column chunk, the same wherever in a file it comes to stand.
type outChunk struct {
	leaf           *outLeaf
	data           []byte
	codec          format.CompressionCodec
	enc            format.Encoding
	rows           int
	values, nulls  int // entries
	distinct       int // 0: not known
	unpacked       int64
	dictionary     int64 // the size of the dictionary page, where the data pages begin
	pages          []outPage
	bloom          []byte
	digest         string
	copied         *copiedMeta // of a chunk that was taken over
	offsetsUnknown bool        // which row a page begins with is not known
}

var chunkBuffers = sync.Pool{New: func() any { return new([]byte) }}

func chunkBuffer() []byte { return (*chunkBuffers.Get().(*[]byte))[:0] }

// free gives the memory of the data to the next chunk.
func (c *outChunk) free() {
	if cap(c.data) <= maxScratch {
		data := c.data
		chunkBuffers.Put(&data)
	}
	c.data = nil
}

// digestOf is the digest of a part of a file, in hex.
func digestOf(b []byte) string { return fmt.Sprintf("%016x", xxh3.Hash(b)) }

// meta is the chunk's part of the footer, where it stands at a byte of the file.
func (c *outChunk) meta(at int64) format.ColumnMetaData {
	m := format.ColumnMetaData{
		Type: c.leaf.physical, PathInSchema: c.leaf.path, Codec: c.codec, NumValues: int64(c.values),
		TotalUncompressedSize: c.unpacked, TotalCompressedSize: int64(len(c.data)), DataPageOffset: at + c.dictionary,
	}
	if c.dictionary > 0 {
		m.DictionaryPageOffset = at
	}
	if c.copied != nil {
		m.Encoding, m.EncodingStats, m.Statistics = c.copied.encodings, c.copied.encodingStats, c.copied.statistics
		return m
	}
	if c.dictionary > 0 {
		m.Encoding = append(m.Encoding, format.Plain)
		m.EncodingStats = append(m.EncodingStats, format.PageEncodingStats{PageType: format.DictionaryPage, Encoding: format.Plain, Count: 1})
	}
	if c.enc != format.Plain || c.dictionary == 0 {
		m.Encoding = append(m.Encoding, c.enc)
	}
	m.Encoding = append(m.Encoding, format.RLE)
	m.EncodingStats = append(m.EncodingStats, format.PageEncodingStats{PageType: format.DataPage, Encoding: c.enc, Count: int32(len(c.pages))})
	var all bounds
	for _, p := range c.pages {
		all = c.leaf.merge(all, p.bounds)
	}
	all = c.leaf.short(all)
	m.Statistics = format.Statistics{NullCount: int64(c.nulls), DistinctCount: int64(c.distinct), MinValue: all.min, MaxValue: all.max}
	return m
}

// columnIndex is what is known of each page; nil where it is not known of every one.
func (c *outChunk) columnIndex() *format.ColumnIndex {
	if c.copied != nil {
		return c.copied.columnIndex
	}
	x := &format.ColumnIndex{}
	var last *bounds
	ascending, descending := true, true
	for _, p := range c.pages {
		b := c.leaf.short(p.bounds)
		empty := p.nulls == p.values
		if !empty && (b.min == nil || b.max == nil) {
			return nil
		}
		x.NullPages = append(x.NullPages, empty)
		x.NullCounts = append(x.NullCounts, int64(p.nulls))
		if empty {
			b = bounds{[]byte{}, []byte{}}
		}
		x.MinValues, x.MaxValues = append(x.MinValues, b.min), append(x.MaxValues, b.max)
		if empty {
			continue
		}
		if last != nil {
			low, high := c.leaf.compare(last.min, b.min), c.leaf.compare(last.max, b.max)
			ascending, descending = ascending && low <= 0 && high <= 0, descending && low >= 0 && high >= 0
		}
		last = &b
	}
	switch {
	case ascending:
		x.BoundaryOrder = format.Ascending
	case descending:
		x.BoundaryOrder = format.Descending
	}
	return x
}

// offsetIndex says where the pages are in the file; nil where their rows are not known.
func (c *outChunk) offsetIndex(at int64) *format.OffsetIndex {
	if c.offsetsUnknown {
		return nil
	}
	x := &format.OffsetIndex{}
	for _, p := range c.pages {
		x.PageLocations = append(x.PageLocations, format.PageLocation{Offset: at + p.at, CompressedPageSize: int32(p.size), FirstRowIndex: p.firstRow})
	}
	return x
}

// fileWriter writes the parts of a file one after the other.
type fileWriter struct {
	w       io.Writer
	at      int64
	meta    format.FileMetaData
	indexes []pageIndex
	chunks  [][]string // digests
	footer  string
}

// pageIndex is what close writes of a chunk.
type pageIndex struct {
	columns *format.ColumnIndex
	offsets *format.OffsetIndex
	bloom   []byte
}

func (f *fileWriter) write(b []byte) error {
	n, err := f.w.Write(b)
	f.at += int64(n)
	return err
}

// rowGroup writes the chunks of a row group.
func (f *fileWriter) rowGroup(rows int64, chunks []*outChunk, sorting []format.SortingColumn) error {
	ordinal := len(f.meta.RowGroups)
	if ordinal > maxRowGroups {
		return fmt.Errorf("a Parquet file has at most %d row groups", maxRowGroups)
	}
	group := format.RowGroup{NumRows: rows, FileOffset: f.at, Ordinal: int16(ordinal), SortingColumns: sorting}
	var digests []string
	for _, c := range chunks {
		at := f.at
		meta := c.meta(at)
		group.Columns = append(group.Columns, format.ColumnChunk{MetaData: meta})
		group.TotalByteSize += meta.TotalUncompressedSize
		group.TotalCompressedSize += meta.TotalCompressedSize
		digests = append(digests, c.digest)
		ix := pageIndex{offsets: c.offsetIndex(at), bloom: c.bloom}
		if ix.offsets != nil {
			ix.columns = c.columnIndex()
		}
		f.indexes = append(f.indexes, ix)
		if err := f.write(c.data); err != nil {
			return err
		}
		c.free()
	}
	f.meta.RowGroups, f.chunks = append(f.meta.RowGroups, group), append(f.chunks, digests)
	f.meta.NumRows += rows
	return nil
}

const maxRowGroups = 1 << 15

// close writes the Bloom filters, the indexes of the pages and the footer, which has the
// digest of what lies between it and the last chunk.
func (f *fileWriter) close() error {
	sum := xxh3.New()
	put := func(text []byte) (at int64, n int32, err error) {
		_, _ = sum.Write(text) // a hash takes anything
		at = f.at
		return at, int32(len(text)), f.write(text)
	}
	place := func(v any) (at int64, n int32, err error) {
		text, err := marshal(v)
		if err != nil {
			return 0, 0, err
		}
		return put(text)
	}
	chunk := func(i int) *format.ColumnChunk {
		columns := len(f.meta.RowGroups[0].Columns)
		return &f.meta.RowGroups[i/columns].Columns[i%columns]
	}
	var err error
	for i, ix := range f.indexes {
		if m := &chunk(i).MetaData; ix.bloom != nil {
			if m.BloomFilterOffset, m.BloomFilterLength, err = put(ix.bloom); err != nil {
				return err
			}
		}
	}
	for i, ix := range f.indexes {
		if c := chunk(i); ix.columns != nil {
			if c.ColumnIndexOffset, c.ColumnIndexLength, err = place(ix.columns); err != nil {
				return err
			}
		}
	}
	for i, ix := range f.indexes {
		if c := chunk(i); ix.offsets != nil {
			if c.OffsetIndexOffset, c.OffsetIndexLength, err = place(ix.offsets); err != nil {
				return err
			}
		}
	}
	f.meta.KeyValueMetadata = append(f.meta.KeyValueMetadata, format.KeyValue{Key: indexKey, Value: fmt.Sprintf("%016x", sum.Sum64())})
	text, err := marshal(&f.meta)
	if err != nil {
		return err
	}
	f.footer = digestOf(text)
	text = binary.LittleEndian.AppendUint32(text, uint32(len(text)))
	return f.write(append(text, magic...))
}

func marshal(v any) ([]byte, error) {
	var protocol thrift.CompactProtocol
	var buf bytes.Buffer
	err := thrift.NewEncoder(protocol.NewWriter(&buf)).Encode(v)
	return buf.Bytes(), err
}
