package parquet

import (
	"math"
	"math/bits"

	"github.com/parquet-go/parquet-go/format"
)

const (
	// sampleRows is after how many values it is asked whether a dictionary pays.
	sampleRows = 16 << 10
	// maxMade bounds the dictionary that is made of values, in bytes; one that they
	// came with is large above maxGiven.
	maxMade, maxGiven = 1 << 20, 8 << 20
)

// choose decides how the values are encoded, the same in all pages, and makes them ready
// for it: it goes by the size before compression. Numbers in no order take about as many
// bits as differences from one to the next as zstd makes of them, and far fewer where they
// are sorted, with less work for it.
func (c *outColumn) choose(l *outLeaf) (format.Encoding, error) {
	v := &c.vals
	switch {
	case v.n == 0:
		v.dict = nil
		return format.Plain, nil
	case v.dict != nil && c.keeps(l):
		return format.RLEDictionary, nil
	case v.dict != nil:
		if err := v.lookUp(l); err != nil {
			return 0, err
		}
	}
	if l.physical == format.Boolean {
		return format.Plain, nil
	}
	plain := v.plainBytes(l, nil)
	best, enc := plain, format.Plain
	if l.physical == format.Int32 || l.physical == format.Int64 {
		if delta := deltaBytes64(v, l.size); delta < plain*9/10 {
			best, enc = delta, format.DeltaBinaryPacked
		}
	}
	// Readers do more with a dictionary, so that it may take a little more.
	if best < plain {
		best += best / 10
	}
	if c.makeDictionary(l, best) {
		return format.RLEDictionary, nil
	}
	return enc, nil
}

// keeps reports whether the dictionary that values came with is kept: where it is smaller,
// and, if it is large, much smaller.
func (c *outColumn) keeps(l *outLeaf) bool {
	entries, plain := c.table.entryBytes(), c.vals.dict.plainBytes(l, c.vals.indexes)
	if l.physical == format.Boolean || entries > maxPage || !c.saves(c.vals.n, plain) {
		return false
	}
	return entries <= maxGiven || plain > 2*entries
}

// saves reports whether a dictionary of the table's entries takes less than other bytes.
func (c *outColumn) saves(n, other int) bool {
	return c.table.entryBytes()+n*bitWidth(c.table.entries)/8 <= other
}

// plainBytes is what values take in plain encoding, or those that indexes lead to.
func (v *outValues) plainBytes(l *outLeaf, indexes []int32) int {
	switch {
	case l.size > 0 && indexes != nil:
		return l.size * len(indexes)
	case l.size > 0:
		return l.size * v.n
	case indexes == nil:
		return int(v.offsets[v.n]-v.offsets[0]) + 4*v.n
	}
	total := 4 * len(indexes)
	for _, j := range indexes {
		total += int(v.offsets[j+1] - v.offsets[j])
	}
	return total
}

// lookUp replaces indexes by what they lead to.
func (v *outValues) lookUp(l *outLeaf) error {
	d := v.dict
	if d.plainBytes(l, v.indexes) > math.MaxUint32 {
		return errBytes
	}
	v.fixed, v.bytes, v.offsets = v.fixed[:0], v.bytes[:0], v.offsets[:0]
	for _, j := range v.indexes {
		if l.size > 0 {
			v.fixed = append(v.fixed, d.at(int(j), l.size)...)
			continue
		}
		v.beginTexts()
		v.bytes = append(v.bytes, d.at(int(j), 0)...)
		v.offsets = append(v.offsets, uint32(len(v.bytes)))
	}
	v.dict, v.indexes = nil, v.indexes[:0]
	return nil
}

// makeDictionary tries a dictionary, and gives it up as soon as it can't be smaller than
// best bytes. A sample comes first: where half of it is distinct, so will the rest be.
func (c *outColumn) makeDictionary(l *outLeaf, best int) bool {
	n := c.vals.n
	c.table.begin(l.size)
	if cap(c.vals.indexes) < n {
		c.vals.indexes = make([]int32, n)
	}
	out := c.vals.indexes[:n]
	for from := 0; from < n; from += sampleRows {
		to := min(from+sampleRows, n)
		limit := max(to/2, 256)
		if c.table.index(out[from:to], &c.vals, from, to, limit, maxMade) < to-from || !c.saves(n, best) {
			return false
		}
	}
	c.vals.indexes, c.vals.dict = out, &c.table.vals
	return true
}

// deltaBytes64 estimates what whole numbers take as differences, by some blocks of them.
func deltaBytes64(v *outValues, size int) int {
	if size == 4 {
		return deltaBytesOf(as[int32](v.fixed), 32)
	}
	return deltaBytesOf(as[int64](v.fixed), 64)
}

const deltaBlock, deltaSamples = 128, 32

func deltaBytesOf[T int32 | int64](vals []T, width int) int {
	blocks := (len(vals) - 1) / deltaBlock
	if blocks < 1 {
		return len(vals) * width / 8
	}
	step := max(1, blocks/deltaSamples)
	total, seen := 0, 0
	for b := 0; b < blocks; b += step {
		total += deltaBits(vals[b*deltaBlock:b*deltaBlock+deltaBlock+1], width)
		seen += deltaBlock
	}
	return int(int64(total) * int64(len(vals)) / int64(seen) / 8)
}

// deltaBits is how many bits a block takes: each fourth of it as many as its greatest
// difference needs above the least of the block.
func deltaBits[T int32 | int64](block []T, width int) int {
	least := block[1] - block[0]
	for i := 1; i < len(block)-1; i++ {
		least = min(least, block[i+1]-block[i])
	}
	total := 8 * (4 + width/16)
	for i := 0; i < deltaBlock; i += 32 {
		var all uint64
		for j := i; j < i+32; j++ {
			all |= uint64(block[j+1]-block[j]-least) << (64 - width)
		}
		all >>= 64 - width
		total += 32 * bits.Len64(all)
	}
	return total
}
