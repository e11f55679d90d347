package sketch

import (
	"math"
	"math/rand/v2"
	"testing"
)

// What is taken out again leaves what it would be without.
func TestSubtract(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		var all, some, rest FloatSum
		var ints, someInts, restInts IntSum
		for range r.IntN(5000) {
			v := math.Ldexp(r.Float64()-0.5, r.IntN(600)-300)
			switch r.IntN(500) {
			case 0:
				v = math.NaN()
			case 1:
				v = math.Inf(1 - 2*r.IntN(2))
			}
			high, low := int64(r.Uint64()), r.Uint64()
			all.Add(v)
			ints.Add128(high, low)
			if r.IntN(3) == 0 {
				some.Add(v)
				someInts.Add128(high, low)
			} else {
				rest.Add(v)
				restInts.Add128(high, low)
			}
		}
		all.Subtract(&some)
		ints.Subtract(&someInts)
		if got, want := all.Sum(), rest.Sum(); got != want && !(math.IsNaN(got) && math.IsNaN(want)) || all.Count() != rest.Count() {
			t.Errorf("floats: got %v of %d, want %v of %d", got, all.Count(), want, rest.Count())
		}
		if ints != restInts {
			t.Errorf("integers: got %v, want %v", ints.Sum(), restInts.Sum())
		}
	}
}
