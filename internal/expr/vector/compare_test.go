package vector

import (
	"cmp"
	"math"
	"testing"
)

// Comparisons of columns and constants are what Go says of each row, at the ends of each
// kind, for any number of rows.
func TestComparison(t *testing.T) {
	testComparison(t, Int, func(v *Vector) *[]int64 { return &v.Ints }, 0, 1, -1, 2, 100, math.MaxInt64, math.MaxInt64-1, math.MinInt64, math.MinInt64+1)
	testComparison(t, Uint, func(v *Vector) *[]uint64 { return &v.Uints }, 0, 1, 2, 100, math.MaxInt64, 1<<63, 1<<63+1, math.MaxUint64, math.MaxUint64-1)
	testComparison(t, Double, func(v *Vector) *[]float64 { return &v.Doubles }, 0, math.Copysign(0, -1), 1, -1, math.Nextafter(1, 2), math.Nextafter(1, 0),
		math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64, math.MaxFloat64, -math.MaxFloat64, math.Inf(1), math.Inf(-1),
		math.NaN(), math.Copysign(math.NaN(), -1), math.Float64frombits(0x7ff0000000000001), math.Float64frombits(0xffffffffffffffff))
}

func testComparison[T cmp.Ordered](t *testing.T, kind Kind, of func(*Vector) *[]T, values ...T) {
	holds := map[Op]func(a, b T) bool{
		Less: func(a, b T) bool { return a < b }, LessEqual: func(a, b T) bool { return a <= b },
		Greater: func(a, b T) bool { return a > b }, GreaterEqual: func(a, b T) bool { return a >= b },
		Equal: func(a, b T) bool { return a == b }, NotEqual: func(a, b T) bool { return a != b },
	}
	for _, n := range []int{1, len(values), 63, 64, 65, 128, 200} {
		for shift := range values {
			var x, y, c, out Vector
			for i := range n {
				*of(&x) = append(*of(&x), values[i%len(values)])
				*of(&y) = append(*of(&y), values[(i+shift)%len(values)])
				*of(&c) = append(*of(&c), values[shift])
			}
			c.Const = true
			for op, want := range holds {
				for _, args := range [][]*Vector{{&x, &y}, {&x, &c}, {&c, &x}, {&c, &c}} {
					out.Start(Bool, n)
					Comparison(op, kind, kind)(&out, args, n, nil)
					for i := range n {
						a, b := (*of(args[0]))[i], (*of(args[1]))[i]
						if got := out.Bits.Get(i); got != want(a, b) {
							t.Fatalf("comparison %d of kind %d, row %d of %d: %v with %v is %v", op, kind, i, n, a, b, got)
						}
					}
				}
			}
		}
	}
}
