package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/pipeline"
)

// batchRows is how many rows a batch has at most.
const batchRows = 64 << 10

// groupReader reads one row group.
type groupReader struct {
	env     *pipeline.Env
	file    *os.File
	where   string
	schema  *arrow.Schema
	columns []*columnReader
	rows    int64 // in the row group
	done    int64 // given so far
}

// Next implements pipeline.Reader.
func (r *groupReader) Next(ctx context.Context) (b arrow.RecordBatch, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r.done == r.rows {
		return nil, io.EOF
	}
	n := min(batchRows, r.rows-r.done)
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

// read gives the next n values of a column. Damaged pages make the decoder panic.
func (r *groupReader) read(c *columnReader, n int) (a arrow.Array, err error) {
	defer func() {
		if p := recover(); p != nil {
			a, err = nil, r.damaged(c, fmt.Sprintf("%v", p))
		}
	}()
	a, err = c.read(n)
	if err != nil {
		return nil, r.damaged(c, tidy(err))
	}
	return a, nil
}

func (r *groupReader) damaged(c *columnReader, what string) error {
	e := bad(r.where, "column %q is damaged: %s", c.field.Name, what)
	e.Evidence = append(e.Evidence, fmt.Sprintf("%d of %d rows of the row group could be read; none was used", r.done, r.rows))
	return e
}

// Close implements pipeline.Reader.
func (r *groupReader) Close() error {
	if r.file == nil {
		return nil
	}
	var err error
	for _, c := range r.columns {
		err = errors.Join(err, c.close())
	}
	err = errors.Join(err, r.file.Close())
	r.file = nil
	return err
}
