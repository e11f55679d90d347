package parquet

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
)

// shredder makes the levels of the entries of a leaf, and finds its values. The levels are
// those of Dremel (Melnik et al. 2010), as Parquet has them.
type shredder struct {
	*outLeaf
	out *outColumn
	// pending are values of a nested leaf that are not taken yet: those of one list mostly
	// lie behind those of the last.
	pending  arrow.Array
	from, to int
}

// flat takes the rows of a column that is not nested.
func (s *shredder) flat(a arrow.Array) error {
	a = unmasked(a)
	defer a.Release()
	missing := a.NullN()
	if a.DataType().ID() == arrow.NULL {
		missing = a.Len()
	}
	if missing > 0 {
		if s.maxDef == 0 {
			return fmt.Errorf("%d values are null, and the column may have none", missing)
		}
		s.out.beginValid()
	}
	if s.out.valid != nil {
		s.out.valid = growBits(s.out.valid, s.out.entries+a.Len())
		if bits := a.NullBitmapBytes(); missing > 0 && len(bits) > 0 {
			bitutil.CopyBitmap(bits, a.Data().Offset(), a.Len(), s.out.valid, s.out.entries)
		} else if missing == 0 {
			bitutil.SetBitsTo(s.out.valid, int64(s.out.entries), int64(a.Len()), true)
		}
	}
	s.out.entries += a.Len()
	s.out.nulls += missing
	switch missing {
	case a.Len():
		return nil
	case 0:
		return s.out.add(s.outLeaf, a, 0, a.Len())
	}
	return s.out.addValid(s.outLeaf, a, 0, a.Len())
}

// unmasked gives an array whose nulls are all in its bitmap: those that are in the values
// of a dictionary are not. The caller releases it.
func unmasked(a arrow.Array) arrow.Array {
	d, ok := a.(*array.Dictionary)
	if !ok || d.Dictionary().NullN() == 0 {
		a.Retain()
		return a
	}
	bits := make([]byte, (a.Len()+7)/8)
	nulls := 0
	for i := range a.Len() {
		if a.IsValid(i) && d.Dictionary().IsValid(d.GetValueIndex(i)) {
			bitutil.SetBit(bits, i)
		} else {
			nulls++
		}
	}
	return withValidity(d, bits, nulls)
}

// nested takes the rows of a column in which the leaf is.
func (s *shredder) nested(a arrow.Array) error {
	if err := s.walk(0, a, 0, a.Len(), 0, 0); err != nil {
		return err
	}
	return s.flush()
}

// take takes values of the leaf.
func (s *shredder) take(a arrow.Array, from, to int) error {
	if s.pending == a && s.to == from {
		s.to = to
		return nil
	}
	err := s.flush()
	s.pending, s.from, s.to = a, from, to
	return err
}

func (s *shredder) flush() error {
	if s.pending == nil {
		return nil
	}
	a := s.pending
	s.pending = nil
	return s.out.add(s.outLeaf, a, s.from, s.to)
}

// walk takes the places from … to of the array of a node; the repetition level of the
// first of them is first, that of the others rest.
func (s *shredder) walk(depth int, a arrow.Array, from, to int, first, rest byte) error {
	n := s.nodes[depth]
	if n.leaf != nil {
		return s.values(n, a, from, to, first, rest)
	}
	for i := from; i < to; {
		if a.IsNull(i) {
			if !n.field.Nullable {
				return s.missing()
			}
			s.entry(first, n.def-1)
			first, i = rest, i+1
			continue
		}
		j := i + 1
		if n.kind == structNode {
			for j < to && !a.IsNull(j) {
				j++
			}
			child := a.(*array.Struct).Field(s.child(depth))
			if err := s.walk(depth+1, child, i, j, first, rest); err != nil {
				return err
			}
		} else if err := s.list(depth, a.(array.ListLike), i, first); err != nil {
			return err
		}
		first, i = rest, j
	}
	return nil
}

// list takes the elements of a list or map that is not null.
func (s *shredder) list(depth int, a array.ListLike, i int, first byte) error {
	n := s.nodes[depth]
	from, to := a.ValueOffsets(i)
	if from == to {
		s.entry(first, n.def)
		return nil
	}
	elements := a.ListValues()
	if n.kind == mapNode {
		elements = elements.(*array.Struct).Field(s.child(depth))
	}
	return s.walk(depth+1, elements, int(from), int(to), first, n.rep)
}

// child is which field of a node leads to the leaf.
func (s *shredder) child(depth int) int {
	for i, c := range s.nodes[depth].children {
		if c == s.nodes[depth+1] {
			return i
		}
	}
	panic("a leaf is not below its node")
}

// values takes places of the leaf.
func (s *shredder) values(n *outNode, a arrow.Array, from, to int, first, rest byte) error {
	for i := from; i < to; {
		null := nullAt(a, i)
		j := i + 1
		for j < to && nullAt(a, j) == null {
			j++
		}
		def := n.def
		if null {
			if !n.field.Nullable {
				return s.missing()
			}
			def--
		} else if err := s.take(a, i, j); err != nil {
			return err
		}
		s.entry(first, def)
		for range j - i - 1 {
			s.entry(rest, def)
		}
		first, i = rest, j
	}
	return nil
}

func nullAt(a arrow.Array, i int) bool {
	switch a := a.(type) {
	case *array.Null:
		return true
	case *array.Dictionary:
		return a.IsNull(i) || a.Dictionary().NullN() > 0 && a.Dictionary().IsNull(a.GetValueIndex(i))
	}
	return a.IsNull(i)
}

func (s *shredder) missing() error {
	return fmt.Errorf("a value of %s is null, and may not be", strings.Join(s.path, "."))
}

func (s *shredder) entry(rep, def byte) {
	if s.maxRep > 0 {
		s.out.rep = append(s.out.rep, rep)
	}
	if s.maxDef > 0 {
		s.out.def = append(s.out.def, def)
		if def < s.maxDef {
			s.out.nulls++
		}
	}
	s.out.entries++
}
