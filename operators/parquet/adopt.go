package parquet

import (
	"context"
	"io"

	"github.com/penstock-data/penstock/pipeline"
)

// Adopts implements pipeline.Adopter: every column of every row group could be copied, and
// nothing is asked of the file that is not asked of columns. The check is that of a copy.
func (f Format) Adopts(in *pipeline.Input) func(context.Context, *pipeline.Split) error {
	if len(f.SortedBy) > 0 || len(f.Bloom) > 0 || len(in.Splits) == 0 {
		return nil
	}
	enc, err := f.Create(io.Discard, in.Schema)
	if err != nil {
		return nil
	}
	copier := enc.(*encoder)
	columns := func(s *pipeline.Split) (all []pipeline.ColumnValues) {
		for i, field := range in.Schema.Fields() {
			if s.Stored == nil {
				return nil
			}
			stored := s.Stored(field.Name)
			if stored == nil || !copier.Takes(i, stored) {
				return nil
			}
			all = append(all, pipeline.ColumnValues{Stored: stored})
		}
		return all
	}
	for i := range in.Splits {
		if columns(&in.Splits[i]) == nil {
			return nil
		}
	}
	return func(ctx context.Context, s *pipeline.Split) error {
		chunk, err := copier.EncodeColumns(ctx, s.Rows, columns(s))
		if err != nil {
			return err
		}
		for _, c := range chunk.(*rowGroup).chunks {
			c.free()
		}
		return nil
	}
}
