package parquet

import (
	"io"

	"github.com/penstock-data/penstock/pipeline"
)

// Adopts implements pipeline.Adopter: every column of every row group could be copied, and
// nothing is asked of the file that is not asked of columns.
func (f Format) Adopts(in *pipeline.Input) bool {
	if len(f.SortedBy) > 0 || len(f.Bloom) > 0 {
		return false
	}
	enc, err := f.Create(io.Discard, in.Schema)
	if err != nil {
		return false
	}
	for _, split := range in.Splits {
		if split.Stored == nil {
			return false
		}
		for i, field := range in.Schema.Fields() {
			if !enc.(pipeline.Copier).Takes(i, split.Stored(field.Name)) {
				return false
			}
		}
	}
	return len(in.Splits) > 0
}
