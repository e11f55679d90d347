package ipc

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// canonical is the array with nothing where it has no value, or behind its last. What lies there in
// memory is anything: of DuckDB it differs from run to run, and of a value that was made null it may
// be the value, which is not to be published. The caller releases it.
func canonical(a arrow.Array) (arrow.Array, error) {
	c := &canon{}
	defer c.release()
	d, err := c.data(a, nil)
	if err != nil {
		return nil, err
	}
	return array.MakeFromData(d), nil
}

// canon holds what it makes until the arrays that are made of it hold it.
type canon struct{ made []interface{ Release() } }

func (c *canon) release() {
	for _, m := range c.made {
		m.Release()
	}
}

// data is the data of an array. Where gone holds there is no value either: nil stands for nowhere.
func (c *canon) data(a arrow.Array, gone func(int) bool) (arrow.ArrayData, error) {
	null := a.IsNull
	if gone != nil {
		null = func(i int) bool { return a.IsNull(i) || gone(i) }
	}
	switch a := a.(type) {
	case *array.Boolean:
		return c.bools(a, null), nil
	case *array.Struct:
		return c.structure(a, null)
	case *array.FixedSizeList:
		return c.fixedLists(a, null)
	case *array.List, *array.LargeList, *array.Map:
		return c.lists(a.(array.ListLike), null)
	}
	if a.NullN() == 0 && gone == nil && alone(a) {
		return a.Data(), nil
	}
	if a, texts := a.(array.BinaryLike); texts {
		return c.texts(a, null), nil
	}
	if t, fixed := a.DataType().(arrow.FixedWidthDataType); fixed && t.BitWidth()%8 == 0 && len(a.Data().Buffers()) == 2 {
		return c.values(a, null, t.BitWidth()/8), nil
	}
	return a.Data(), nil
}

// alone reports whether the values of an array are all there is in its buffer: what follows them there
// would be written too, as far as it fills up a word.
func alone(a arrow.Array) bool {
	buffers := a.Data().Buffers()
	last := buffers[len(buffers)-1]
	if a.Data().Offset() != 0 || last == nil {
		return false
	}
	if a, texts := a.(array.BinaryLike); texts {
		return len(a.ValueBytes()) == last.Len()
	}
	t, fixed := a.DataType().(arrow.FixedWidthDataType)
	return !fixed || a.Len()*t.BitWidth()/8 == last.Len()
}

func (c *canon) bools(a *array.Boolean, null func(int) bool) arrow.ArrayData {
	bits := make([]byte, bitutil.BytesForBits(int64(a.Len())))
	for i := range a.Len() {
		bitutil.SetBitTo(bits, i, !null(i) && a.Value(i))
	}
	return c.build(a, null, nil, memory.NewBufferBytes(bits))
}

// build makes the data of n values, with a validity of its own if some are null.
func (c *canon) build(a arrow.Array, null func(int) bool, children []arrow.ArrayData, buffers ...*memory.Buffer) arrow.ArrayData {
	n, nulls := a.Len(), 0
	valid := make([]byte, bitutil.BytesForBits(int64(n)))
	for i := range n {
		if null(i) {
			nulls++
		} else {
			bitutil.SetBit(valid, i)
		}
	}
	validity := memory.NewBufferBytes(valid)
	if nulls == 0 {
		validity = nil
	}
	d := array.NewData(a.DataType(), n, append([]*memory.Buffer{validity}, buffers...), children, nulls, 0)
	c.made = append(c.made, d)
	return d
}

// values are of a fixed width, in bytes.
func (c *canon) values(a arrow.Array, null func(int) bool, width int) arrow.ArrayData {
	n, out := a.Len(), []byte(nil)
	if raw := a.Data().Buffers()[1]; raw != nil {
		from := a.Data().Offset() * width
		out = append(make([]byte, 0, n*width), raw.Bytes()[from:from+n*width]...)
	} else {
		out = make([]byte, n*width)
	}
	for i := range n {
		if null(i) {
			clear(out[i*width : (i+1)*width])
		}
	}
	return c.build(a, null, nil, memory.NewBufferBytes(out))
}

func (c *canon) texts(a array.BinaryLike, null func(int) bool) arrow.ArrayData {
	wide := a.DataType().Layout().Buffers[1].ByteWidth == 8
	var bytes []byte
	ends := offsets{wide: wide}
	ends.add(0)
	for i := range a.Len() {
		if !null(i) {
			bytes = append(bytes, valueOf(a, i)...)
		}
		ends.add(len(bytes))
	}
	return c.build(a, null, nil, ends.buffer(), memory.NewBufferBytes(bytes))
}

// valueOf is the text of a row.
func valueOf(a array.BinaryLike, i int) []byte {
	from := a.ValueOffset64(i) - a.ValueOffset64(0)
	return a.ValueBytes()[from : from+int64(a.ValueLen(i))]
}

// offsets are those of texts and lists, of four bytes or eight.
type offsets struct {
	wide   bool
	small  []int32
	larger []int64
}

func (o *offsets) add(at int) {
	if o.wide {
		o.larger = append(o.larger, int64(at))
	} else {
		o.small = append(o.small, int32(at))
	}
}

func (o *offsets) buffer() *memory.Buffer {
	if o.wide {
		return memory.NewBufferBytes(arrow.Int64Traits.CastToBytes(o.larger))
	}
	return memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(o.small))
}

// structure has no value in any field of what is null.
func (c *canon) structure(a *array.Struct, null func(int) bool) (arrow.ArrayData, error) {
	var children []arrow.ArrayData
	for i := range a.NumField() {
		d, err := c.data(a.Field(i), null)
		if err != nil {
			return nil, err
		}
		children = append(children, d)
	}
	return c.build(a, null, children), nil
}

func (c *canon) fixedLists(a *array.FixedSizeList, null func(int) bool) (arrow.ArrayData, error) {
	each := int(a.DataType().(*arrow.FixedSizeListType).Len())
	first := a.Data().Offset() * each
	items := array.NewSlice(a.ListValues(), int64(first), int64(first+a.Len()*each))
	defer items.Release()
	d, err := c.data(items, func(i int) bool { return null(i / each) })
	if err != nil {
		return nil, err
	}
	return c.build(a, null, []arrow.ArrayData{d}), nil
}

// lists are put together anew: one that is null has no items.
func (c *canon) lists(a array.ListLike, null func(int) bool) (arrow.ArrayData, error) {
	ends := offsets{wide: a.DataType().Layout().Buffers[1].ByteWidth == 8}
	ends.add(0)
	var parts []arrow.Array
	n := 0
	for i := range a.Len() {
		if from, to := a.ValueOffsets(i); !null(i) && to > from {
			part := array.NewSlice(a.ListValues(), from, to)
			c.made = append(c.made, part)
			parts, n = append(parts, part), n+int(to-from)
		}
		ends.add(n)
	}
	if len(parts) == 0 {
		part := array.NewSlice(a.ListValues(), 0, 0)
		c.made = append(c.made, part)
		parts = append(parts, part)
	}
	items, err := array.Concatenate(parts, memory.DefaultAllocator)
	if err != nil {
		return nil, err
	}
	c.made = append(c.made, items)
	d, err := c.data(items, nil)
	if err != nil {
		return nil, err
	}
	return c.build(a, null, []arrow.ArrayData{d}, ends.buffer()), nil
}
