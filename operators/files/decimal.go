package files

import (
	"math/big"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// maxExponent bounds the exponent of a decimal that is read from text.
const maxExponent = 100

// Exact reports whether a type holds the number that a text is: of decimals, whether no digit
// after the point would be lost. Texts that are no number, and other types, are for the
// reader of the type to judge.
func Exact(t arrow.DataType, text string) bool {
	d, ok := t.(arrow.DecimalType)
	if !ok {
		return true
	}
	text = strings.TrimSpace(text)
	if at := strings.IndexAny(text, "eE"); at >= 0 {
		return exactPower(text, at, d.GetScale())
	}
	_, digits, _ := strings.Cut(text, ".")
	return len(strings.TrimRight(digits, "0")) <= int(d.GetScale())
}

// exactPower is Exact of a number with an exponent, which begins at a place.
func exactPower(text string, at int, scale int32) bool {
	exponent, err := strconv.Atoi(text[at+1:])
	if err != nil || exponent > maxExponent || exponent < -maxExponent || at > maxExponent {
		return false
	}
	v, ok := new(big.Rat).SetString(text)
	if !ok {
		return true
	}
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)
	return v.Mul(v, new(big.Rat).SetInt(unit)).IsInt()
}
