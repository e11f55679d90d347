package gates

import (
	"slices"
	"unicode/utf8"

	"github.com/penstock-data/penstock/pipeline"
)

const (
	maxSamples = 5   // of a rule
	maxCell    = 200 // bytes of a value that is shown
)

// sample keeps the first of the rows that failed a rule.
func (w *witness) sample(i int, r *boundRule, v *view, failed rowBits) {
	for _, row := range failed.rows(maxSamples - len(w.samples[i])) {
		s := pipeline.RowSample{Key: cells(v, w.court.key, row)}
		s.Source, s.Row = w.unit.Origin(v.at, row)
		if w.unit.Env.ShowValues {
			s.Values = cells(v, r.needs(), row)
		}
		w.samples[i] = append(w.samples[i], s)
	}
}

// cells are the values of some columns of a row.
func cells(v *view, columns []int, row int) (all []pipeline.Cell) {
	present := v.batch.Columns()
	for _, c := range columns {
		if present[c] == nil {
			continue // it was not read
		}
		value := "null"
		if present[c].IsValid(row) {
			value = cut(present[c].ValueStr(row))
		}
		all = append(all, pipeline.Cell{Column: v.batch.ColumnName(c), Value: value})
	}
	return all
}

// cut shortens a value so that it can be shown.
func cut(s string) string {
	if len(s) <= maxCell {
		return s
	}
	n := maxCell
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// addSamples appends samples up to as many as are kept.
func addSamples(to, more []pipeline.RowSample) []pipeline.RowSample {
	room := maxSamples - len(to)
	return slices.Concat(to, more[:max(0, min(room, len(more)))])
}
