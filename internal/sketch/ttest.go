package sketch

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// TTest is Student's test whether values with the mean mu could have had this mean: the statistic
// t = (mean - mu)/√(variance/n), its n-1 degrees of freedom, and p, the probability of one as far
// from 0. They are NaN of less than two values; where all values are equal t is infinite or NaN.
func TTest(m *Moments, mu float64) (t, df, p float64) {
	n := float64(m.count)
	return studentP((m.Mean()-mu)/math.Sqrt(m.Variance()/n), n-1)
}

// Welch is the test whether values with the same mean, whatever their variances, could have had
// these means: t = (mean a - mean b)/√(va + vb) where v = variance/n, the degrees of freedom
// after Welch and Satterthwaite, (va + vb)²/(va²/(na-1) + vb²/(nb-1)), and p, the probability of a
// t as far from 0. They are NaN if one has less than two values.
func Welch(a, b *Moments) (t, df, p float64) {
	na, nb := float64(a.count), float64(b.count)
	va, vb := a.Variance()/na, b.Variance()/nb
	s := va + vb
	df = 1 / ((va/s)*(va/s)/(na-1) + (vb/s)*(vb/s)/(nb-1))
	return studentP((a.Mean()-b.Mean())/math.Sqrt(s), df)
}

// studentP gives the probability of a t as far from 0 in Student's distribution. Degrees of
// freedom are at least 1, but for rounding.
func studentP(t, df float64) (float64, float64, float64) {
	switch {
	case t != t || !(df > 0.5):
		return t, df, math.NaN()
	case math.IsInf(t, 0):
		return t, df, 0
	case df > 1e9: // as good as normal
		return t, df, math.Erfc(math.Abs(t) / math.Sqrt2)
	}
	return t, df, mathext.RegIncBeta(df/2, 0.5, 1/(1+t*(t/df)))
}
