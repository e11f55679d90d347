package operators

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// Sample keeps each row with the probability share. The same seed on the same input
// keeps the same rows, whatever the number of workers.
//
//	Sample(t, share) → t of about this share of the rows
func Sample(share float64, seed uint64) pipeline.Operator { return sample{share, seed} }

type sample struct {
	share float64
	seed  uint64
}

func (o sample) String() string { return fmt.Sprintf("sample %v seed %d", o.share, o.seed) }

func (o sample) Bind(in ...*arrow.Schema) (*pipeline.Bound, error) {
	schema, err := one("sample", in)
	if err != nil {
		return nil, err
	}
	if !(o.share >= 0 && o.share <= 1) {
		return nil, pipeline.Errorf(pipeline.Invalid, "sample: a share from 0 to 1 is needed, not %v", o.share)
	}
	return &pipeline.Bound{
		Schema: schema, From: identity(schema), Origins: copies(schema, nil),
		Keep: func(u pipeline.Unit) (pipeline.KeepFunc, error) {
			r := rand.New(rand.NewPCG(o.seed, uint64(u.Seq)))
			return func(_ context.Context, b arrow.RecordBatch) ([]bool, error) {
				keep := make([]bool, b.NumRows())
				for i := range keep {
					keep[i] = r.Float64() < o.share
				}
				return keep, nil
			}, nil
		},
	}, nil
}
