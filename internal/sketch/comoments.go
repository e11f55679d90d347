package sketch

import (
	"encoding/json"
	"math"
)

// CoMoments are the count, means, sums of squared differences from them, and of their products,
// of pairs of values, updated and merged after Pébay (2008). The zero value is the state of no
// pairs. Pairs that are not finite are counted aside; while there are any, statistics are NaN.
type CoMoments struct {
	count, notFinite int64
	meanX, meanY     float64
	m2x, m2y, cxy    float64
}

// Add takes in a pair.
func (s *CoMoments) Add(x, y float64) {
	if x-x != 0 || y-y != 0 {
		s.notFinite++
		return
	}
	s.count++
	n := float64(s.count)
	dx, dy := x-s.meanX, y-s.meanY
	s.meanX += dx / n
	s.meanY += dy / n
	s.m2x += dx * (x - s.meanX)
	s.m2y += dy * (y - s.meanY)
	s.cxy += dx * (y - s.meanY)
}

// Merge takes in the pairs of another state.
func (s *CoMoments) Merge(o *CoMoments) {
	s.notFinite = plus(s.notFinite, o.notFinite)
	if o.count == 0 {
		return
	}
	a, b := float64(s.count), float64(o.count)
	s.count = plus(s.count, o.count)
	n := a + b
	dx, dy := o.meanX-s.meanX, o.meanY-s.meanY
	s.m2x += o.m2x + dx*dx*a*(b/n)
	s.m2y += o.m2y + dy*dy*a*(b/n)
	s.cxy += o.cxy + dx*dy*a*(b/n)
	s.meanX += dx * (b / n)
	s.meanY += dy * (b / n)
}

// Count is the number of finite pairs.
func (s *CoMoments) Count() int64 { return s.count }

// NotFinite is the number of the other pairs.
func (s *CoMoments) NotFinite() int64 { return s.notFinite }

// Covariance is that of a sample, Cxy/(n-1); NaN of less than two pairs.
func (s *CoMoments) Covariance() float64 {
	if s.count < 2 || s.notFinite > 0 {
		return math.NaN()
	}
	return s.cxy / float64(s.count-1)
}

// Correlation is Pearson's, between -1 and 1; NaN of less than two pairs or if all x or all y
// are equal.
func (s *CoMoments) Correlation() float64 {
	if s.count < 2 || s.notFinite > 0 {
		return math.NaN()
	}
	root := math.Sqrt(s.m2x * s.m2y)
	if root < 1e-140 || root > 1e140 { // the product may have left the range of exact floats
		root = math.Sqrt(s.m2x) * math.Sqrt(s.m2y)
	}
	return max(-1, min(s.cxy/root, 1))
}

type storedCoMoments struct {
	Count     int64  `json:"count"`
	NotFinite int64  `json:"not_finite"`
	MeanX     number `json:"mean_x"`
	MeanY     number `json:"mean_y"`
	M2X       number `json:"m2x"`
	M2Y       number `json:"m2y"`
	CXY       number `json:"cxy"`
}

// MarshalJSON writes the state.
func (s *CoMoments) MarshalJSON() ([]byte, error) {
	return json.Marshal(storedCoMoments{
		s.count, s.notFinite, number(s.meanX), number(s.meanY), number(s.m2x), number(s.m2y), number(s.cxy),
	})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *CoMoments) UnmarshalJSON(text []byte) error {
	var in storedCoMoments
	if err := strict(text, &in, "count", "not_finite", "mean_x", "mean_y", "m2x", "m2y", "cxy"); err != nil {
		return err
	}
	r := CoMoments{
		in.Count, in.NotFinite, float64(in.MeanX), float64(in.MeanY), float64(in.M2X), float64(in.M2Y), float64(in.CXY),
	}
	switch {
	case !validCounts(in.Count, in.NotFinite):
		return errCount
	case r.m2x < 0, r.m2y < 0, r.count < 2 && (r.m2x != 0 || r.m2y != 0 || r.cxy != 0),
		r.count == 0 && (r.meanX != 0 || r.meanY != 0):
		return errMoments
	}
	*s = r
	return nil
}
