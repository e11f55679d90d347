package twosides

import (
	"maps"
	"slices"
	"time"

	"github.com/penstock-data/penstock/reconcile/words"
)

// chances are what can happen, as often as it stands there.
func (w *world) chances() (all []func()) {
	add := func(n int, f func()) { all = append(all, slices.Repeat([]func(){f}, n)...) }
	add(50, w.agree)
	add(18, w.differ)
	add(10, w.missing)
	if w.plain {
		return all
	}
	add(5, w.duplicate)
	add(3, w.twins)
	if slices.Contains(w.nulls, false) {
		add(4, w.withoutKey)
	}
	if w.dated != nil {
		add(5, w.lateRow)
	}
	if w.many != "" {
		add(4, func() { w.deposit(true) })
		add(2, func() { w.deposit(false) })
	}
	if w.near {
		add(4, w.nearby)
		add(2, w.notNear)
	}
	return all
}

// matched says that rows belong together and agree.
func (w *world) matched(pass string, left, right []map[string]any) {
	row := Row{Outcome: words.Matched, Pass: pass, Key: w.key(left[0]), Rows: [2]int64{int64(len(left)), int64(len(right))}}
	for side, rows := range [][]map[string]any{left, right} {
		for _, v := range rows {
			row.Totals[side].Units += w.total(v).Units
			w.give(side, v)
		}
		row.Totals[side].Valid = w.amount != nil
	}
	w.truth = append(w.truth, row)
}

// alone says that a row of one side has no other.
func (w *world) alone(side int, v map[string]any, cause string) {
	row := Row{Outcome: []string{words.OnlyLeft, words.OnlyRight}[side], Key: w.key(v), Cause: cause}
	row.Rows[side], row.Totals[side], row.Delta = 1, w.total(v), w.total(v)
	if side == 1 {
		row.Delta.Units = -row.Delta.Units
	}
	w.give(side, v)
	w.truth = append(w.truth, row)
}

func (w *world) agree() {
	v := w.thing()
	w.matched("key", []map[string]any{v}, []map[string]any{w.other(v)})
}

func (w *world) missing() { w.alone(w.r.IntN(2), w.thing(), words.Missing) }

func (w *world) lateRow() {
	v := w.thing()
	v["booked"] = w.at(w.dated, Partition.AddDate(0, 0, -1), 3)
	cause := words.Missing
	if w.late {
		cause = words.Late
	}
	w.alone(w.r.IntN(2), v, cause)
}

func (w *world) differ() {
	l := w.thing()
	r := maps.Clone(l)
	w.pairOff(l, r)
	w.give(0, l)
	w.give(1, r)
}

// pairOff makes a pair differ in some columns, and says so.
func (w *world) pairOff(l, r map[string]any) {
	var rows []Row
	for _, i := range w.r.Perm(len(w.columns))[:min(len(w.columns), 1+w.r.IntN(3))] {
		f := w.columns[i]
		cause, delta := w.spoil(f, l, r)
		rows = append(rows, Row{Outcome: words.Different, Pass: "key", Key: w.key(l), Column: f.name, Cause: cause, Delta: delta})
	}
	if len(rows) == 0 { // nothing is compared
		rows = []Row{{Outcome: words.Matched, Pass: "key", Key: w.key(l)}}
	}
	rows[0].Rows, rows[0].Totals = [2]int64{1, 1}, [2]Number{w.total(l), w.total(r)}
	w.truth = append(w.truth, rows...)
}

// duplicate has one side say a thing more often than the other.
func (w *world) duplicate() {
	v := w.thing()
	side := w.r.IntN(2)
	switch w.r.IntN(3) {
	case 0: // agreed upon, and once more the same
		w.matched("key", []map[string]any{v}, []map[string]any{maps.Clone(v)})
	case 1: // agreed upon, and once more with another amount
		w.matched("key", []map[string]any{v}, []map[string]any{maps.Clone(v)})
		v = maps.Clone(v)
		if w.amount != nil {
			v["amount"] = v["amount"].(int64) + 77*scale
		}
	default: // differing, and once more the same
		l, r := v, maps.Clone(v)
		w.pairOff(l, r)
		w.give(0, l)
		w.give(1, r)
		v = []map[string]any{l, r}[side]
	}
	for range 1 + w.r.IntN(2) {
		w.alone(side, maps.Clone(v), words.Duplicate)
	}
}

// twins are two things of one key.
func (w *world) twins() {
	a := w.thing()
	b := maps.Clone(a)
	if w.amount != nil && w.flip() {
		b["amount"] = a["amount"].(int64) + 2*77*scale
	}
	w.matched("key", []map[string]any{a}, []map[string]any{maps.Clone(a)})
	if w.flip() {
		w.matched("key", []map[string]any{b}, []map[string]any{maps.Clone(b)})
		return
	}
	l, r := b, maps.Clone(b)
	w.pairOff(l, r)
	w.give(0, l)
	w.give(1, r)
}

// withoutKey is a thing both sides have, with a null in its key.
func (w *world) withoutKey() {
	v := w.thing()
	for i, f := range w.keys {
		if !w.nulls[i] && (i == len(w.keys)-1 || w.flip()) {
			v[f.name] = nil
		}
	}
	if w.keyIsWhole(v) { // the last part may be one that may be null
		v[w.keys[slices.Index(w.nulls, false)].name] = nil
	}
	o := maps.Clone(v)
	if w.near && w.flip() {
		w.matched("near", []map[string]any{v}, []map[string]any{o})
		return
	}
	o["account"] = "other " + v["account"].(string)
	w.alone(0, v, words.Missing)
	w.alone(1, o, words.Missing)
}

func (w *world) keyIsWhole(v map[string]any) bool {
	for i, f := range w.keys {
		if v[f.name] == nil && !w.nulls[i] {
			return false
		}
	}
	return true
}

// deposit is a row of one side for several of the other, which agree or not.
func (w *world) deposit(agree bool) {
	whole := w.thing()
	whole["batch"] = "B" + whole["account"].(string)
	var parts []map[string]any
	var sum int64
	for range 2 + w.r.IntN(3) {
		p := w.thing()
		for _, f := range w.columns {
			if f != w.amount {
				p[f.name] = whole[f.name]
			}
		}
		p["batch"] = whole["batch"]
		sum += p["amount"].(int64)
		parts = append(parts, p)
	}
	whole["amount"] = sum
	one := []map[string]any{whole}
	several := 1
	if w.many == "left" {
		several = 0
	}
	if !agree {
		whole["amount"] = sum + 55_555*scale
		w.alone(1-several, whole, words.Missing)
		for _, p := range parts {
			w.alone(several, p, words.Missing)
		}
		return
	}
	if several == 1 {
		w.matched("deposits", one, parts)
	} else {
		w.matched("deposits", parts, one)
	}
}

// nearby is a thing of which the sides have other keys, and almost the same amount and time.
func (w *world) nearby() {
	l, r := w.apart()
	if w.flip() {
		step := w.amount.coarse()
		n := scale / step
		r["amount"] = r["amount"].(int64) + (w.r.Int64N(2*n+1)-n)*step*9/10/step*step
	}
	if w.flip() {
		r["booked"] = r["booked"].(time.Time).AddDate(0, 0, 1+w.r.IntN(2))
	}
	w.matched("near", []map[string]any{l}, []map[string]any{r})
}

// notNear is one that is too far apart.
func (w *world) notNear() {
	l, r := w.apart()
	if w.flip() {
		r["amount"] = r["amount"].(int64) + 3*scale
	} else {
		r["booked"] = r["booked"].(time.Time).AddDate(0, 0, -5)
	}
	w.alone(0, l, words.Missing)
	w.alone(1, r, words.Missing)
}

func (w *world) apart() (l, r map[string]any) {
	l = w.thing()
	r = maps.Clone(l)
	for i, v := range w.thing() {
		if slices.ContainsFunc(w.keys, func(f *field) bool { return f.name == i }) {
			r[i] = v
		}
	}
	return l, r
}
