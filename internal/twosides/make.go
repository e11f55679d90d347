package twosides

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/reconcile"
)

// Sides are two sides with what is true of them.
type Sides struct {
	Options reconcile.Options
	Tables  [2]*Table
	Truth   []Row
	// Totals are the amounts of all rows of a side, in units; 0 where nothing is added up.
	Totals [2]int64

	cut [2][]int // of each row a number that rows of one key have in common
}

// Make makes sides of about so many things that happened, most of which both sides have. The same
// seed gives the same sides.
func Make(seed uint64, things int) *Sides { return build(seed, things, false) }

// Plain makes sides with unique keys, and columns that are compared exactly.
func Plain(seed uint64, things int) *Sides { return build(seed, things, true) }

func build(seed uint64, things int, plain bool) *Sides {
	w := &world{r: rand.New(rand.NewPCG(seed, 17)), plain: plain}
	w.choose()
	happens := w.chances()
	for range things {
		happens[w.r.IntN(len(happens))]()
	}
	s := &Sides{Options: w.options(), Truth: w.truth}
	for side, name := range []string{"left", "right"} {
		s.Tables[side], s.cut[side] = w.table(side, name)
		for _, v := range w.sides[side] {
			s.Totals[side] += w.total(v).Units
		}
	}
	return s
}

// Swapped is the same with the sides changed over.
func (s *Sides) Swapped() *Sides {
	o := s.Options
	o.Names = [2]string{o.Names[1], o.Names[0]}
	turn := func(on string) string {
		if l, r, two := strings.Cut(on, " = "); two {
			return r + " = " + l
		}
		return on
	}
	o.Keys, o.Columns, o.Passes = append([]reconcile.Key{}, o.Keys...), append([]reconcile.Column{}, o.Columns...), append([]reconcile.Pass{}, o.Passes...)
	for i := range o.Keys {
		k := &o.Keys[i]
		k.Left, k.Right = k.Right, k.Left
	}
	for i := range o.Columns {
		c := &o.Columns[i]
		c.Left, c.Right = c.Right, c.Left
	}
	for i := range o.Passes {
		p := &o.Passes[i]
		p.Many = map[string]string{"left": "right", "right": "left"}[p.Many]
		p.On, p.Date = []string{turn(p.On[0])}, turn(p.Date)
	}
	if o.Late != nil {
		o.Late = &reconcile.LateRule{Column: turn(o.Late.Column), Days: o.Late.Days}
	}
	return &Sides{Options: o, Tables: [2]*Table{s.Tables[1], s.Tables[0]}, Truth: Mirrored(s.Truth), Totals: [2]int64{s.Totals[1], s.Totals[0]}}
}

// Shuffled is the same with the rows in another order, in splits and batches of other sizes.
func (s *Sides) Shuffled(seed uint64) *Sides {
	r := rand.New(rand.NewPCG(seed, 18))
	c := *s
	for side, t := range s.Tables {
		n := *t
		n.Rows = append([][]any{}, t.Rows...)
		r.Shuffle(len(n.Rows), func(i, j int) { n.Rows[i], n.Rows[j] = n.Rows[j], n.Rows[i] })
		n.Splits, n.Batch = 1+r.IntN(7), one(r, 1, 7, 100, 4096)
		c.Tables[side] = &n
	}
	return &c
}

// Parts cuts the rows of both sides by their key. The truth is left out.
func (s *Sides) Parts(n int) []*Sides {
	parts := make([]*Sides, n)
	for i := range parts {
		parts[i] = &Sides{Options: s.Options}
		for side, t := range s.Tables {
			c := *t
			c.Rows = nil
			for at, row := range t.Rows {
				if s.cut[side][at]%n == i {
					c.Rows = append(c.Rows, row)
				}
			}
			parts[i].Tables[side] = &c
		}
	}
	return parts
}

func (w *world) table(side int, name string) (*Table, []int) {
	t := &Table{Name: name}
	all := append(append(append([]*field{}, w.keys...), w.columns...), w.carried...)
	w.r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	var fields []arrow.Field
	for _, f := range all {
		fields = append(fields, arrow.Field{Name: f.names[side], Type: f.types[side], Nullable: true})
	}
	t.Schema = arrow.NewSchema(append(fields, arrow.Field{Name: "line", Type: int64Type, Nullable: true}), nil)
	var cut []int
	for i, v := range w.sides[side] {
		h := fnv.New32a()
		_, _ = h.Write([]byte(w.key(v)))
		cut = append(cut, int(h.Sum32()>>1))
		var row []any
		for _, f := range all {
			row = append(row, f.dress(w.r, side, v[f.name]))
		}
		t.Rows = append(t.Rows, append(row, int64(i)))
	}
	w.r.Shuffle(len(t.Rows), func(i, j int) {
		t.Rows[i], t.Rows[j] = t.Rows[j], t.Rows[i]
		cut[i], cut[j] = cut[j], cut[i]
	})
	return t, cut
}

// thing is something that happened, as it is when both sides agree on it.
func (w *world) thing() map[string]any {
	w.next++
	v := map[string]any{}
	for i, f := range w.keys {
		v[f.name] = w.keyValue(f, w.nulls[i])
	}
	for _, f := range w.columns {
		v[f.name] = w.value(f)
	}
	v["account"], v["currency"], v["batch"] = fmt.Sprintf("A%07d", w.next), one(w.r, "EUR", "USD", "CHF"), nil
	return v
}

func (w *world) keyValue(f *field, null bool) any {
	switch {
	case f.kind == num:
		return int64(w.next) * scale
	case f.kind == day:
		return time.Date(2026, 10, 1+w.r.IntN(28), 0, 0, 0, 0, time.UTC)
	case f.name == "branch":
		if null && w.r.IntN(4) == 0 {
			return nil
		}
		s := one(w.r, "north", "a|b", `c\d`, `\N`, "S 1", "ünder", "")
		if s == "" && f.BlankIsNull {
			return "blank"
		}
		return s
	}
	s := fmt.Sprintf("Ab%dc", w.next)
	switch f.Case {
	case "upper":
		s = strings.ToUpper(s)
	case "lower":
		s = strings.ToLower(s)
	}
	return strings.Repeat("0", max(f.Pad-len(s), 0)) + s
}

func (w *world) value(f *field) any {
	switch f.name {
	case "amount":
		step := f.coarse()
		if f.round {
			step = max(step, 100)
		}
		v := (200*scale + w.r.Int64N(99_799*scale)) / step * step
		if w.r.IntN(10) == 0 {
			v = -v
		}
		return v
	case "qty":
		return int64(20+w.r.IntN(1980)) * scale
	case "status":
		return one(w.r, "cleared", "open")
	case "memo":
		if w.r.IntN(4) == 0 {
			return nil
		}
		s := fmt.Sprintf("Invoice %d, paid", w.next)
		if f.Case == "lower" {
			s = strings.ToLower(s)
		}
		return s
	case "booked":
		return w.early(f)
	}
	panic(f.name)
}

// early is a time that no rule calls late, and that all clocks show once.
func (w *world) early(f *field) time.Time {
	return w.at(f, time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC), 13)
}

func (w *world) at(f *field, from time.Time, days int) time.Time {
	t := from.AddDate(0, 0, w.r.IntN(days))
	if f.kind == when {
		t = t.Add(time.Duration(8*3600+w.r.IntN(12*3600)) * time.Second)
	}
	return t
}

// give adds a row to a side.
func (w *world) give(side int, v map[string]any) { w.sides[side] = append(w.sides[side], v) }

// total is the amount of a row.
func (w *world) total(v map[string]any) Number {
	if w.amount == nil || v["amount"] == nil {
		return Number{}
	}
	return number(v["amount"].(int64))
}

func (w *world) key(v map[string]any) string {
	var parts []string
	for _, f := range w.keys {
		parts = append(parts, f.canonical(v[f.name]))
	}
	return strings.Join(parts, "|")
}

// other is a copy of a row that the other side could have, the same within what is tolerated.
func (w *world) other(v map[string]any) map[string]any {
	c := maps.Clone(v)
	if w.flip() {
		return c
	}
	if f := w.amount; f != nil && v["amount"] != nil {
		c["amount"] = v["amount"].(int64) + w.slack(f, v["amount"].(int64))
	}
	if f := w.dated; f != nil && f.seconds > 0 {
		s := int(f.seconds)
		c["booked"] = v["booked"].(time.Time).Add(time.Duration(w.r.IntN(2*s+1)-s) * time.Second)
	}
	return c
}

// slack is by how much the right side may have another amount and still agree.
func (w *world) slack(f *field, v int64) int64 {
	step := f.step[1]
	var most int64
	switch {
	case f.round && step < 100:
		d := w.r.Int64N(100) - 50 // half goes away from zero
		if v < 0 {
			d = -d
		}
		return d
	case f.relative:
		most = max(v, -v) / 1000 * 9 / 10
	default:
		most = f.tolerance
		if f.types[0] == float64Type || f.types[1] == float64Type {
			most = max(most-1, 0)
		}
	}
	n := most / step
	return (w.r.Int64N(2*n+1) - n) * step
}
