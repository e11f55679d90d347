package reconcile

import (
	"fmt"
	"math"
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

func (b *binder) tolerances(what string, c Column, p *columnPair) {
	for _, option := range [][2]string{{"tolerance", c.Tolerance}, {"relative", c.Relative}} {
		if option[1] != "" && !p.isNumber() {
			b.fail("%s: %s is of numbers, and these are not; number: true reads them from texts", what, option[0])
		}
	}
	b.bound(what+": tolerance", c.Tolerance, p)
	if n, ok := share(c.Relative); c.Relative != "" {
		switch {
		case !ok || n.negative:
			b.fail("%s: relative: expected a number that is not negative, found %q", what, c.Relative)
		case n.float() >= 1: // anything is as near to 0 as that
			b.fail("%s: relative: expected a share of less than 1, or 100%%, found %q; 5%% is 0.05", what, c.Relative)
		}
	}
	if c.Round != nil && (!p.isNumber() || *c.Round < -18 || *c.Round > 18) {
		b.fail("%s: round is of numbers, to -18 to 18 places", what)
	}
	switch {
	case c.Seconds < 0 || math.IsNaN(c.Seconds) || math.IsInf(c.Seconds, 0):
		b.fail("%s: seconds: expected a number that is not negative, found %v", what, c.Seconds)
	case c.Seconds > 0 && !p.isMoment():
		b.fail("%s: seconds is of dates and times, and these are not; date reads them from texts", what)
	case c.Seconds > maxDays*86400:
		b.fail("%s: seconds: at most those of %d days, not %v", what, maxDays, c.Seconds)
	}
}

// bound is how far measures may be apart: a number that is not negative, and that the measure can
// have. Nil is no pair, of which it was said why.
func (b *binder) bound(what, text string, p *columnPair) {
	if text == "" {
		return
	}
	n, _, ok := parseNumber(text)
	if !ok || n.negative {
		b.fail("%s: expected a number that is not negative, found %q", what, text)
		return
	}
	switch {
	case p == nil || !p.measured():
		return
	case p.floats:
		if math.IsInf(n.float(), 0) {
			b.fail("%s: %s is more than a double holds", what, text)
		}
		return
	}
	if _, fits := n.floor(int(p.scale)).decimal(p.scale); !fits {
		b.fail("%s: %s is more than a decimal(38, %d) holds, in which column %s is compared", what, text, p.scale, p.name)
	}
}

// share reads "0.001" or "0.1%".
func share(text string) (number, bool) {
	rest, percent := strings.CutSuffix(text, "%")
	n, _, ok := parseNumber(strings.TrimSpace(rest))
	if percent && n.digits != "" {
		n.exp -= 2
	}
	return n, ok
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

func (b *binder) bindPasses() {
	seen := map[string]bool{KeyPass: true}
	for i, pass := range b.o.Passes {
		what := "pass " + pass.Name
		switch {
		case pass.Name == "":
			b.fail("passes: the pass in place %d has no name", i+1)
			continue
		case seen[pass.Name]:
			b.fail("%s: there is another pass of this name; %q is that of the keys", what, KeyPass)
		}
		seen[pass.Name] = true
		b.passes = append(b.passes, b.bindPass(what, pass))
	}
}

func (b *binder) bindPass(what string, pass Pass) *boundPass {
	p := &boundPass{Pass: pass}
	for _, on := range pass.On {
		if c := b.named(what+": on", on); c != nil {
			p.on = append(p.on, c)
		}
	}
	if pass.Date != "" {
		if p.date = b.named(what+": date", pass.Date); p.date != nil && (!p.date.isMoment() || p.date.kind == kindTime) {
			b.fail("%s: date: %s has no dates", what, pass.Date)
		}
	}
	var amount *columnPair
	if b.amount >= 0 {
		amount = b.cols[b.amount]
	}
	b.bound(what+": amount", pass.Amount, amount)
	switch {
	case pass.Many != "" && pass.Many != "left" && pass.Many != "right":
		b.fail("%s: many: %s", what, pipeline.Unknown("side", pass.Many, []string{"left", "right"}))
	case pass.Many != "" && (pass.Amount != "" || pass.Date != "" || pass.Days != 0):
		b.fail("%s: one row for several goes by the sum, within the tolerance of the amount; take amount, days and date out", what)
	case (pass.Many != "" || pass.Amount != "") && b.amount < 0:
		b.fail("%s: it goes by the amount, and no compared column is one", what)
	case pass.Days < 0 || pass.Days > maxDays:
		b.fail("%s: days: from 0 to %d, not %d", what, maxDays, pass.Days)
	case pass.Days > 0 && pass.Date == "":
		b.fail("%s: days apart of which date? name its column: date: booked", what)
	case pass.Many == "" && pass.Amount == "" && pass.Date == "" && len(pass.On) == 0:
		b.fail("%s: it says nothing of amounts, dates or other columns, and so finds what the keys found", what)
	}
	if pass.Amount != "" && b.amount >= 0 {
		p.excused = append(p.excused, b.amount)
	}
	if i := slices.Index(b.cols, p.date); p.date != nil && i >= 0 {
		p.excused = append(p.excused, i)
	}
	return p
}

const maxDays = 36600

func (b *binder) bindLate() {
	if b.o.Late == nil {
		return
	}
	b.late = b.named("late", b.o.Late.Column)
	if b.late != nil && (!b.late.isMoment() || b.late.kind == kindTime) {
		b.fail("late: %s has no dates", b.o.Late.Column)
	}
	if b.o.Late.Days < 0 || b.o.Late.Days > maxDays {
		b.fail("late: days: from 0 to %d, not %d", maxDays, b.o.Late.Days)
	}
}

func (b *binder) bindCarry() {
	for _, name := range b.o.Carry {
		c := carried{name: name, index: [2]int{-1, -1}}
		for side, schema := range b.in {
			at := schema.FieldIndices(name)
			if len(at) == 0 {
				continue
			}
			c.index[side] = at[0]
			t := pipeline.ValueType(schema.Field(at[0]).Type)
			if c.typ != nil && !arrow.TypeEqual(storage(t), storage(c.typ)) {
				b.fail("carry: %s is %s in %s and %s in %s; cast one of them before", name,
					pipeline.ATypeName(c.typ), b.o.side(0), pipeline.ATypeName(t), b.o.side(1))
			}
			if c.typ == nil {
				c.typ = t
			}
		}
		switch {
		case c.typ == nil:
			b.fail("carry: %s (in either side)", pipeline.Unknown("column", name, append(pipeline.ColumnNames(b.in[0]), pipeline.ColumnNames(b.in[1])...)))
			continue
		case !sql.Storable(storage(c.typ)):
			b.fail("carry: %s is %s, which can't be handed on; cast it before", name, pipeline.ATypeName(c.typ))
		}
		b.carry = append(b.carry, c)
	}
}

// storage is the type in which a column that is only handed on is kept meanwhile.
func storage(t arrow.DataType) arrow.DataType {
	switch t := pipeline.ValueType(t).(type) {
	case *arrow.TimestampType, *arrow.Date64Type, *arrow.DurationType:
		return arrow.PrimitiveTypes.Int64
	case *arrow.Time64Type:
		return arrow.PrimitiveTypes.Int64
	case *arrow.Time32Type:
		return arrow.PrimitiveTypes.Int32
	case *arrow.LargeStringType, *arrow.StringViewType:
		return arrow.BinaryTypes.String
	default:
		return t
	}
}

// handedOn is the type in which it leaves: as it came, without a dictionary.
func handedOn(t arrow.DataType) arrow.DataType {
	t = pipeline.ValueType(t)
	if sortOf(t) == sortText {
		return arrow.BinaryTypes.String
	}
	return t
}
