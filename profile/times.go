package profile

import (
	"maps"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/sketch"
)

const (
	// maxDays is up to how many days of the calendar are counted: some 270 years.
	maxDays = 100_000
	maxGaps = 5
)

// times is what is known of dates or timestamps, in ticks of their type since 1970.
type times struct {
	perDay int64
	layout string

	tally    tally[int64]
	order    order[int64]
	min, max int64
	midnight int64
	days     map[int64]bool // nil once there were too many
	day      int64          // the one that was seen last
	ranks    sketch.Quantiles
	buffer   []float64
}

func newTimes(t arrow.DataType) *times {
	s := &times{tally: newTally(hashInt), days: map[int64]bool{}, perDay: 1, layout: time.DateOnly}
	switch t := t.(type) {
	case *arrow.Date64Type:
		s.perDay = 24 * 60 * 60 * 1000
	case *arrow.TimestampType:
		s.perDay = int64(24 * time.Hour / t.Unit.Multiplier())
		s.layout = "2006-01-02T15:04:05.999999999Z"
	}
	return s
}

// ticksOf reads a value of a date or timestamp.
func ticksOf(a arrow.Array, i int) int64 {
	switch a := a.(type) {
	case *array.Timestamp:
		return int64(a.Value(i))
	case *array.Date32:
		return int64(a.Value(i))
	default:
		return int64(a.(*array.Date64).Value(i))
	}
}

func (s *times) add(batch arrow.RecordBatch, at int) {
	s.buffer = s.buffer[:0]
	eachValue(batch.Column(at), func(a arrow.Array, i int, n int64) {
		s.take(ticksOf(a, i))
	})
	s.ranks.AddAll(s.buffer)
}

func (s *times) take(v int64) {
	if !s.order.any {
		s.min, s.max = v, v
	}
	s.min, s.max = min(s.min, v), max(s.max, v)
	s.order.add(v)
	s.tally.add(v, 1)
	s.buffer = append(s.buffer, float64(v))
	day := floorDiv(v, s.perDay)
	if day*s.perDay == v {
		s.midnight++
	}
	if s.days != nil && (day != s.day || len(s.days) == 0) {
		s.day = day
		s.days[day] = true
		if len(s.days) > maxDays {
			s.days = nil
		}
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func (s *times) end() { s.buffer = nil }

func (s *times) follow(next state) {
	o := next.(*times)
	if !o.order.any {
		return
	}
	if !s.order.any {
		s.min, s.max = o.min, o.max
	}
	s.min, s.max = min(s.min, o.min), max(s.max, o.max)
	s.order.follow(&o.order)
	s.tally.merge(&o.tally)
	s.ranks.Merge(&o.ranks)
	s.midnight += o.midnight
	switch {
	case s.days == nil || o.days == nil:
		s.days = nil
	default:
		maps.Copy(s.days, o.days)
		if len(s.days) > maxDays {
			s.days = nil
		}
	}
}

// text is a time as people read it.
func (s *times) text(v int64) string {
	day := floorDiv(v, s.perDay)
	rest := time.Duration(v-day*s.perDay) * (24 * time.Hour / time.Duration(s.perDay))
	return time.Unix(day*24*60*60, int64(rest)).UTC().Format(s.layout)
}

func (s *times) tell(c *Column, n int64) {
	c.Distinct = s.tally.count(n)
	c.Values = s.tally.values(s.text)
	if !s.order.any {
		return
	}
	t := &Times{Min: s.text(s.min), Max: s.text(s.max), Days: -1, Missing: -1, Falls: s.order.falls, Midnight: s.midnight}
	if s.days != nil {
		days := slices.Sorted(maps.Keys(s.days))
		t.Days = int64(len(days))
		t.Missing = days[len(days)-1] - days[0] + 1 - t.Days
		t.Gaps = gaps(days)
	}
	c.Times = t
	second := float64(s.perDay) / (24 * 60 * 60)
	for _, b := range binsOf(&s.ranks, true) {
		c.Bins = append(c.Bins, Bin{b.Low / second, b.High / second, b.Rows})
	}
}

// gaps names the first days that are missing between those that are there.
func gaps(days []int64) (all []string) {
	for i := 1; i < len(days); i++ {
		for d := days[i-1] + 1; d < days[i] && len(all) < maxGaps; d++ {
			all = append(all, time.Unix(d*24*60*60, 0).UTC().Format(time.DateOnly))
		}
	}
	return all
}
