package parquet

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/penstock-data/penstock/pipeline"
)

// outNode is a field of a file that is written, with its levels: def is the definition
// level from which on it is not null, rep the repetition level of the elements of a list
// or map, or of the innermost list around other nodes.
type outNode struct {
	kind     nodeKind
	field    arrow.Field
	children []*outNode
	leaf     *outLeaf
	rep, def byte
}

// outLeaf is a column of values of a file that is written.
type outLeaf struct {
	index          int // among all leaves
	column         int // at the top of the schema
	path           []string
	nodes          []*outNode // from the top of the schema down to the leaf
	typ            arrow.DataType
	physical       format.Type
	size           int // of a value as Parquet keeps it, in bytes; 0 for byte arrays
	order          valueOrder
	maxRep, maxDef byte
	bloom          bool
}

// flat reports whether the leaf is a column at the top of the schema.
func (l *outLeaf) flat() bool { return len(l.nodes) == 1 }

// outSchema is the schema of a file that is written.
type outSchema struct {
	arrow    *arrow.Schema
	columns  []*outNode
	leaves   []*outLeaf
	elements []format.SchemaElement
	// first are the index of each column's first element, and of its first leaf; there is
	// one more than columns.
	first, firstLeaf []int
}

// newOutSchema plans how columns are kept in Parquet, and refuses types that it lacks.
func newOutSchema(schema *arrow.Schema) (*outSchema, error) {
	s := &outSchema{arrow: schema}
	s.elements = []format.SchemaElement{{Name: "schema", NumChildren: thrift.New(int32(schema.NumFields()))}}
	for i, f := range schema.Fields() {
		s.first, s.firstLeaf = append(s.first, len(s.elements)), append(s.firstLeaf, len(s.leaves))
		p := &planner{schema: s, column: i, top: f}
		n, err := p.add(f, f.Name, nil, nil, 0, 0)
		if err != nil {
			return nil, err
		}
		s.columns = append(s.columns, n)
	}
	s.first, s.firstLeaf = append(s.first, len(s.elements)), append(s.firstLeaf, len(s.leaves))
	return s, nil
}

// planner adds one column to a schema.
type planner struct {
	schema *outSchema
	column int
	top    arrow.Field
}

// add makes the node of a field below the path; rep and def are the levels above it.
func (p *planner) add(f arrow.Field, name string, path []string, above []*outNode, rep, def byte) (*outNode, error) {
	if def >= maxNesting {
		return nil, pipeline.Errorf(pipeline.Invalid, "column %s is nested more than %d deep", p.top.Name, maxNesting)
	}
	path = append(path[:len(path):len(path)], name)
	n := &outNode{field: f, rep: rep, def: def}
	repetition := format.Required
	if f.Nullable {
		repetition = format.Optional
		n.def++
	}
	above = append(above[:len(above):len(above)], n)
	switch t := f.Type.(type) {
	case *arrow.StructType:
		return n, p.structure(n, t, name, repetition, path, above)
	case *arrow.MapType:
		return n, p.list(n, mapNode, t.ElemField(), name, repetition, path, above)
	case *arrow.ListType, *arrow.LargeListType, *arrow.FixedSizeListType:
		return n, p.list(n, listNode, t.(arrow.ListLikeType).ElemField(), name, repetition, path, above)
	}
	element, order, ok := elementOf(pipeline.ValueType(f.Type))
	if !ok {
		return nil, p.lacks(f.Type)
	}
	element.Name, element.RepetitionType = name, thrift.New(repetition)
	p.schema.elements = append(p.schema.elements, element)
	n.leaf = &outLeaf{
		index: len(p.schema.leaves), column: p.column, path: path, nodes: above, typ: pipeline.ValueType(f.Type),
		physical: element.Type.V, size: sizeOf(&element), order: order, maxRep: rep, maxDef: n.def,
	}
	p.schema.leaves = append(p.schema.leaves, n.leaf)
	return n, nil
}

// maxNesting bounds the levels of a column.
const maxNesting = 100

func (p *planner) lacks(t arrow.DataType) error {
	return pipeline.Errorf(pipeline.Invalid, "column %s is %s, which Parquet has no type for", p.top.Name, pipeline.TypeName(t)).
		With("cast it, or choose another output format, like ipc")
}

func (p *planner) structure(n *outNode, t *arrow.StructType, name string, repetition format.FieldRepetitionType, path []string, above []*outNode) error {
	n.kind = structNode
	if t.NumFields() == 0 {
		return p.lacks(p.top.Type)
	}
	p.group(name, repetition, t.NumFields(), nil)
	for _, f := range t.Fields() {
		child, err := p.add(f, f.Name, path, above, n.rep, n.def)
		if err != nil {
			return err
		}
		n.children = append(n.children, child)
	}
	return nil
}

// list adds the groups of a list, or of a map, by the names that the format wants.
func (p *planner) list(n *outNode, kind nodeKind, elem arrow.Field, name string, repetition format.FieldRepetitionType, path []string, above []*outNode) error {
	n.kind = kind
	n.rep++
	if kind == listNode {
		p.group(name, repetition, 1, &format.ListType{})
		p.group("list", format.Repeated, 1, nil)
		child, err := p.add(elem, "element", append(path[:len(path):len(path)], "list"), above, n.rep, n.def+1)
		n.children = []*outNode{child}
		return err
	}
	p.group(name, repetition, 1, &format.MapType{})
	p.group("key_value", format.Repeated, 2, nil)
	for i, f := range elem.Type.(*arrow.StructType).Fields() {
		if i == 0 {
			f.Nullable = false
		}
		child, err := p.add(f, []string{"key", "value"}[i], append(path[:len(path):len(path)], "key_value"), above, n.rep, n.def+1)
		if err != nil {
			return err
		}
		n.children = append(n.children, child)
	}
	return nil
}

func (p *planner) group(name string, repetition format.FieldRepetitionType, children int, logical format.LogicalTypeValue) {
	e := format.SchemaElement{
		Name: name, RepetitionType: thrift.New(repetition), NumChildren: thrift.New(int32(children)),
		LogicalType: format.LogicalType{Value: logical},
	}
	e.ConvertedType = convertedOf(logical)
	p.schema.elements = append(p.schema.elements, e)
}

// sizeOf is how many bytes Parquet keeps a value in; 0 for byte arrays, 1 for booleans,
// which are bytes until they are packed.
func sizeOf(e *format.SchemaElement) int {
	switch e.Type.V {
	case format.Boolean:
		return 1
	case format.Int32, format.Float:
		return 4
	case format.Int64, format.Double:
		return 8
	case format.FixedLenByteArray:
		return int(e.TypeLength.V)
	}
	return 0
}
