package parquet

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/float16"
	"github.com/parquet-go/parquet-go/format"
)

// bounds are the least and the greatest of some values, in plain encoding; nil is none.
type bounds struct {
	min, max []byte
}

// compare orders two values of a leaf, neither of which is NaN.
func (l *outLeaf) compare(a, b []byte) int {
	switch l.order {
	case signed:
		if l.size == 4 {
			return cmp.Compare(int32(binary.LittleEndian.Uint32(a)), int32(binary.LittleEndian.Uint32(b)))
		}
		return cmp.Compare(int64(binary.LittleEndian.Uint64(a)), int64(binary.LittleEndian.Uint64(b)))
	case unsigned:
		if l.size == 4 {
			return cmp.Compare(binary.LittleEndian.Uint32(a), binary.LittleEndian.Uint32(b))
		}
		return cmp.Compare(binary.LittleEndian.Uint64(a), binary.LittleEndian.Uint64(b))
	case floating:
		return cmp.Compare(l.float(a), l.float(b))
	case bigEndian2s:
		if a[0]>>7 != b[0]>>7 {
			return int(b[0]>>7) - int(a[0]>>7)
		}
	}
	return bytes.Compare(a, b)
}

func (l *outLeaf) float(b []byte) float64 {
	switch l.size {
	case 2:
		return float64(float16.FromBits(binary.LittleEndian.Uint16(b)).Float32())
	case 4:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

// merge widens bounds to those of more values.
func (l *outLeaf) merge(a, b bounds) bounds {
	if a.min == nil || b.min != nil && l.compare(b.min, a.min) < 0 {
		a.min = b.min
	}
	if a.max == nil || b.max != nil && l.compare(b.max, a.max) > 0 {
		a.max = b.max
	}
	return a
}

// bounder makes the bounds of pages.
type bounder struct {
	*outLeaf
	vals *outValues
	// seen says of each entry of the dictionary which page used it last.
	seen []int32
	page int32
}

// of gives the bounds of the values from … to.
func (b *bounder) of(from, to int) bounds {
	v := b.vals
	switch {
	case from == to || b.order == noOrder:
		return bounds{}
	case v.dict != nil && (len(v.fixed) == 0 || b.size != 4 && b.size != 8):
		return b.used(from, to)
	}
	switch {
	case b.order == signed && b.size == 4:
		return boundsOf(as[int32](v.fixed)[from:to])
	case b.order == signed:
		return boundsOf(as[int64](v.fixed)[from:to])
	case b.order == unsigned && b.size == 4:
		return boundsOf(as[uint32](v.fixed)[from:to])
	case b.order == unsigned:
		return boundsOf(as[uint64](v.fixed)[from:to])
	case b.order == floating && b.size == 4:
		return floatBounds(as[float32](v.fixed)[from:to])
	case b.order == floating && b.size == 8:
		return floatBounds(as[float64](v.fixed)[from:to])
	case b.order == boolOrder:
		return boolBounds(v.fixed[from:to])
	}
	lo, hi := -1, -1
	for i := from; i < to; i++ {
		lo, hi = b.wider(v, lo, hi, i)
	}
	return b.picked(v, lo, hi)
}

// used gives the bounds of the entries that indexes lead to, each looked at once.
func (b *bounder) used(from, to int) bounds {
	b.page++
	for len(b.seen) < b.vals.dict.n {
		b.seen = append(b.seen, 0)
	}
	lo, hi := -1, -1
	for _, j := range b.vals.indexes[from:to] {
		if b.seen[j] != b.page {
			b.seen[j] = b.page
			lo, hi = b.wider(b.vals.dict, lo, hi, int(j))
		}
	}
	return b.picked(b.vals.dict, lo, hi)
}

// wider gives the places of the bounds when the i-th value is added.
func (b *bounder) wider(v *outValues, lo, hi, i int) (int, int) {
	x := v.at(i, b.size)
	if b.order == floating && math.IsNaN(b.float(x)) {
		return lo, hi
	}
	switch {
	case lo < 0:
		return i, i
	case b.compare(x, v.at(lo, b.size)) < 0:
		return i, hi
	case b.compare(x, v.at(hi, b.size)) > 0:
		return lo, i
	}
	return lo, hi
}

func (b *bounder) picked(v *outValues, lo, hi int) bounds {
	if lo < 0 {
		return bounds{}
	}
	out := bounds{bytes.Clone(v.at(lo, b.size)), bytes.Clone(v.at(hi, b.size))}
	if out.min == nil {
		out.min = []byte{}
	}
	if out.max == nil {
		out.max = []byte{}
	}
	if b.order == floating {
		if b.float(out.min) == 0 {
			clear(out.min)
			out.min[b.size-1] = 0x80
		}
		if b.float(out.max) == 0 {
			clear(out.max)
		}
	}
	return out
}

func boundsOf[T int32 | int64 | uint32 | uint64](vals []T) bounds {
	lo, hi := vals[0], vals[0]
	for _, x := range vals {
		lo, hi = min(lo, x), max(hi, x)
	}
	return bounds{bytes.Clone(bytesOf([]T{lo})), bytes.Clone(bytesOf([]T{hi}))}
}

func boolBounds(vals []byte) (b bounds) {
	b = bounds{[]byte{0}, []byte{1}}
	if bytes.IndexByte(vals, 0) < 0 {
		b.min = []byte{1}
	}
	if bytes.IndexByte(vals, 1) < 0 {
		b.max = []byte{0}
	}
	return b
}

// floatBounds leaves NaN out; of the zeros, it is the negative that is least.
func floatBounds[T float32 | float64](vals []T) bounds {
	lo, hi := T(math.Inf(1)), T(math.Inf(-1))
	for _, x := range vals {
		if x < lo {
			lo = x
		}
		if x > hi {
			hi = x
		}
	}
	switch {
	case lo > hi:
		return bounds{}
	case lo == 0:
		lo = T(math.Copysign(0, -1))
	}
	if hi == 0 {
		hi = 0 // not the negative one
	}
	return bounds{bytes.Clone(bytesOf([]T{lo})), bytes.Clone(bytesOf([]T{hi}))}
}

// maxBound is how long a bound may be, in bytes; longer ones are cut off.
const maxBound = 64

// short gives bounds that are not too long. The least is cut off; the greatest too, and
// made greater, so that both still hold.
func (l *outLeaf) short(b bounds) bounds {
	if l.physical != format.ByteArray {
		return b
	}
	if len(b.min) > maxBound {
		b.min = cutOff(b.min)
	}
	if len(b.max) > maxBound {
		b.max = next(cutOff(b.max))
	}
	return b
}

// cutOff gives the beginning of a value; of a text without a broken character.
func cutOff(b []byte) []byte {
	if !utf8.Valid(b) {
		return b[:maxBound:maxBound]
	}
	n := maxBound
	for !utf8.RuneStart(b[n]) {
		n--
	}
	return b[:n:n]
}

// next gives what is greater than all that begin with b; nil where there is nothing.
func next(b []byte) []byte {
	if utf8.Valid(b) {
		for len(b) > 0 {
			r, n := utf8.DecodeLastRune(b)
			b = b[:len(b)-n]
			switch {
			case r == 0xd7ff:
				return utf8.AppendRune(bytes.Clone(b), 0xe000)
			case r < utf8.MaxRune:
				return utf8.AppendRune(bytes.Clone(b), r+1)
			}
		}
		return nil
	}
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] < 0xff {
			out := bytes.Clone(b[:i+1])
			out[i]++
			return out
		}
	}
	return nil
}
