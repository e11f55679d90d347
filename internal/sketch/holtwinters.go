package sketch

import (
	"fmt"
	"math"
)

// A Forecast is what HoltWinters expects next.
type Forecast struct {
	Next   float64 // the value after the last
	StdErr float64 // of the forecasts of the series' values: √(Σ error²/(errors - 3))
	// The parameters that fit best: of level, trend and season, from 0 to 1.
	Alpha, Beta, Gamma float64
}

const longestSeries = 5000

// HoltWinters forecasts the next value of a series that has a trend and seasons of so many
// values, by additive exponential smoothing (Holt 1957, Winters 1960). It needs two whole seasons
// and at least three values, and looks at the last 5,000. Season 1 is that there are none. The
// first season gives the seasonal parts, the first two the trend; from the second on each value
// is forecast, and the parameters are those with the least squares of the errors in a search
// over a grid and around its best point, the same for the same series.
func HoltWinters(series []float64, season int) (Forecast, error) {
	if season < 1 || season > longestSeries/2 {
		return Forecast{}, fmt.Errorf("season of %d values: from 1 to %d expected", season, longestSeries/2)
	}
	if least := max(3, 2*season); len(series) < least {
		return Forecast{}, fmt.Errorf("series has %d values: at least %d expected", len(series), least)
	}
	series = series[max(0, len(series)-longestSeries):]
	for i, v := range series {
		if v-v != 0 {
			return Forecast{}, fmt.Errorf("value %d of the series is %v: a finite one expected", i+1, v)
		}
	}
	s := smoother{series: series, season: season, seasonal: make([]float64, season)}
	best := s.fit()
	next, squares := s.run(best)
	if next-next != 0 || squares-squares != 0 {
		return Forecast{}, fmt.Errorf("the values of the series are too large")
	}
	errors := float64(max(1, len(series)-season-3))
	return Forecast{next, math.Sqrt(squares / errors), best[0], best[1], best[2]}, nil
}

type smoother struct {
	series   []float64
	season   int
	seasonal []float64
}

// begin sets the seasonal parts, and gives the level at the end of the first season.
func (s *smoother) begin() (level, trend float64) {
	n := float64(s.season)
	var first, second float64
	for i := range s.season {
		first += s.series[i] / n
		second += s.series[s.season+i] / n
	}
	trend = (second - first) / n
	for i := range s.season {
		s.seasonal[i] = s.series[i] - first - trend*(float64(i)-(n-1)/2)
	}
	return first + trend*(n-1)/2, trend
}

// run forecasts each value from the second season on, and the next; squares is the sum of the
// squared errors.
func (s *smoother) run(p [3]float64) (next, squares float64) {
	level, trend := s.begin()
	at := 0
	for _, v := range s.series[s.season:] {
		e := v - (level + trend + s.seasonal[at])
		squares += e * e
		level += trend + p[0]*e
		trend += p[0] * p[1] * e
		s.seasonal[at] += p[2] * (1 - p[0]) * e
		if at++; at == s.season {
			at = 0
		}
	}
	return level + trend + s.seasonal[at], squares
}

// fit gives the parameters with the least squares that a search finds.
func (s *smoother) fit() [3]float64 {
	var best [3]float64
	_, least := s.run(best)
	try := func(p [3]float64) bool {
		for _, v := range p {
			if v < 0 || v > 1 {
				return false
			}
		}
		if s.season == 1 && p[2] != 0 {
			return false
		}
		_, squares := s.run(p)
		if !(squares < least) {
			return false
		}
		best, least = p, squares
		return true
	}
	const steps = 5
	for i := range (steps + 1) * (steps + 1) * (steps + 1) {
		try([3]float64{float64(i%6) / steps, float64(i/6%6) / steps, float64(i/36) / steps})
	}
	for step := 0.1; step > 0.003; step /= 2 {
		for rounds := 0; rounds < 10 && s.around(best, step, try); rounds++ {
		}
	}
	return best
}

// around tries the neighbours of a point, and reports whether one was better.
func (s *smoother) around(p [3]float64, step float64, try func([3]float64) bool) bool {
	better := false
	for d := range p {
		for _, by := range []float64{-step, step} {
			q := p
			q[d] += by
			better = try(q) || better
		}
	}
	return better
}
