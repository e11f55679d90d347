package compare

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

// Side is one of the two versions.
type Side struct {
	Input *pipeline.Input
	// Digests have for each split of the input, and each of Options.Columns, a text that is the
	// same where the values of the column in these rows are, in their order; empty where that is
	// not known. Nil: of none.
	Digests [][]string
}

// Options say what is compared, and with what.
type Options struct {
	Env *pipeline.Env // Temp is a directory for this alone
	FS  faults.FS
	// Key are the columns that name a row; Columns are all that are compared, the key among
	// them. Both sides have them, in types whose values can be the same.
	Key, Columns []string
	// Limit is how many rows of each sort are named.
	Limit int
}

// Result is how two versions differ. Same, Removed and Changed add up to the rows of the one
// before; Same, Added and Changed to those of the other.
type Result struct {
	Same, Added, Removed, Changed int64
	// Columns are how many rows changed in each column that is not of the key, in the order of
	// Options.Columns.
	Columns []ColumnChange
	// SharedKeys are the keys that name several of the rows that differ, of one side.
	SharedKeys int64
	// NullKeys are the rows that differ whose key has a null in it.
	NullKeys int64
	// Read is how many rows were read of both sides: what is known to be the same is not.
	Read int64
	// The first rows of each sort, in the order in which they lie.
	AddedRows, RemovedRows []Row
	ChangedRows            []Change
	// Rows is how many rows each side has.
	Rows [2]int64
}

// ColumnChange is in how many rows a column changed.
type ColumnChange struct {
	Column string
	Rows   int64
}

// Row is one that was added or removed, or several that are the same.
type Row struct {
	Place
	Rows int64
}

// Change is a row that changed, on both sides, and the columns in which it did.
type Change struct {
	Before, After Place
	Columns       []string
}

// Place is where a row lies: a split of the input, and the row there, counted from 0.
type Place struct {
	Split int
	Row   int64
}

// Sides.
const (
	before = iota
	after
)

// comparison is what Rows does.
type comparison struct {
	Options
	sides  [2]Side
	others []string // the columns that are not of the key
	rows   [2][]int64
	done   [2][]bool // splits that need not be logged by themselves
	pairs  []pair
	result *Result
	// changed marks the rows that changed, by split; counts are in how many of them each of the
	// other columns did.
	changed [2][]Marks
	counts  []int64
}

// Rows compares two versions row by row.
func Rows(ctx context.Context, was, now Side, o Options) (*Result, error) {
	r, err := rows(ctx, was, now, o, true)
	if errors.Is(err, errShared) {
		return rows(ctx, was, now, o, false)
	}
	return r, err
}

func rows(ctx context.Context, was, now Side, o Options, align bool) (_ *Result, err error) {
	c := &comparison{Options: o, sides: [2]Side{was, now}, result: &Result{}}
	if len(c.Key) == 0 {
		c.Key = nil
	}
	for _, name := range o.Columns {
		if !slices.Contains(o.Key, name) {
			c.others = append(c.others, name)
		}
	}
	c.counts = make([]int64, len(c.others))
	for side, s := range c.sides {
		c.rows[side], c.done[side] = make([]int64, len(s.Input.Splits)), make([]bool, len(s.Input.Splits))
	}
	c.cancel()
	if align {
		c.align()
	}
	l := newLog(&c.Options, 4, "rows")
	defer func() { err = errors.Join(err, l.close()) }()
	if err := c.logAll(ctx, l); err != nil {
		return nil, err
	}
	if err := c.match(ctx, l); err != nil {
		return nil, err
	}
	if err := l.close(); err != nil {
		return nil, err
	}
	if err := c.byColumn(ctx); err != nil {
		return nil, err
	}
	return c.result, c.balance()
}

// logAll logs what is not known to be the same.
func (c *comparison) logAll(ctx context.Context, l *log) error {
	if err := c.logPairs(ctx, l); err != nil {
		return err
	}
	for side := range c.sides {
		if err := c.log(ctx, side, l); err != nil {
			return err
		}
	}
	return nil
}

// cancel leaves out splits that both sides have, as often as both have them.
func (c *comparison) cancel() {
	c.twins(c.Columns, func(was, now int) {
		rows := c.sides[before].Input.Splits[was].Rows
		c.rows[before][was], c.rows[after][now] = rows, rows
		c.result.Same += rows
	})
}

// twins finds splits of both sides of which some columns are the same, and are done with that.
func (c *comparison) twins(columns []string, f func(was, now int)) {
	left := map[string][]int{}
	for side := range c.sides {
		for i := range c.sides[side].Input.Splits {
			text := c.digest(side, i, columns)
			switch {
			case text == "" || c.done[side][i]:
			case side == before:
				left[text] = append(left[text], i)
			case len(left[text]) > 0:
				was := left[text][0]
				left[text] = left[text][1:]
				c.done[before][was], c.done[after][i] = true, true
				f(was, i)
			}
		}
	}
}

// digest is the same for splits whose rows are, in some columns; empty where that is not known.
func (c *comparison) digest(side, split int, columns []string) string {
	s := &c.sides[side].Input.Splits[split]
	if s.Rows < 0 || s.AtMost || len(columns) == 0 {
		return ""
	}
	text := fmt.Sprint(s.Rows)
	for _, name := range columns {
		d := c.columnDigest(side, split, name)
		if d == "" {
			return ""
		}
		text += " " + d
	}
	return text
}

func (c *comparison) columnDigest(side, split int, name string) string {
	all := c.sides[side].Digests
	if all == nil || all[split] == nil {
		return ""
	}
	return all[split][slices.Index(c.Columns, name)]
}

// balance makes sure that no row was lost, and none counted twice.
func (c *comparison) balance() error {
	r := c.result
	for i, n := range c.counts {
		if n > 0 {
			r.Columns = append(r.Columns, ColumnChange{c.others[i], n})
		}
	}
	for side := range c.sides {
		for _, n := range c.rows[side] {
			r.Rows[side] += n
		}
	}
	if r.Same+r.Removed+r.Changed != r.Rows[before] || r.Same+r.Added+r.Changed != r.Rows[after] {
		return pipeline.Errorf(pipeline.Internal, "rows were lost while they were compared: %d and %d were read, %d are the same, %d removed, %d added, %d changed",
			r.Rows[before], r.Rows[after], r.Same, r.Removed, r.Added, r.Changed)
	}
	return nil
}
