// Package rows takes some rows out of record batches.
package rows

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Filter gives the rows of batch whose entry in keep is set; keep has one for each
// row. Where all are, it gives the batch itself. The caller releases the result.
func Filter(ctx context.Context, batch arrow.RecordBatch, keep []bool, alloc memory.Allocator) (arrow.RecordBatch, error) {
	all := true
	for _, k := range keep {
		all = all && k
	}
	if all {
		batch.Retain()
		return batch, nil
	}
	b := array.NewBooleanBuilder(alloc)
	defer b.Release()
	b.AppendValues(keep, nil)
	mask := b.NewArray()
	defer mask.Release()
	return compute.FilterRecordBatch(compute.WithAllocator(ctx, alloc), batch, mask, compute.DefaultFilterOptions())
}
