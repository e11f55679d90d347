package suggest

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestNiceNumbersBound(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		x := math.Exp(r.Float64()*60-30) * float64(1-2*r.IntN(2))
		low, high := niceDown(x), niceUp(x)
		if low > x*(1-math.Copysign(1e-11, x)) && low > x || high < x && high < x*(1-math.Copysign(1e-11, x)) {
			t.Fatalf("%v is not between %v and %v", x, low, high)
		}
		if size := math.Abs(x); math.Abs(low) < size/1.6 || math.Abs(high) > size*1.6 {
			t.Fatalf("%v is far from %v or %v", x, low, high)
		}
		if len(strings.TrimRight(plain(high), "0.")) > 14 {
			t.Fatalf("%v is not nice: %s", x, plain(high))
		}
	}
	for _, x := range []float64{1, 1.5, 2, 100, 0.25, 4000, -30} {
		if niceUp(x) != x || niceDown(x) != x {
			t.Errorf("%v is nice, found %v and %v", x, niceDown(x), niceUp(x))
		}
	}
}

func TestNamesInCEL(t *testing.T) {
	for name, want := range map[string]string{"delay": "delay", "in": `col("in")`, "a b": `col("a b")`, `it"s`: `col("it\"s")`, "1st": `col("1st")`} {
		if got := Ident(name); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}
