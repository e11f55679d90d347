package reconcile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/operators/sql"
	"github.com/penstock-data/penstock/pipeline"
)

// plan is Options bound to the schemas of both sides.
type plan struct {
	o      Options
	in     [2]*arrow.Schema
	keys   []*columnPair
	cols   []*columnPair
	amount int // which of cols; -1: none
	passes []*boundPass
	late   *columnPair
	carry  []carried
	schema *arrow.Schema
	// deltaScale is that of every delta.
	deltaScale int32
	notes      []string
	simple     bool // see sides
}

// boundPass is a pass after the first.
type boundPass struct {
	Pass
	on   []*columnPair // empty: the keys
	date *columnPair
	// excused are the columns whose difference the pass allows.
	excused []int
}

// carried is a column handed on, from each side that has it.
type carried struct {
	name  string
	index [2]int // -1: the side has it not
	typ   arrow.DataType
}

// binder gathers the problems of Options.
type binder struct {
	*plan
	errs pipeline.Errors
}

func (b *binder) fail(format string, args ...any) {
	b.errs = append(b.errs, pipeline.Errorf(pipeline.Invalid, "reconcile: "+format, args...))
}

// side is what a side is called.
func (o Options) side(i int) string {
	if o.Names[i] != "" {
		return o.Names[i]
	}
	return []string{"the left", "the right"}[i]
}

// newPlan binds options; the error has all that is wrong with them.
func newPlan(o Options, in []*arrow.Schema) (*plan, error) {
	if len(in) != 2 {
		return nil, pipeline.Errorf(pipeline.Invalid, "reconcile takes two inputs, the left and the right side, found %d", len(in))
	}
	b := &binder{plan: &plan{o: o, in: [2]*arrow.Schema{in[0], in[1]}, amount: -1}}
	b.bindKeys()
	b.bindColumns()
	b.bindAmount()
	b.bindPasses()
	b.bindLate()
	b.bindCarry()
	b.bindSchema()
	if err := b.errs.Err(); err != nil {
		return nil, err
	}
	return b.plan, nil
}

// find gives the place of a column of a side, or -1.
func (b *binder) find(what string, side int, name string) int {
	at := b.in[side].FieldIndices(name)
	switch {
	case len(at) == 0:
		b.fail("%s: %s (in %s)", what, pipeline.Unknown("column", name, pipeline.ColumnNames(b.in[side])), b.o.side(side))
		return -1
	case len(at) > 1:
		b.fail("%s: %d columns are called %q (in %s)", what, len(at), name, b.o.side(side))
		return -1
	}
	return at[0]
}

// pair gives a column of each side; nil if it can't be compared.
func (b *binder) pair(what, as, left, right string, n Normal, round *int) *columnPair {
	at := len(b.errs)
	w := newWriter(n, func(format string, args ...any) { b.fail(what+": "+format, args...) })
	p := &columnPair{name: as, write: w, round: round}
	for side, name := range []string{left, right} {
		if p.index[side] = b.find(what, side, name); p.index[side] >= 0 {
			p.types[side] = b.in[side].Field(p.index[side]).Type
		}
	}
	if len(b.errs) > at {
		return nil
	}
	var problem string
	if p.kind, p.scale, problem = decide(p.types[0], p.types[1], w, round != nil); problem != "" {
		b.fail("%s: %s", what, problem)
		return nil
	}
	p.floats = p.kind == kindFloat || p.kind == kindNumber && (sortOf(p.types[0]) == sortFloat || sortOf(p.types[1]) == sortFloat)
	if p.kind == kindNumber && p.floats && sortOf(p.types[0]) != sortOf(p.types[1]) {
		b.notes = append(b.notes, fmt.Sprintf("%s is a float on one side: its differences and totals are floats", as))
	}
	return p
}

func orElse(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return name
}

func (b *binder) bindKeys() {
	if len(b.o.Keys) == 0 {
		b.fail("keys: at least one column must name a row")
	}
	for _, k := range b.o.Keys {
		left := orElse(k.Left, k.Right)
		as := orElse(k.As, left)
		if p := b.pair("key "+as, as, left, orElse(k.Right, left), k.Normal, nil); p != nil {
			p.nullsEqual = k.NullsEqual
			b.keys = append(b.keys, p)
		}
	}
}

func (b *binder) bindColumns() {
	for _, c := range b.o.Columns {
		left := orElse(c.Left, c.Right)
		as := orElse(c.As, left)
		what := "column " + as
		p := b.pair(what, as, left, orElse(c.Right, left), c.Normal, c.Round)
		if p == nil {
			continue
		}
		b.cols = append(b.cols, p)
		b.tolerances(what, c, p)
		for side := range 2 {
			if !sql.Storable(storage(p.types[side])) {
				b.fail("%s: %s can't be handed on; cast it before", what, pipeline.ATypeName(p.types[side]))
			}
		}
	}
}

func (b *binder) bindAmount() {
	for i, p := range b.cols {
		if b.o.Amount == "" && p.isNumber() || b.o.Amount != "" && p.name == b.o.Amount {
			b.amount = i
			break
		}
	}
	switch {
	case b.amount >= 0 && !b.cols[b.amount].isNumber():
		b.fail("amount: column %s is no number", b.o.Amount)
		b.amount = -1
	case b.amount < 0 && b.o.Amount != "" && !slices.ContainsFunc(b.o.Columns, func(c Column) bool { return orElse(c.As, orElse(c.Left, c.Right)) == b.o.Amount }):
		b.fail("amount: %s", pipeline.Unknown("compared column", b.o.Amount, names(b.cols)))
	case b.amount < 0 && b.o.Amount == "":
		b.notes = append(b.notes, "no compared column is a number: rows alone are balanced")
	}
}

func names(pairs []*columnPair) (all []string) {
	for _, p := range pairs {
		all = append(all, p.name)
	}
	return all
}

// named is a column of both sides by what the result calls it, or "left = right", or a name that
// both sides have. One that is a key or is compared is that, however it is named.
func (b *binder) named(what, name string) *columnPair {
	name = strings.TrimSpace(name)
	left, right, two := strings.Cut(name, "=")
	left, right = strings.TrimSpace(left), strings.TrimSpace(right)
	for _, p := range slices.Concat(b.keys, b.cols) {
		if p.name == name || two && b.in[0].Field(p.index[0]).Name == left && b.in[1].Field(p.index[1]).Name == right {
			return p
		}
	}
	if !two {
		right = left
	}
	return b.pair(what, name, left, right, Normal{}, nil)
}
