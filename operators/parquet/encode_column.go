package parquet

import (
	"errors"
	"math"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// outColumn is what a leaf has in the rows of a chunk, before it is cut into pages. It is
// used again for other leaves.
type outColumn struct {
	rows, entries int
	nulls         int
	// rep and def are the levels of a nested leaf; valid that of each row of one that is
	// not, as bits, nil while all are there.
	rep, def []byte
	valid    []byte
	vals     outValues
	table    table
	// remap leads from the entries of the last dictionary that was seen to those of the
	// chunk's; -1 is one that is not used yet.
	remap  []int32
	source arrow.ArrayData
	room   []byte // for valid
}

// outValues are the values of a leaf that are not null, as Parquet keeps them.
type outValues struct {
	n int
	// fixed has numbers, byte arrays of one size, and a byte for each boolean.
	fixed []byte
	// bytes and offsets are byte arrays; there is one offset more than values.
	bytes   []byte
	offsets []uint32
	// indexes, where there is a dictionary, lead into it.
	indexes []int32
	dict    *outValues
}

func (c *outColumn) reset() {
	if c.source != nil {
		c.source.Release()
	}
	if c.valid != nil {
		c.room = c.valid
	}
	*c = outColumn{
		rep: c.rep[:0], def: c.def[:0], table: c.table, remap: c.remap[:0], room: c.room,
		vals: outValues{fixed: c.vals.fixed[:0], bytes: c.vals.bytes[:0], offsets: c.vals.offsets[:0], indexes: c.vals.indexes[:0]},
	}
	c.table.reset()
}

// maxScratch bounds the memory that is kept for the next column, in bytes.
const maxScratch = 32 << 20

func (c *outColumn) size() int {
	return cap(c.rep) + cap(c.def) + cap(c.room) + cap(c.vals.fixed) + cap(c.vals.bytes) + 4*cap(c.vals.offsets) +
		4*cap(c.vals.indexes) + 4*cap(c.remap) + c.table.memory()
}

func (c *outColumn) beginValid() {
	if c.valid != nil {
		return
	}
	c.valid = growBits(c.room[:0], c.entries)
	if c.valid == nil {
		c.valid = []byte{}
	}
	bitutil.SetBitsTo(c.valid, 0, int64(c.entries), true)
}

// addValid appends the values of a range that are not null.
func (c *outColumn) addValid(l *outLeaf, a arrow.Array, from, to int) error {
	valid, at := a.NullBitmapBytes(), a.Data().Offset()
	if w, ok := rawWidth(a); ok && (w == 4 || w == 8) {
		data := rawBytes(a, w)
		start := len(c.vals.fixed)
		c.vals.fixed = extend(c.vals.fixed, (to-from)*w)
		var k int
		if w == 4 {
			k = compact(as[uint32](c.vals.fixed[start:]), as[uint32](data)[from:to], valid, at+from)
		} else {
			k = compact(as[uint64](c.vals.fixed[start:]), as[uint64](data)[from:to], valid, at+from)
		}
		c.vals.fixed, c.vals.n = c.vals.fixed[:start+k*w], c.vals.n+k
		return nil
	}
	for i := from; i < to; {
		for i < to && !bitutil.BitIsSet(valid, at+i) {
			i++
		}
		j := i
		for j < to && bitutil.BitIsSet(valid, at+j) {
			j++
		}
		if i < j {
			if err := c.add(l, a, i, j); err != nil {
				return err
			}
		}
		i = j
	}
	return nil
}

// compact copies the values that are valid, and says how many; there is room for all.
func compact[T any](out, in []T, valid []byte, at int) (k int) {
	for i, v := range in {
		if k >= len(out) {
			break
		}
		out[k] = v
		k += int(valid[(at+i)>>3] >> ((at + i) & 7) & 1)
	}
	return k
}

var errBytes = errors.New("its texts in one row group take more than 4 GiB")

// add appends the values of a range, none of which is null.
func (c *outColumn) add(l *outLeaf, a arrow.Array, from, to int) error {
	if d, ok := a.(*array.Dictionary); ok {
		return c.addIndexes(l, d, from, to)
	}
	if c.vals.dict != nil {
		return c.addHashed(l, a, from, to)
	}
	if err := c.vals.append(l, a, from, to); err != nil {
		return err
	}
	c.vals.n += to - from
	return nil
}

// addHashed appends values that are not in a dictionary to those that are.
func (c *outColumn) addHashed(l *outLeaf, a arrow.Array, from, to int) error {
	var v outValues
	if err := v.append(l, a, from, to); err != nil {
		return err
	}
	for i := range to - from {
		c.vals.indexes = append(c.vals.indexes, c.table.entry(&v, i))
	}
	c.vals.n += to - from
	return nil
}

// addIndexes appends values by their indexes into a dictionary. What it stands for is
// only looked at where it is first used, so that entries nobody uses are left out, and
// the order of entries is that of the rows.
func (c *outColumn) addIndexes(l *outLeaf, a *array.Dictionary, from, to int) error {
	if c.vals.n > 0 && c.vals.dict == nil {
		return c.addLookedUp(l, a, from, to)
	}
	if c.vals.dict == nil {
		c.table.begin(l.size)
		c.vals.dict = &c.table.vals
	}
	if data := a.Dictionary().Data(); c.source != data {
		data.Retain()
		if c.source != nil {
			c.source.Release()
		}
		c.source = data
		c.remap = c.remap[:0]
		for range a.Dictionary().Len() {
			c.remap = append(c.remap, -1)
		}
	}
	at := len(c.vals.indexes)
	c.vals.indexes = append(c.vals.indexes, make([]int32, to-from)...)
	out := c.vals.indexes[at:]
	fresh := func(i int) (int32, error) {
		var v outValues
		if err := v.append(l, a.Dictionary(), i, i+1); err != nil {
			return 0, err
		}
		e := c.table.entry(&v, 0)
		c.remap[i] = e
		return e, nil
	}
	c.vals.n += to - from
	data := a.Indices()
	switch ix := data.(type) {
	case *array.Int8:
		return remapped(out, ix.Int8Values()[from:to], c.remap, fresh)
	case *array.Uint8:
		return remapped(out, ix.Uint8Values()[from:to], c.remap, fresh)
	case *array.Int16:
		return remapped(out, ix.Int16Values()[from:to], c.remap, fresh)
	case *array.Uint16:
		return remapped(out, ix.Uint16Values()[from:to], c.remap, fresh)
	case *array.Int32:
		return remapped(out, ix.Int32Values()[from:to], c.remap, fresh)
	case *array.Uint32:
		return remapped(out, ix.Uint32Values()[from:to], c.remap, fresh)
	case *array.Int64:
		return remapped(out, ix.Int64Values()[from:to], c.remap, fresh)
	case *array.Uint64:
		return remapped(out, ix.Uint64Values()[from:to], c.remap, fresh)
	}
	return errors.New("its dictionary has indexes of type " + data.DataType().String())
}

func remapped[T int8 | uint8 | int16 | uint16 | int32 | uint32 | int64 | uint64](out []int32, in []T, remap []int32, fresh func(int) (int32, error)) error {
	out = out[:len(in)]
	for i, j := range in {
		if uint64(j) >= uint64(len(remap)) {
			return errIndex
		}
		e := remap[j]
		if e < 0 {
			var err error
			if e, err = fresh(int(j)); err != nil {
				return err
			}
		}
		out[i] = e
	}
	return nil
}

// addLookedUp appends what the indexes stand for to values that have no dictionary.
func (c *outColumn) addLookedUp(l *outLeaf, a *array.Dictionary, from, to int) error {
	for i := from; i < to; i++ {
		j := a.GetValueIndex(i)
		if j < 0 || j >= a.Dictionary().Len() {
			return errIndex
		}
		if err := c.vals.append(l, a.Dictionary(), j, j+1); err != nil {
			return err
		}
	}
	c.vals.n += to - from
	return nil
}

// withValidity is a dictionary array with other nulls.
func withValidity(d *array.Dictionary, valid []byte, nulls int) arrow.Array {
	in := d.Indices()
	if off := in.Data().Offset(); off > 0 {
		shifted := make([]byte, (off+d.Len()+7)/8)
		bitutil.CopyBitmap(valid, 0, d.Len(), shifted, off)
		valid = shifted
	}
	buffers := []*memory.Buffer{memory.NewBufferBytes(valid), in.Data().Buffers()[1]}
	data := array.NewData(in.DataType(), d.Len(), buffers, nil, nulls, in.Data().Offset())
	defer data.Release()
	indexes := array.MakeFromData(data)
	defer indexes.Release()
	return array.NewDictionaryArray(d.DataType(), indexes, d.Dictionary())
}

// bitWidth is how many bits an index into n entries takes.
func bitWidth(n int) int {
	if n <= 1 {
		return 0
	}
	return bits.Len32(uint32(min(n-1, math.MaxInt32)))
}
