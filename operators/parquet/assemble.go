package parquet

import (
	"errors"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/pipeline"
)

// columnReader reads one column of a row group, whatever is nested in it.
type columnReader struct {
	*column
	leaves []*leafReader
}

// read gives the next n rows as an array, or those of a selection, if it is not nil.
func (r *columnReader) read(n int, s *selection) (arrow.Array, error) {
	for _, l := range r.leaves {
		var err error
		if s != nil {
			err = l.some(s)
		} else {
			err = l.read(n, n)
		}
		if err != nil {
			return nil, err
		}
	}
	if r.flat() == nil {
		return r.assemble(n)
	}
	l := r.leaves[0]
	if l.out.n != n {
		return nil, errFewer
	}
	if l.out.coding == nil {
		return l.out.take(r.field.Type), nil
	}
	dict, err := l.out.coding.dictionary(pipeline.ValueType(r.field.Type))
	if err != nil {
		return nil, err
	}
	defer dict.Release()
	indexes := l.out.take(arrow.PrimitiveTypes.Int32)
	defer indexes.Release()
	return array.NewDictionaryArray(r.field.Type, indexes, dict), nil
}

// assemble builds the array of a nested column.
func (r *columnReader) assemble(n int) (arrow.Array, error) {
	a := &assembler{leaves: r.leaves}
	out, err := a.build(r.node)
	for _, l := range r.leaves {
		l.rep, l.def = l.rep[:0], l.def[:0]
	}
	if err != nil {
		return nil, err
	}
	defer out.Release()
	if out.Len() != n {
		return nil, errFewer
	}
	return array.MakeFromData(out), nil
}

// assembler goes through the nodes of a column in the order of its leaves.
type assembler struct {
	leaves []*leafReader
	next   int
}

var errNesting = errors.New("the parts of a nested value do not go together")

// build gives the array of a node. Where a list begins or ends, or a group is null, is
// what the levels of the first leaf below it say.
func (a *assembler) build(n *node) (arrow.ArrayData, error) {
	if n.kind == leafNode {
		l := a.leaves[a.next]
		a.next++
		out := l.out.take(n.field.Type)
		defer out.Release()
		out.Data().Retain()
		return out.Data(), nil
	}
	first := a.leaves[a.next]
	var children []arrow.ArrayData
	defer func() {
		for _, c := range children {
			c.Release()
		}
	}()
	for _, child := range n.children {
		c, err := a.build(child)
		if err != nil {
			return nil, err
		}
		children = append(children, c)
	}
	places, elements := n.places(first)
	if n.kind == structNode {
		elements = places.n
	}
	for _, c := range children {
		if c.Len() != elements {
			return nil, errNesting
		}
	}
	buffers := []*memory.Buffer{nil}
	if places.missing > 0 {
		buffers[0] = memory.NewBufferBytes(places.valid)
	}
	switch n.kind {
	case listNode:
		buffers = append(buffers, memory.NewBufferBytes(bytesOf(places.offsets)))
	case mapNode:
		buffers = append(buffers, memory.NewBufferBytes(bytesOf(places.offsets)))
		pairs := array.NewData(n.field.Type.(*arrow.MapType).Elem(), elements, []*memory.Buffer{nil}, children, 0, 0)
		for _, c := range children {
			c.Release()
		}
		children = []arrow.ArrayData{pairs}
	}
	return array.NewData(n.field.Type, places.n, buffers, children, places.missing, 0), nil
}

// places reads the levels of a leaf: for each place of the node whether it is null, and,
// of a list or map, where its elements end.
func (n *node) places(l *leafReader) (out output, elements int) {
	list := n.kind != structNode
	above := n.rep // entries of a deeper repetition go on with the same place
	if list {
		above--
		out.offsets = append(out.offsets, 0)
	}
	for i, def := range l.def {
		rep := byte(0)
		if l.maxRep > 0 {
			rep = l.rep[i]
		}
		if def < n.slot {
			continue
		}
		if rep <= above {
			valid := byte(0)
			if def >= n.def {
				valid = 1
			} else {
				out.missing++
			}
			out.valid = growBits(out.valid, out.n+1)
			out.valid[out.n/8] |= valid << (out.n % 8)
			out.n++
			if list {
				out.offsets = append(out.offsets, int32(elements))
			}
		}
		if list && rep <= n.rep && def >= n.elem {
			elements++
			if last := len(out.offsets) - 1; last > 0 {
				out.offsets[last] = int32(elements)
			}
		}
	}
	return out, elements
}
