package sketch

import (
	"bytes"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// anyFloat has any exponent, often one that makes others cancel.
func anyFloat(r *rand.Rand) float64 {
	switch r.IntN(6) {
	case 0:
		return math.Float64frombits(r.Uint64()&^(1<<62)) * 4 // most exponents, never too large
	case 1:
		return float64(r.IntN(2000) - 1000)
	case 2:
		return math.Ldexp(r.Float64()-0.5, -1070+r.IntN(80))
	case 3:
		return (r.Float64() - 0.5) * math.MaxFloat64
	}
	return r.NormFloat64()
}

func TestFloatSumIsExactInEveryOrder(t *testing.T) {
	r := seeded(t)
	for range 200 {
		values := make([]float64, r.IntN(9000))
		oracle := new(big.Float).SetPrec(2400)
		for i := range values {
			if values[i] = anyFloat(r); i > 0 && r.IntN(3) == 0 {
				values[i] = -values[r.IntN(i)]
			}
			if math.IsInf(values[i], 0) || values[i] != values[i] {
				values[i] = 1e-300
			}
			oracle.Add(oracle, new(big.Float).SetFloat64(values[i]))
		}
		want, _ := oracle.Float64()
		var whole FloatSum
		whole.AddAll(values)
		r.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
		var parts []*FloatSum
		for _, part := range cut(r, values) {
			s := new(FloatSum)
			if r.IntN(2) == 0 {
				s.AddAll(part)
			} else {
				for _, v := range part {
					s.Add(v)
				}
			}
			parts = append(parts, again(t, s, new(FloatSum)))
		}
		got := tree(r, parts, func(a, b *FloatSum) *FloatSum { b.Merge(a); return b })
		if got.Sum() != want || whole.Sum() != want || got.Exact().Cmp(oracle) != 0 {
			t.Fatalf("sum of %d values is %v and %v, want %v", len(values), got.Sum(), whole.Sum(), want)
		}
		if !bytes.Equal(marshal(t, got), marshal(t, &whole)) {
			t.Fatalf("in another order it is\n%s\n%s", marshal(t, got), marshal(t, &whole))
		}
	}
}

func TestFloatSumOfStrangeValues(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{1e308, 1e308, -1e308}, 1e308},
		{[]float64{1e308, 1e308}, inf},
		{[]float64{-1e308, -1e308, 1}, -inf},
		{[]float64{inf, 1}, inf},
		{[]float64{-inf, 1, inf}, math.NaN()},
		{[]float64{math.NaN(), 1}, math.NaN()},
		{[]float64{5e-324, -5e-324, -5e-324}, -5e-324},
		{[]float64{1, 0x1p-53}, 1},
		{[]float64{1, 0x1p-53, 5e-324}, 1 + 0x1p-52},
	} {
		var s FloatSum
		s.AddAll(c.values)
		r := again(t, &s, new(FloatSum))
		if got := r.Sum(); math.Float64bits(got) != math.Float64bits(c.want) && (got == got || c.want == c.want) {
			t.Errorf("sum of %v is %v, want %v", c.values, got, c.want)
		}
	}
}

func TestFloatSumOfManyGreatest(t *testing.T) {
	var s FloatSum
	for range 10_000 {
		s.Add(-math.MaxFloat64)
	}
	o := s
	for range 40 {
		twin := o
		o.Merge(&twin)
	}
	want := new(big.Float).SetPrec(200).SetFloat64(-math.MaxFloat64)
	want.Mul(want, big.NewFloat(10_000*0x1p40))
	if o.Exact().Cmp(want) != 0 {
		t.Errorf("sum is %v, want %v", o.Exact(), want)
	}
}

func TestSumsRefuse(t *testing.T) {
	refused(t, new(FloatSum), `{"count":0,"nan":0,"up":0,"down":0,"negative":false,"chunks":[[1,1]]}`,
		`{"count":1,"nan":1,"up":1,"down":0,"negative":false,"chunks":[]}`,
		`{"count":1,"nan":0,"up":0,"down":0,"negative":true,"chunks":[]}`,
		`{"count":1,"nan":0,"up":0,"down":0,"negative":false,"chunks":[[67,1]]}`,
		`{"count":1,"nan":0,"up":0,"down":0,"negative":false,"chunks":[[66,1]]}`,
		`{"count":1,"nan":0,"up":0,"down":0,"negative":false,"chunks":[[3,1],[3,1]]}`,
		`{"count":1,"nan":0,"up":0,"down":0,"negative":false,"chunks":[[3,-1]]}`)
	refused(t, new(IntSum), `{"count":0,"sum":"1"}`, `{"count":1,"sum":"+1"}`, `{"count":1,"sum":""}`, `{"count":1,"sum":1}`,
		`{"count":1,"sum":"170141183460469231731687303715884105729"}`)
}

func TestIntSumIsExact(t *testing.T) {
	r := seeded(t)
	for range 200 {
		oracle := new(big.Int)
		total := new(IntSum)
		for range 5 {
			s := new(IntSum)
			for range r.IntN(30) {
				high, low := int64(r.Uint64()), r.Uint64()
				switch r.IntN(3) {
				case 0:
					s.AddInt64(high)
					oracle.Add(oracle, big.NewInt(high))
				case 1:
					s.AddUint64(low)
					oracle.Add(oracle, new(big.Int).SetUint64(low))
				default:
					s.Add128(high, low)
					v := new(big.Int).Lsh(big.NewInt(high), 64)
					oracle.Add(oracle, v.Add(v, new(big.Int).SetUint64(low)))
				}
			}
			total.Merge(again(t, s, new(IntSum)))
		}
		total = again(t, total, new(IntSum))
		if total.Sum().Cmp(oracle) != 0 {
			t.Fatalf("sum is %v, want %v", total.Sum(), oracle)
		}
	}
	var s IntSum
	s.AddInt64(math.MinInt64)
	if v, fits := s.Int64(); v != math.MinInt64 || !fits {
		t.Errorf("sum is %d, %v", v, fits)
	}
	s.AddInt64(-1)
	if _, fits := s.Int64(); fits {
		t.Error("the sum does not fit")
	}
	s.AddUint64(math.MaxUint64)
	if v, fits := s.Uint64(); v != math.MaxInt64-1 || !fits || s.Count() != 3 {
		t.Errorf("sum is %d, %v", v, fits)
	}
}

func FuzzFloatSum(f *testing.F) {
	s, n := new(FloatSum), new(FloatSum)
	s.AddAll([]float64{1, 1e300, -5e-324, math.Inf(1)})
	n.AddAll([]float64{-1, 1e-300})
	fuzzJSON(f, func() *FloatSum { return new(FloatSum) }, func(s, twin *FloatSum) {
		s.Merge(twin)
		s.Add(math.Pi)
		s.Sum()
	}, s, n, new(FloatSum))
}

func FuzzIntSum(f *testing.F) {
	s := new(IntSum)
	s.Add128(-5, 5)
	fuzzJSON(f, func() *IntSum { return new(IntSum) }, func(s, twin *IntSum) {
		s.Merge(twin)
		s.AddInt64(-3)
	}, s, new(IntSum))
}

// compensated is the sum that package gates has: Neumaier's of 1974.
type compensated struct {
	count     int64
	sum, comp float64
}

func (s *compensated) add(v float64) {
	t := s.sum + v
	if math.Abs(s.sum) >= math.Abs(v) {
		s.comp += (s.sum - t) + v
	} else {
		s.comp += (v - t) + s.sum
	}
	s.sum = t
	s.count++
}

func BenchmarkFloatSum(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, shape := range []string{"random", "normal", "skewed", "few"} {
		values := shaped(r, shape, 1<<14)
		per := func(b *testing.B) {
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(values)), "ns/value")
		}
		b.Run("exact/"+shape, func(b *testing.B) {
			var s FloatSum
			for b.Loop() {
				s.AddAll(values)
			}
			per(b)
		})
		b.Run("one by one/"+shape, func(b *testing.B) {
			var s FloatSum
			for b.Loop() {
				for _, v := range values {
					s.Add(v)
				}
			}
			per(b)
		})
		b.Run("compensated/"+shape, func(b *testing.B) {
			var s compensated
			for b.Loop() {
				for _, v := range values {
					s.add(v)
				}
			}
			per(b)
		})
	}
}

func BenchmarkIntSumAdd(b *testing.B) {
	var s IntSum
	v := int64(1)
	for b.Loop() {
		s.AddInt64(v)
		v = -v * 3
	}
}
