package vector

// Gather fills v, started with n values of the kind of table, with the values, nulls
// and errors that indexes name. spread is what Spread made of the table.
func (v *Vector) Gather(table *Vector, spread []byte, indexes []int32, n int) {
	v.Unit = table.Unit
	indexes = indexes[:n]
	switch v.Kind {
	case Bool:
		gatherBits(v.Bits, spread, indexes, valueBit)
	case Int, Time, Duration:
		gather(v.Ints, table.Ints, indexes)
	case Uint:
		gather(v.Uints, table.Uints, indexes)
	case Double:
		gather(v.Doubles, table.Doubles, indexes)
	case Text, Bytes:
		gather(v.Texts, table.Texts, indexes)
	case Other:
		gather(v.Any, table.Any, indexes)
	}
	if table.Null != nil {
		gatherBits(v.nulls(n), spread, indexes, nullBit)
	}
	if table.Bad != nil {
		gatherBits(v.faults(n), spread, indexes, badBit)
		for i, at := range indexes {
			if spread[at]>>badBit&1 != 0 {
				v.Errs[i] = table.Errs[at]
			}
		}
	}
}

// The bits of a spread byte.
const (
	valueBit = iota
	nullBit
	badBit
)

// Spread gives a byte for each of n rows with what the bitmaps say of it, which is
// quicker to look up. It uses to if that is long enough.
func (v *Vector) Spread(to []byte, n int) []byte {
	to = room(to, n)
	for i := range to {
		var b byte
		if v.Kind == Bool {
			b = byte(v.Bits[i>>6] >> (i & 63) & 1)
		}
		if v.Null != nil && v.Null.Get(i) {
			b |= 1 << nullBit
		}
		if v.Bad != nil && v.Bad.Get(i) {
			b |= 1 << badBit
		}
		to[i] = b
	}
	return to
}

func gather[T any](to, table []T, indexes []int32) {
	to = to[:len(indexes)]
	for i, at := range indexes {
		to[i] = table[at]
	}
}

func gatherBits(out Bits, spread []byte, indexes []int32, bit int) {
	n := len(indexes)
	full := n >> 6
	for w := range full {
		x := indexes[w<<6:][:64]
		var p, q, r, s uint64
		for j := 15; j >= 0; j-- {
			p, q = p<<1|uint64(spread[x[j]]>>(bit&7)&1), q<<1|uint64(spread[x[16+j]]>>(bit&7)&1)
			r, s = r<<1|uint64(spread[x[32+j]]>>(bit&7)&1), s<<1|uint64(spread[x[48+j]]>>(bit&7)&1)
		}
		out[w] = p | q<<16 | r<<32 | s<<48
	}
	if full < len(out) {
		var word uint64
		for j, at := range indexes[full<<6:] {
			word |= uint64(spread[at]>>(bit&7)&1) << (j & 63)
		}
		out[full] = word
	}
}

// Append adds the first n rows of a to v, which has length rows of the same kind so far;
// so a vector longer than a chunk is made. length must be a multiple of 64.
func (v *Vector) Append(a *Vector, length, n int) {
	v.Kind, v.Unit = a.Kind, a.Unit
	switch a.Kind {
	case Bool:
		v.Bits = append(v.Bits[:Words(length)], a.Bits[:Words(n)]...)
	case Int, Time, Duration:
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
