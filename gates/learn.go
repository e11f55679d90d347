package gates

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// knowable reports whether facts may say what the metric is.
func (m *boundMetric) knowable() bool {
	switch m.fn.state {
	case "rows", "nulls", "count_if", "min", "max":
		return len(m.by) == 0
	}
	return false
}

// learn takes into a state what facts say of n rows; false where they don't say enough, and
// the state is as it was.
func (m *boundMetric) learn(s state, n int64, f facts) bool {
	if !m.knowable() {
		return false
	}
	if m.where != nil {
		p := m.where.Prove(n, f.of(m.where.Columns()))
		switch {
		case p.MayFail:
			return false
		case !p.MayTrue:
			return true
		case p.MayFalse || p.MayNull:
			return false
		}
	}
	switch s := s.(type) {
	case *counter:
		return m.learnCount(s, n, f)
	case *extreme:
		return m.learnExtreme(s, n, f)
	}
	return false
}

func (m *boundMetric) learnCount(s *counter, n int64, f facts) bool {
	if s.what == allRows {
		s.Rows += n
		return true
	}
	p := m.args[0].Prove(n, f.of(m.args[0].Columns()))
	if p.MayFail || !p.HasNulls || s.what == trues && p.MayTrue && p.MayFalse {
		return false
	}
	s.Rows, s.Nulls = s.Rows+n, s.Nulls+p.Nulls
	if s.what == trues && p.MayTrue {
		s.Count += n - p.Nulls
	}
	return true
}

// learnExtreme takes a bound that is a value of some row.
func (m *boundMetric) learnExtreme(s *extreme, n int64, f facts) bool {
	column, ok := m.args[0].Column()
	if !ok {
		return false
	}
	k := f(column)
	if k.HasNulls && k.Nulls == n {
		return true // no value
	}
	if m.args[0].Prove(n, f.of(m.args[0].Columns())).MayFail {
		return false // an instant out of range, say, ends the metric
	}
	bound, is := k.Min, k.MinIs
	if s.Sign > 0 {
		bound, is = k.Max, k.MaxIs
	}
	if !is {
		return false
	}
	t := pipeline.ValueType(m.args[0].Schema().Field(column).Type)
	switch v := bound.(type) {
	case int64:
		if v, ok = asMetric(v, t, m.types[0]); ok {
			better(s, v)
		}
		return ok
	case uint64:
		if m.types[0].ID() != arrow.UINT64 {
			return false
		}
		better(s, v)
	case string:
		if m.types[0].ID() != arrow.STRING {
			return false
		}
		better(s, v)
	default:
		return false
	}
	return true
}

// asMetric gives a whole number of a column as the metric has it: instants are in
// microseconds.
func asMetric(v int64, column, metric arrow.DataType) (int64, bool) {
	if metric.ID() == arrow.INT64 {
		return v, arrow.IsSignedInteger(column.ID())
	}
	if metric.ID() != arrow.TIMESTAMP {
		return 0, false
	}
	unit := 24 * time.Hour
	switch t := column.(type) {
	case *arrow.Date32Type:
	case *arrow.TimestampType:
		unit = t.Unit.Multiplier()
	default:
		return 0, false
	}
	if unit < time.Microsecond {
		return 0, false // what is cut off is the reader's to say
	}
	scaled := v * int64(unit/time.Microsecond)
	return scaled, scaled/int64(unit/time.Microsecond) == v
}
