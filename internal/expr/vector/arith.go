package vector

import (
	"errors"
	"math"
	"math/bits"
)

// The errors of arithmetic, in the words of cel-go.
var (
	ErrOverflow     = errors.New("integer overflow")
	ErrUintOverflow = errors.New("unsigned integer overflow")
	ErrDivision     = errors.New("division by zero")
	ErrModulus      = errors.New("modulus by zero")
)

// AddInts is a + b; an overflow is an error.
func AddInts(out *Vector, args []*Vector, n int, open Bits) {
	a, b, sum := args[0].Ints[:n], args[1].Ints[:n], out.Ints[:n]
	var over int64
	for i, x := range a {
		y := b[i]
		s := x + y
		over |= (x ^ s) & (y ^ s)
		sum[i] = s
	}
	if over < 0 {
		out.Live(open, n, func(i int) {
			if s := a[i] + b[i]; (a[i]^s)&(b[i]^s) < 0 {
				out.Fault(i, n, ErrOverflow)
			}
		})
	}
}

// SubInts is a - b; an overflow is an error.
func SubInts(out *Vector, args []*Vector, n int, open Bits) {
	a, b, diff := args[0].Ints[:n], args[1].Ints[:n], out.Ints[:n]
	var over int64
	for i, x := range a {
		y := b[i]
		d := x - y
		over |= (x ^ y) & (x ^ d)
		diff[i] = d
	}
	if over < 0 {
		out.Live(open, n, func(i int) {
			if d := a[i] - b[i]; (a[i]^b[i])&(a[i]^d) < 0 {
				out.Fault(i, n, ErrOverflow)
			}
		})
	}
}

// MulInts is a * b; an overflow is an error.
func MulInts(out *Vector, args []*Vector, n int, open Bits) {
	a, b, product := args[0].Ints[:n], args[1].Ints[:n], out.Ints[:n]
	// Where both are of 32 bits nothing can overflow, and no row needs to be asked.
	var wide uint64
	for i, x := range a {
		y := b[i]
		product[i] = x * y
		wide |= uint64(x+1<<31) | uint64(y+1<<31)
	}
	if wide>>32 != 0 {
		out.Live(open, n, func(i int) {
			if mulOverflows(a[i], b[i]) {
				out.Fault(i, n, ErrOverflow)
			}
		})
	}
}

func mulOverflows(x, y int64) bool {
	hi, lo := bits.Mul64(uint64(x), uint64(y))
	if x < 0 {
		hi -= uint64(y)
	}
	if y < 0 {
		hi -= uint64(x)
	}
	return int64(hi) != int64(lo)>>63
}

// DivInts is a / b, towards zero.
func DivInts(out *Vector, args []*Vector, n int, open Bits) {
	divide(out, args, n, open, ErrDivision, func(x, y int64) int64 { return x / y })
}

// ModInts is a % b, of the sign of a.
func ModInts(out *Vector, args []*Vector, n int, open Bits) {
	divide(out, args, n, open, ErrModulus, func(x, y int64) int64 { return x % y })
}

func divide(out *Vector, args []*Vector, n int, open Bits, zero error, op func(x, y int64) int64) {
	a, b, quotient := args[0].Ints[:n], args[1].Ints[:n], out.Ints[:n]
	wrong := false
	for i, x := range a {
		y := b[i]
		if y == 0 || y == -1 && x == math.MinInt64 {
			wrong = true
			continue
		}
		quotient[i] = op(x, y)
	}
	if wrong {
		out.Live(open, n, func(i int) {
			switch {
			case b[i] == 0:
				out.Fault(i, n, zero)
			case b[i] == -1 && a[i] == math.MinInt64:
				out.Fault(i, n, ErrOverflow)
			}
		})
	}
}

// NegInts is -a.
func NegInts(out *Vector, args []*Vector, n int, open Bits) {
	mapInts(out, args, n, open, func(x int64) int64 { return -x })
}

// AbsInts is the absolute value of a.
func AbsInts(out *Vector, args []*Vector, n int, open Bits) {
	mapInts(out, args, n, open, func(x int64) int64 { return (x ^ x>>63) - x>>63 })
}

// mapInts is for operations that overflow on the least value only.
func mapInts(out *Vector, args []*Vector, n int, open Bits, f func(int64) int64) {
	a, res := args[0].Ints[:n], out.Ints[:n]
	var least uint64
	for i, x := range a {
		res[i] = f(x)
		least |= one(x == math.MinInt64)
	}
	if least != 0 {
		out.Live(open, n, func(i int) {
			if a[i] == math.MinInt64 {
				out.Fault(i, n, ErrOverflow)
			}
		})
	}
}

// AddUints is a + b.
func AddUints(out *Vector, args []*Vector, n int, open Bits) {
	checkedUints(out, args, n, open, func(x, y uint64) (uint64, error) {
		return x + y, when(x+y < x, ErrUintOverflow)
	})
}

// SubUints is a - b.
func SubUints(out *Vector, args []*Vector, n int, open Bits) {
	checkedUints(out, args, n, open, func(x, y uint64) (uint64, error) { return x - y, when(y > x, ErrUintOverflow) })
}

// MulUints is a * b.
func MulUints(out *Vector, args []*Vector, n int, open Bits) {
	checkedUints(out, args, n, open, func(x, y uint64) (uint64, error) {
		hi, lo := bits.Mul64(x, y)
		return lo, when(hi != 0, ErrUintOverflow)
	})
}

// DivUints is a / b.
func DivUints(out *Vector, args []*Vector, n int, open Bits) {
	checkedUints(out, args, n, open, func(x, y uint64) (uint64, error) {
		if y == 0 {
			return 0, ErrDivision
		}
		return x / y, nil
	})
}

// ModUints is a % b.
func ModUints(out *Vector, args []*Vector, n int, open Bits) {
	checkedUints(out, args, n, open, func(x, y uint64) (uint64, error) {
		if y == 0 {
			return 0, ErrModulus
		}
		return x % y, nil
	})
}

func when(wrong bool, err error) error {
	if wrong {
		return err
	}
	return nil
}

func checkedUints(out *Vector, args []*Vector, n int, open Bits, f func(x, y uint64) (uint64, error)) {
	a, b, res := args[0].Uints[:n], args[1].Uints[:n], out.Uints[:n]
	wrong := false
	for i, x := range a {
		v, err := f(x, b[i])
		res[i] = v
		wrong = wrong || err != nil
	}
	if wrong {
		out.Live(open, n, func(i int) {
			if _, err := f(a[i], b[i]); err != nil {
				out.Fault(i, n, err)
			}
		})
	}
}

// AddDoubles is a + b.
func AddDoubles(out *Vector, args []*Vector, n int, _ Bits) {
	a, b, res := args[0].Doubles[:n], args[1].Doubles[:n], out.Doubles[:n]
	for i, x := range a {
		res[i] = x + b[i]
	}
}

// SubDoubles is a - b.
func SubDoubles(out *Vector, args []*Vector, n int, _ Bits) {
	a, b, res := args[0].Doubles[:n], args[1].Doubles[:n], out.Doubles[:n]
	for i, x := range a {
		res[i] = x - b[i]
	}
}

// MulDoubles is a * b.
func MulDoubles(out *Vector, args []*Vector, n int, _ Bits) {
	a, b, res := args[0].Doubles[:n], args[1].Doubles[:n], out.Doubles[:n]
	for i, x := range a {
		res[i] = x * b[i]
	}
}

// DivDoubles is a / b, as IEEE 754 has it.
func DivDoubles(out *Vector, args []*Vector, n int, _ Bits) {
	a, b, res := args[0].Doubles[:n], args[1].Doubles[:n], out.Doubles[:n]
	for i, x := range a {
		res[i] = x / b[i]
	}
}

// MapDoubles gives the kernel of a function of one double.
func MapDoubles(f func(float64) float64) Kernel {
	return func(out *Vector, args []*Vector, n int, _ Bits) {
		a, res := args[0].Doubles[:n], out.Doubles[:n]
		for i, x := range a {
			res[i] = f(x)
		}
	}
}

// MapTwoDoubles gives the kernel of a function of two doubles.
func MapTwoDoubles(f func(x, y float64) float64) Kernel {
	return func(out *Vector, args []*Vector, n int, _ Bits) {
		a, b, res := args[0].Doubles[:n], args[1].Doubles[:n], out.Doubles[:n]
		for i, x := range a {
			res[i] = f(x, b[i])
		}
	}
}

// TestTwoInts gives the kernel of a test of two ints.
func TestTwoInts(f func(x, y int64) bool) Kernel {
	return func(out *Vector, args []*Vector, n int, _ Bits) {
		a, b := args[0].Ints[:n], args[1].Ints[:n]
		out.each(n, func(i int) bool { return f(a[i], b[i]) })
	}
}

// TestDoubles gives the kernel of a test of one double.
func TestDoubles(f func(float64) bool) Kernel {
	return func(out *Vector, args []*Vector, n int, _ Bits) {
		a := args[0].Doubles[:n]
		out.each(n, func(i int) bool { return f(a[i]) })
	}
}

// IntsToDoubles converts exactly where a double can hold the value, else to the nearest.
func IntsToDoubles(out *Vector, args []*Vector, n int, _ Bits) {
	a, res := args[0].Ints[:n], out.Doubles[:n]
	for i, x := range a {
		res[i] = float64(x)
	}
}

// UintsToDoubles converts exactly where a double can hold the value, else to the nearest.
func UintsToDoubles(out *Vector, args []*Vector, n int, _ Bits) {
	a, res := args[0].Uints[:n], out.Doubles[:n]
	for i, x := range a {
		res[i] = float64(x)
	}
}

// DoublesToInts cuts off the fraction; what no int64 can hold is an error.
func DoublesToInts(out *Vector, args []*Vector, n int, open Bits) {
	a, res := args[0].Doubles[:n], out.Ints[:n]
	wrong := false
	for i, x := range a {
		fits := x > math.MinInt64 && x < math.MaxInt64
		wrong = wrong || !fits
		if fits {
			res[i] = int64(x)
		}
	}
	if wrong {
		out.Live(open, n, func(i int) {
			if x := a[i]; !(x > math.MinInt64 && x < math.MaxInt64) {
				out.Fault(i, n, ErrOverflow)
			}
		})
	}
}

// UintsToInts converts; what no int64 can hold is an error.
func UintsToInts(out *Vector, args []*Vector, n int, open Bits) {
	a, res := args[0].Uints[:n], out.Ints[:n]
	var all uint64
	for i, x := range a {
		res[i] = int64(x)
		all |= x
	}
	if all>>63 != 0 {
		out.Live(open, n, func(i int) {
			if a[i] > math.MaxInt64 {
				out.Fault(i, n, ErrOverflow)
			}
		})
	}
}

// IntsToUints converts; what is negative is an error.
func IntsToUints(out *Vector, args []*Vector, n int, open Bits) {
	a, res := args[0].Ints[:n], out.Uints[:n]
	var all int64
	for i, x := range a {
		res[i] = uint64(x)
		all |= x
	}
	if all < 0 {
		out.Live(open, n, func(i int) {
			if a[i] < 0 {
				out.Fault(i, n, ErrUintOverflow)
			}
		})
	}
}

// Same hands the values on.
func Same(out *Vector, args []*Vector, n int, _ Bits) { out.Take(args[0], n) }

// Take copies the values of a, not what is null or an error.
func (v *Vector) Take(a *Vector, n int) {
	v.Unit = a.Unit
	switch v.Kind {
	case Bool:
		copy(v.Bits, a.Bits)
	case Int, Time, Duration, Decimal:
		copy(v.Ints[:n], a.Ints)
	case Uint:
		copy(v.Uints[:n], a.Uints)
	case Double:
		copy(v.Doubles[:n], a.Doubles)
	case Text, Bytes:
		copy(v.Texts[:n], a.Texts)
	case Other:
		copy(v.Any[:n], a.Any)
	}
}
