package twosides

import (
	"strings"
	"time"

	"github.com/penstock-data/penstock/reconcile/words"
)

// spoil makes a column of a pair differ, and says why and by how much.
func (w *world) spoil(f *field, l, r map[string]any) (cause string, delta Number) {
	sides := [2]map[string]any{l, r}
	side := w.r.IntN(2)
	one, two := sides[side], sides[1-side]
	switch f.kind {
	case num:
		cause = w.spoilNumber(f, side, one, two)
		if l[f.name] != nil && r[f.name] != nil {
			delta = number(l[f.name].(int64) - r[f.name].(int64))
		}
	case text:
		cause = w.spoilText(f, one, two)
	case day:
		one[f.name] = two[f.name].(time.Time).AddDate(0, 0, 1+w.r.IntN(9))
		days := l[f.name].(time.Time).Sub(r[f.name].(time.Time)) / (24 * time.Hour)
		cause, delta = words.Value, number(int64(days)*scale)
	case when:
		for {
			t := w.early(f)
			if apart := t.Sub(two[f.name].(time.Time)).Abs(); apart.Seconds() > f.seconds {
				one[f.name] = t
				break
			}
		}
		cause, delta = words.Value, number(int64(l[f.name].(time.Time).Sub(r[f.name].(time.Time))/time.Second)*scale)
	}
	return cause, delta
}

// spoilNumber spoils the number of one, which is that of a side.
func (w *world) spoilNumber(f *field, side int, one, two map[string]any) string {
	v := two[f.name].(int64)
	causes := []string{words.Value, words.Value, words.Sign, words.Unit, "null"}
	if f.exact() && f.step[0] != f.step[1] {
		causes = append(causes, words.Rounding, words.Rounding)
	}
	cause := causes[w.r.IntN(len(causes))]
	if w.plain && cause == "null" {
		cause = words.Value
	}
	switch cause {
	case words.Sign:
		one[f.name] = -v
	case words.Unit:
		powers := []int64{10, 100, 1000, 1_000_000}
		one[f.name] = v * powers[w.r.IntN(len(powers))]
	case words.Rounding:
		fine := sidesOf(side, one, two)[0]
		if f.step[1] < f.step[0] {
			fine = sidesOf(side, one, two)[1]
		}
		step := min(f.step[0], f.step[1])
		n := f.coarse()/step - 1
		d := (1 + w.r.Int64N(n)) * step
		if w.flip() {
			d = -d
		}
		fine[f.name] = v + d
	case "null":
		one[f.name] = nil
		return words.Value
	default:
		least := max(max(v, -v)/50, 3*scale)
		by := (least + w.r.Int64N(least)) / f.coarse() * f.coarse()
		if by < 3*scale {
			by = 3 * scale
		}
		one[f.name] = v + by
	}
	return cause
}

// sidesOf brings two rows, of which one is of a side, into the order of the sides.
func sidesOf(side int, one, two map[string]any) [2]map[string]any {
	if side == 0 {
		return [2]map[string]any{one, two}
	}
	return [2]map[string]any{two, one}
}

func (w *world) spoilText(f *field, one, two map[string]any) string {
	if f.name == "status" {
		one[f.name] = map[any]string{"cleared": "open", "open": "cleared"}[two[f.name]]
		return words.Value
	}
	if two[f.name] == nil {
		if !f.BlankIsNull && w.flip() {
			one[f.name] = blanks[w.r.IntN(len(blanks))]
			return words.NullBlank
		}
		one[f.name] = "something"
		return words.Value
	}
	s := two[f.name].(string)
	switch w.r.IntN(4) {
	case 0:
		one[f.name] = nil
		return words.Value
	case 1:
		one[f.name] = strings.ReplaceAll(s, " ", "-")
		return words.Format
	case 2:
		one[f.name] = strings.ReplaceAll(s, ",", "")
		return words.Format
	default:
		one[f.name] = strings.ReplaceAll(s, "paid", "owed")
		return words.Value
	}
}
