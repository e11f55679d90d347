package parquet

import (
	"context"
	"fmt"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/parquet-go/parquet-go/format"

	"github.com/penstock-data/penstock/pipeline"
)

// encoder writes row groups that were encoded beside each other.
type encoder struct {
	schema  *outSchema
	packer  packer
	sorting []format.SortingColumn
	file    fileWriter
}

// rowGroup is an encoded row group: a chunk of the file.
type rowGroup struct {
	rows   int64
	chunks []*outChunk // by leaf
}

// worker is the memory that encodes one leaf after the other.
type worker struct {
	column outColumn
	pages  pageWriter
}

var workers = sync.Pool{New: func() any { return new(worker) }}

func (w *worker) free() {
	w.column.reset()
	if w.column.size() <= maxScratch {
		workers.Put(w)
	}
}

// Encode implements pipeline.Encoder: one chunk is one row group.
func (e *encoder) Encode(ctx context.Context, batches []arrow.RecordBatch) (pipeline.Chunk, error) {
	columns := make([]pipeline.ColumnValues, e.schema.arrow.NumFields())
	rows := int64(0)
	for _, b := range batches {
		rows += b.NumRows()
		for i := range columns {
			columns[i].Arrays = append(columns[i].Arrays, b.Column(i))
		}
	}
	return e.EncodeColumns(ctx, rows, columns)
}

// EncodeColumns implements pipeline.Copier.
func (e *encoder) EncodeColumns(ctx context.Context, rows int64, columns []pipeline.ColumnValues) (_ pipeline.Chunk, err error) {
	if len(columns) != e.schema.arrow.NumFields() {
		return nil, fmt.Errorf("%d columns where the file has %d", len(columns), e.schema.arrow.NumFields())
	}
	g := &rowGroup{rows: rows}
	if rows == 0 {
		return g, nil
	}
	defer func() {
		if err != nil {
			for _, c := range g.chunks {
				c.free()
			}
		}
	}()
	w := workers.Get().(*worker)
	defer w.free()
	for i, values := range columns {
		for _, l := range e.schema.leaves[e.schema.firstLeaf[i]:e.schema.firstLeaf[i+1]] {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			var c *outChunk
			if s, ok := values.Stored.(*stored); ok && s != nil {
				c, err = s.copy(ctx, l, l.index-e.schema.firstLeaf[i], rows)
			} else if c, err = w.encode(e, l, rows, values.Arrays); err != nil {
				err = fmt.Errorf("column %q: %w", e.schema.arrow.Field(i).Name, err)
			}
			if err != nil {
				return nil, err
			}
			c.digest = digestOf(c.data)
			g.chunks = append(g.chunks, c)
		}
	}
	return g, nil
}

// encode makes the chunk of a leaf of arrays.
func (w *worker) encode(e *encoder, l *outLeaf, rows int64, arrays []arrow.Array) (*outChunk, error) {
	c := &w.column
	c.reset()
	s := shredder{outLeaf: l, out: c}
	for _, a := range arrays {
		c.rows += a.Len()
		shred := s.nested
		if l.flat() {
			shred = s.flat
		}
		if err := shred(a); err != nil {
			return nil, err
		}
	}
	if int64(c.rows) != rows {
		return nil, fmt.Errorf("%d values for %d rows", c.rows, rows)
	}
	enc, err := c.choose(l)
	if err != nil {
		return nil, err
	}
	out, err := w.pages.write(c, l, enc, &e.packer)
	if err == nil && l.bloom {
		out.bloom, err = c.bloomOf(l)
	}
	return out, err
}

// Append implements pipeline.Encoder. A chunk without rows leaves nothing in the file.
func (e *encoder) Append(c pipeline.Chunk) error {
	g := c.(*rowGroup)
	if g.rows == 0 {
		return nil
	}
	return e.file.rowGroup(g.rows, g.chunks, e.sorting)
}

// Close implements pipeline.Encoder.
func (e *encoder) Close() error { return e.file.close() }

// Describe implements pipeline.Describer.
func (e *encoder) Describe(f *pipeline.File) {
	f.Chunks, f.Footer = e.file.chunks, e.file.footer
}
