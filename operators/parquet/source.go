package parquet

import (
	"context"
	"fmt"

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
func inspect(_ context.Context, _ *pipeline.Env, file files.File) (*files.Inspected, error) {
	name := file.Path
	f, err := readFooter(file.Abs, name)
	if err != nil {
		return nil, err
	}
	if len(f.columns) == 0 {
		return nil, bad(name, "has no column that can be read")
	}
	in := &files.Inspected{}
	var fields []arrow.Field
	for _, c := range f.columns {
		fields = append(fields, c.field)
	}
	in.Schema = arrow.NewSchema(fields, nil)
	for i := range f.Metadata().RowGroups {
		rg := &f.Metadata().RowGroups[i]
		if rg.NumRows < 0 {
			return nil, bad(name, "its footer is damaged: row group %d has %d rows", i, rg.NumRows)
		}
		in.Splits = append(in.Splits, pipeline.Split{
			Name: fmt.Sprintf("%s: row group %d", name, i), Rows: rg.NumRows, Bytes: rg.TotalCompressedSize,
			Open: func(_ context.Context, _ *pipeline.Env, columns []string) (pipeline.Reader, error) {
				return openGroup(f, i, columns)
			},
		})
	}
	in.Facts = facts(f)
	return in, nil
}
