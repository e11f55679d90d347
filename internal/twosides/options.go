package twosides

import (
	"math/rand/v2"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/reconcile"
)

// world is two sides in the making.
type world struct {
	r       *rand.Rand
	keys    []*field
	columns []*field
	carried []*field
	nulls   []bool // of keys: null is a key like any other
	amount  *field // of columns; nil where nothing is added up
	dated   *field // of columns: what late and near go by; may be nil
	many    string // the side of which a row of the other stands for several; empty: no such pass
	near    bool
	late    bool
	plain   bool

	sides [2][]map[string]any // values, by the names of fields
	truth []Row
	next  int // numbers keys
}

func one[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func (w *world) flip() bool { return w.r.IntN(2) == 0 }

// choose decides what the columns are and how they are compared.
func (w *world) choose() {
	w.chooseKeys()
	w.chooseAmount()
	w.chooseDated()
	if w.amount != nil && w.flip() { // else it would be the amount
		w.columns = append(w.columns, &field{name: "qty", kind: num, types: [2]arrow.DataType{int64Type, one[arrow.DataType](w.r, int64Type, int32Type)}})
	}
	if w.flip() {
		f := &field{name: "status", kind: text, types: [2]arrow.DataType{stringType, dictType}}
		f.Map = map[string]string{"c": "cleared", "o": "open"}
		w.columns = append(w.columns, f)
	}
	if w.flip() {
		f := &field{name: "memo", kind: text, types: [2]arrow.DataType{stringType, stringType}}
		f.BlankIsNull, f.Trim = w.flip(), w.flip()
		f.Case = one(w.r, "", "lower")
		w.columns = append(w.columns, f)
	}
	if w.plain {
		for _, f := range w.columns {
			f.Normal = reconcile.Normal{}
		}
	}
	for _, name := range []string{"account", "currency", "batch"} {
		w.carried = append(w.carried, &field{name: name, kind: text, types: [2]arrow.DataType{stringType, stringType}})
	}
	if !w.plain && w.amount != nil {
		w.many = one(w.r, "", "left", "right")
		w.near = w.dated != nil && w.flip()
	}
	w.late = !w.plain && w.dated != nil && w.flip()
	w.r.Shuffle(len(w.columns), func(i, j int) { w.columns[i], w.columns[j] = w.columns[j], w.columns[i] })
	for _, f := range append(append([]*field{}, w.keys...), append(w.columns, w.carried...)...) {
		f.names = [2]string{f.name, f.name}
		if w.flip() {
			f.names[1] = "their_" + f.name
		}
		for side := range 2 {
			switch f.name {
			case "amount", "price":
			default:
				f.step[side] = scale
			}
		}
	}
}

func (w *world) chooseKeys() {
	id := &field{name: "id"}
	switch n := w.r.IntN(4); {
	case n == 0 || w.plain:
		id.kind, id.types = num, [2]arrow.DataType{int64Type, one[arrow.DataType](w.r, int64Type, int32Type, arrow.PrimitiveTypes.Uint32, decimalType(18, 0), decimalType(18, 2))}
	case n == 1:
		id.kind, id.types = num, [2]arrow.DataType{int64Type, stringType}
		id.Number, id.Trim = true, w.flip()
	default:
		id.kind, id.types = text, [2]arrow.DataType{stringType, one[arrow.DataType](w.r, stringType, dictType)}
		id.Trim, id.Case, id.Pad = w.flip(), one(w.r, "", "upper", "lower"), one(w.r, 0, 10)
		if w.flip() {
			id.Strip, id.prefix = "^INV-", "INV-"
		}
	}
	w.keys, w.nulls = []*field{id}, []bool{!w.plain && w.r.IntN(4) == 0}
	if w.flip() {
		w.keys, w.nulls = append(w.keys, &field{name: "branch", kind: text, types: [2]arrow.DataType{stringType, stringType}}), append(w.nulls, w.flip() && !w.plain)
		w.keys[1].BlankIsNull = w.flip() && !w.plain
	}
	if w.r.IntN(3) == 0 {
		d := &field{name: "night", kind: day, types: [2]arrow.DataType{dateType, dateType}}
		if w.flip() && !w.plain {
			d.types[1], d.Date = stringType, "02.01.2006"
		}
		w.keys, w.nulls = append(w.keys, d), append(w.nulls, false)
	}
}

func (w *world) chooseAmount() {
	if !w.plain && w.r.IntN(10) == 0 {
		return
	}
	f := &field{name: "amount", kind: num}
	for side := range 2 {
		f.types[side] = one(w.r, decimalType(18, 2), decimalType(18, 2), decimalType(20, 4), int64Type, float64Type, arrow.DataType(stringType))
		if w.plain {
			f.types[side] = decimalType(18, 2)
		}
		f.step[side] = stepOf(f.types[side], one[int64](w.r, 1, 100))
		if f.types[side] == float64Type {
			f.step[side] = 100
		}
		if f.isText(side) {
			f.Number, f.Trim = true, true
		}
	}
	if !w.plain {
		switch w.r.IntN(5) {
		case 0:
			f.tolerance = one[int64](w.r, 100, 500, 2*scale)
		case 1:
			f.relative = true
		case 2:
			f.round = true
		}
	}
	w.amount, w.columns = f, append(w.columns, f)
}

func (w *world) chooseDated() {
	if w.plain || w.r.IntN(4) == 0 {
		return
	}
	f := &field{name: "booked", kind: when, seconds: one(w.r, 0, 0, 90, 3600.0)}
	if w.r.IntN(3) == 0 {
		f.kind, f.seconds = day, 0
		f.types = [2]arrow.DataType{dateType, dateType}
	} else {
		f.Zone = one(w.r, "", "Europe/Berlin", "America/New_York")
		for side := range 2 {
			f.types[side] = one[arrow.DataType](w.r,
				&arrow.TimestampType{Unit: arrow.Microsecond}, &arrow.TimestampType{Unit: arrow.Second}, &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"},
				&arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "Asia/Tokyo"}, stringType)
			if f.isText(side) {
				f.Date, f.Trim = "2006-01-02 15:04:05", true
			}
		}
	}
	w.dated, w.columns = f, append(w.columns, f)
}

// options are those of the comparison.
func (w *world) options() reconcile.Options {
	o := reconcile.Options{Names: [2]string{"left", "right"}}
	for i, f := range w.keys {
		o.Keys = append(o.Keys, reconcile.Key{Left: f.names[0], Right: f.names[1], As: f.name, NullsEqual: w.nulls[i], Normal: f.Normal})
	}
	for _, f := range w.columns {
		o.Columns = append(o.Columns, f.column())
	}
	if w.amount != nil {
		o.Amount = "amount"
	}
	if w.many != "" {
		o.Passes = append(o.Passes, reconcile.Pass{Name: "deposits", Many: w.many, On: []string{w.on("batch")}})
	}
	if w.near {
		o.Passes = append(o.Passes, reconcile.Pass{Name: "near", On: []string{w.on("account")}, Amount: "1.00", Days: 3, Date: w.on("booked")})
	}
	if w.late {
		o.Late = &reconcile.LateRule{Column: w.on("booked"), Days: 2}
	}
	if !w.plain {
		for _, f := range w.carried[:2] {
			if f.names[0] == f.names[1] {
				o.Carry = append(o.Carry, f.name)
			}
		}
	}
	return o
}

// on is how options name a column of both sides.
func (w *world) on(name string) string {
	for _, f := range append(append([]*field{}, w.columns...), w.carried...) {
		if f.name == name && f.names[0] != f.names[1] {
			return f.names[0] + " = " + f.names[1]
		}
	}
	return name
}

// Partition is the one that sides are of: a day.
var Partition = time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC)
