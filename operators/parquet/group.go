package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/pipeline"
)

const (
	// batchRows is how many rows a batch has at most, and batchBytes about how many bytes.
	batchRows, batchBytes = 64 << 10, 32 << 20
)

// groupReader reads one row group.
type groupReader struct {
	file    *footer
	where   string
	schema  *arrow.Schema
	columns []*columnReader
	rows    int64 // in the row group
	done    int64 // given so far
	batch   int64 // rows of a batch
	closed  bool
}

// openGroup opens one row group for reading.
func openGroup(file *footer, group int, columns []string) (_ pipeline.Reader, err error) {
	where := fmt.Sprintf("%s: row group %d", file.name, group)
	if err := file.open(); err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			err = bad(where, "is damaged: %v", r)
		}
		if err != nil {
			file.close()
		}
	}()
	for _, name := range columns {
		if why, ok := file.refused[name]; ok {
			return nil, bad(where, "column %q is %s, which is not read", name, strings.ToLower(why))
		}
	}
	meta := &file.Metadata().RowGroups[group]
	r := &groupReader{file: file, where: where, rows: meta.NumRows, batch: batchRows}
	var fields []arrow.Field
	var bytes int64
	for _, c := range file.columns {
		if columns != nil && !slices.Contains(columns, c.field.Name) {
			continue
		}
		fields = append(fields, c.field)
		cr := &columnReader{column: c}
		for _, l := range c.leaves {
			chunk := &meta.Columns[l.index].MetaData
			if c.flat() != nil && chunk.NumValues != r.rows {
				return nil, bad(where, "column %q has %d values, the row group %d rows", c.field.Name, chunk.NumValues, r.rows)
			}
			lr, err := newLeafReader(l, file, file.Size(), chunk, c.flat() == nil, c.field.Type.ID() == arrow.DICTIONARY)
			if err != nil {
				return nil, bad(where, "column %q is damaged: %s", c.field.Name, err)
			}
			bytes += max(0, chunk.TotalUncompressedSize)
			cr.leaves = append(cr.leaves, lr)
		}
		r.columns = append(r.columns, cr)
	}
	// Rows that are long come in batches that are short.
	if perRow := bytes / max(1, r.rows); perRow > 0 {
		r.batch = min(batchRows, max(1, batchBytes/perRow))
	}
	r.schema = arrow.NewSchema(fields, nil)
	return r, nil
}

// Next implements pipeline.Reader.
func (r *groupReader) Next(ctx context.Context) (b arrow.RecordBatch, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r.done == r.rows {
		return nil, r.end()
	}
	n := min(r.batch, r.rows-r.done)
	cols := make([]arrow.Array, 0, len(r.columns))
	defer func() {
		for _, c := range cols {
			c.Release()
		}
	}()
	for _, c := range r.columns {
		col, err := r.read(c, int(n))
		if err != nil {
			return nil, err
		}
		cols = append(cols, col)
	}
	r.done += n
	return array.NewRecordBatch(r.schema, cols, n), nil
}

// end makes sure that no column has more rows than the footer says.
func (r *groupReader) end() (err error) {
	for _, c := range r.columns {
		for _, l := range c.leaves {
			if l.pages.rest != 0 || l.page != nil && l.entry != l.page.entries {
				return r.damaged(c, errors.New("it has more rows than the footer says"))
			}
		}
	}
	return io.EOF
}

// read gives the next n values of a column. Decoders may panic on damaged pages.
func (r *groupReader) read(c *columnReader, n int) (a arrow.Array, err error) {
	defer func() {
		if p := recover(); p != nil {
			a, err = nil, r.damaged(c, fmt.Errorf("%v", p))
		}
	}()
	a, err = c.read(n)
	if err != nil {
		return nil, r.damaged(c, err)
	}
	return a, nil
}

func (r *groupReader) damaged(c *columnReader, err error) error {
	e := bad(r.where, "column %q is damaged: %s", c.field.Name, tidy(err))
	e.Evidence = append(e.Evidence, fmt.Sprintf("%d of %d rows of the row group could be read; none was used", r.done, r.rows))
	return e
}

// Close implements pipeline.Reader.
func (r *groupReader) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	for _, c := range r.columns {
		for _, l := range c.leaves {
			l.pages.free()
			if l.out.texts != nil {
				l.out.texts.release()
			}
		}
	}
	r.file.close()
	return nil
}
