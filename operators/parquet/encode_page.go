package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const (
	// pageRows and pageBytes are what a page has at most, unless one row has more.
	pageRows, pageBytes = 32 << 10, 1 << 20
)

// outPage is where a page is in its chunk, and what is known of it.
type outPage struct {
	at, size int64 // with its header
	firstRow int64
	values   int // entries
	nulls    int
	bounds   bounds
}

// pageWriter makes the pages of a chunk of a leaf.
type pageWriter struct {
	*outLeaf
	col     *outColumn
	enc     format.Encoding
	packer  *packer
	bounder bounder

	body, part, packed []byte
	head               bytes.Buffer
}

// write gives the chunk of the values.
func (w *pageWriter) write(c *outColumn, l *outLeaf, enc format.Encoding, p *packer) (*outChunk, error) {
	w.outLeaf, w.col, w.enc, w.packer = l, c, enc, p
	w.bounder = bounder{outLeaf: l, vals: &c.vals, seen: w.bounder.seen[:0]}
	out := &outChunk{leaf: l, enc: enc, rows: c.rows, values: c.entries, nulls: c.nulls, data: chunkBuffer()}
	if err := w.all(out); err != nil {
		return nil, err
	}
	if c.vals.dict != nil && l.order != floating { // bits, not numbers, are distinct there
		out.distinct = c.vals.dict.n
	}
	return out, nil
}

// all writes the dictionary and the data pages. Whether compression pays is tried on the
// dictionary and the first page.
func (w *pageWriter) all(out *outChunk) error {
	first, v, err := w.page(0, 0, 0)
	if err != nil {
		return err
	}
	var dict []byte
	if d := w.col.vals.dict; d != nil {
		dict = w.plain(nil, d, 0, d.n)
	}
	pages := 1 + (w.col.entries-1)/max(1, first.values)
	out.codec = w.packer.choose(dict, w.body, pages)
	if w.col.vals.dict != nil {
		body := w.body
		w.body = dict
		h := format.PageHeader{Type: format.DictionaryPage}
		h.DictionaryPageHeader.Set(format.DictionaryPageHeader{NumValues: int32(w.col.vals.dict.n), Encoding: format.Plain})
		if err := w.emit(out, h); err != nil {
			return err
		}
		w.body = body
		out.dictionary = int64(len(out.data))
	}
	for at, p, row := 0, first, 0; ; {
		h := format.PageHeader{Type: format.DataPage}
		h.DataPageHeader.Set(format.DataPageHeader{
			NumValues: int32(p.values), Encoding: w.enc, DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE,
			Statistics: format.Statistics{NullCount: int64(p.nulls)},
		})
		p.at = int64(len(out.data))
		if err := w.emit(out, h); err != nil {
			return err
		}
		p.size = int64(len(out.data)) - p.at
		out.pages = append(out.pages, p)
		row += w.rowsOf(at, at+p.values)
		at += p.values
		if at >= w.col.entries {
			return nil
		}
		if p, v, err = w.page(at, v, row); err != nil {
			return err
		}
	}
}

// rowsOf is how many rows begin among entries.
func (w *pageWriter) rowsOf(from, to int) int {
	if w.maxRep == 0 {
		return to - from
	}
	return bytes.Count(w.col.rep[from:to], []byte{0})
}

// page makes the body of the page that begins with an entry and a value, and says with
// which value the next one does.
func (w *pageWriter) page(entry, value, row int) (p outPage, next int, err error) {
	end, to := w.end(entry, value)
	p = outPage{firstRow: int64(row), values: end - entry, nulls: end - entry - (to - value)}
	w.body = w.body[:0]
	if w.maxRep > 0 {
		w.levels(w.col.rep[entry:end], w.maxRep)
	}
	switch {
	case w.maxDef == 0:
	case w.flat():
		w.validity(entry, end, p.nulls)
	default:
		w.levels(w.col.def[entry:end], w.maxDef)
	}
	if err := w.values(value, to); err != nil {
		return p, 0, err
	}
	p.bounds = w.bounder.of(value, to)
	return p, to, nil
}

// end finds where a page ends: with a row, before it gets too long.
func (w *pageWriter) end(entry, value int) (end, to int) {
	for n := pageRows; ; n /= 2 {
		end = w.rowEnd(entry, n)
		to = value + w.present(entry, end)
		if n == 1 || w.bytes(value, to) <= pageBytes {
			return end, to
		}
	}
}

// rowEnd gives the end of the row in which n entries are reached.
func (w *pageWriter) rowEnd(entry, n int) int {
	end := min(entry+n, w.col.entries)
	for w.maxRep > 0 && end < w.col.entries && w.col.rep[end] > 0 {
		end++
	}
	return end
}

// present is how many values there are among entries.
func (w *pageWriter) present(from, to int) int {
	switch {
	case w.maxDef == 0 || w.flat() && w.col.valid == nil:
		return to - from
	case w.flat():
		return bitutil.CountSetBits(w.col.valid, from, to-from)
	}
	return bytes.Count(w.col.def[from:to], []byte{w.maxDef})
}

// bytes is about what values take in a page.
func (w *pageWriter) bytes(from, to int) int {
	switch {
	case w.enc == format.RLEDictionary:
		return 4 * (to - from)
	case w.size > 0:
		return w.size * (to - from)
	case from == to:
		return 0
	}
	return int(w.col.vals.offsets[to]-w.col.vals.offsets[from]) + 4*(to-from)
}

// levels appends levels after the bytes they take.
func (w *pageWriter) levels(all []byte, top byte) {
	e := rle.Encoding{BitWidth: bits.Len8(top)}
	w.part, _ = e.EncodeLevels(w.part[:0], all) // levels are at most top
	w.body = binary.LittleEndian.AppendUint32(w.body, uint32(len(w.part)))
	w.body = append(w.body, w.part...)
}

// validity appends the definition levels of a column that is not nested: its bitmap, which
// the encoding takes as it is, or one run.
func (w *pageWriter) validity(from, to, nulls int) {
	n := to - from
	w.part = w.part[:0]
	switch nulls {
	case 0:
		w.part = append(binary.AppendUvarint(w.part, uint64(n)<<1), 1)
	case n:
		w.part = append(binary.AppendUvarint(w.part, uint64(n)<<1), 0)
	default:
		w.part = binary.AppendUvarint(w.part, uint64((n+7)/8)<<1|1)
		at := len(w.part)
		w.part = growBits(w.part, 8*at+n)
		clear(w.part[at:])
		bitutil.CopyBitmap(w.col.valid, from, n, w.part[at:], 0)
	}
	w.body = binary.LittleEndian.AppendUint32(w.body, uint32(len(w.part)))
	w.body = append(w.body, w.part...)
}

// values appends the encoded values.
func (w *pageWriter) values(from, to int) (err error) {
	v := &w.col.vals
	switch w.enc {
	case format.RLEDictionary:
		e := rle.Encoding{BitWidth: bitWidth(v.dict.n)}
		w.body = append(w.body, byte(e.BitWidth))
		w.part, err = e.EncodeInt32(w.part[:0], v.indexes[from:to])
	case format.DeltaBinaryPacked:
		if w.size == 4 {
			w.part, err = parquet.DeltaBinaryPacked.EncodeInt32(w.part[:0], as[int32](v.fixed)[from:to])
		} else {
			w.part, err = parquet.DeltaBinaryPacked.EncodeInt64(w.part[:0], as[int64](v.fixed)[from:to])
		}
	default:
		w.body = w.plain(w.body, v, from, to)
		return nil
	}
	w.body = append(w.body, w.part...)
	return err
}

// plain appends values in plain encoding. Texts stay in it: their lengths as differences
// save 6% of sentences after zstd, at the same cost, and not all readers know that encoding.
func (w *pageWriter) plain(dst []byte, v *outValues, from, to int) []byte {
	switch {
	case w.physical == format.Boolean:
		at := len(dst)
		dst = append(dst, make([]byte, (to-from+7)/8)...)
		for i, b := range v.fixed[from:to] {
			dst[at+i/8] |= b << (i % 8)
		}
		return dst
	case w.size > 0:
		return append(dst, v.fixed[from*w.size:to*w.size]...)
	}
	for i := from; i < to; i++ {
		b := v.bytes[v.offsets[i]:v.offsets[i+1]]
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(b)))
		dst = append(dst, b...)
	}
	return dst
}

// emit appends a page with its header.
func (w *pageWriter) emit(out *outChunk, h format.PageHeader) (err error) {
	if len(w.body) > maxPage {
		return fmt.Errorf("a row takes %d bytes; a page has at most %d", len(w.body), maxPage)
	}
	packed := w.body
	if out.codec != format.Uncompressed {
		if w.packed, err = w.packer.pack(w.packed[:0], w.body, out.codec); err != nil {
			return err
		}
		packed = w.packed
	}
	h.UncompressedPageSize, h.CompressedPageSize = int32(len(w.body)), int32(len(packed))
	h.CRC = int32(crc32.ChecksumIEEE(packed))
	w.head.Reset()
	var protocol thrift.CompactProtocol
	if err := thrift.NewEncoder(protocol.NewWriter(&w.head)).Encode(&h); err != nil {
		return err
	}
	out.data = append(out.data, w.head.Bytes()...)
	out.data = append(out.data, packed...)
	out.unpacked += int64(w.head.Len() + len(w.body))
	return nil
}
