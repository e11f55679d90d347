package parquet

import (
	"encoding/binary"
	"errors"
	"math"
)

var errCount = errors.New("it has another number of values than it says")

// deltaHeader reads the beginning of the delta encoding of whole numbers.
func deltaHeader(src []byte) (block, minis, total uint64, first int64, rest []byte, err error) {
	for _, p := range []*uint64{&block, &minis, &total} {
		v, k := binary.Uvarint(src)
		if k <= 0 {
			return 0, 0, 0, 0, nil, errShort
		}
		*p, src = v, src[k:]
	}
	first, k := binary.Varint(src)
	if k <= 0 {
		return 0, 0, 0, 0, nil, errShort
	}
	if block == 0 || block > 1<<16 || block%128 != 0 || minis == 0 || block%minis != 0 || block/minis%32 != 0 {
		return 0, 0, 0, 0, nil, errors.New("its blocks have a size that the encoding does not have")
	}
	return block, minis, total, first, src[k:], nil
}

// checkDelta makes sure that what follows stands for n values.
func checkDelta(src []byte, n int) error {
	_, _, total, _, _, err := deltaHeader(src)
	if err == nil && total != uint64(n) {
		err = errCount
	}
	return err
}

// lengths decodes n lengths in the delta encoding, and gives what follows them.
func lengths(src []byte, n int) (all []int32, rest []byte, err error) {
	block, minis, total, value, src, err := deltaHeader(src)
	if err != nil {
		return nil, nil, err
	}
	if total != uint64(n) {
		return nil, nil, errCount
	}
	all = make([]int32, 0, n)
	add := func() error {
		if value < 0 || value > math.MaxInt32 {
			return errors.New("a length is negative")
		}
		all = append(all, int32(value))
		return nil
	}
	if n > 0 {
		if err := add(); err != nil {
			return nil, nil, err
		}
	}
	for len(all) < n {
		least, k := binary.Varint(src)
		if k <= 0 || len(src)-k < int(minis) {
			return nil, nil, errShort
		}
		widths := src[k : k+int(minis)]
		src = src[k+int(minis):]
		for _, width := range widths {
			if len(all) == n {
				break // the rest of the block is not written
			}
			per := int(block / minis)
			if width > 64 || len(src) < per*int(width)/8 {
				return nil, nil, errShort
			}
			for i := 0; i < per && len(all) < n; i++ {
				value += least + int64(bitsAt(src, i*int(width), uint(width)))
				if err := add(); err != nil {
					return nil, nil, err
				}
			}
			src = src[per*int(width)/8:]
		}
	}
	return all, src, nil
}

// bitsAt is the number of width bits at a bit.
func bitsAt(src []byte, bit int, width uint) (v uint64) {
	for i := range width {
		at := bit + int(i)
		v |= uint64(src[at/8]>>(at%8)&1) << i
	}
	return v
}

// deltaLengths decodes n byte arrays whose lengths come first.
func deltaLengths(v *values, src []byte, n int) error {
	sizes, rest, err := lengths(src, n)
	if err != nil {
		return err
	}
	v.offsets = append(v.offsets[:0], 0)
	end := int64(0)
	for _, size := range sizes {
		if end += int64(size); end > int64(len(rest)) {
			return errShort
		}
		v.offsets = append(v.offsets, uint32(end))
	}
	v.bytes = rest
	return nil
}

// deltaBytes decodes n byte arrays of which each shares its beginning with the one before.
func deltaBytes(v *values, src []byte, n int) error {
	shared, rest, err := lengths(src, n)
	if err != nil {
		return err
	}
	own, rest, err := lengths(rest, n)
	if err != nil {
		return err
	}
	total := int64(0)
	for i := range shared {
		total += int64(shared[i]) + int64(own[i])
	}
	if total > maxPage {
		return errors.New("its values take more than a page may")
	}
	v.offsets = append(v.offsets[:0], 0)
	v.store = append(v.store[:0], make([]byte, total)...)[:0]
	last := v.store
	for i := range shared {
		if int(shared[i]) > len(last) || int(own[i]) > len(rest) {
			return errShort
		}
		from := len(v.store)
		v.store = append(v.store, last[:shared[i]]...)
		v.store = append(v.store, rest[:own[i]]...)
		rest, last = rest[own[i]:], v.store[from:]
		v.offsets = append(v.offsets, uint32(len(v.store)))
	}
	v.bytes = v.store
	return nil
}
