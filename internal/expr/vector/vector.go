// Package vector holds the columns of an evaluation and the loops over them. It knows
// Arrow's arrays, and nothing of expressions.
//
// A Vector is up to Chunk rows: values in a typed slice, and bitmaps of the rows that
// are null or an error, whose values mean nothing. Kernels read vectors and fill
// another; they run over all rows, whether or not somebody asks for them, because a
// loop without a condition is the fastest. What is dear is done only for open rows.
package vector

import "math/bits"

// Chunk is how many rows are evaluated at a time: few enough for the vectors of an
// expression to stay in the first cache. It is a multiple of 64.
const Chunk = 2048

// Kind is the kind of a vector's values.
type Kind uint8

// The kinds.
const (
	Bool     Kind = iota + 1 // Bits
	Int                      // Ints
	Uint                     // Uints
	Double                   // Doubles
	Text                     // Texts
	Bytes                    // Texts
	Time                     // Ints, counted in Unit since 1970-01-01 UTC
	Duration                 // Ints, nanoseconds
	Decimal                  // Ints, of 10 to the minus Unit; up to 18 digits
	Other                    // Any: what has no kernels
)

// Unit is what a Time counts.
type Unit int64

// The units, in how many of them make a day.
const (
	Days    Unit = 1
	Seconds Unit = 86_400
	Millis  Unit = 86_400_000
	Micros  Unit = 86_400_000_000
	Nanos   Unit = 86_400_000_000_000
)

// Vector is the values of an expression on the rows of a chunk. The slices may be its
// own or those of an Arrow array; only kernels that fill it write to it.
type Vector struct {
	Kind    Kind
	Unit    Unit // of a Time; the scale of a Decimal
	Const   bool // every row has the value of row 0
	Bits    Bits
	Ints    []int64
	Uints   []uint64
	Doubles []float64
	Texts   []string
	Any     []any
	// Null and Bad are the rows that are null and those that are an error, never
	// both; nil is none. Errs has the errors of the bad rows.
	Null, Bad Bits
	Errs      []error
	// Meter bounds the kernels that fill the vector; nil does not.
	Meter *Meter

	own store
}

// store is the memory of a vector, made when it is first needed and kept.
type store struct {
	bits, null, bad Bits
	ints            []int64
	uints           []uint64
	doubles         []float64
	texts           []string
	any             []any
	errs            []error
}

// Start makes the vector ready to be filled with n values of a kind, without nulls or
// errors. What it held is undefined.
func (v *Vector) Start(kind Kind, n int) {
	v.Kind, v.Const, v.Null, v.Bad, v.Errs = kind, false, nil, nil, nil
	switch kind {
	case Bool:
		v.own.bits = room(v.own.bits, Words(n))
		v.Bits = v.own.bits
	case Int, Time, Duration, Decimal:
		v.own.ints = room(v.own.ints, n)
		v.Ints = v.own.ints
	case Uint:
		v.own.uints = room(v.own.uints, n)
		v.Uints = v.own.uints
	case Double:
		v.own.doubles = room(v.own.doubles, n)
		v.Doubles = v.own.doubles
	case Text, Bytes:
		v.own.texts = room(v.own.texts, n)
		v.Texts = v.own.texts
	case Other:
		v.own.any = room(v.own.any, n)
		v.Any = v.own.any
	}
}

// room gives n values of a slice, which is made anew if it is too short. A chunk's
// worth is made at least, so that this happens once.
func room[T any](s []T, n int) []T {
	if cap(s) < n {
		s = make([]T, max(n, Chunk))
	}
	return s[:n]
}

// Forget drops what the vector refers to, so that a kept vector keeps no batch alive.
func (v *Vector) Forget() {
	clear(v.own.texts[:cap(v.own.texts)])
	clear(v.own.any[:cap(v.own.any)])
	clear(v.own.errs[:cap(v.own.errs)])
	*v = Vector{own: v.own, Meter: v.Meter}
}

// nulls gives the bitmap of nulls for writing: all zero if there was none.
func (v *Vector) nulls(n int) Bits {
	if v.Null == nil {
		v.own.null = room(v.own.null, Words(n))
		v.Null = v.own.null
		clear(v.Null)
	}
	return v.Null
}

// SetNull makes a row null.
func (v *Vector) SetNull(row, n int) { v.nulls(n).Set(row) }

// Fault makes a row an error.
func (v *Vector) Fault(row, n int, err error) {
	v.faults(n).Set(row)
	v.Errs[row] = err
}

func (v *Vector) faults(n int) Bits {
	if v.Bad == nil {
		v.own.bad = room(v.own.bad, Words(n))
		v.Bad = v.own.bad
		clear(v.Bad)
		v.own.errs = room(v.own.errs, n)
		v.Errs = v.own.errs
	}
	return v.Bad
}

// Live calls f for each open row that is neither null nor an error, until the meter is
// over.
func (v *Vector) Live(open Bits, n int, f func(row int)) {
	for w := range Words(n) {
		if v.Meter.Over() {
			return
		}
		word := Mask(w, n)
		if open != nil {
			word &= open[w]
		}
		if v.Null != nil {
			word &^= v.Null[w]
		}
		if v.Bad != nil {
			word &^= v.Bad[w]
		}
		for ; word != 0; word &= word - 1 {
			f(w<<6 + bits.TrailingZeros64(word))
		}
	}
}

// Strict makes the vector null or an error where an argument is: the first that is
// either decides.
func (v *Vector) Strict(n int, args ...*Vector) {
	for _, a := range args {
		if a.Null != nil {
			null := v.nulls(n)
			for w, word := range a.Null[:Words(n)] {
				if v.Bad != nil {
					word &^= v.Bad[w]
				}
				null[w] |= word
			}
		}
		v.takeErrors(n, a, v.Null)
	}
}

// Equality makes the vector null or an error where an argument is: an error decides
// before a null.
func (v *Vector) Equality(n int, a, b *Vector) {
	v.takeErrors(n, a, nil)
	v.takeErrors(n, b, nil)
	for _, arg := range []*Vector{a, b} {
		if arg.Null == nil {
			continue
		}
		null := v.nulls(n)
		for w, word := range arg.Null[:Words(n)] {
			if v.Bad != nil {
				word &^= v.Bad[w]
			}
			null[w] |= word
		}
	}
}

// takeErrors takes the errors of a over, on rows that are no error yet and not except.
func (v *Vector) takeErrors(n int, a *Vector, except Bits) {
	if a.Bad == nil {
		return
	}
	bad := v.faults(n)
	for w, word := range a.Bad[:Words(n)] {
		word &= Mask(w, n) &^ bad[w]
		if except != nil {
			word &^= except[w]
		}
		bad[w] |= word
		for ; word != 0; word &= word - 1 {
			row := w<<6 + bits.TrailingZeros64(word)
			v.Errs[row] = a.Errs[row]
		}
	}
}

// Fill makes n equal values of the first one.
func (v *Vector) Fill(n int) {
	v.Const = true
	switch v.Kind {
	case Bool:
		word := -(v.Bits[0] & 1)
		for w := range v.Bits {
			v.Bits[w] = word
		}
	case Int, Time, Duration, Decimal:
		fill(v.Ints[:n])
	case Uint:
		fill(v.Uints[:n])
	case Double:
		fill(v.Doubles[:n])
	case Text, Bytes:
		fill(v.Texts[:n])
	case Other:
		fill(v.Any[:n])
	}
	if v.Null != nil {
		for w := range v.Null {
			v.Null[w] = -(v.Null[0] & 1)
		}
	}
	if v.Bad != nil {
		for w := range v.Bad {
			v.Bad[w] = -(v.Bad[0] & 1)
		}
		fill(v.Errs[:n])
	}
}

func fill[T any](s []T) {
	for i := range s {
		s[i] = s[0]
	}
}

// Clear sets all values to zero, so that rows that nothing is blended into hold none.
func (v *Vector) Clear() {
	switch v.Kind {
	case Bool:
		clear(v.Bits)
	case Int, Time, Duration, Decimal:
		clear(v.Ints)
	case Uint:
		clear(v.Uints)
	case Double:
		clear(v.Doubles)
	case Text, Bytes:
		clear(v.Texts)
	case Other:
		clear(v.Any)
	}
}
