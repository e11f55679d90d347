package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/penstock-data/penstock/pipeline"
)

// copiedMeta is what is said of a chunk that is taken over.
type copiedMeta struct {
	encodings     thrift.Slice[format.Encoding]
	encodingStats thrift.Slice[format.PageEncodingStats]
	statistics    format.Statistics
	columnIndex   *format.ColumnIndex
}

// copy takes the chunk of a leaf over, byte by byte, after it is checked: its digest where
// one is known, the checksums of its pages where they have one, and that its pages add up
// to what the footer says.
func (s *stored) copy(ctx context.Context, l *outLeaf, leaf int, rows int64) (_ *outChunk, err error) {
	if err := s.file.open(); err != nil {
		return nil, err
	}
	defer s.file.close()
	c := &outChunk{leaf: l, data: chunkBuffer(), rows: int(rows)}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
		if err != nil && ctx.Err() == nil {
			err = s.damaged(err)
			c.free()
		}
	}()
	if n := s.file.Metadata().RowGroups[s.group].NumRows; n != rows {
		return nil, fmt.Errorf("it has %d rows where there are %d", n, rows)
	}
	m := &s.chunk(leaf).MetaData
	if err := s.read(ctx, c, m); err != nil {
		return nil, err
	}
	if leaf < len(s.digests) && s.digests[leaf] != "" {
		if got := digestOf(c.data); got != s.digests[leaf] {
			return nil, fmt.Errorf("its digest is %s, %s is expected", got, s.digests[leaf])
		}
	}
	if err := s.walk(c, l, m); err != nil {
		return nil, err
	}
	nulls, _ := s.nulls(leaf, l.maxDef)
	c.codec, c.nulls = m.Codec, int(nulls)
	c.copied = &copiedMeta{encodings: m.Encoding, encodingStats: m.EncodingStats, statistics: s.statistics(l, leaf, nulls)}
	c.copied.columnIndex = s.columnIndex(l, leaf, len(c.pages))
	return c, nil
}

func (s *stored) damaged(err error) error {
	if errors.As(err, new(*pipeline.Error)) {
		return err
	}
	return bad(s.where(), "column %q is damaged: %s", s.field.Name, tidy(err))
}

// copyBuffer is how much of a chunk is read at once, in bytes.
const copyBuffer = 8 << 20

// read reads the bytes of the chunk. The footer's sizes are compared with the file's
// before there is memory for them.
func (s *stored) read(ctx context.Context, c *outChunk, m *format.ColumnMetaData) error {
	pages, err := chunkPages(s.file, s.file.Size(), m)
	if err != nil {
		return err
	}
	defer pages.free()
	n := int(pages.end - pages.at)
	c.data = slices.Grow(c.data, n)[:n]
	for at := 0; at < n; at += copyBuffer {
		if err := ctx.Err(); err != nil {
			return err
		}
		part := c.data[at:min(at+copyBuffer, n)]
		if _, err := s.file.ReadAt(part, pages.at+int64(at)); err != nil {
			return fmt.Errorf("reading the file: %w", noEOF(err))
		}
	}
	return nil
}

// window is a chunk that was read, at its place in the file.
type window struct {
	data []byte
	at   int64
}

// ReadAt implements io.ReaderAt.
func (w window) ReadAt(b []byte, off int64) (int, error) {
	if off -= w.at; off < 0 || off > int64(len(w.data)) {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(b, w.data[off:])
	if n < len(b) {
		return n, io.ErrUnexpectedEOF
	}
	return n, nil
}

// walk goes through the pages and notes where they are.
func (s *stored) walk(c *outChunk, l *outLeaf, m *format.ColumnMetaData) error {
	pages, err := chunkPages(nil, s.file.Size(), m)
	if err != nil {
		return err
	}
	defer pages.free()
	start := pages.at
	pages.src = window{c.data, start}
	rows := int64(0)
	for {
		at := pages.at
		p, err := pages.next(wanted)
		if err != nil {
			return err
		}
		if p == nil {
			break
		}
		if err := pages.intact(p); err != nil {
			return fmt.Errorf("page %d: %w", p.number, err)
		}
		size := pages.at - at
		c.unpacked += size - int64(p.header.packed) + int64(p.header.plain)
		switch h := &p.header; {
		case h.isDictionary():
			if at != start {
				return fmt.Errorf("page %d: a dictionary that is not the first page", p.number)
			}
			c.dictionary = size
		case h.hasValues() && h.kind == format.DataPage:
			if err := oldLevels(l, h); err != nil {
				return fmt.Errorf("page %d: %w", p.number, err)
			}
			c.addPage(at-start, size, rows, h.values())
			rows += int64(h.values())
			c.offsetsUnknown = c.offsetsUnknown || l.maxRep > 0
		case h.hasValues():
			if h.rows < 0 || int(h.rows) > h.values() || l.maxRep == 0 && int(h.rows) != h.values() {
				return fmt.Errorf("page %d: %d rows of %d values", p.number, h.rows, h.values())
			}
			c.addPage(at-start, size, rows, h.values())
			rows += int64(h.rows)
		default:
			return fmt.Errorf("page %d: it is of the unknown type %d", p.number, h.kind)
		}
	}
	switch {
	case int64(c.values) != m.NumValues:
		return fmt.Errorf("its pages have %d values, the footer says %d", c.values, m.NumValues)
	case !c.offsetsUnknown && rows != int64(c.rows):
		return fmt.Errorf("its pages have %d rows, the row group %d", rows, c.rows)
	}
	return nil
}

// intact unpacks a page that has no checksum: most damage shows there.
func (r *pageReader) intact(p *rawPage) error {
	h := &p.header
	if h.hasCRC {
		return nil
	}
	body, size := p.body, int(h.plain)
	if h.kind == format.DataPageV2 {
		if h.stored {
			return nil
		}
		levels := int64(h.repLen) + int64(h.defLen)
		if h.repLen < 0 || h.defLen < 0 || levels > int64(len(body)) || levels > int64(size) {
			return errShort
		}
		body, size = body[levels:], size-int(levels)
	}
	_, err := r.unpack(body, size)
	return err
}

func (c *outChunk) addPage(at, size, row int64, values int) {
	c.pages = append(c.pages, outPage{at: at, size: size, firstRow: row, values: values})
	c.values += values
}

// oldLevels refuses levels in an encoding that writers have left.
func oldLevels(l *outLeaf, h *pageHeader) error {
	if l.maxRep > 0 && h.rep != format.RLE || l.maxDef > 0 && h.def != format.RLE {
		return errors.New("its levels are in an old encoding")
	}
	return nil
}
