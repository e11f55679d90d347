package parquet

import (
	"errors"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// output gathers the buffers of an Arrow array.
type output struct {
	width   int // of a value in bytes; 0: byte arrays; -1: bits
	n       int
	data    []byte
	offsets []int32
	valid   []byte  // bits; nil while nothing is null
	missing int     // how many are null
	coding  *coding // set where the values are indexes into these
}

var errIndex = errors.New("it has an index beyond the dictionary")

// values appends the values from … to; the array will have about hint.
func (o *output) values(v *values, from, to, hint int) error {
	k := to - from
	switch {
	case o.coding != nil:
		if err := o.place(v, from, to, hint); err != nil {
			return err
		}
	case o.width > 0:
		if err := o.fixed(v, from, to, hint); err != nil {
			return err
		}
	case o.width < 0:
		if err := o.bits(v, from, to); err != nil {
			return err
		}
	default:
		if err := o.byteArrays(v, from, to, hint); err != nil {
			return err
		}
	}
	if o.valid != nil {
		o.valid = growBits(o.valid, o.n+k)
		bitutil.SetBitsTo(o.valid, int64(o.n), int64(k), true)
	}
	o.n += k
	return nil
}

// maxOutput bounds the bytes of an array. A dictionary, or a null of many bytes, makes much
// of little.
const maxOutput = 1 << 30

var errOutput = errors.New("a batch of its values takes more than 1 GiB")

// nulls appends k nulls.
func (o *output) nulls(k int) error {
	if o.width > 0 && k > (maxOutput-len(o.data))/o.width {
		return errOutput
	}
	if o.valid == nil {
		o.valid = growBits(o.valid, o.n+k)
		bitutil.SetBitsTo(o.valid, 0, int64(o.n), true)
	}
	o.valid = growBits(o.valid, o.n+k)
	switch {
	case o.width > 0:
		o.data = append(o.data, make([]byte, k*o.width)...)
	case o.width < 0:
		o.data = growBits(o.data, o.n+k)
	default:
		o.begin(k)
		for range k {
			o.offsets = append(o.offsets, int32(len(o.data)))
		}
	}
	o.n += k
	o.missing += k
	return nil
}

// growBits gives room for n bits; new ones are 0.
func growBits(b []byte, n int) []byte {
	if need := (n + 7) / 8; need > len(b) {
		b = append(b, make([]byte, need-len(b))...)
	}
	return b
}

func (o *output) bits(v *values, from, to int) error {
	o.data = growBits(o.data, o.n+to-from)
	if v.dict == nil {
		bitutil.CopyBitmap(v.fixed, from, to-from, o.data, o.n)
		return nil
	}
	for i, j := range v.indexes[from:to] {
		if uint32(j) >= uint32(v.dict.n) {
			return errIndex
		}
		if bitutil.BitIsSet(v.dict.fixed, int(j)) {
			bitutil.SetBit(o.data, o.n+i)
		}
	}
	return nil
}

// fixed appends values of fixed width: all at once, or by index.
func (o *output) fixed(v *values, from, to, hint int) error {
	w := o.width
	if to-from > (maxOutput-len(o.data))/w {
		return errOutput
	}
	if v.dict == nil {
		if o.data == nil && to-from < hint {
			o.data = make([]byte, 0, min(hint*w, maxOutput))
		}
		// Where this is all of the array, its memory need not be cleared first.
		o.data = append(o.data, v.fixed[from*w:to*w]...)
		return nil
	}
	if o.data == nil {
		o.data = make([]byte, 0, min(max(hint, to-from)*w, maxOutput))
	}
	at := len(o.data)
	o.data = extend(o.data, (to-from)*w)
	out, dict, picked := o.data[at:], v.dict.fixed[:v.dict.n*w], v.indexes[from:to]
	ok := true
	switch w {
	case 1:
		ok = gather(out, dict, picked)
	case 2:
		ok = gather(as[uint16](out), as[uint16](dict), picked)
	case 4:
		ok = gather(as[uint32](out), as[uint32](dict), picked)
	case 8:
		ok = gather(as[uint64](out), as[uint64](dict), picked)
	default:
		for i, j := range picked {
			if uint32(j) >= uint32(v.dict.n) {
				return errIndex
			}
			copy(out[i*w:(i+1)*w], dict[int(j)*w:])
		}
	}
	if !ok {
		return errIndex
	}
	return nil
}

// extend makes b longer by n bytes of any content.
func extend(b []byte, n int) []byte {
	if cap(b)-len(b) < n {
		b = append(b, make([]byte, n)...)
		return b
	}
	return b[:len(b)+n]
}

func gather[T any](out, dict []T, picked []int32) bool {
	if len(out) < len(picked) {
		return false
	}
	for i, j := range picked {
		if uint32(j) >= uint32(len(dict)) {
			return false
		}
		out[i] = dict[uint32(j)]
	}
	return true
}

func (o *output) begin(hint int) {
	if o.offsets == nil {
		o.offsets = append(make([]int32, 0, hint+1), 0)
	}
}

// byteArrays appends texts or bytes.
func (o *output) byteArrays(v *values, from, to, hint int) error {
	o.begin(max(hint, to-from))
	if v.dict != nil {
		d := v.dict
		for _, j := range v.indexes[from:to] {
			if uint32(j) >= uint32(d.n) {
				return errIndex
			}
			o.data = append(o.data, d.bytes[d.offsets[j]:d.offsets[j+1]]...)
			if len(o.data) > maxOutput {
				return errOutput
			}
			o.offsets = append(o.offsets, int32(len(o.data)))
		}
	} else {
		first, shift := v.offsets[from], len(o.data)
		o.data = append(o.data, v.bytes[first:v.offsets[to]]...)
		for _, end := range v.offsets[from+1 : to+1] {
			o.offsets = append(o.offsets, int32(int(end-first)+shift))
		}
	}
	if len(o.data) > maxOutput {
		return errOutput
	}
	return nil
}

// coding is what the indexes of a dictionary array stand for: the dictionary of the chunk,
// and behind it the values of pages that were written without.
type coding struct {
	width int // of a value, as in output
	dict  *values
	array arrow.Array // of dict alone
	more  output
}

func newCoding(width int) *coding { return &coding{width: width, more: output{width: width}} }

// place appends indexes.
func (o *output) place(v *values, from, to, hint int) error {
	if o.data == nil && to-from < hint {
		o.data = make([]byte, 0, 4*hint)
	}
	t := o.coding
	if v.dict != nil {
		t.dict = v.dict
		picked := v.indexes[from:to]
		if !within(picked, v.dict.n) {
			return errIndex // everyone after us would believe it
		}
		// Where this is all of the array, its memory need not be cleared first.
		o.data = append(o.data, bytesOf(picked)...)
		return nil
	}
	at := len(o.data)
	o.data = extend(o.data, 4*(to-from))
	out := as[int32](o.data[at:])
	base := t.more.n
	if t.dict != nil {
		base += t.dict.n
	}
	for i := range out {
		out[i] = int32(base + i)
	}
	return t.more.values(v, from, to, to-from)
}

// within reports whether every index is one of n values.
func within(indexes []int32, n int) bool {
	var over int64 // negative if an index is beyond, or itself negative
	for _, j := range indexes {
		over |= int64(n-1) - int64(uint32(j))
	}
	return over >= 0
}

// dictionary gives the array of the values for the indexes so far. Batches that have only
// indexes of the chunk's dictionary share it.
func (t *coding) dictionary(typ arrow.DataType) (arrow.Array, error) {
	if t.more.n == 0 && t.array != nil {
		t.array.Retain()
		return t.array, nil
	}
	all := output{width: t.width}
	if t.dict != nil {
		if err := all.values(t.dict, 0, t.dict.n, t.dict.n); err != nil {
			return nil, err
		}
	}
	plain := t.more.n == 0
	if !plain {
		more := values{n: t.more.n, fixed: t.more.data}
		if t.width == 0 {
			more = values{n: t.more.n, bytes: t.more.data, offsets: as[uint32](bytesOf(t.more.offsets))}
		}
		if err := all.values(&more, 0, more.n, more.n); err != nil {
			return nil, err
		}
		t.more = output{width: t.width}
	}
	a := all.take(typ)
	if plain && t.dict != nil {
		a.Retain()
		t.array = a
	}
	return a, nil
}

func (t *coding) release() {
	if t.array != nil {
		t.array.Release()
		t.array = nil
	}
}

// data gives the buffers as the data of an array of a type, and begins anew.
func (o *output) take(typ arrow.DataType) arrow.Array {
	var valid *memory.Buffer
	if o.missing > 0 {
		valid = memory.NewBufferBytes(o.valid)
	}
	buffers := []*memory.Buffer{valid, memory.NewBufferBytes(o.data)}
	if o.width == 0 {
		o.begin(0)
		buffers = []*memory.Buffer{valid, memory.NewBufferBytes(bytesOf(o.offsets)), memory.NewBufferBytes(o.data)}
	}
	d := array.NewData(typ, o.n, buffers, nil, o.missing, 0)
	defer d.Release()
	*o = output{width: o.width, coding: o.coding}
	return array.MakeFromData(d)
}
