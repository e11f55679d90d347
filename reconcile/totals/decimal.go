// Package totals adds up what a reconciliation came to: how many rows and how much of each side
// matched, differed or stood alone, by pass, column and cause. It is exact, and small enough to go
// on record with the run.
package totals

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Decimal is an exact decimal number, or none: the zero value. It is never changed.
type Decimal struct {
	n     *big.Int // nil: none
	scale int      // digits behind the point
}

// maxDigits bounds the digits of a number that is read, before and behind the point: a double
// needs 309 and 1074.
const maxDigits = 1100

// Int is a whole number.
func Int(n int64) Decimal { return Decimal{n: big.NewInt(n)} }

// Unscaled is n with so many digits behind the point. It owns n.
func Unscaled(n *big.Int, scale int) Decimal {
	if scale < 0 {
		n, scale = n.Mul(n, pow10(-scale)), 0
	}
	return Decimal{n, scale}
}

// Float is the shortest decimal that reads back as x; none of what is not a number, or infinite.
func Float(x float64) Decimal {
	d, err := Parse(strconv.FormatFloat(x, 'f', -1, 64))
	if err != nil {
		return Decimal{}
	}
	return d
}

// Parse reads "-1234.50", or "1.5e-7"; the empty text is none.
func Parse(text string) (Decimal, error) {
	if text == "" {
		return Decimal{}, nil
	}
	mantissa, exponent, scientific := strings.Cut(strings.ToLower(text), "e")
	shift := 0
	if scientific {
		var err error
		if shift, err = strconv.Atoi(exponent); err != nil || max(shift, -shift) > maxDigits {
			return Decimal{}, fmt.Errorf("%q is not a decimal number", text)
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	bare := strings.TrimLeft(digits, "+-")
	if bare == "" || len(digits)-len(bare) > 1 || len(bare) > 2*maxDigits || strings.Trim(bare, "0123456789") != "" {
		return Decimal{}, fmt.Errorf("%q is not a decimal number", text)
	}
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		return Decimal{}, fmt.Errorf("%q is not a decimal number", text)
	}
	return Unscaled(n, len(fraction)-shift), nil
}

// IsZero reports whether there is no number; 0 is one.
func (d Decimal) IsZero() bool { return d.n == nil }

// Sign is -1, 0 or 1; 0 of none.
func (d Decimal) Sign() int {
	if d.n == nil {
		return 0
	}
	return d.n.Sign()
}

// Add is the sum; none adds nothing.
func (d Decimal) Add(e Decimal) Decimal {
	if d.n == nil || e.n == nil {
		if d.n == nil {
			return e
		}
		return d
	}
	a, b, scale := level(d, e)
	return Decimal{new(big.Int).Add(a, b), scale}
}

// Sub is the difference; it is none if either is.
func (d Decimal) Sub(e Decimal) Decimal {
	if d.n == nil || e.n == nil {
		return Decimal{}
	}
	return d.Add(e.Neg())
}

// Neg is -d.
func (d Decimal) Neg() Decimal {
	if d.n == nil {
		return d
	}
	return Decimal{new(big.Int).Neg(d.n), d.scale}
}

// Abs is d without its sign.
func (d Decimal) Abs() Decimal {
	if d.Sign() < 0 {
		return d.Neg()
	}
	return d
}

// Cmp compares; none is less than any number.
func (d Decimal) Cmp(e Decimal) int {
	switch {
	case d.n == nil && e.n == nil:
		return 0
	case d.n == nil:
		return -1
	case e.n == nil:
		return 1
	}
	a, b, _ := level(d, e)
	return a.Cmp(b)
}

// Over is d/e as a double; 0 where that can't be.
func (d Decimal) Over(e Decimal) float64 {
	if d.n == nil || e.Sign() == 0 {
		return 0
	}
	a, b, _ := level(d, e)
	q, _ := new(big.Rat).SetFrac(a, b).Float64()
	return q
}

// Float64 is the nearest double; 0 of none.
func (d Decimal) Float64() float64 { return d.Over(Int(1)) }

// Exact reports whether a double, written with 15 digits, has all of the number.
func (d Decimal) Exact() bool {
	return d.n != nil && len(strings.Trim(new(big.Int).Abs(d.n).String(), "0")) <= 15
}

// Scale is how many digits stand behind the point.
func (d Decimal) Scale() int { return d.scale }

// String is the number with all digits behind the point that it was given; empty of none.
func (d Decimal) String() string {
	if d.n == nil {
		return ""
	}
	digits, sign := new(big.Int).Abs(d.n).String(), ""
	if d.n.Sign() < 0 {
		sign = "-"
	}
	if d.scale == 0 {
		return sign + digits
	}
	if short := d.scale + 1 - len(digits); short > 0 {
		digits = strings.Repeat("0", short) + digits
	}
	return sign + digits[:len(digits)-d.scale] + "." + digits[len(digits)-d.scale:]
}

// MarshalText writes it as String does.
func (d Decimal) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads it as Parse does.
func (d *Decimal) UnmarshalText(text []byte) (err error) {
	*d, err = Parse(string(text))
	return err
}

// level gives both with the same number of digits behind the point.
func level(d, e Decimal) (a, b *big.Int, scale int) {
	a, b = d.n, e.n
	if d.scale < e.scale {
		a = new(big.Int).Mul(a, pow10(e.scale-d.scale))
	}
	if e.scale < d.scale {
		b = new(big.Int).Mul(b, pow10(d.scale-e.scale))
	}
	return a, b, max(d.scale, e.scale)
}

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }
