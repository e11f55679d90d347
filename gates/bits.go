package gates

import (
	"encoding/binary"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
)

// rowBits has a bit for each row of a batch; those past the last are zero.
type rowBits []uint64

// sized gives bits for n rows, in the room of b if there is enough. What they are is left
// to the caller.
func (b rowBits) sized(n int) rowBits {
	words := (n + 63) / 64
	if cap(b) < words {
		return make(rowBits, words)
	}
	return b[:words]
}

// fill sets the bits of all n rows.
func (b rowBits) fill(n int) {
	for i := range b {
		b[i] = ^uint64(0)
	}
	b.trim(n)
}

func (b rowBits) trim(n int) {
	if rest := n % 64; rest > 0 {
		b[len(b)-1] &= 1<<rest - 1
	}
}

// load takes n bits of a buffer, from a place on; nil is all ones.
func (b rowBits) load(buf []byte, from, n int) {
	if buf == nil {
		b.fill(n)
		return
	}
	if from%8 != 0 {
		clear(b)
		for i := range n {
			if bitutil.BitIsSet(buf, from+i) {
				b[i/64] |= 1 << (i % 64)
			}
		}
		return
	}
	buf = buf[from/8 : (from+n+7)/8]
	for i := range b {
		if len(buf) >= 8 {
			b[i] = binary.LittleEndian.Uint64(buf)
			buf = buf[8:]
			continue
		}
		var last [8]byte
		copy(last[:], buf)
		b[i] = binary.LittleEndian.Uint64(last[:])
	}
	b.trim(n)
}

// loadTruth takes for which rows a condition is true, and for which it is not null.
func loadTruth(truth *array.Boolean, isTrue, valid rowBits) {
	data := truth.Data()
	isTrue.load(data.Buffers()[1].Bytes(), data.Offset(), data.Len())
	valid.load(validity(data), data.Offset(), data.Len())
}

func validity(data arrow.ArrayData) []byte {
	if data.NullN() == 0 || data.Buffers()[0] == nil {
		return nil
	}
	return data.Buffers()[0].Bytes()
}

func (b rowBits) count() (n int64) {
	for _, w := range b {
		n += int64(bits.OnesCount64(w))
	}
	return n
}

// has reports whether a row is marked.
func (b rowBits) has(row int) bool { return b[row/64]&(1<<(row%64)) != 0 }

func (b rowBits) drop(row int) { b[row/64] &^= 1 << (row % 64) }

// rows gives the marked rows, at most so many; negative is all.
func (b rowBits) rows(most int) (all []int) {
	if most < 0 {
		all = make([]int, 0, b.count())
	}
	for i, w := range b {
		for w != 0 && (most < 0 || len(all) < most) {
			all = append(all, 64*i+bits.TrailingZeros64(w))
			w &= w - 1
		}
	}
	return all
}
