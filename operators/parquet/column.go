package parquet

import (
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/parquet-go/parquet-go"

	"github.com/penstock-data/penstock/pipeline"
)

// columnReader reads one column of a row group, page by page.
type columnReader struct {
	column
	pages parquet.Pages
	build array.Builder
	// add appends values of the current page; see appender.
	add func(v *values, from, to int)
	// strings is set instead where the column is read as a dictionary.
	strings *dictionary

	page   parquet.Page
	levels []byte // definition levels of the page, empty if none is null
	vals   values
	row    int // next row of the page
	val    int // next value of the page: the nulls have none
	rows   int // of the page
}

func newColumnReader(c column, chunk parquet.ColumnChunk, env *pipeline.Env) *columnReader {
	r := &columnReader{column: c, pages: chunk.Pages()}
	if _, ok := c.field.Type.(*arrow.DictionaryType); ok {
		r.strings = &dictionary{env: env}
		r.build = array.NewInt32Builder(env.Alloc)
		r.add = r.strings.appender(r.build.(*array.Int32Builder))
	} else {
		r.build = array.NewBuilder(env.Alloc, c.field.Type)
		r.add = appender(r.build, c)
	}
	return r
}

// read gives the next n values.
func (r *columnReader) read(n int) (arrow.Array, error) {
	r.build.Reserve(n)
	for n > 0 {
		if r.row == r.rows {
			if err := r.nextPage(); err != nil {
				return nil, err
			}
			continue
		}
		k := min(n, r.rows-r.row)
		r.appendRows(k)
		n -= k
	}
	if r.strings == nil {
		return r.build.NewArray(), nil
	}
	indexes := r.build.NewArray()
	defer indexes.Release()
	dict := r.strings.array()
	return array.NewDictionaryArray(r.field.Type, indexes, dict), nil
}

// maxPage bounds the bytes of a page, unpacked; writers aim at one MiB.
const maxPage = 1 << 30

func (r *columnReader) nextPage() error {
	r.drop()
	page, err := r.pages.ReadPage()
	if err == io.EOF { //nolint:errorlint // identity: a damaged file's error may wrap it
		return fmt.Errorf("it has fewer values than the footer says")
	}
	if err != nil {
		return err
	}
	if page.Size() > maxPage {
		parquet.Release(page)
		return fmt.Errorf("a page of %d bytes, at most %d are read", page.Size(), maxPage)
	}
	r.page, r.row, r.val, r.rows = page, 0, 0, int(page.NumRows())
	r.levels = page.DefinitionLevels()
	r.vals.set(page)
	if page.NumNulls() == 0 {
		r.levels = nil
	}
	return nil
}

// appendRows appends the next k rows of the page, runs of values and of nulls.
func (r *columnReader) appendRows(k int) {
	if r.levels == nil {
		r.add(&r.vals, r.val, r.val+k)
		r.row, r.val = r.row+k, r.val+k
		return
	}
	for end := r.row + k; r.row < end; {
		run := r.row
		valid := r.levels[run] == 1
		for run < end && (r.levels[run] == 1) == valid {
			run++
		}
		if n := run - r.row; valid {
			r.add(&r.vals, r.val, r.val+n)
			r.val += n
		} else {
			r.build.AppendNulls(n)
		}
		r.row = run
	}
}

func (r *columnReader) drop() {
	if r.page != nil {
		parquet.Release(r.page)
		r.page = nil
	}
}

func (r *columnReader) close() error {
	r.drop()
	r.build.Release()
	if r.strings != nil {
		r.strings.release()
	}
	return r.pages.Close()
}
