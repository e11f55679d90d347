package reconcile

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/penstock-data/penstock/reconcile/words"
)

// KeyPass is the name of the first pass, in which rows with equal keys find each other.
const KeyPass = "key"

// bindSchema makes the schema of the result, and reports names that stand in it twice.
func (b *binder) bindSchema() {
	var fields []arrow.Field
	owner := map[string]string{}
	add := func(what, name string, t arrow.DataType, nullable bool) {
		if other, twice := owner[name]; twice {
			b.fail("%s: the result has a column %q already, %s; call it otherwise with as", what, name, other)
			return
		}
		owner[name] = what
		fields = append(fields, arrow.Field{Name: name, Type: t, Nullable: nullable})
	}
	text, count := arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64
	own := func(name string, t arrow.DataType, nullable bool) { add("which is its own", name, t, nullable) }
	own(words.ColOutcome, text, false)
	own(words.ColPass, text, true)
	own(words.ColKey, text, true)
	own(words.ColNth, arrow.PrimitiveTypes.Int32, true)
	at := len(fields)
	for _, p := range b.cols {
		if p.isNumber() || p.isMoment() && !p.days() {
			b.deltaScale = max(b.deltaScale, p.scale)
		}
	}
	own(words.ColColumn, text, true)
	own(words.ColCause, text, true)
	own(words.ColLeft, text, true)
	own(words.ColRight, text, true)
	own(words.ColDelta, wide(b.deltaScale), true)
	own(words.ColLeftRows, count, false)
	own(words.ColRightRows, count, false)
	total := arrow.DataType(wide(0))
	if b.amount >= 0 {
		total = b.cols[b.amount].measureType()
	}
	own(words.ColLeftTotal, total, true)
	own(words.ColRightTotal, total, true)
	rest := fields[at:len(fields):len(fields)]
	fields = fields[:at:at]
	for _, p := range b.keys {
		add("key "+p.name, p.name, p.canonical(), true)
	}
	fields = append(fields, rest...)
	for _, p := range b.cols {
		add("column "+p.name, words.ColLeft+"_"+p.name, handedOn(p.types[0]), true)
		add("column "+p.name, words.ColRight+"_"+p.name, handedOn(p.types[1]), true)
	}
	for _, c := range b.carry {
		add("carry "+c.name, c.name, handedOn(c.typ), true)
	}
	b.schema = arrow.NewSchema(fields, nil)
}
