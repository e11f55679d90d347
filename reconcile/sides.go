package reconcile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// Sides compares a left and a right side, and gives what matches, what is on one side alone, and
// what differs, with the cause: see the columns' constants. Rows of equal keys find each other one
// to one; of several with the same key first those that are equal in all, then the first with the
// first in the order of their values. What is left is for the other passes, in their order. The
// key of a pair of a later pass is that of its left row.
//
// The result is in the order of outcome, key, nth and column, and is the same for any order of the
// rows. What it accounts for, in rows and amounts, adds up to what was read, or the run fails.
//
//	Reconcile(left, right, options) → outcomes
func Sides(o Options) pipeline.Operator { return sides{o: o} }

type sides struct {
	o Options
	// simple has all rows go to DuckDB: the oracle of the fast path in tests.
	simple bool
}

func (s sides) String() string {
	o := s.o
	var on, cols []string
	for _, k := range o.Keys {
		on = append(on, orElse(k.As, orElse(k.Left, k.Right)))
	}
	for _, c := range o.Columns {
		cols = append(cols, orElse(c.As, orElse(c.Left, c.Right)))
	}
	return fmt.Sprintf("reconcile by %s, comparing %s\n%s", strings.Join(on, ", "), strings.Join(cols, ", "), canonical(o))
}

// canonical is the text of options, without those that are not set, and the names of the sides,
// which change nothing.
func canonical(o Options) string {
	text, err := json.Marshal(o)
	if err != nil {
		return err.Error() // a float that is no number; Bind refuses it
	}
	var all any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&all); err != nil {
		return err.Error()
	}
	text, err = json.Marshal(set(all))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// set leaves out of objects what is not set.
func set(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if x = set(x); x == nil || x == false || x == "" || x == json.Number("0") && k != "Round" || k == "Names" {
				delete(v, k) // but for Round, which may be to 0 places, what is not set is zero
			}
		}
	case []any:
		for i := range v {
			v[i] = set(v[i])
		}
	}
	return v
}

// Bind implements pipeline.Operator.
func (s sides) Bind(in ...*arrow.Schema) (*pipeline.Bound, error) {
	p, err := newPlan(s.o, in)
	if err != nil {
		return nil, err
	}
	p.simple = s.simple
	return &pipeline.Bound{
		Schema: p.schema, Rows: pipeline.RowsOther, Origins: p.origins(), Notes: p.notes, Scan: p.scan,
		Opaque: "reconcile counts what matches, and gives pairs",
	}, nil
}

// threads: see sql.Database. Rows are numbered in an order that tells any two apart that differ, and
// floats are added up one after the other.
func (p *plan) threads(env *pipeline.Env) int {
	if p.amount >= 0 && p.cols[p.amount].floats {
		return 1
	}
	return env.Workers
}

// origins says where the columns of the result come from. Which rows there are is decided by the
// keys, and by all that is compared.
func (p *plan) origins() *pipeline.Origins {
	use := func(pair *columnPair, how pipeline.Way) []pipeline.Use {
		return []pipeline.Use{
			{Column: pipeline.Column{Input: 0, Index: pair.index[0]}, How: how},
			{Column: pipeline.Column{Input: 1, Index: pair.index[1]}, How: how},
		}
	}
	o := &pipeline.Origins{}
	var decide, values []pipeline.Use
	for _, k := range p.keys {
		decide = append(decide, use(k, pipeline.Joined)...)
	}
	for _, c := range p.cols {
		decide = append(decide, use(c, pipeline.Conditional)...)
		values = append(values, use(c, pipeline.Computed)...)
	}
	for _, pass := range p.passes {
		for _, c := range pass.on {
			decide = append(decide, use(c, pipeline.Joined)...)
		}
		if pass.date != nil {
			decide = append(decide, use(pass.date, pipeline.Conditional)...)
		}
	}
	if p.late != nil {
		decide = append(decide, use(p.late, pipeline.Conditional)...)
	}
	decide = once(decide)
	o.Rows.From = decide
	var keys []pipeline.Use
	for _, k := range p.keys {
		keys = append(keys, use(k, pipeline.Computed)...)
	}
	var amount []pipeline.Use
	if p.amount >= 0 {
		amount = use(p.cols[p.amount], pipeline.Aggregated)
	}
	add := func(from []pipeline.Use) { o.Columns = append(o.Columns, pipeline.Origin{From: once(from)}) }
	add(decide) // outcome
	add(decide) // pass
	add(keys)   // key
	add(decide) // nth
	for _, k := range p.keys {
		add(use(k, pipeline.Computed))
	}
	add(decide) // column
	add(decide) // cause
	add(values[:len(values):len(values)])
	add(values)
	add(values) // delta
	add(decide)
	add(decide)
	for side := range 2 { // totals
		if amount == nil {
			add(nil)
		} else {
			add(amount[side : side+1])
		}
	}
	for _, c := range p.cols {
		for side := range 2 {
			add([]pipeline.Use{{Column: pipeline.Column{Input: side, Index: c.index[side]}, How: pipeline.Renamed}})
		}
	}
	for _, c := range p.carry {
		var from []pipeline.Use
		for side, index := range c.index {
			if index >= 0 {
				from = append(from, pipeline.Use{Column: pipeline.Column{Input: side, Index: index}, How: pipeline.Copied})
			}
		}
		add(from)
	}
	return o
}

// once leaves out uses that stand there before.
func once(all []pipeline.Use) (out []pipeline.Use) {
	seen := map[pipeline.Use]bool{}
	for _, u := range all {
		if !seen[u] {
			seen[u] = true
			out = append(out, u)
		}
	}
	return out
}
