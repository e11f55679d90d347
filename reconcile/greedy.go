package reconcile

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/pipeline"
)

// found are pairs of rows, in the order in which they were found.
type found struct {
	left, right []int64
	taken       int64 // bytes of the budget
}

// foundBytes is what a pair that was found, and what remembers that its rows are taken, may hold.
const foundBytes = 64

// greedy takes the pairs that a query gives, the best first, whose rows no pair before has.
func (m *matcher) greedy(ctx context.Context, query string) (*found, error) {
	r, _, err := m.db.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	f := &found{}
	var taken [2]map[int64]bool
	taken[0], taken[1] = map[int64]bool{}, map[int64]bool{}
	err = pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
		left, right := b.Column(0).(*array.Int64), b.Column(1).(*array.Int64)
		for i := range left.Len() {
			l, r := left.Value(i), right.Value(i)
			if taken[0][l] || taken[1][r] {
				continue
			}
			if !m.env.Memory.Take(foundBytes) {
				return pipeline.Errorf(pipeline.Memory, "reconcile: the memory budget is used up by %d pairs that a pass found", len(f.left)).
					With("give the run more with --memory, or work on smaller partitions")
			}
			f.taken += foundBytes
			taken[0][l], taken[1][r] = true, true
			f.left, f.right = append(f.left, l), append(f.right, r)
		}
		return nil
	})
	if err != nil {
		m.env.Memory.Give(f.taken)
		return nil, err
	}
	return f, nil
}

func (f *found) schema() *arrow.Schema {
	t := arrow.PrimitiveTypes.Int64
	return arrow.NewSchema([]arrow.Field{{Name: "lid", Type: t}, {Name: "rid", Type: t}, {Name: "ord", Type: t}}, nil)
}

func (f *found) reader(alloc memory.Allocator) pipeline.Reader {
	b := array.NewRecordBuilder(alloc, f.schema())
	defer b.Release()
	b.Field(0).(*array.Int64Builder).AppendValues(f.left, nil)
	b.Field(1).(*array.Int64Builder).AppendValues(f.right, nil)
	for i := range f.left {
		b.Field(2).(*array.Int64Builder).Append(int64(i))
	}
	return pipeline.Batches(b.NewRecordBatch())
}
