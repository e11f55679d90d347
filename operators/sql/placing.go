package sql

import (
	"context"
	"errors"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/pipeline"
)

// placing gives the batches of a query as they come, for files are written by them, with the
// places of their rows behind.
type placing struct {
	pipeline.Reader
	schema *arrow.Schema
	lanes  [][]*array.Int64 // what is left of the places
	at     int              // in the first of each lane
	env    *pipeline.Env
}

// add takes a batch of places.
func (p *placing) add(b arrow.RecordBatch) error {
	for i := range p.lanes {
		col := b.Column(i).(*array.Int64)
		col.Retain()
		p.lanes[i] = append(p.lanes[i], col)
	}
	return nil
}

// Next implements pipeline.Reader.
func (p *placing) Next(ctx context.Context) (arrow.RecordBatch, error) {
	b, err := p.Reader.Next(ctx)
	if errors.Is(err, io.EOF) && len(p.lanes[0]) > 0 {
		return nil, pipeline.Errorf(pipeline.Internal, "a query gave fewer rows than places")
	}
	if err != nil {
		return nil, err
	}
	defer b.Release()
	builders := make([]*array.Int64Builder, len(p.lanes))
	for i := range builders {
		builders[i] = array.NewInt64Builder(p.env.Alloc)
		defer builders[i].Release()
	}
	for range b.NumRows() {
		if len(p.lanes[0]) == 0 {
			return nil, pipeline.Errorf(pipeline.Internal, "a query gave more rows than places")
		}
		p.next(builders)
	}
	cols := append([]arrow.Array{}, b.Columns()...)
	for _, builder := range builders {
		col := builder.NewArray()
		defer col.Release()
		cols = append(cols, col)
	}
	return array.NewRecordBatch(p.schema, cols, b.NumRows()), nil
}

// next appends the places of the next row.
func (p *placing) next(builders []*array.Int64Builder) {
	for i, lane := range p.lanes {
		if lane[0].IsNull(p.at) {
			builders[i].AppendNull()
		} else {
			builders[i].Append(lane[0].Value(p.at))
		}
	}
	if p.at++; p.at < p.lanes[0][0].Len() {
		return
	}
	p.at = 0
	for i, lane := range p.lanes {
		lane[0].Release()
		p.lanes[i] = lane[1:]
	}
}

// Close implements pipeline.Reader.
func (p *placing) Close() error { return firstOf(p.Reader.Close(), p.release()) }

// release lets go of the places that are left.
func (p *placing) release() error {
	for i, lane := range p.lanes {
		for _, col := range lane {
			col.Release()
		}
		p.lanes[i] = nil
	}
	return nil
}
