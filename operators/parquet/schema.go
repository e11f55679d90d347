package parquet

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// column is a column of a file at the top of its schema.
type column struct {
	field arrow.Field
	node  *node
	// leaves are those below, in order; a column that is not nested is one.
	leaves []*leaf
}

// flat gives the leaf of a column that is not nested, or nil.
func (c *column) flat() *leaf {
	if c.node.kind == leafNode {
		return c.node.leaf
	}
	return nil
}

type nodeKind int

const (
	leafNode nodeKind = iota
	structNode
	listNode
	mapNode
)

// node is a field of the schema with the levels that say what is there of it. The levels
// are those of Dremel (Melnik et al. 2010), as Parquet has them.
type node struct {
	kind     nodeKind
	field    arrow.Field
	leaf     *leaf
	children []*node
	// slot is the definition level from which on there is a place for the node in the
	// array it is part of, and def that from which on it is not null.
	slot, def byte
	// rep is the repetition level of the elements of a list or map, or of the innermost
	// list that other nodes are in; elem the definition level from which on there is one.
	rep, elem byte
}

// leaf is a column of values.
type leaf struct {
	index          int // among all leaves
	physical       format.Type
	size           int // of a value as Parquet keeps it, in bytes; 0 for byte arrays
	maxRep, maxDef byte
	slot           byte
	typ            arrow.DataType
	// width is that of a value as Arrow keeps it, in bytes; 0 for byte arrays, -1 for bits.
	width   int
	uuid    bool
	convert func(v *values, size int) error
}

var dictionaryOfStrings = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}

// columnsOf lists the columns that can be read, and names those that can't.
func columnsOf(pf *parquet.File) (cols []*column, refused map[string]string) {
	refused = map[string]string{}
	w := &walker{file: pf, element: 1}
	for _, c := range pf.Root().Columns() {
		col := &column{}
		w.leaves, w.refused = nil, ""
		col.node = w.walk(c, 0, 0, 0)
		col.leaves = w.leaves
		if w.refused != "" {
			refused[c.Name()] = w.refused
			continue
		}
		if l := col.flat(); l != nil && l.typ.ID() == arrow.STRING && !l.uuid && alwaysDictionary(pf, l.index) {
			col.node.field.Type = dictionaryOfStrings
		}
		col.field = col.node.field
		cols = append(cols, col)
	}
	return cols, refused
}

// walker goes through the schema, which the footer has as a list in depth-first order.
type walker struct {
	file    *parquet.File
	element int // the next element of the footer's schema
	leaves  []*leaf
	refused string
}

// walk makes the node of a column; slot, rep and def are the levels above it.
func (w *walker) walk(c *parquet.Column, slot, rep, def byte) *node {
	element := &w.file.Metadata().Schema[w.element]
	w.element++
	if c.Repeated() {
		// A repeated field that is not part of a LIST is a list of values that are there.
		list := &node{kind: listNode, slot: slot, def: def, rep: rep + 1, elem: def + 1}
		item := w.inner(c, element, def+1, rep+1, def+1)
		list.children = []*node{item}
		list.field = arrow.Field{Name: c.Name(), Type: arrow.ListOfField(item.field)}
		return list
	}
	if c.Optional() {
		def++
	}
	n := w.inner(c, element, slot, rep, def)
	n.field.Nullable = c.Optional()
	return n
}

// inner makes the node of a column without regard to whether it is optional or repeated.
func (w *walker) inner(c *parquet.Column, element *format.SchemaElement, slot, rep, def byte) *node {
	n := &node{slot: slot, def: def, rep: rep, field: arrow.Field{Name: c.Name()}}
	switch {
	case c.Leaf():
		n.leaf = w.leafOf(c, slot, rep, def)
		n.field.Type = n.leaf.typ
	case isList(element) && len(c.Columns()) == 1 && c.Columns()[0].Repeated():
		w.list(n, c)
	case isMap(element) && isPairs(c):
		w.pairs(n, c)
	default:
		n.kind = structNode
		for _, child := range c.Columns() {
			n.children = append(n.children, w.walk(child, slot, rep, def))
		}
		n.field.Type = arrow.StructOf(fieldsOf(n.children)...)
		if len(n.children) == 0 {
			w.refused = "a group without fields"
		}
	}
	return n
}

func fieldsOf(nodes []*node) (fields []arrow.Field) {
	for _, n := range nodes {
		fields = append(fields, n.field)
	}
	return fields
}

func isList(e *format.SchemaElement) bool {
	_, ok := e.LogicalType.Value.(*format.ListType)
	return ok || e.ConvertedType.Valid && e.ConvertedType.V == deprecated.List
}

func isMap(e *format.SchemaElement) bool {
	_, ok := e.LogicalType.Value.(*format.MapType)
	return ok || e.ConvertedType.Valid && (e.ConvertedType.V == deprecated.Map || e.ConvertedType.V == deprecated.MapKeyValue)
}

// isPairs reports whether a group is a map as Arrow has it.
func isPairs(c *parquet.Column) bool {
	if len(c.Columns()) != 1 || !c.Columns()[0].Repeated() {
		return false
	}
	pair := c.Columns()[0].Columns()
	return len(pair) == 2 && pair[0].Required()
}

// list makes a node of the lists of three levels that the format wants, and of those of
// two that old writers made, by the rules of the format's LogicalTypes.md.
func (w *walker) list(n *node, c *parquet.Column) {
	repeated := c.Columns()[0]
	n.kind, n.rep, n.elem = listNode, n.rep+1, n.def+1
	element := &w.file.Metadata().Schema[w.element]
	w.element++
	var item *node
	name := repeated.Name()
	if repeated.Leaf() || len(repeated.Columns()) != 1 || name == "array" || name == c.Name()+"_tuple" {
		item = w.inner(repeated, element, n.elem, n.rep, n.elem)
	} else {
		item = w.walk(repeated.Columns()[0], n.elem, n.rep, n.elem)
	}
	n.children = []*node{item}
	n.field.Type = arrow.ListOfField(item.field)
}

func (w *walker) pairs(n *node, c *parquet.Column) {
	n.kind, n.rep, n.elem = mapNode, n.rep+1, n.def+1
	w.element++ // the repeated group
	for _, child := range c.Columns()[0].Columns() {
		n.children = append(n.children, w.walk(child, n.elem, n.rep, n.elem))
	}
	key, value := n.children[0].field, n.children[1].field
	m := arrow.MapOf(key.Type, value.Type)
	m.SetItemNullable(value.Nullable)
	n.field.Type = m
}

func (w *walker) leafOf(c *parquet.Column, slot, rep, def byte) *leaf {
	l := &leaf{index: c.Index(), maxRep: rep, maxDef: def, slot: slot, physical: format.Type(c.Type().Kind())}
	w.leaves = append(w.leaves, l)
	l.setType(c.Type())
	switch codec, ok := w.codec(l.index); {
	case l.typ == nil:
		w.refused, l.typ = c.Type().String(), arrow.Null
	case !ok:
		w.refused = "compressed with " + codec
	}
	return l
}

// codec names a codec of a column that is not read.
func (w *walker) codec(index int) (string, bool) {
	groups := w.file.Metadata().RowGroups
	for i := range groups {
		if index < len(groups[i].Columns) && groups[i].Columns[index].MetaData.Codec == format.LZO {
			return "LZO", false
		}
	}
	return "", true
}

// alwaysDictionary reports whether every row group has a dictionary for the column. It
// goes by the encodings: some writers leave the dictionary's offset out.
func alwaysDictionary(pf *parquet.File, index int) bool {
	groups := pf.Metadata().RowGroups
	for i := range groups {
		if index >= len(groups[i].Columns) {
			return false
		}
		encodings := groups[i].Columns[index].MetaData.Encoding
		if !slices.Contains(encodings, format.RLEDictionary) && !slices.Contains(encodings, format.PlainDictionary) {
			return false
		}
	}
	return len(groups) > 0
}
