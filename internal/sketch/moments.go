package sketch

import (
	"encoding/json"
	"errors"
	"math"
)

// Moments are the count, the mean and the sums of the second to fourth powers of the differences
// from it (M2, M3, M4), updated and merged after Pébay (2008). The zero value is the state of no
// values.
//
// Values that are not finite are counted aside; while there are any, statistics are NaN: see
// Finite. They are also NaN where there are too few values for them.
type Moments struct {
	count, notFinite int64
	mean, m2, m3, m4 float64
}

// Add takes in a value.
func (s *Moments) Add(v float64) {
	if v-v != 0 {
		s.notFinite++
		return
	}
	before := float64(s.count)
	s.count++
	n := float64(s.count)
	d := v - s.mean
	dn := d / n
	dn2 := dn * dn
	t := d * dn * before
	s.mean += dn
	s.m4 = max(0, s.m4+t*dn2*(n*n-3*n+3)+6*dn2*s.m2-4*dn*s.m3)
	s.m3 += t*dn*(n-2) - 3*dn*s.m2
	s.m2 += t
}

// Merge takes in the values of another state.
func (s *Moments) Merge(o *Moments) {
	s.notFinite = plus(s.notFinite, o.notFinite)
	if o.count == 0 {
		return
	}
	if s.count == 0 {
		aside := s.notFinite
		*s = *o
		s.notFinite = aside
		return
	}
	a, b := float64(s.count), float64(o.count)
	s.count = plus(s.count, o.count)
	n := a + b
	d := o.mean - s.mean
	dn := d / n
	s.m4 = max(0, s.m4+o.m4+d*dn*dn*dn*a*b*(a*a-a*b+b*b)+6*dn*dn*(a*a*o.m2+b*b*s.m2)+4*dn*(a*o.m3-b*s.m3))
	s.m3 += o.m3 + d*dn*dn*a*b*(a-b) + 3*dn*(a*o.m2-b*s.m2)
	s.m2 += o.m2 + d*dn*a*b
	s.mean += dn * b
}

// Count is the number of finite values.
func (s *Moments) Count() int64 { return s.count }

// NotFinite is the number of NaN and infinities.
func (s *Moments) NotFinite() int64 { return s.notFinite }

// Finite is the state of the finite values alone.
func (s *Moments) Finite() *Moments {
	f := *s
	f.notFinite = 0
	return &f
}

// of gives a statistic if there are enough values for it.
func (s *Moments) of(least int64, statistic float64) float64 {
	if s.count < least || s.notFinite > 0 {
		return math.NaN()
	}
	return statistic
}

// Mean is the arithmetic mean.
func (s *Moments) Mean() float64 { return s.of(1, s.mean) }

// Variance is the sample variance, M2/(n-1).
func (s *Moments) Variance() float64 { return s.of(2, s.m2/float64(s.count-1)) }

// Stddev is the square root of Variance.
func (s *Moments) Stddev() float64 { return math.Sqrt(s.Variance()) }

// SkewnessPop is the skewness of the values themselves, √n·M3/M2^1.5; NaN if all are equal.
func (s *Moments) SkewnessPop() float64 {
	return s.of(1, math.Sqrt(float64(s.count))*s.m3/(s.m2*math.Sqrt(s.m2)))
}

// Skewness is the estimate from a sample (G1), SkewnessPop·√(n(n-1))/(n-2): DuckDB's skewness.
func (s *Moments) Skewness() float64 {
	n := float64(s.count)
	return s.of(3, s.SkewnessPop()*math.Sqrt(n*(n-1))/(n-2))
}

// KurtosisPop is the excess kurtosis of the values themselves, n·M4/M2² - 3: DuckDB's
// kurtosis_pop; NaN if all are equal.
func (s *Moments) KurtosisPop() float64 {
	return s.of(1, float64(s.count)*(s.m4/s.m2)/s.m2-3)
}

// Kurtosis is the estimate from a sample (G2), (n-1)/((n-2)(n-3))·((n+1)·KurtosisPop + 6):
// DuckDB's kurtosis.
func (s *Moments) Kurtosis() float64 {
	n := float64(s.count)
	return s.of(4, (n-1)/((n-2)*(n-3))*((n+1)*s.KurtosisPop()+6))
}

type storedMoments struct {
	Count     int64  `json:"count"`
	NotFinite int64  `json:"not_finite"`
	Mean      number `json:"mean"`
	M2        number `json:"m2"`
	M3        number `json:"m3"`
	M4        number `json:"m4"`
}

// MarshalJSON writes the state.
func (s *Moments) MarshalJSON() ([]byte, error) {
	return json.Marshal(storedMoments{s.count, s.notFinite, number(s.mean), number(s.m2), number(s.m3), number(s.m4)})
}

var errMoments = errors.New("moments that no values have")

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Moments) UnmarshalJSON(text []byte) error {
	var in storedMoments
	if err := strict(text, &in, "count", "not_finite", "mean", "m2", "m3", "m4"); err != nil {
		return err
	}
	r := Moments{in.Count, in.NotFinite, float64(in.Mean), float64(in.M2), float64(in.M3), float64(in.M4)}
	switch {
	case !validCounts(in.Count, in.NotFinite):
		return errCount
	case r.m2 < 0, r.m4 < 0, r.count < 2 && (r.m2 != 0 || r.m3 != 0 || r.m4 != 0), r.count == 0 && r.mean != 0:
		return errMoments
	}
	*s = r
	return nil
}
