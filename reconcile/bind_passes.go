package reconcile

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/penstock-data/penstock/operators/sql"
	"github.com/penstock-data/penstock/pipeline"
)

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
