package reconcile

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// number is a decimal number: ±digits × 10^exp. The digits neither begin nor end with a zero, and
// of zero there are none; so two numbers are equal if their fields are.
type number struct {
	negative bool
	digits   string
	exp      int
}

// Bounds on numbers in texts.
const (
	maxNumberText = 128
	maxExponent   = 400
	plainNumber   = 40 // digits up to which a number is written without an exponent
)

// parseNumber reads a number as people and programs write it, with a point, "-12.50" or "1.5e3";
// places is how many decimals stand there.
func parseNumber(s string) (n number, places int, ok bool) {
	if len(s) == 0 || len(s) > maxNumberText {
		return n, 0, false
	}
	rest := s
	if rest[0] == '-' || rest[0] == '+' {
		n.negative = rest[0] == '-'
		rest = rest[1:]
	}
	mantissa, exponent := rest, 0
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		e, err := strconv.Atoi(rest[i+1:])
		if err != nil || e > maxExponent || e < -maxExponent {
			return n, 0, false
		}
		mantissa, exponent = rest[:i], e
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole == "" && fraction == "" || !allDigits(whole) || !allDigits(fraction) {
		return n, 0, false
	}
	places = max(0, len(fraction)-exponent)
	return n.of(whole+fraction, exponent-len(fraction)), places, true
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// of takes the zeros off.
func (n number) of(digits string, exp int) number {
	digits = strings.TrimLeft(digits, "0")
	short := strings.TrimRight(digits, "0")
	if short == "" {
		return number{}
	}
	return number{n.negative, short, exp + len(digits) - len(short)}
}

// ofFloat is the shortest number that reads as the float of so many bits; ok is false of those
// that are no numbers.
func ofFloat(v float64, bits int) (n number, ok bool) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return n, false
	}
	n, _, ok = parseNumber(strconv.FormatFloat(v, 'e', -1, bits))
	return n, ok
}

func ofInt(v int64) number { n, _, _ := parseNumber(strconv.FormatInt(v, 10)); return n }

func ofDecimal(v decimal128.Num, scale int32) number {
	text := v.BigInt().String()
	n := number{negative: text[0] == '-'}
	return n.of(strings.TrimPrefix(text, "-"), -int(scale))
}

// places is how many decimals it has.
func (n number) places() int { return max(0, -n.exp) }

// String is the number's one text.
func (n number) String() string {
	if n.digits == "" {
		return "0"
	}
	sign := ""
	if n.negative {
		sign = "-"
	}
	point := len(n.digits) + n.exp // where the point stands among the digits
	switch {
	case n.exp >= 0 && point <= plainNumber:
		return sign + n.digits + strings.Repeat("0", n.exp)
	case n.exp < 0 && point > 0:
		return sign + n.digits[:point] + "." + n.digits[point:]
	case n.exp < 0 && len(n.digits)-point <= plainNumber:
		return sign + "0." + strings.Repeat("0", -point) + n.digits
	}
	text := sign + n.digits[:1]
	if len(n.digits) > 1 {
		text += "." + n.digits[1:]
	}
	return text + "e" + strconv.Itoa(point-1)
}

// round is the number of so many places, half away from zero; negative places are before the point.
func (n number) round(places int) number {
	drop := -places - n.exp // digits that go
	switch {
	case drop <= 0:
		return n
	case drop > len(n.digits):
		return number{}
	}
	kept := n.digits[:len(n.digits)-drop]
	if n.digits[len(kept)] >= '5' {
		v, _ := new(big.Int).SetString("0"+kept, 10)
		kept = v.Add(v, big.NewInt(1)).String()
	}
	return number{negative: n.negative}.of(kept, -places)
}

// float is the nearest float64.
func (n number) float() float64 {
	v, _ := strconv.ParseFloat(n.String(), 64) // beyond its range it is infinite
	return v
}

// decimal is the number in units of 10^-scale; ok is false if it has more decimals than that, or
// more digits than 38.
func (n number) decimal(scale int32) (v decimal128.Num, ok bool) {
	zeros := n.exp + int(scale)
	if n.digits == "" {
		return v, true
	}
	if zeros < 0 || len(n.digits)+zeros > 38 {
		return v, false
	}
	b, _ := new(big.Int).SetString(n.digits+strings.Repeat("0", zeros), 10)
	if n.negative {
		b.Neg(b)
	}
	return decimal128.FromBigInt(b), true
}

// num128 is a decimal in units of its scale.
type num128 = decimal128.Num

func num128Of(v int64) num128 { return decimal128.FromI64(v) }

func decimalOfUint(v uint64) num128 { return decimal128.FromU64(v) }

// floor is the number without what is behind so many places.
func (n number) floor(places int) number {
	drop := -places - n.exp
	switch {
	case drop <= 0:
		return n
	case drop >= len(n.digits):
		return number{}
	}
	return number{negative: n.negative}.of(n.digits[:len(n.digits)-drop], -places)
}
