package vector

import "math/bits"

// And is three-valued: false if one side is false, else null if one is null, else the
// first error, else true.
func And(out, a, b *Vector, n int) { junction(out, a, b, n, 0) }

// Or is three-valued: true if one side is true, else null if one is null, else the
// first error, else false.
func Or(out, a, b *Vector, n int) { junction(out, a, b, n, ^uint64(0)) }

// junction is And where decisive is zero, and Or where it is all ones: with all values
// inverted, Or is And.
func junction(out, a, b *Vector, n int, decisive uint64) {
	if a.Null == nil && b.Null == nil && a.Bad == nil && b.Bad == nil {
		for w := range out.Bits {
			out.Bits[w] = (a.Bits[w]^decisive)&(b.Bits[w]^decisive) ^ decisive
		}
		return
	}
	for w := range out.Bits {
		aNull, bNull, aBad, bBad := at(a.Null, w), at(b.Null, w), at(a.Bad, w), at(b.Bad, w)
		decided := (a.Bits[w]^decisive^^uint64(0))&^aNull&^aBad | (b.Bits[w]^decisive^^uint64(0))&^bNull&^bBad
		null := (aNull | bNull) &^ decided
		bad := (aBad | bBad) &^ decided &^ null & Mask(w, n)
		out.Bits[w] = ^decided ^ decisive
		if null != 0 {
			out.nulls(n)[w] = null
		}
		for word := bad; word != 0; word &= word - 1 {
			row := w<<6 + bits.TrailingZeros64(word)
			from := a
			if !aBadAt(aBad, row) {
				from = b
			}
			out.Fault(row, n, from.Errs[row])
		}
	}
}

func aBadAt(word uint64, row int) bool { return word>>(row&63)&1 != 0 }

func at(b Bits, w int) uint64 {
	if b == nil {
		return 0
	}
	return b[w]
}

// Not is true where a is false.
func Not(out *Vector, args []*Vector, n int, _ Bits) {
	for w := range out.Bits {
		out.Bits[w] = ^args[0].Bits[w]
	}
}

// IsNull is true where a is null, and an error where a is one.
func IsNull(out, a *Vector, n int) {
	for w := range out.Bits {
		out.Bits[w] = at(a.Null, w)
	}
	out.takeErrors(n, a, nil)
}

// Decided are the rows of open in which a is value, neither null nor an error.
func Decided(to Bits, a *Vector, value bool, open Bits, n int) Bits {
	flip := -one(!value)
	for w := range Words(n) {
		word := (a.Bits[w] ^ flip) &^ at(a.Null, w) &^ at(a.Bad, w) & Mask(w, n)
		if open != nil {
			word &= open[w]
		}
		to[w] = word
	}
	return to
}

// Undecided are the rows of open in which a is not value: what && and || have to look at
// the other side for.
func Undecided(to Bits, a *Vector, value bool, open Bits, n int) Bits {
	Decided(to, a, value, open, n)
	for w := range Words(n) {
		word := Mask(w, n)
		if open != nil {
			word &= open[w]
		}
		to[w] = word &^ to[w]
	}
	return to
}

// Nulls are the rows of open in which a is null.
func Nulls(to Bits, a *Vector, open Bits, n int) Bits {
	for w := range Words(n) {
		word := at(a.Null, w) & Mask(w, n)
		if open != nil {
			word &= open[w]
		}
		to[w] = word
	}
	return to
}

// Blend takes the rows of a, with what is null or an error. The vector was started
// and rows are those that no other blend has taken.
func (v *Vector) Blend(a *Vector, rows Bits, n int) {
	if v.Kind == Time {
		v.Unit = a.Unit
	}
	for w := range Words(n) {
		word := rows[w]
		if v.Kind == Bool {
			v.Bits[w] = v.Bits[w]&^word | a.Bits[w]&word
		}
		if null := at(a.Null, w) & word; null != 0 {
			v.nulls(n)[w] |= null
		}
		for bad := at(a.Bad, w) & word; bad != 0; bad &= bad - 1 {
			row := w<<6 + bits.TrailingZeros64(bad)
			v.Fault(row, n, a.Errs[row])
		}
	}
	switch v.Kind {
	case Int, Time, Duration, Decimal:
		blend(v.Ints, a.Ints, rows, n)
	case Uint:
		blend(v.Uints, a.Uints, rows, n)
	case Double:
		blend(v.Doubles, a.Doubles, rows, n)
	case Text, Bytes:
		blend(v.Texts, a.Texts, rows, n)
	case Other:
		blend(v.Any, a.Any, rows, n)
	}
}

func blend[T any](to, from []T, rows Bits, n int) {
	for w := range Words(n) {
		word := rows[w]
		if word == ^uint64(0) {
			copy(to[w<<6:][:64], from[w<<6:])
			continue
		}
		for ; word != 0; word &= word - 1 {
			row := w<<6 + bits.TrailingZeros64(word)
			to[row] = from[row]
		}
	}
}
