package expr

import (
	"context"

	"cel.dev/cel-go/common/types"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/internal/expr/vector"
)

// EvalRows is Eval by cel-go alone, row by row: the simple version of it, and what its
// speed is measured by.
func (p *Program) EvalRows(ctx context.Context, batch arrow.RecordBatch, alloc memory.Allocator) (*Result, error) {
	if alloc == nil {
		alloc = memory.DefaultAllocator
	}
	act := &rowActivation{}
	for _, c := range p.columns {
		act.names = append(act.names, newCompiler("", p.schema).variable(p.schema.Field(c).Name))
		act.args = append(act.args, new(vector.Vector))
	}
	out := newOutput(p, int(batch.NumRows()), alloc)
	defer out.release()
	s := scope{cols: batch.Columns(), total: int(batch.NumRows()), meter: &vector.Meter{Limit: maxTexts}}
	v := vector.Vector{Meter: s.meter}
	unit := p.root.unit
	if unit == 0 {
		unit = vector.Micros
	}
	for s.next() {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		for i, c := range p.columns {
			loadRows(s.cols[c], s.from, s.n, act.args[i])
		}
		v.Start(p.root.kind, s.n)
		v.Clear()
		v.Unit = unit
		for act.row = range s.n {
			act.spent = spending{}
			val, _, err := p.program.Eval(act)
			if err != nil {
				val = types.WrapErr(err)
			}
			if err := put(&v, act.row, s.n, val, unit); err != nil {
				v.Fault(act.row, s.n, err)
			}
		}
		out.take(&v, s.from, s.n)
	}
	return out.finish(), nil
}

// loadRows reads rows of a column of any encoding, value by value.
func loadRows(a arrow.Array, from, n int, to *vector.Vector) {
	to.Start(vector.Other, n)
	get := values(a)
	for i := range n {
		to.Any[i] = get(from + i)
	}
}
