package reconcile

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/zeebo/xxh3"
)

// hasher writes the canonical values of the rows of a batch as bytes: two rows have the same if they
// are equal in all.
type hasher struct {
	keys, cols []func(buf []byte, i int) []byte
	nullsEqual []bool
	err        error
}

func (p *plan) hasher(side int, b arrow.RecordBatch) *hasher {
	h := &hasher{}
	for _, k := range p.keys {
		h.keys = append(h.keys, h.writer(k, side, b.Column(k.index[side])))
		h.nullsEqual = append(h.nullsEqual, k.nullsEqual)
	}
	for _, c := range p.cols {
		h.cols = append(h.cols, h.writer(c, side, b.Column(c.index[side])))
	}
	return h
}

// key writes the key of a row, and gives its hash.
func (h *hasher) key(buf []byte, i int) (out []byte, hash uint64, matches bool) {
	matches = true
	for j, write := range h.keys {
		at := len(buf)
		buf = write(buf, i)
		if buf[at] == 0 && !h.nullsEqual[j] {
			matches = false
		}
	}
	return buf, xxh3.Hash(buf), matches
}

func (h *hasher) rest(buf []byte, i int) []byte {
	for _, write := range h.cols {
		buf = write(buf, i)
	}
	return buf
}

// writer writes a value as 1 and its bytes, of a length that they tell, and null as 0.
func (h *hasher) writer(p *columnPair, side int, a arrow.Array) func(buf []byte, i int) []byte {
	write := h.value(p, side, a)
	if a.NullN() == 0 {
		return write
	}
	return func(buf []byte, i int) []byte {
		if a.IsNull(i) {
			return append(buf, 0)
		}
		return write(buf, i)
	}
}

func word(buf []byte, v uint64) []byte { return binary.LittleEndian.AppendUint64(append(buf, 1), v) }

func sized(buf []byte, s string) []byte {
	return append(binary.AppendUvarint(append(buf, 1), uint64(len(s))), s...)
}

func (h *hasher) value(p *columnPair, side int, a arrow.Array) func(buf []byte, i int) []byte {
	switch p.kind {
	case kindInt:
		if ints, ok := a.(*array.Int64); ok {
			values := ints.Int64Values()
			return func(buf []byte, i int) []byte { return word(buf, uint64(values[i])) }
		}
		at := integers(a)
		return func(buf []byte, i int) []byte { return word(buf, uint64(at(i))) }
	case kindDecimal:
		at := p.decimals(a, p.round)
		return func(buf []byte, i int) []byte {
			v, err := at(i)
			if err != nil {
				h.err = err
			}
			return binary.LittleEndian.AppendUint64(word(buf, v.LowBits()), uint64(v.HighBits()))
		}
	case kindFloat:
		at := p.floatValues(side, a)
		return func(buf []byte, i int) []byte { return word(buf, math.Float64bits(oneFloat(at(i)))) }
	case kindDate:
		if days, ok := a.(*array.Date32); ok {
			return func(buf []byte, i int) []byte { return word(buf, uint64(days.Value(i))) }
		}
		at := p.times(a)
		return func(buf []byte, i int) []byte { return word(buf, uint64(arrow.Date32FromTime(at(i)))) }
	case kindInstant:
		if t, ok := a.(*array.Timestamp); ok && p.microseconds(t) {
			return func(buf []byte, i int) []byte { return word(buf, uint64(t.Value(i))) }
		}
		at := p.times(a)
		return func(buf []byte, i int) []byte { return word(buf, uint64(at(i).UnixMicro())) }
	case kindTime:
		at := p.clock(a)
		return func(buf []byte, i int) []byte {
			v, err := at(i)
			if err != nil {
				h.err = err
			}
			return word(buf, uint64(v))
		}
	case kindBool:
		bools := a.(*array.Boolean)
		return func(buf []byte, i int) []byte {
			if bools.Value(i) {
				return append(buf, 1, 1)
			}
			return append(buf, 1, 0)
		}
	case kindBinary:
		binaries := a.(*array.Binary)
		return func(buf []byte, i int) []byte { return sized(buf, string(binaries.Value(i))) }
	}
	if p.kind == kindText && sortOf(p.types[side]) == sortText && p.write.asItIs() {
		at := eachText(a, func(s string) string { return s })
		return func(buf []byte, i int) []byte { return sized(buf, at(i)) }
	}
	at := p.written(side, a)
	return func(buf []byte, i int) []byte {
		w := at(i)
		if w.null {
			return append(buf, 0)
		}
		return sized(buf, w.text)
	}
}

// microseconds reports whether timestamps are stored as they are compared.
func (p *columnPair) microseconds(a *array.Timestamp) bool {
	t := a.DataType().(*arrow.TimestampType)
	return t.Unit == arrow.Microsecond && (t.TimeZone != "" || p.write.zone.String() == "UTC")
}

// asItIs reports whether texts are not written anew.
func (n Normal) asItIs() bool { return n.touches() == "" && n.Pad == 0 && len(n.Map) == 0 }
