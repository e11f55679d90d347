package gates

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/internal/keys"
	"github.com/penstock-data/penstock/internal/rows"
)

// keyMetrics are those of keys, of one expression or several. Rows in which one of them is
// null are left out.
var keyMetrics = []metricFunc{
	ofKeys("distinct", int64Result, func(c keyCounts) any { return c.Distinct }),
	ofKeys("distinct_share", float64Result, func(c keyCounts) any { return share(c.Distinct, c.Rows) }),
	ofKeys("unique_values", int64Result, func(c keyCounts) any { return c.Once }),
	ofKeys("unique_share", float64Result, func(c keyCounts) any { return share(c.Once, c.Distinct) }),
	ofKeys("duplicates", int64Result, func(c keyCounts) any { return c.Rows - c.Distinct }),
}

func ofKeys(name string, result resultFunc, f func(keyCounts) any) metricFunc {
	params := make([]expr.Param, maxKey) // row expressions
	return metricFunc{
		MetricFunc: optional(fn(name, result, params...), maxKey-1), state: "keys", open: openDistinct,
		read: func(s state, _ []any) reading { return exactly(f(s.(*distinct).keyCounts)) },
	}
}

func openDistinct(_ []arrow.DataType, _ []any, with means) state {
	d := &distinct{}
	if with.keys != nil {
		d.log = with.keys.Log()
	}
	return d
}

// keyCounts are what is known of keys when all were seen.
type keyCounts struct {
	Rows     int64 `json:"rows"`
	Distinct int64 `json:"distinct"`
	Once     int64 `json:"once"`
}

// distinct counts keys exactly, by 128-bit hashes. It has counts once it is settled, or
// read from a manifest; what is kept until then may be on disk.
type distinct struct {
	log *keys.Log // the court's; nil where there is nothing to count
	keyCounts
}

func (d *distinct) update(values arrow.Array, n int64) error {
	return d.updateAll([]arrow.Array{values}, n)
}

func (d *distinct) updateAll(values []arrow.Array, _ int64) error {
	b := batchOf(values)
	defer b.Release()
	columns := make([]int, len(values))
	for i := range columns {
		columns[i] = i
	}
	var t tally
	return d.log.Add(t.tests(rows.Keys(nil, b, columns), b, columns, nil))
}

func (d *distinct) merge(other state) error {
	o := other.(*distinct)
	switch {
	case o.log == nil && o.Rows > 0:
		return errors.New("keys that were counted can't be counted together with others")
	case o.log == nil || d.log == nil:
		return nil // what is counted is all there is
	}
	return d.log.Merge(o.log)
}

// settle counts, when all rows were seen.
func (d *distinct) settle(ctx context.Context) error {
	if d.log == nil {
		return nil
	}
	c, err := d.log.Count(ctx, 0)
	d.keyCounts = keyCounts{c.Rows, c.Distinct, c.Once}
	d.log.Drop()
	d.log = nil
	return err
}

// MarshalJSON writes the counts: the keys are too many.
func (d *distinct) MarshalJSON() ([]byte, error) { return json.Marshal(d.keyCounts) }

// UnmarshalJSON implements loader. What is read can be asked, and not be merged.
func (d *distinct) UnmarshalJSON(text []byte) error {
	if err := strict(text, &d.keyCounts, 3); err != nil {
		return err
	}
	if d.Once < 0 || d.Once > d.Distinct || d.Distinct > d.Rows {
		return errCounts
	}
	d.log = nil
	return nil
}
