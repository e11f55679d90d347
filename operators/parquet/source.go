package parquet

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/pipeline"
)

// Source reads a set of Parquet files; each row group is a split.
type Source struct {
	files.Set
}

// Files is the source of the files at the paths, templates or globs.
func Files(paths ...string) Source { return Source{files.Set{Paths: paths}} }

// String implements pipeline.Source.
func (s Source) String() string { return "parquet " + s.Set.String() }

// Resolve implements pipeline.Source.
func (s Source) Resolve(ctx context.Context, env *pipeline.Env) (*pipeline.Input, error) {
	return s.Set.Resolve(ctx, env, inspect)
}

// inspect reads the footer of one file.
func inspect(_ context.Context, _ *pipeline.Env, path, name string) (*files.Inspected, error) {
	pf, f, err := open(path, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cols, refused := columnsOf(pf)
	if len(cols) == 0 {
		return nil, bad(name, "has no column that can be read")
	}
	in := &files.Inspected{}
	var fields []arrow.Field
	for _, c := range cols {
		fields = append(fields, c.field)
	}
	in.Schema = arrow.NewSchema(fields, nil)
	for i, rg := range pf.RowGroups() {
		in.Splits = append(in.Splits, pipeline.Split{
			Name: fmt.Sprintf("%s: row group %d", name, i), Rows: rg.NumRows(), Bytes: pf.Metadata().RowGroups[i].TotalCompressedSize,
			Open: func(_ context.Context, env *pipeline.Env, columns []string) (pipeline.Reader, error) {
				return openGroup(env, path, name, i, columns, refused)
			},
		})
	}
	in.Facts = facts(pf, path, cols)
	return in, nil
}

// openGroup opens one row group for reading.
func openGroup(env *pipeline.Env, path, name string, group int, columns []string, refused map[string]string) (_ pipeline.Reader, err error) {
	where := fmt.Sprintf("%s: row group %d", name, group)
	pf, f, err := open(path, name)
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			err = bad(where, "is damaged: %v", r)
		}
		if err != nil {
			_ = f.Close() // only read
		}
	}()
	if group >= len(pf.RowGroups()) {
		return nil, bad(name, "was changed while it was read: row group %d is gone", group)
	}
	rg := pf.RowGroups()[group]
	r := &groupReader{env: env, file: f, where: where, rows: rg.NumRows()}
	all, _ := columnsOf(pf)
	var fields []arrow.Field
	for _, c := range all {
		if columns != nil && !slices.Contains(columns, c.field.Name) {
			continue
		}
		fields = append(fields, c.field)
		chunk := rg.ColumnChunks()[c.index]
		if chunk.NumValues() != rg.NumRows() {
			return nil, bad(where, "column %q has %d values, the row group %d rows", c.field.Name, chunk.NumValues(), rg.NumRows())
		}
		r.columns = append(r.columns, newColumnReader(c, chunk, env))
	}
	for _, name := range columns {
		if why, ok := refused[name]; ok {
			return nil, bad(where, "column %q is %s, which is not read yet", name, strings.ToLower(why))
		}
	}
	r.schema = arrow.NewSchema(fields, nil)
	return r, nil
}
