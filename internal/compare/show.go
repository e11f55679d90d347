package compare

import (
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// Values reads columns of some rows of an input, and calls f with each: with the columns, and the
// place of the row in them.
func Values(ctx context.Context, env *pipeline.Env, s Side, columns []string, places []Place, f func(p Place, columns []arrow.Array, row int)) error {
	wanted := map[int][]int64{}
	for _, p := range places {
		wanted[p.Split] = append(wanted[p.Split], p.Row)
	}
	for split, rows := range wanted {
		next := int64(0)
		r, err := s.Input.Splits[split].Open(ctx, env, columns)
		if err != nil {
			return err
		}
		err = pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
			first := next
			next += b.NumRows()
			cols := make([]arrow.Array, len(columns))
			for i, name := range columns {
				cols[i] = b.Column(b.Schema().FieldIndices(name)[0])
			}
			for _, row := range slices.Compact(slices.Sorted(slices.Values(rows))) {
				if row >= first && row < next {
					f(Place{split, row}, cols, int(row-first))
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
