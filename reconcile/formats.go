package reconcile

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/pipeline"
)

// formats makes a table, f and the number of a column, of the pairs whose texts differ in it and
// have a reading in common.
func (m *matcher) formats(ctx context.Context, i int, p *columnPair) error {
	r, schema, err := m.db.Query(ctx, fmt.Sprintf("SELECT lid, %s AS a, %s AS b FROM y WHERE x%d AND l_c%[3]d IS NOT NULL AND r_c%[3]d IS NOT NULL",
		p.meant(i, 0, "l_"), p.meant(i, 1, "r_"), i))
	if err != nil {
		return err
	}
	ids := array.NewInt64Builder(m.env.Alloc)
	defer ids.Release()
	taken := int64(0)
	defer func() { m.env.Memory.Give(taken) }()
	err = pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
		lid, left, right := b.Column(0).(*array.Int64), b.Column(1).(*array.String), b.Column(2).(*array.String)
		for row := range lid.Len() {
			if sameReading(left.Value(row), right.Value(row)) {
				ids.Append(lid.Value(row))
			}
		}
		if n := int64(ids.Len()) * 8; n > taken {
			m.env.Memory.Force(n - taken) // a word of a pair that is held in DuckDB with all its columns
			taken = n
		}
		return nil
	})
	if err != nil {
		return err
	}
	all := ids.NewArray()
	defer all.Release()
	one := arrow.NewSchema(schema.Fields()[:1], nil)
	return m.db.Load(ctx, fmt.Sprint("f", i), one, pipeline.Batches(array.NewRecordBatch(one, []arrow.Array{all}, int64(all.Len()))))
}
