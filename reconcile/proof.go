package reconcile

import (
	"context"
	"slices"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/internal/compare"
	"github.com/penstock-data/penstock/pipeline"
)

// prover finds the rows that have to be matched: all rows of a key of which one has no counterpart
// that is equal to it in all. The keys of the others are left out whole, so that how the rest find
// each other is the same as if all were there.
type prover struct {
	*plan
	alloc memory.Allocator
	read  *[2]tally
	mu    sync.Mutex // held for read
}

// prove reads both sides once, and counts them in read.
func (m *matcher) prove(ctx context.Context, in []*pipeline.Input, read *[2]tally) (*compare.Unmatched, error) {
	o := m.o
	o.Passes, o.Late, o.Carry = nil, nil, nil
	whole, err := newPlan(o, []*arrow.Schema{in[0].Schema, in[1].Schema})
	if err != nil {
		return nil, err
	}
	narrow, names, err := whole.narrowed()
	if err != nil {
		return nil, err
	}
	p := &prover{plan: narrow, alloc: m.env.Alloc, read: read}
	return compare.Unequal(ctx, in[0], in[1], compare.Matching{
		Env: m.env, Columns: names, Keys: len(p.keys), Canonical: p.canonical, WholeKeys: true,
		NullKeys: !slices.ContainsFunc(p.keys, func(k *columnPair) bool { return !k.nullsEqual }),
	})
}

// canonical gives the keys and what is compared, canonical, and counts the rows.
func (p *prover) canonical(side int, columns []arrow.Array) (out []arrow.Array, err error) {
	var t tally
	t.rows = int64(columns[0].Len())
	if p.amount >= 0 {
		c := p.cols[p.amount]
		err = t.amount(c, side, columns[c.index[side]])
	}
	for _, c := range slices.Concat(p.keys, p.cols) {
		if err != nil {
			break
		}
		var a arrow.Array
		if a, err = c.comparable(side, columns[c.index[side]], p.alloc); err == nil {
			out = append(out, a)
		}
	}
	if err != nil {
		for _, a := range out {
			a.Release()
		}
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read[side].merge(&t)
	return out, nil
}

// comparable is canon, or the column itself where hashes of it are the same.
func (p *columnPair) comparable(side int, a arrow.Array, alloc memory.Allocator) (arrow.Array, error) {
	same := false
	switch p.kind {
	case kindInt:
		_, same = a.(*array.Int64)
	case kindDecimal:
		d, is := a.(*array.Decimal128)
		same = is && p.round == nil && d.DataType().(*arrow.Decimal128Type).Scale == p.scale
	case kindFloat:
		_, same = a.(*array.Float64) // NaN is NaN to a hash, and -0 is 0
	case kindDate:
		_, same = a.(*array.Date32)
	case kindInstant:
		if t, is := a.(*array.Timestamp); is && p.microseconds(t) {
			return retyped(a, instant), nil // with a zone or without
		}
	case kindText:
		same = sortOf(p.types[side]) == sortText && p.write.asItIs()
	case kindBool, kindBinary:
		same = true
	}
	if same {
		a.Retain()
		return a, nil
	}
	return p.canon(side, a, alloc)
}

// microseconds reports whether timestamps are stored as they are compared.
func (p *columnPair) microseconds(a *array.Timestamp) bool {
	t := a.DataType().(*arrow.TimestampType)
	return t.Unit == arrow.Microsecond && (t.TimeZone != "" || p.write.zone.String() == "UTC")
}

// asItIs reports whether texts are not written anew.
func (w *writer) asItIs() bool { return w.touches() == "" && w.Pad == 0 && len(w.Map) == 0 }
