package vector

import "errors"

// A Table is a vector that rows are looked up in: the outcome on each value of a
// dictionary. Its bitmaps are a byte a row, which is quicker to look up.
type Table struct {
	vec              Vector
	truth, null, bad []byte
	all              bool // see All
}

// NewTable makes a table of the first n rows of v, of which the last is for null.
func NewTable(v *Vector, n int) *Table {
	t := &Table{vec: *v}
	if v.Kind == Bool {
		t.truth = spread(v.Bits, n)
	}
	if v.Null != nil {
		t.null = spread(v.Null, n)
	}
	if v.Bad != nil {
		t.bad = spread(v.Bad, n)
	}
	t.all = v.Kind == Bool && n > 1
	for i := 0; t.all && i < n-1; i++ {
		t.all = t.truth[i] == t.truth[0] && (t.null == nil || t.null[i] == 0) && (t.bad == nil || t.bad[i] == 0)
	}
	return t
}

// All reports whether the outcome is the same bool, and which, on every row but that for
// null.
func (t *Table) All() (truth, all bool) { return t.all && t.truth[0] != 0, t.all }

func spread(b Bits, n int) []byte {
	to := make([]byte, max(n, small))
	for i := range n {
		to[i] = byte(b[i>>6] >> (i & 63) & 1)
	}
	return to
}

// small is how many rows a table is made to have at least: those that a byte can name
// are looked up without a check of bounds, in two thirds of the time.
const small = 256

// ErrIndex is an index of a dictionary that is outside of it.
var ErrIndex = errors.New("an index of a dictionary is outside of it")

// Gather fills v with the values, nulls and errors that n indexes name, which are rows of
// the table. v was started with n values of the table's kind.
func (v *Vector) Gather(t *Table, indexes []int32, n int) {
	v.Unit = t.vec.Unit
	indexes = indexes[:n]
	switch v.Kind {
	case Bool:
		gatherBits(v.Bits, t.truth, indexes)
	case Int, Time, Duration, Decimal:
		gather(v.Ints, t.vec.Ints, indexes)
	case Uint:
		gather(v.Uints, t.vec.Uints, indexes)
	case Double:
		gather(v.Doubles, t.vec.Doubles, indexes)
	case Text, Bytes:
		gather(v.Texts, t.vec.Texts, indexes)
	case Other:
		gather(v.Any, t.vec.Any, indexes)
	}
	if t.null != nil {
		gatherBits(v.nulls(n), t.null, indexes)
	}
	if t.bad != nil {
		gatherBits(v.faults(n), t.bad, indexes)
		for i, at := range indexes {
			if t.bad[at] != 0 {
				v.Errs[i] = t.vec.Errs[at]
			}
		}
	}
}

func gather[T any](to, table []T, indexes []int32) {
	to = to[:len(indexes)]
	for i, at := range indexes {
		to[i] = table[at]
	}
}

func gatherBits(out Bits, table []byte, indexes []int32) {
	full := len(indexes) >> 6
	if len(table) == small {
		gatherSmall(out[:full], (*[small]byte)(table), indexes)
	} else {
		for w := range full {
			x := indexes[w<<6:][:64]
			var p, q, r, s uint64
			for j := 15; j >= 0; j-- {
				p, q = p<<1|uint64(table[x[j]]), q<<1|uint64(table[x[16+j]])
				r, s = r<<1|uint64(table[x[32+j]]), s<<1|uint64(table[x[48+j]])
			}
			out[w] = p | q<<16 | r<<32 | s<<48
		}
	}
	if full < len(out) {
		var word uint64
		for j, at := range indexes[full<<6:] {
			word |= uint64(table[at]) << (j & 63)
		}
		out[full] = word
	}
}

func gatherSmall(out Bits, table *[small]byte, indexes []int32) {
	for w := range out {
		x := indexes[w<<6:][:64]
		var p, q, r, s uint64
		for j := 15; j >= 0; j-- {
			p, q = p<<1|uint64(table[uint8(x[j])]), q<<1|uint64(table[uint8(x[16+j])])
			r, s = r<<1|uint64(table[uint8(x[32+j])]), s<<1|uint64(table[uint8(x[48+j])])
		}
		out[w] = p | q<<16 | r<<32 | s<<48
	}
}

// Append adds the first n rows of a to v, which has length rows of the same kind so far;
// so a vector longer than a chunk is made. length must be a multiple of 64.
func (v *Vector) Append(a *Vector, length, n int) {
	v.Kind, v.Unit = a.Kind, a.Unit
	switch a.Kind {
	case Bool:
		v.Bits = append(v.Bits[:Words(length)], a.Bits[:Words(n)]...)
	case Int, Time, Duration, Decimal:
		v.Ints = append(v.Ints[:length], a.Ints[:n]...)
	case Uint:
		v.Uints = append(v.Uints[:length], a.Uints[:n]...)
	case Double:
		v.Doubles = append(v.Doubles[:length], a.Doubles[:n]...)
	case Text, Bytes:
		v.Texts = append(v.Texts[:length], a.Texts[:n]...)
	case Other:
		v.Any = append(v.Any[:length], a.Any[:n]...)
	}
	v.Null = appendBits(v.Null, a.Null, length, n)
	if v.Bad != nil || a.Bad != nil {
		v.Errs = append(v.Errs, make([]error, length-len(v.Errs))...)
		if a.Bad != nil {
			v.Errs = append(v.Errs, a.Errs[:n]...)
		} else {
			v.Errs = append(v.Errs, make([]error, n)...)
		}
	}
	v.Bad = appendBits(v.Bad, a.Bad, length, n)
}

// appendBits appends n bits, where nil on either side stands for zeros.
func appendBits(to, from Bits, length, n int) Bits {
	if to == nil && from == nil {
		return nil
	}
	if to == nil {
		to = make(Bits, Words(length))
	}
	if from == nil {
		from = make(Bits, Words(n))
	}
	return append(to[:Words(length)], from[:Words(n)]...)
}
