package parquet

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"

	"github.com/parquet-go/parquet-go"
)

var (
	errShort = errors.New("it ends in the middle of a value")
	errRuns  = errors.New("its runs have another number of values than it says")
)

// A run of the hybrid encoding of Parquet: one value many times, or many bit-packed.
type run struct {
	n      int    // values; of a packed run up to seven more than there are
	packed []byte // nil: the value is repeated
	value  uint32
}

// nextRun takes a run of values of width bits from src.
func nextRun(src []byte, width uint) (r run, rest []byte, err error) {
	header, k := binary.Uvarint(src)
	if k <= 0 || header > 1<<32 {
		return run{}, nil, errShort
	}
	src = src[k:]
	if header&1 == 1 {
		size := (header >> 1) * uint64(width)
		if header>>1 > 1<<28 {
			return run{}, nil, errRuns
		}
		// Some writers cut the last group off where its values end.
		size = min(size, uint64(len(src)))
		return run{n: int(header>>1) * 8, packed: src[:size:size]}, src[size:], nil
	}
	size := int(width+7) / 8
	if len(src) < size {
		return run{}, nil, errShort
	}
	for i := range size {
		r.value |= uint32(src[i]) << (8 * i)
	}
	r.n = int(header >> 1)
	return r, src[size:], nil
}

// levels decodes n levels of a column whose greatest level is max. constant says that all
// are the same, which is then the only one decoded.
func levels(dst []byte, src []byte, top byte, n int) (all []byte, constant bool, err error) {
	width := uint(bits.Len8(top))
	dst = dst[:0]
	for len(dst) < n {
		r, rest, err := nextRun(src, width)
		if err != nil {
			return nil, false, err
		}
		src = rest
		if r.n == 0 {
			return nil, false, errRuns
		}
		k := min(r.n, n-len(dst))
		if n > maxValues && (r.packed != nil || k < n) {
			return nil, false, errValues
		}
		if r.packed == nil {
			if r.n > k || r.value > uint32(top) {
				return nil, false, errRuns
			}
			if k == n {
				return append(dst, byte(r.value)), true, nil
			}
			for range k {
				dst = append(dst, byte(r.value))
			}
			continue
		}
		if len(r.packed)*8 < k*int(width) {
			return nil, false, errShort
		}
		from := len(dst)
		dst = unpackLevels(dst, r.packed, width, k)
		for _, l := range dst[from:] {
			if l > top {
				return nil, false, errRuns
			}
		}
	}
	return dst, false, nil
}

func unpackLevels(dst, packed []byte, width uint, n int) []byte {
	if width == 1 {
		for i := range n {
			dst = append(dst, packed[i/8]>>(i%8)&1)
		}
		return dst
	}
	mask := uint32(1)<<width - 1
	for i := range n {
		bit := i * int(width)
		word := uint32(packed[bit/8])
		if bit/8+1 < len(packed) {
			word |= uint32(packed[bit/8+1]) << 8
		}
		dst = append(dst, byte(word>>(bit%8)&mask))
	}
	return dst
}

// indexes decodes n indexes into a dictionary. That each is below the dictionary's length
// is left to who uses them.
func indexes(dst []int32, src []byte, n int) ([]int32, error) {
	if n == 0 {
		return dst[:0], nil
	}
	if len(src) == 0 || src[0] > 32 {
		return nil, errShort
	}
	end, cut, err := checkRuns(src[1:], uint(src[0]), n)
	if err != nil {
		return nil, err
	}
	src = src[:1+end]
	if cut > 0 {
		src = append(slices.Clip(src), make([]byte, cut)...)
	}
	if cap(dst) < n+spare {
		dst = make([]int32, 0, n+spare)
	}
	dst, err = parquet.RLEDictionary.DecodeInt32(dst, src)
	if err != nil {
		return nil, err
	}
	if len(dst) < n {
		return nil, errRuns
	}
	return dst[:n], nil
}

// spare is how many values more than there are a packed run may stand for: DuckDB, for
// one, fills up the last.
const spare = 1 << 10

// checkRuns makes sure that runs stand for n values, so that what decodes them allocates
// no more, and gives the bytes they take; what follows is nobody's. Of a last run that is
// cut off where its values end, cut bytes are not there.
func checkRuns(src []byte, width uint, n int) (end, cut int, err error) {
	total, rest := 0, src
	for total < n {
		r, after, err := nextRun(rest, width)
		if err != nil {
			return 0, 0, err
		}
		left := n - total
		switch {
		case r.n == 0:
			return 0, 0, errRuns
		case r.packed == nil && r.n > left, r.n > left+spare:
			return 0, 0, errRuns
		case r.packed != nil && len(r.packed)*8 < min(r.n, left)*int(width):
			return 0, 0, errShort
		}
		if r.packed != nil {
			cut = r.n*int(width)/8 - len(r.packed)
		}
		total, rest = total+r.n, after
	}
	return len(src) - len(rest), cut, nil
}
