package sketch

import (
	"math"
	"math/big"
	"testing"
)

// exact computes moments in two passes with 600 bits.
func exact(values, other []float64) (mean, m2, m3, m4, cxy float64) {
	f := func(v float64) *big.Float { return new(big.Float).SetPrec(600).SetFloat64(v) }
	average := func(vs []float64) *big.Float {
		sum := f(0)
		for _, v := range vs {
			sum.Add(sum, f(v))
		}
		return sum.Quo(sum, f(float64(len(vs))))
	}
	mx, my := average(values), average(other)
	s2, s3, s4, c := f(0), f(0), f(0), f(0)
	for i, v := range values {
		d, e := f(v), f(other[i])
		d.Sub(d, mx)
		e.Sub(e, my)
		p := f(0).Mul(d, d)
		s2.Add(s2, p)
		s4.Add(s4, f(0).Mul(p, p))
		s3.Add(s3, p.Mul(p, d))
		c.Add(c, e.Mul(e, d))
	}
	mean, _ = mx.Float64()
	m2, _ = s2.Float64()
	m3, _ = s3.Float64()
	m4, _ = s4.Float64()
	cxy, _ = c.Float64()
	return mean, m2, m3, m4, cxy
}

func TestMomentsAgainstTwoPasses(t *testing.T) {
	r := seeded(t)
	for range 100 {
		n := 1 + r.IntN(3000)
		offset, scale := 1000*r.NormFloat64(), math.Exp(5*r.NormFloat64())
		values, other := make([]float64, n), make([]float64, n)
		for i := range values {
			values[i] = offset + scale*r.ExpFloat64()
			other[i] = 2*values[i] + scale*r.NormFloat64()
		}
		var states []*Moments
		var pairs []*CoMoments
		at := 0
		for _, part := range cut(r, values) {
			m, c := new(Moments), new(CoMoments)
			for _, v := range part {
				m.Add(v)
				c.Add(v, other[at])
				at++
			}
			states, pairs = append(states, again(t, m, new(Moments))), append(pairs, again(t, c, new(CoMoments)))
		}
		m := tree(r, states, func(a, b *Moments) *Moments { a.Merge(b); return a })
		c := tree(r, pairs, func(a, b *CoMoments) *CoMoments { a.Merge(b); return a })
		mean, m2, m3, m4, cxy := exact(values, other)
		// Conditioning: what rounding of the values alone does to the result.
		spread := math.Sqrt(m2/float64(n)) + 1e-300
		loose := 1e-12 * (1 + math.Abs(mean)/spread)
		third := math.Abs(m3) + float64(n)*spread*spread*spread
		if m.Count() != int64(n) || !near(m.mean, mean, 1e-13) || !near(m.m2, m2, loose) ||
			math.Abs(m.m3-m3) > 10*loose*third || !near(m.m4, m4, 10*loose) || math.Abs(c.cxy-cxy) > 10*loose*math.Abs(2*m2+spread*scale*float64(n)) {
			t.Fatalf("moments of %d values are %v, want %v %v %v %v %v (%v)", n, m, mean, m2, m3, m4, cxy, c)
		}
		if !near(c.m2x, m2, loose) || !near(c.meanX, mean, 1e-13) {
			t.Fatalf("co-moments are %v", c)
		}
	}
}

func TestMomentsOfFewAndStrangeValues(t *testing.T) {
	var s Moments
	for _, f := range []float64{s.Mean(), s.Variance(), s.Skewness(), s.Kurtosis(), s.KurtosisPop()} {
		if f == f {
			t.Error("no values have a statistic")
		}
	}
	s.Add(1)
	if s.Mean() != 1 || s.Variance() == s.Variance() || s.SkewnessPop() == s.SkewnessPop() {
		t.Errorf("one value has %v", s)
	}
	s.Add(math.Inf(1))
	s.Add(math.NaN())
	if s.Mean() == s.Mean() || s.Finite().Mean() != 1 || s.NotFinite() != 2 {
		t.Errorf("with NaN it is %v", s)
	}
	var o Moments
	o.Merge(&s)
	if o != s {
		t.Errorf("merged into nothing it is %v", o)
	}
	for range 3 {
		o.Add(math.MaxFloat64)
		o.Add(-math.MaxFloat64)
	}
	again(t, &o, new(Moments))
	var c CoMoments
	c.Add(1, 1)
	c.Add(2, 2)
	if c.Correlation() != 1 || c.Covariance() != 0.5 {
		t.Errorf("co-moments are %v", c)
	}
	c.Add(1, math.NaN())
	if c.Correlation() == c.Correlation() || c.Covariance() == c.Covariance() || c.Count() != 2 || c.NotFinite() != 1 {
		t.Errorf("with NaN it is %v", c)
	}
}

// The values are DuckDB's.
func TestStatisticsAreDuckDBs(t *testing.T) {
	x, y := []float64{1, 2, 4, 8, 16.5, -3, 0.25}, []float64{2, 1, 7, 3, 9, 0, 4}
	m, c := momentsOf(x...), new(CoMoments)
	for i := range x {
		c.Add(x[i], y[i])
	}
	for name, v := range map[string][2]float64{
		"skewness":     {m.Skewness(), 1.3210297981226664},
		"kurtosis":     {m.Kurtosis(), 1.880377112136562},
		"kurtosis_pop": {m.KurtosisPop(), 0.033490463390234204},
		"var_samp":     {m.Variance(), 41.37202380952381},
		"stddev_samp":  {m.Stddev(), math.Sqrt(41.37202380952381)},
		"corr":         {c.Correlation(), 0.7866988841060737},
		"covar_samp":   {c.Covariance(), 16.452380952380953},
	} {
		if !near(v[0], v[1], 1e-12) {
			t.Errorf("%s is %v, want %v", name, v[0], v[1])
		}
	}
}

func TestMomentsRefuse(t *testing.T) {
	refused(t, new(Moments), `{"count":-1,"not_finite":0,"mean":0,"m2":0,"m3":0,"m4":0}`,
		`{"count":2,"not_finite":0,"mean":0,"m2":-1,"m3":0,"m4":0}`,
		`{"count":1,"not_finite":0,"mean":0,"m2":1,"m3":0,"m4":0}`,
		`{"count":0,"not_finite":0,"mean":1,"m2":0,"m3":0,"m4":0}`,
		`{"count":2,"not_finite":0,"mean":"x","m2":0,"m3":0,"m4":0}`)
	refused(t, new(CoMoments), `{"count":2,"not_finite":0,"mean_x":0,"mean_y":0,"m2x":-1,"m2y":0,"cxy":0}`)
}

func FuzzMoments(f *testing.F) {
	s := new(Moments)
	for i := range 5 {
		s.Add(float64(i * i))
	}
	fuzzJSON(f, func() *Moments { return new(Moments) }, func(o, twin *Moments) {
		o.Merge(twin)
		o.Add(1)
		o.Merge(s)
		o.Kurtosis()
		Welch(o, s)
		TTest(o, 1)
	}, s, new(Moments))
}

func FuzzCoMoments(f *testing.F) {
	s := new(CoMoments)
	s.Add(1, 2)
	s.Add(2, 3)
	fuzzJSON(f, func() *CoMoments { return new(CoMoments) }, func(o, twin *CoMoments) {
		o.Merge(twin)
		o.Add(1, 3)
		o.Merge(s)
		o.Correlation()
	}, s, new(CoMoments))
}

func BenchmarkMomentsAdd(b *testing.B) {
	var s Moments
	x := 0.0
	for b.Loop() {
		s.Add(x)
		x += 0.1
	}
}

func BenchmarkCoMomentsAdd(b *testing.B) {
	var s CoMoments
	x := 0.0
	for b.Loop() {
		s.Add(x, 1-x)
		x += 0.1
	}
}
