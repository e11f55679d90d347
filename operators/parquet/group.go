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

// rowRange is some consecutive rows of a row group.
type rowRange struct {
	group    int
	from, to int64
	all      bool // they are all that the group has
}

func (g rowRange) String() string {
	if g.all {
		return fmt.Sprintf("row group %d", g.group)
	}
	return fmt.Sprintf("row group %d, rows %d to %d", g.group, g.from, g.to)
}

// groupReader reads rows of one row group.
type groupReader struct {
	file    *footer
	where   string
	schema  *arrow.Schema
	columns []*columnReader
	rows    int64  // to give in all
	done    int64  // given so far
	keep    []bool // of the rows in the range that are not passed yet; nil: all are kept
	last    bool   // the range goes to the end of the group
	batch   int64  // rows of a batch
	chosen  selection
	closed  bool
}

// openGroup opens rows of a row group for reading: all, or those that keep marks. The
// columns coded are given as dictionaries where the file has them so.
func openGroup(ctx context.Context, file *footer, of rowRange, columns []string, keep []bool, coded ...string) (_ pipeline.Reader, err error) {
	r := &groupReader{
		file: file, where: fmt.Sprintf("%s: %v", file.name, of), batch: batchRows,
		rows: of.to - of.from, keep: keep, last: of.to == file.Metadata().RowGroups[of.group].NumRows,
	}
	if keep != nil {
		if int64(len(keep)) != r.rows {
			return nil, fmt.Errorf("%s: %d rows, %d marks of those to keep", r.where, r.rows, len(keep))
		}
		r.rows = int64(count(as[byte](bytesOf(keep)), 1))
	}
	if err := file.open(); err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			err = bad(r.where, "is damaged: %v", p)
		}
		if err != nil {
			_ = r.Close() // it closes the file; the error is the first
		}
	}()
	for _, name := range columns {
		if why, ok := file.refused[name]; ok {
			return nil, bad(r.where, "column %q is %s, which is not read", name, strings.ToLower(why))
		}
	}
	var fields []arrow.Field
	var bytes int64
	for _, c := range file.columns {
		if columns != nil && !slices.Contains(columns, c.field.Name) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if slices.Contains(coded, c.field.Name) {
			c = file.coded(of.group, c)
		}
		fields = append(fields, c.field)
		n, err := r.open(c, of)
		if err != nil {
			return nil, err
		}
		bytes += n
	}
	// Rows that are long come in batches that are short.
	if perRow := bytes / max(1, file.Metadata().RowGroups[of.group].NumRows); perRow > 0 {
		r.batch = min(batchRows, max(1, batchBytes/perRow))
	}
	r.schema = arrow.NewSchema(fields, nil)
	return r, nil
}

// coded is the column as a dictionary of its type, if it is one of numbers that the row
// group has with a dictionary.
func (f *footer) coded(group int, c *column) *column {
	l := c.flat()
	if l == nil || l.width <= 0 || !mayBeDictionary(&f.Metadata().RowGroups[group].Columns[l.index].MetaData) {
		return c
	}
	as := *c
	as.field.Type = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: c.field.Type}
	return &as
}

// open adds a column, and says how many bytes it has unpacked.
func (r *groupReader) open(c *column, of rowRange) (bytes int64, err error) {
	meta := &r.file.Metadata().RowGroups[of.group]
	cr := &columnReader{column: c}
	r.columns = append(r.columns, cr)
	for _, l := range c.leaves {
		chunk := &meta.Columns[l.index].MetaData
		if c.flat() != nil && chunk.NumValues != meta.NumRows {
			return 0, bad(r.where, "column %q has %d values, the row group %d rows", c.field.Name, chunk.NumValues, meta.NumRows)
		}
		lr, err := newLeafReader(l, r.file, r.file.Size(), chunk, c.flat() == nil, c.field.Type.ID() == arrow.DICTIONARY)
		if err != nil {
			return 0, columnError(r.where, c.field.Name, err)
		}
		cr.leaves = append(cr.leaves, lr)
		if err := r.file.verifyChunk(lr.pages.pageReader, of, l.index); err != nil {
			return 0, columnError(r.where, c.field.Name, err)
		}
		if l.maxRep == 0 && (!of.all || r.keep != nil) {
			if lr.pages.places, _, err = r.file.places(of.group, l.index); err != nil {
				return 0, err
			}
		}
		if of.from > 0 {
			if err := r.guarded(cr, func() error { return lr.skip(int(of.from)) }); err != nil {
				return 0, err
			}
		}
		// A null takes as many bytes as a value, and none in the file.
		bytes += max(0, chunk.TotalUncompressedSize, meta.NumRows*int64(l.width))
	}
	return bytes, nil
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
	var chosen *selection
	if r.keep != nil {
		chosen = &r.chosen
		r.choose(int(n))
	}
	cols := make([]arrow.Array, 0, len(r.columns))
	defer func() {
		for _, c := range cols {
			c.Release()
		}
	}()
	for _, c := range r.columns {
		var col arrow.Array
		if err := r.guarded(c, func() (err error) {
			col, err = c.read(int(n), chosen)
			return err
		}); err != nil {
			return nil, err
		}
		cols = append(cols, col)
	}
	r.done += n
	return array.NewRecordBatch(r.schema, cols, n), nil
}

// choose selects the rows up to the n-th that is kept.
func (r *groupReader) choose(n int) {
	end, kept, marks := 0, 0, as[byte](bytesOf(r.keep))
	for ; kept < n; end++ {
		kept += int(marks[end])
	}
	r.chosen.set(r.keep[:end])
	r.keep = r.keep[end:]
}

// end makes sure that no column has more rows than the footer says.
func (r *groupReader) end() (err error) {
	if r.keep != nil || !r.last {
		return io.EOF
	}
	for _, c := range r.columns {
		for _, l := range c.leaves {
			if l.pages.rest != 0 || l.page != nil && l.entry != l.page.entries {
				return r.damaged(c, errors.New("it has more rows than the footer says"))
			}
		}
	}
	return io.EOF
}

// guarded makes an error, or a panic of a decoder, that of the column.
func (r *groupReader) guarded(c *columnReader, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = r.damaged(c, fmt.Errorf("%v", p))
		}
	}()
	if err := f(); err != nil {
		return r.damaged(c, err)
	}
	return nil
}

// columnError says what is wrong with a column.
func columnError(where, column string, err error) *pipeline.Error {
	if errors.Is(err, errPublished) {
		return bad(where, "column %q %s", column, tidy(err)).With("`penstock verify` tells what else is not as it was published")
	}
	return bad(where, "column %q is damaged: %s", column, tidy(err))
}

func (r *groupReader) damaged(c *columnReader, err error) error {
	e := columnError(r.where, c.field.Name, err)
	e.Evidence = append(e.Evidence, fmt.Sprintf("%d of its %d rows could be read; none was used", r.done, r.rows))
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
			if l.out.coding != nil {
				l.out.coding.release()
			}
		}
	}
	r.file.close()
	return nil
}
