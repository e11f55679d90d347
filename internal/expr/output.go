package expr

import (
	"math/big"
	"math/bits"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/internal/expr/vector"
)

// output gathers the chunks of a program's outcome into an array.
type output struct {
	typ    arrow.DataType
	rows   int
	errs   []RowError
	nulls  int
	valid  *memory.Buffer // nil until there is a null
	values *memory.Buffer // of numbers and bools
	data   *memory.Buffer // of texts, whose values are offsets; size bytes are used
	size   int
	alloc  memory.Allocator
}

func newOutput(p *Program, rows int, alloc memory.Allocator) *output {
	o := &output{typ: p.typ, rows: rows, alloc: alloc}
	switch p.root.kind {
	case vector.Text, vector.Bytes:
		o.values, o.data = o.buffer(4*(rows+1)), o.buffer(0)
		o.offsets()[0] = 0
	case vector.Bool:
		o.values = o.buffer(8 * vector.Words(rows))
	case vector.Decimal, vector.Other:
		o.values = o.buffer(arrow.Decimal128SizeBytes * rows)
	default:
		o.values = o.buffer(8 * rows)
	}
	return o
}

func (o *output) buffer(size int) *memory.Buffer {
	b := memory.NewResizableBuffer(o.alloc)
	b.Resize(size)
	return b
}

// take adds a chunk, which begins at a multiple of 64 rows.
func (o *output) take(v *vector.Vector, from, n int) {
	if v.Bad != nil {
		o.takeErrors(v, from, n)
	}
	switch v.Kind {
	case vector.Text, vector.Bytes:
		o.takeTexts(v, from, n)
	case vector.Bool:
		to := arrow.Uint64Traits.CastFromBytes(o.values.Bytes())[from>>6:]
		for w := range vector.Words(n) {
			to[w] = v.Bits[w] & vector.Mask(w, n)
		}
	case vector.Int:
		copy(o.ints(from, n), v.Ints)
	case vector.Uint:
		copy(arrow.Uint64Traits.CastFromBytes(o.values.Bytes())[from:from+n], v.Uints)
	case vector.Double:
		copy(arrow.Float64Traits.CastFromBytes(o.values.Bytes())[from:from+n], v.Doubles)
	case vector.Duration:
		for i, d := range v.Ints[:n] {
			o.ints(from, n)[i] = d / 1000
		}
	case vector.Time:
		o.takeTimes(v, from, n)
	case vector.Decimal, vector.Other:
		o.takeDecimals(v, from, n)
	}
	o.takeNulls(v, from, n)
}

func (o *output) ints(from, n int) []int64 {
	return arrow.Int64Traits.CastFromBytes(o.values.Bytes())[from : from+n]
}

// takeTimes converts to microseconds, downwards.
func (o *output) takeTimes(v *vector.Vector, from, n int) {
	to := o.ints(from, n)
	if v.Unit == vector.Nanos {
		for i, t := range v.Ints[:n] {
			to[i] = floorDiv(t, 1000)
		}
		return
	}
	per := int64(vector.Micros / v.Unit)
	for i, t := range v.Ints[:n] {
		to[i] = t * per
	}
}

// takeDecimals makes decimal128 of what an expression gave, which has no more places
// than the type; one of more digits is an error.
func (o *output) takeDecimals(v *vector.Vector, from, n int) {
	scale, _ := scaleOf(o.typ)
	to := arrow.Decimal128Traits.CastFromBytes(o.values.Bytes())[from : from+n]
	for i := range to {
		if set(v.Null, i) || set(v.Bad, i) {
			continue
		}
		d, ok := get(v, i).(decimalVal)
		if !ok {
			o.fault(from+i, errNoValue)
			continue
		}
		if unscaled, exact := d.unscaled(scale); exact && unscaled.CmpAbs(tenTo38) < 0 {
			to[i] = decimal128.FromBigInt(unscaled)
		} else {
			o.fault(from+i, errDecimals)
		}
	}
}

var tenTo38 = new(big.Int).Exp(big.NewInt(10), big.NewInt(38), nil)

func (o *output) fault(row int, err error) {
	o.errs = append(o.errs, RowError{row, err})
	o.null(row)
}

func floorDiv(a, b int64) int64 {
	if a < 0 {
		return -((-a-1)/b + 1)
	}
	return a / b
}

func set(b vector.Bits, row int) bool { return b != nil && b.Get(row) }

func (o *output) takeErrors(v *vector.Vector, from, n int) {
	for w := range vector.Words(n) {
		for word := v.Bad[w] & vector.Mask(w, n); word != 0; word &= word - 1 {
			row := w<<6 + bits.TrailingZeros64(word)
			o.errs = append(o.errs, RowError{from + row, v.Errs[row]})
		}
	}
}

func (o *output) offsets() []int32 { return arrow.Int32Traits.CastFromBytes(o.values.Bytes()) }

func (o *output) takeTexts(v *vector.Vector, from, n int) {
	sum := 0
	for i, s := range v.Texts[:n] {
		if !set(v.Null, i) && !set(v.Bad, i) {
			sum += len(s)
		}
	}
	if !v.Meter.Make(sum) {
		return
	}
	if o.data.Len() < o.size+sum {
		o.data.Resize(max(o.size+sum, 2*o.data.Len(), o.rows))
	}
	offsets, data := o.offsets()[from+1:], o.data.Bytes()
	for i, s := range v.Texts[:n] {
		if !set(v.Null, i) && !set(v.Bad, i) {
			o.size += copy(data[o.size:], s)
		}
		offsets[i] = int32(o.size)
	}
}

func (o *output) takeNulls(v *vector.Vector, from, n int) {
	for _, b := range []vector.Bits{v.Null, v.Bad} {
		if b == nil {
			continue
		}
		for w := range vector.Words(n) {
			for word := b[w] & vector.Mask(w, n); word != 0; word &= word - 1 {
				o.null(from + w<<6 + bits.TrailingZeros64(word))
			}
		}
	}
}

// null makes a row null, and its value zero.
func (o *output) null(row int) {
	if o.valid == nil {
		o.valid = o.buffer((o.rows + 7) / 8)
		for i := range o.valid.Bytes() {
			o.valid.Bytes()[i] = 0xff
		}
	}
	o.nulls++
	o.valid.Bytes()[row>>3] &^= 1 << (row & 7)
	switch {
	case o.data != nil: // a text is empty as it is
	case o.typ.ID() == arrow.DECIMAL128:
		arrow.Decimal128Traits.CastFromBytes(o.values.Bytes())[row] = decimal128.Num{}
	case o.typ.ID() == arrow.BOOL:
		o.values.Bytes()[row>>3] &^= 1 << (row & 7)
	default:
		arrow.Int64Traits.CastFromBytes(o.values.Bytes())[row] = 0
	}
}

// finish gives the result. Release has to be called all the same.
func (o *output) finish() *Result {
	slices.SortStableFunc(o.errs, func(a, b RowError) int { return a.Row - b.Row })
	buffers := []*memory.Buffer{o.valid, o.values}
	if o.data != nil {
		o.data.ResizeNoShrink(o.size)
		buffers = append(buffers, o.data)
	}
	data := array.NewData(o.typ, o.rows, buffers, nil, o.nulls, 0)
	defer data.Release()
	return &Result{Values: array.MakeFromData(data), Errs: o.errs}
}

func (o *output) release() {
	for _, b := range []*memory.Buffer{o.valid, o.values, o.data} {
		if b != nil {
			b.Release()
		}
	}
}
