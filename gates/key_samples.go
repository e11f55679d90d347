package gates

import (
	"context"
	"errors"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/zeebo/xxh3"

	"github.com/penstock-data/penstock/internal/rows"
	"github.com/penstock-data/penstock/pipeline"
)

// errFound ends a reading that has found what it looked for.
var errFound = errors.New("found")

// sampleKeys finds out which keys broke the rules about keys, of which only hashes are
// kept: it reads their columns again, as far as it has to.
func (c *court) sampleKeys(ctx context.Context, again func(context.Context, []int) (pipeline.Reader, error)) error {
	if again == nil {
		return nil
	}
	for i, r := range c.rules {
		if o := c.unique[i]; o == nil || len(o.found.Samples) == 0 || len(c.total.samples[i]) > 0 || c.total.tallies[i].errs > 0 {
			continue
		}
		reader, err := again(ctx, r.needs())
		if err != nil {
			return err
		}
		if err := c.sampleKeysOf(ctx, i, r, reader); err != nil {
			return err
		}
	}
	return nil
}

func (c *court) sampleKeysOf(ctx context.Context, i int, r *boundRule, reader pipeline.Reader) error {
	wanted := map[xxh3.Uint128]int64{}
	for _, s := range c.unique[i].found.Samples {
		wanted[s.Key] = s.Rows
	}
	err := pipeline.Each(ctx, reader, func(b arrow.RecordBatch) error {
		in, err := rowsWhere(ctx, r.where, b, c.env)
		if err != nil {
			return err
		}
		nulls := nullable(b, r.columns[:len(r.Check.columns)])
		for row, h := range rows.Keys(nil, b, r.columns) {
			n, is := wanted[h]
			if !is || in != nil && !in.has(row) || anyNull(nulls, row) {
				continue
			}
			delete(wanted, h)
			key := cells(&view{batch: b}, r.columns, row)
			c.total.samples[i] = append(c.total.samples[i], pipeline.RowSample{Row: -1, Key: key, Rows: n})
		}
		if len(wanted) == 0 {
			return errFound
		}
		return nil
	})
	if err != nil && !errors.Is(err, errFound) {
		return err
	}
	slices.SortStableFunc(c.total.samples[i], func(a, b pipeline.RowSample) int { return int(b.Rows - a.Rows) })
	return nil
}
