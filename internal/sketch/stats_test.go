package sketch

import (
	"math"
	"slices"
	"testing"
)

func momentsOf(values ...float64) *Moments {
	s := new(Moments)
	for _, v := range values {
		s.Add(v)
	}
	return s
}

// Student's sleep data and what R's t.test says of them.
var (
	sleep1 = []float64{0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0}
	sleep2 = []float64{1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4}
)

func TestTTests(t *testing.T) {
	for name, c := range map[string]struct {
		got, want [3]float64
	}{
		"sleep":       {three(Welch(momentsOf(sleep1...), momentsOf(sleep2...))), [3]float64{-1.8608, 17.776, 0.07939}},
		"one of them": {three(TTest(momentsOf(sleep1...), 0)), [3]float64{1.3257, 9, 0.2176}},
		"table, df 1": {three(studentP(12.7062, 1)), [3]float64{12.7062, 1, 0.05}},
		"table, 10":   {three(studentP(-2.22814, 10)), [3]float64{-2.22814, 10, 0.05}},
		"table, 120":  {three(studentP(2.61742, 120)), [3]float64{2.61742, 120, 0.01}},
		"nothing":     {three(studentP(0, 7)), [3]float64{0, 7, 1}},
	} {
		for i := range c.want {
			if !near(c.got[i], c.want[i], 2e-4) {
				t.Errorf("%s: %v, want %v", name, c.got, c.want)
			}
		}
	}
	if _, _, p := TTest(momentsOf(1), 0); p == p {
		t.Error("one value has a p")
	}
	if stat, _, p := TTest(momentsOf(1, 1, 1), 0); !math.IsInf(stat, 1) || p != 0 {
		t.Errorf("equal values have t %v, p %v", stat, p)
	}
	for _, df := range []float64{0.51, 1, 1e6, 1e9, 1e300, math.MaxFloat64} {
		for _, stat := range []float64{0, 1e-300, 1, 1e300} {
			if _, _, p := studentP(stat, df); p < 0 || p > 1 {
				t.Errorf("t %v, df %v: p is %v", stat, df, p)
			}
		}
	}
}

func three(a, b, c float64) [3]float64 { return [3]float64{a, b, c} }

func counted(counts ...int64) map[string]int64 {
	all := map[string]int64{}
	for i, c := range counts {
		all[string(rune('a'+i))] = c
	}
	return all
}

func table(columns int, counts ...int64) map[Pair]int64 {
	all := map[Pair]int64{}
	for i, c := range counts {
		all[Pair{string(rune('a' + i/columns)), string(rune('A' + i%columns))}] = c
	}
	return all
}

func TestChiSquare(t *testing.T) {
	for name, c := range map[string]struct {
		got, want [3]float64
	}{
		"scipy.stats.chisquare":        {three(ChiSquare(counted(16, 18, 16, 14, 12, 12), counted(1, 1, 1, 1, 1, 1))), [3]float64{2, 5, 0.84914503608460956}},
		"Mendel's peas":                {three(ChiSquare(counted(315, 101, 108, 32), counted(9, 3, 3, 1))), [3]float64{0.470023980815348, 3, 0.925425895103616}},
		"scipy.stats.chi2_contingency": {three(Independence(table(3, 10, 10, 20, 20, 20, 20))), [3]float64{2.7777777777777777, 2, 0.24935220877729619}},
		"the same of two":              {three(ChiSquareTwo(counted(10, 10, 20), counted(20, 20, 20))), [3]float64{2.7777777777777777, 2, 0.24935220877729619}},
		"one value":                    {three(ChiSquare(counted(5), counted(7))), [3]float64{0, 0, 1}},
		"a new one":                    {three(ChiSquare(counted(5, 1), counted(7))), [3]float64{math.Inf(1), 1, 0}},
	} {
		for i := range c.want {
			if !near(c.got[i], c.want[i], 1e-11) {
				t.Errorf("%s: %v, want %v", name, c.got, c.want)
			}
		}
	}
	for _, c := range []map[string]int64{nil, {"a": -1, "b": 3}, {"a": 0}} {
		if stat, _, p := ChiSquare(c, counted(1)); stat == stat || p == p {
			t.Errorf("%v has a statistic", c)
		}
	}
}

func TestStatisticsOfExtremeCountsAreProbabilities(t *testing.T) {
	r := seeded(t)
	count := func() int64 { return r.Int64() >> r.IntN(63) }
	for range 3000 {
		a, b, pairs := map[string]int64{}, map[string]int64{}, map[Pair]int64{}
		for i := range 1 + r.IntN(8) {
			k := string(rune('a' + i))
			a[k], b[k], pairs[Pair{k, string(rune('a' + r.IntN(5)))}] = count(), count(), count()
		}
		_, _, p1 := ChiSquare(a, b)
		_, _, p2 := ChiSquareTwo(a, b)
		_, _, p3 := Independence(pairs)
		for _, p := range []float64{p1, p2, p3} {
			if p < 0 || p > 1 {
				t.Fatalf("p is %v of %v, %v, %v", p, a, b, pairs)
			}
		}
		if KL(a, b) < 0 || PSI(a, b) < 0 || LInfinity(a, b) > 1 || Entropy(a) < 0 || CramersV(pairs) > 1 || MutualInformation(pairs) < 0 {
			t.Fatalf("statistics of %v, %v, %v are impossible", a, b, pairs)
		}
		stat := math.Exp(20 * r.NormFloat64())
		if p := chiSquareP(stat, float64(1+r.IntN(1<<r.IntN(30)))); !(p >= 0 && p <= 1) {
			t.Fatalf("p of %v is %v", stat, p)
		}
	}
}

func TestAssociation(t *testing.T) {
	// scipy.stats.contingency.association of its example
	if v := CramersV(table(2, 100, 150, 203, 322, 420, 700, 320, 210)); !near(v, 0.18617813077483678, 1e-12) {
		t.Errorf("Cramér's V is %v", v)
	}
	same, apart := table(2, 3, 0, 0, 5), table(2, 2, 4, 3, 6)
	if v, w := CramersV(same), CramersV(apart); v != 1 || w > 1e-7 {
		t.Errorf("Cramér's V is %v, %v", v, w)
	}
	if v, w := MutualInformation(same), MutualInformation(apart); !near(v, Entropy(counted(3, 5)), 1e-14) || w > 1e-15 {
		t.Errorf("mutual information is %v, %v", v, w)
	}
	for _, c := range []map[Pair]int64{nil, table(2, -1, 2)} {
		if v, w := CramersV(c), MutualInformation(c); v == v || w == w {
			t.Errorf("%v has %v, %v", c, v, w)
		}
	}
	if v := CramersV(table(2, 4, 5)); v == v {
		t.Errorf("one row has %v", v)
	}
}

func TestDivergences(t *testing.T) {
	a, b := counted(10, 30, 60), counted(20, 20, 60)
	p, q := []float64{10.5 / 101.5, 30.5 / 101.5, 60.5 / 101.5}, []float64{20.5 / 101.5, 20.5 / 101.5, 60.5 / 101.5}
	kl, back := 0.0, 0.0
	for i := range p {
		kl += p[i] * math.Log(p[i]/q[i])
		back += q[i] * math.Log(q[i]/p[i])
	}
	if got := KL(a, b); !near(got, kl, 1e-12) {
		t.Errorf("KL is %v, want %v", got, kl)
	}
	if got := PSI(a, b); !near(got, kl+back, 1e-12) || got != PSI(b, a) {
		t.Errorf("PSI is %v, want %v", got, kl+back)
	}
	if got := LInfinity(a, b); got != 0.1 {
		t.Errorf("L∞ is %v", got)
	}
	if got := Entropy(counted(7, 7, 7, 7)); !near(got, math.Log(4), 1e-15) || math.Signbit(Entropy(counted(3))) {
		t.Errorf("entropy is %v", got)
	}
	if KL(a, a) != 0 || PSI(a, a) != 0 || LInfinity(a, a) != 0 || math.IsInf(KL(counted(1), map[string]int64{"z": 1}), 0) {
		t.Error("a distribution is far from itself, or another is infinitely far")
	}
	for _, f := range []float64{KL(nil, a), PSI(a, nil), LInfinity(nil, nil), Entropy(nil), Entropy(counted(-1, 2))} {
		if f == f {
			t.Error("no counts have a divergence")
		}
	}
}

func TestKolmogorovSmirnovBoundsHold(t *testing.T) {
	r := seeded(t)
	for range 40 {
		x, y := shaped(r, "normal", 1+r.IntN(20_000)), shaped(r, []string{"normal", "random", "few"}[r.IntN(3)], 1+r.IntN(20_000))
		var a, b Quantiles
		a.AddAll(x)
		b.AddAll(y)
		if r.IntN(2) == 0 {
			a.Compact(200)
			b.Compact(100)
		}
		d, low, high := KolmogorovSmirnov(&a, &b)
		want := distance(x, y)
		if want < low-1e-12 || want > high+1e-12 || d < low || d > high {
			t.Fatalf("distance is %v, estimate %v, bounds %v to %v", want, d, low, high)
		}
		if a.Error()+b.Error() == 0 && !near(d, want, 1e-12) || high-low > 4*(a.Error()+b.Error())+1e-12 {
			t.Fatalf("bounds %v to %v are too wide", low, high)
		}
	}
	if d, _, _ := KolmogorovSmirnov(new(Quantiles), new(Quantiles)); d == d {
		t.Error("no values have a distance")
	}
}

// distance is that of Kolmogorov and Smirnov, by sorting.
func distance(x, y []float64) (d float64) {
	slices.Sort(x)
	slices.Sort(y)
	i, j := 0, 0
	for i < len(x) && j < len(y) {
		v := min(x[i], y[j])
		for i < len(x) && x[i] == v {
			i++
		}
		for j < len(y) && y[j] == v {
			j++
		}
		d = max(d, math.Abs(float64(i)/float64(len(x))-float64(j)/float64(len(y))))
	}
	return d
}

func TestHoltWinters(t *testing.T) {
	r := seeded(t)
	at := func(i int) float64 { return 10 + 0.5*float64(i) + []float64{3, -1, -2, 0, 5, -4, -1}[i%7] }
	var plain, noisy []float64
	for i := range 70 {
		plain, noisy = append(plain, at(i)), append(noisy, at(i)+0.3*r.NormFloat64())
	}
	f, err := HoltWinters(plain, 7)
	if err != nil || !near(f.Next, at(70), 1e-9) || f.StdErr > 1e-9 {
		t.Errorf("forecast is %v, %v, want %v", f, err, at(70))
	}
	f, err = HoltWinters(noisy, 7)
	if err != nil || math.Abs(f.Next-at(70)) > 2 || f.StdErr > 0.8 || f.StdErr < 0.1 {
		t.Errorf("forecast is %v, %v, want %v", f, err, at(70))
	}
	if f, err = HoltWinters([]float64{4, 4, 4}, 1); err != nil || f != (Forecast{Next: 4}) {
		t.Errorf("forecast of a constant is %v, %v", f, err)
	}
	if f, err = HoltWinters([]float64{1, 2, 3, 4}, 1); err != nil || !near(f.Next, 5, 1e-12) {
		t.Errorf("forecast of a line is %v, %v", f, err)
	}
	for _, c := range []struct {
		series []float64
		season int
		want   string
	}{
		{plain[:13], 7, "series has 13 values: at least 14 expected"},
		{plain, 0, "season of 0 values: from 1 to 2500 expected"},
		{[]float64{1, 2, math.NaN()}, 1, "value 3 of the series is NaN: a finite one expected"},
		{[]float64{math.MaxFloat64, -math.MaxFloat64, 0}, 1, "the values of the series are too large"},
	} {
		if _, err := HoltWinters(c.series, c.season); err == nil || err.Error() != c.want {
			t.Errorf("error is %v, want %s", err, c.want)
		}
	}
}

func BenchmarkHoltWinters(b *testing.B) {
	series := make([]float64, 365)
	for i := range series {
		series[i] = math.Sin(float64(i)) + float64(i%7)
	}
	for b.Loop() {
		if _, err := HoltWinters(series, 7); err != nil {
			b.Fatal(err)
		}
	}
}
