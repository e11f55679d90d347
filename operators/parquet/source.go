package parquet

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/pipeline"
)

// Source reads a set of Parquet files; each row group is a split, or several if it is huge.
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
	f, err := readFooter(file)
	if err != nil {
		return nil, err
	}
	if len(f.columns) == 0 {
		return nil, bad(f.name, "has no column that can be read")
	}
	in := &files.Inspected{}
	var fields []arrow.Field
	for _, c := range f.columns {
		fields = append(fields, c.field)
	}
	in.Schema, in.Whole = arrow.NewSchema(fields, nil), len(f.refused) == 0
	var ranges []rowRange
	for i := range f.Metadata().RowGroups {
		of, err := f.cut(i)
		if err != nil {
			return nil, err
		}
		ranges = append(ranges, of...)
	}
	for _, of := range ranges {
		in.Splits = append(in.Splits, f.split(of))
	}
	in.Facts = func(split int, column string) pipeline.Facts { return f.facts(ranges[split], column) }
	return in, nil
}

const (
	// hugeGroup is from how many rows on a row group is cut into several splits, of
	// splitRows each.
	hugeGroup, splitRows = 2 << 20, 1 << 19
)

// cut gives the splits of a row group. One is cut only where each of its columns is flat
// and has an offset index: without, every split would walk over the pages before it.
func (f *footer) cut(group int) ([]rowRange, error) {
	rows := f.Metadata().RowGroups[group].NumRows
	whole := []rowRange{{group: group, to: rows, all: true}}
	if rows <= hugeGroup {
		return whole, nil
	}
	if err := f.open(); err != nil {
		return nil, err
	}
	defer f.close()
	for _, c := range f.columns {
		if c.flat() == nil {
			return whole, nil
		}
		pages, _, err := f.places(group, c.flat().index)
		if err != nil || len(pages) < 2 {
			return whole, err
		}
	}
	var all []rowRange
	for from := int64(0); from < rows; from += splitRows {
		all = append(all, rowRange{group: group, from: from, to: min(from+splitRows, rows)})
	}
	return all, nil
}

// split is what the engine knows of rows of a row group.
func (f *footer) split(of rowRange) pipeline.Split {
	meta := &f.Metadata().RowGroups[of.group]
	share := float64(of.to-of.from) / float64(max(1, meta.NumRows))
	return pipeline.Split{
		Name: fmt.Sprintf("%s: %v", f.name, of), RowGroup: of.group + 1, Rows: of.to - of.from, Bytes: int64(share * float64(meta.TotalCompressedSize)),
		Open: func(ctx context.Context, _ *pipeline.Env, columns []string) (pipeline.Reader, error) {
			return openGroup(ctx, f, of, columns, nil)
		},
		OpenSome: func(ctx context.Context, _ *pipeline.Env, columns []string, keep []bool) (pipeline.Reader, error) {
			if keep == nil {
				keep = []bool{}
			}
			return openGroup(ctx, f, of, columns, keep)
		},
		OpenCoded: func(ctx context.Context, _ *pipeline.Env, columns []string, keep []bool, coded []string) (pipeline.Reader, error) {
			return openGroup(ctx, f, of, columns, keep, coded...)
		},
		Pages: func(columns []string) ([]pipeline.Part, int64, error) { return f.parts(of, columns) },
		Dictionary: func(ctx context.Context, _ *pipeline.Env, column string) (pipeline.Facts, int64, error) {
			return f.dictionary(ctx, of, column)
		},
		ColumnBytes: func(column string) int64 { return int64(share * float64(f.columnBytes(of.group, column))) },
		Stored:      func(column string) pipeline.Stored { return f.stored(of, column) },
	}
}

// stored gives a column of a whole row group to be copied.
func (f *footer) stored(of rowRange, name string) pipeline.Stored {
	for _, c := range f.columns {
		if c.field.Name == name && of.all {
			s := storedColumn(f, of.group, c)
			for _, l := range c.leaves {
				if of.group < len(f.digests.chunks) && l.index < len(f.digests.chunks[of.group]) {
					s.digests = append(s.digests, f.digests.chunks[of.group][l.index])
				}
			}
			return s
		}
	}
	return nil
}

// columnBytes is how many bytes of the file a column of a row group takes, whatever is
// nested in it; 0 where there is no such column.
func (f *footer) columnBytes(group int, name string) (n int64) {
	for _, c := range f.columns {
		if c.field.Name != name {
			continue
		}
		for _, l := range c.leaves {
			n += max(0, f.Metadata().RowGroups[group].Columns[l.index].MetaData.TotalCompressedSize)
		}
	}
	return n
}
