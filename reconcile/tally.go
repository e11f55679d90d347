package reconcile

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/penstock-data/penstock/internal/sketch"
	"github.com/penstock-data/penstock/pipeline"
)

// tally counts rows and adds their amounts up, exactly.
type tally struct {
	rows    int64
	amounts int64           // rows whose amount is not null
	exact   sketch.IntSum   // in units of 10^-scale
	floats  sketch.FloatSum // of amounts that are floats
	mass    sketch.FloatSum // of what they are without their signs
}

// total is the sum of the amounts as people read it.
func (t *tally) total(p *columnPair) string {
	if p.floats {
		return fmt.Sprint(t.floats.Sum())
	}
	return decimalText(t.exact.Sum(), p.scale)
}

// decimalText writes units of 10^-scale.
func decimalText(v *big.Int, scale int32) string {
	text := v.String()
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	if scale == 0 {
		return sign + text
	}
	if missing := int(scale) + 1 - len(text); missing > 0 {
		text = strings.Repeat("0", missing) + text
	}
	return sign + text[:len(text)-int(scale)] + "." + text[len(text)-int(scale):]
}

// agrees reports whether two tallies are the same; of floats, but for how sums of them are rounded.
func (t *tally) agrees(o *tally, p *columnPair) bool {
	if t.rows != o.rows {
		return false
	}
	if p == nil {
		return true
	}
	if !p.floats {
		return t.exact.Sum().Cmp(o.exact.Sum()) == 0
	}
	return nearFloats(t.floats.Sum(), o.floats.Sum(), t.mass.Sum())
}

// nearFloats allows what floats of so much mass lose when they are added up in parts.
func nearFloats(a, b, mass float64) bool {
	switch {
	case a == b, math.IsNaN(a) && math.IsNaN(b):
		return true
	case math.IsInf(a, 0) || math.IsInf(b, 0):
		return false
	}
	return math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b))+1e-14*mass
}

func (t *tally) addFloat(v float64) {
	t.amounts++
	t.floats.Add(v)
	t.mass.Add(math.Abs(v))
}

// counted is a side as it is read, counted apart from how it is matched.
type counted struct {
	pipeline.Reader
	plan *plan
	side int
	t    *tally
}

// Next implements pipeline.Reader.
func (r counted) Next(ctx context.Context) (arrow.RecordBatch, error) {
	b, err := r.Reader.Next(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.t.read(r.plan, r.side, b); err != nil {
		b.Release()
		return nil, err
	}
	return b, nil
}

// read takes in a batch of a side.
func (t *tally) read(p *plan, side int, b arrow.RecordBatch) error {
	t.rows += b.NumRows()
	if p.amount < 0 {
		return nil
	}
	c := p.cols[p.amount]
	return t.amount(c, side, b.Column(c.index[side]))
}

// amount takes in the amounts of a column.
func (t *tally) amount(c *columnPair, side int, a arrow.Array) error {
	switch {
	case c.floats && c.kind == kindFloat:
		at := c.floatValues(side, a)
		each(a, none{}, func(i int) error { t.addFloat(at(i)); return nil }) //nolint:errcheck // it gives none
	case c.floats:
		at := c.written(side, a)
		each(a, none{}, func(i int) error { //nolint:errcheck // it gives none
			if w := at(i); w.isNumber {
				t.addFloat(w.float)
			}
			return nil
		})
	default:
		at := c.exact(side, a, false)
		return each(a, none{}, func(i int) error {
			v, ok, err := at(i)
			if ok {
				t.add(v)
			}
			return err
		})
	}
	return nil
}

// leave takes in the totals of a batch of the result.
func (t *tally) leave(rows *array.Int64, totals arrow.Array) {
	for i := range rows.Len() {
		t.rows += rows.Value(i)
		if totals.IsNull(i) {
			continue
		}
		switch a := totals.(type) {
		case *array.Float64:
			t.addFloat(a.Value(i))
		case *array.Decimal128:
			t.add(a.Value(i))
		}
	}
}

func (t *tally) add(v decimal128.Num) {
	t.amounts++
	t.exact.Add128(v.HighBits(), v.LowBits())
}

// merge takes in what another tally has.
func (t *tally) merge(o *tally) {
	t.rows += o.rows
	t.amounts += o.amounts
	t.exact.Merge(&o.exact)
	t.floats.Merge(&o.floats)
	t.mass.Merge(&o.mass)
}

// without is the tally less what another has, of the same rows.
func (t *tally) without(o *tally) tally {
	out := tally{rows: t.rows - o.rows, amounts: t.amounts - o.amounts}
	out.exact.Merge(&t.exact)
	out.exact.Subtract(&o.exact)
	out.floats.Merge(&t.floats)
	out.floats.Subtract(&o.floats)
	out.mass.Merge(&t.mass)
	out.mass.Subtract(&o.mass)
	return out
}
