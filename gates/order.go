package gates

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/pipeline"
)

// orderMetrics are those of the order in which rows come, and of ranges.
var orderMetrics = []metricFunc{
	stepsOf("falls", func(s *steps) int64 { return s.Falls }),
	stepsOf("rises", func(s *steps) int64 { return s.Rises }),
	stepsOf("repeats", func(s *steps) int64 { return s.Repeats }),
	{
		MetricFunc: fn("overlaps", countOfOrdered("overlaps"), expr.RowExpr, expr.RowExpr), state: "overlaps",
		open: func(_ []arrow.DataType, _ []any, with means) state { return &overlaps{with: with} },
		read: func(s state, _ []any) reading { return exactly(s.(*overlaps).count()) },
	},
}

func stepsOf(name string, f func(*steps) int64) metricFunc {
	return metricFunc{
		MetricFunc: fn(name, countOfOrdered(name), expr.RowExpr), state: "steps",
		open: func(args []arrow.DataType, _ []any, _ means) state {
			return &steps{First: extreme{typ: args[0]}, Last: extreme{typ: args[0]}}
		},
		read: func(s state, _ []any) reading { return exactly(f(s.(*steps))) },
	}
}

func countOfOrdered(name string) resultFunc {
	ordered := orderedResult(name)
	return func(args []arrow.DataType) (arrow.DataType, error) {
		for _, arg := range args {
			if _, err := ordered([]arrow.DataType{arg}); err != nil {
				return nil, err
			}
		}
		return arrow.PrimitiveTypes.Int64, nil
	}
}

// steps counts how each value stands to the one before it, nulls and NaN left out.
type steps struct {
	First, Last           extreme // the values at the edges
	Falls, Rises, Repeats int64
}

func (s *steps) update(values arrow.Array, _ int64) error {
	for i := range values.Len() {
		if values.IsNull(i) {
			continue
		}
		one := extreme{typ: s.Last.typ, Sign: 1}
		if err := one.updateOne(values, i); err != nil {
			return err
		}
		if one.Best == nil {
			continue
		}
		s.step(&one)
		if s.First.Best == nil {
			s.First.Best = one.Best
		}
		s.Last.Best = one.Best
	}
	return nil
}

// updateOne takes in one of some values.
func (e *extreme) updateOne(values arrow.Array, i int) error {
	one := array.NewSlice(values, int64(i), int64(i)+1)
	defer one.Release()
	return e.update(one, 1)
}

// step counts the step from the last value to the next.
func (s *steps) step(next *extreme) {
	if s.Last.Best == nil || next.Best == nil {
		return
	}
	switch compareBest(s.Last.Best, next.Best) {
	case 1:
		s.Falls++
	case -1:
		s.Rises++
	default:
		s.Repeats++
	}
}

func (s *steps) merge(other state) error {
	o := other.(*steps)
	s.step(&o.First)
	s.Falls, s.Rises, s.Repeats = s.Falls+o.Falls, s.Rises+o.Rises, s.Repeats+o.Repeats
	if s.First.Best == nil {
		s.First.Best = o.First.Best
	}
	if o.Last.Best != nil {
		s.Last.Best = o.Last.Best
	}
	return nil
}

// storedSteps is how steps are written.
type storedSteps struct {
	First   json.RawMessage `json:"first"`
	Last    json.RawMessage `json:"last"`
	Falls   int64           `json:"falls"`
	Rises   int64           `json:"rises"`
	Repeats int64           `json:"repeats"`
}

// MarshalJSON writes the counts and the values at the edges.
func (s *steps) MarshalJSON() ([]byte, error) {
	first, err := s.First.MarshalJSON()
	if err != nil {
		return nil, err
	}
	last, err := s.Last.MarshalJSON()
	if err != nil {
		return nil, err
	}
	return json.Marshal(storedSteps{first, last, s.Falls, s.Rises, s.Repeats})
}

// UnmarshalJSON implements loader.
func (s *steps) UnmarshalJSON(text []byte) error {
	var in storedSteps
	if err := strict(text, &in, 5); err != nil {
		return err
	}
	if in.Falls < 0 || in.Rises < 0 || in.Repeats < 0 {
		return errCounts
	}
	s.Falls, s.Rises, s.Repeats = in.Falls, in.Rises, in.Repeats
	return errors.Join(s.First.UnmarshalJSON(in.First), s.Last.UnmarshalJSON(in.Last))
}

// overlaps has the ranges of all rows, as long as the budget has room for them.
type overlaps struct {
	with   means
	ranges [][2]any
	taken  int64
	none   int64 // ranges of which an end is NaN
	failed bool
}

// rangeBytes is about what a range takes.
const rangeBytes = 64

func (o *overlaps) update(arrow.Array, int64) error {
	return pipeline.Errorf(pipeline.Internal, "a range has two ends")
}

func (o *overlaps) updateAll(values []arrow.Array, _ int64) error {
	from, to := valueAt(values[0]), valueAt(values[1])
	for i := range values[0].Len() {
		if values[0].IsValid(i) && values[1].IsValid(i) {
			o.add([2]any{from(i), to(i)})
		}
	}
	return nil
}

func (o *overlaps) add(r [2]any) {
	if r[0] == nil || r[1] == nil {
		o.none++
		return
	}
	if o.failed || !o.with.Memory.Take(rangeBytes) {
		o.failed = true
		return
	}
	o.taken += rangeBytes
	o.ranges = append(o.ranges, r)
}

// valueAt gives the values of an array that can be ordered.
func valueAt(values arrow.Array) func(int) any {
	typ := values.DataType()
	return func(i int) any {
		one := extreme{typ: typ, Sign: 1}
		_ = one.updateOne(values, i)
		return one.Best
	}
}

func (o *overlaps) merge(other state) error {
	p := other.(*overlaps)
	o.failed, o.none = o.failed || p.failed, o.none+p.none
	for _, r := range p.ranges {
		o.add(r)
	}
	p.release()
	return nil
}

func (o *overlaps) release() {
	o.with.Memory.Give(o.taken)
	o.ranges, o.taken = nil, 0
}

// count is the number of ranges that begin before one that began earlier has ended, or end
// before they begin, or have an end that is NaN. The end is not part of a range.
func (o *overlaps) count() any {
	if o.failed {
		return errNoRoom
	}
	slices.SortFunc(o.ranges, func(a, b [2]any) int {
		if c := compareBest(a[0], b[0]); c != 0 {
			return c
		}
		return compareBest(a[1], b[1])
	})
	n := o.none
	var end any
	for _, r := range o.ranges {
		if end != nil && compareBest(r[0], end) < 0 || compareBest(r[1], r[0]) < 0 {
			n++
		}
		if end == nil || compareBest(r[1], end) > 0 {
			end = r[1]
		}
	}
	return n
}

// MarshalJSON writes the result alone: the ranges are too many.
func (o *overlaps) MarshalJSON() ([]byte, error) {
	n, ok := o.count().(int64)
	if !ok {
		return nil, errNoRoom
	}
	return json.Marshal(map[string]int64{"overlaps": n})
}

// compareBest orders two values of extremes, which have the same type; nil first.
func compareBest(a, b any) int {
	switch a := a.(type) {
	case int64:
		b, _ := b.(int64)
		return cmp.Compare(a, b)
	case uint64:
		b, _ := b.(uint64)
		return cmp.Compare(a, b)
	case float64:
		b, _ := b.(float64)
		return cmp.Compare(a, b)
	case string:
		b, _ := b.(string)
		return cmp.Compare(a, b)
	}
	return compareDigits(a, b)
}
