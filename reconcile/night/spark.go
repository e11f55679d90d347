package night

import (
	"math"
	"strings"

	"github.com/penstock-data/penstock/internal/figures"
)

// series is one line of the trend: its values, NaN where none is on record.
type series struct {
	Name   string
	Last   string // the value of this night, for people
	Values []float64
	Texts  []string // of the values
}

// trends are the lines of the trend that have a value.
func (n *Night) trends() []series {
	all := []series{{Name: "matched share"}, {Name: "open breaks"}, {Name: "new breaks"}, {Name: "cleared breaks"}, {Name: "sum |delta|"}}
	for _, p := range n.Trend {
		for i, v := range []*int64{nil, p.Open, p.New, p.Cleared, nil} {
			switch {
			case i == 0 && p.Share != nil:
				all[i].add(*p.Share, share(*p.Share))
			case i == 4 && !p.Delta.IsZero():
				all[i].add(p.Delta.Float64(), amount(p.Delta))
			case v != nil:
				all[i].add(float64(*v), figures.Count(*v))
			default:
				all[i].add(math.NaN(), "")
			}
		}
	}
	var some []series
	for _, s := range all {
		if low, high := bounds(s.Values); low <= high {
			some = append(some, s)
		}
	}
	return some
}

func (s *series) add(v float64, text string) {
	s.Values, s.Texts, s.Last = append(s.Values, v), append(s.Texts, text), text
}

// bounds are the least and greatest of the values; low is greater than high if there is none.
func bounds(values []float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if !math.IsNaN(v) {
			low, high = min(low, v), max(high, v)
		}
	}
	return low, high
}

// spark draws values as a line of bars; where there is none is a blank.
func spark(values []float64) string {
	low, high := bounds(values)
	var b strings.Builder
	for _, v := range values {
		switch {
		case math.IsNaN(v):
			b.WriteByte(' ')
		case high <= low:
			b.WriteRune('▄')
		default:
			b.WriteRune([]rune("▁▂▃▄▅▆▇█")[int(math.Round(7*(v-low)/(high-low)))])
		}
	}
	return b.String()
}
