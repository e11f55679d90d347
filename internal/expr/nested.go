package expr

import (
	"fmt"
	"reflect"
	"strconv"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/expr/vector"
)

// values gives the CEL value of a row of an array, for every type that celType knows.
func values(a arrow.Array) func(row int) ref.Val {
	get := valid(a)
	return func(row int) ref.Val {
		if a.IsNull(row) {
			return null
		}
		return get(row)
	}
}

func valid(a arrow.Array) func(row int) ref.Val {
	switch a := a.(type) {
	case *array.Dictionary:
		get := values(a.Dictionary())
		return func(row int) ref.Val { return get(a.GetValueIndex(row)) }
	case *array.RunEndEncoded:
		get := values(a.Values())
		return func(row int) ref.Val { return get(a.GetPhysicalIndex(row)) }
	case *array.Null:
		return func(int) ref.Val { return null }
	case *array.Map:
		return maps(a)
	case array.ListLike:
		get := values(a.ListValues())
		return func(row int) ref.Val {
			from, to := a.ValueOffsets(row)
			list := make([]ref.Val, 0, to-from)
			for i := from; i < to; i++ {
				list = append(list, get(int(i)))
			}
			return types.NewRefValList(types.DefaultTypeAdapter, list)
		}
	case *array.Struct:
		return structs(a)
	}
	if _, ok := scaleOf(a.DataType()); ok {
		return func(row int) ref.Val { return decimalOf(a, row) }
	}
	var v vector.Vector
	return func(row int) ref.Val {
		v.Load(a, row, 1)
		return get(&v, 0)
	}
}

func maps(a *array.Map) func(row int) ref.Val {
	key, item := values(a.Keys()), values(a.Items())
	return func(row int) ref.Val {
		from, to := a.ValueOffsets(row)
		m := make(map[ref.Val]ref.Val, to-from)
		for i := from; i < to; i++ {
			m[key(int(i))] = item(int(i))
		}
		return types.NewRefValMap(types.DefaultTypeAdapter, m)
	}
}

func structs(a *array.Struct) func(row int) ref.Val {
	t := a.DataType().(*arrow.StructType)
	fields := make([]func(int) ref.Val, a.NumField())
	for i := range fields {
		fields[i] = values(a.Field(i))
	}
	name := structName(t)
	return func(row int) ref.Val { return structVal{name, t, fields, row} }
}

// structVal is a row of a struct column.
type structVal struct {
	name   string
	t      *arrow.StructType
	fields []func(row int) ref.Val
	row    int
}

// ConvertToNative implements ref.Val.
func (s structVal) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("a struct can't be made a %v", t)
}

// ConvertToType implements ref.Val.
func (s structVal) ConvertToType(t ref.Type) ref.Val {
	return types.NewErr("type conversion error from 'struct' to '%s'", t)
}

// Equal implements ref.Val: all fields are equal, where null is equal to null.
func (s structVal) Equal(other ref.Val) ref.Val {
	o, ok := other.(structVal)
	if !ok || s.name != o.name {
		return types.False
	}
	for i, f := range s.fields {
		a, b := f(s.row), o.fields[i](o.row)
		if types.IsUnknown(a) && types.IsUnknown(b) {
			continue
		}
		if a.Equal(b) != types.True {
			return types.False
		}
	}
	return types.True
}

// Type implements ref.Val.
func (s structVal) Type() ref.Type {
	return cel.ObjectType(s.name, traits.IndexerType, traits.FieldTesterType)
}

// Value implements ref.Val.
func (s structVal) Value() any { return s }

// Get implements traits.Indexer.
func (s structVal) Get(field ref.Val) ref.Val {
	if name, ok := field.(types.String); ok {
		if i, ok := s.t.FieldIdx(string(name)); ok {
			return s.fields[i](s.row)
		}
	}
	return types.NewErr("no such field: %v", field)
}

// IsSet implements traits.FieldTester: a field is set if it is not null.
func (s structVal) IsSet(field ref.Val) ref.Val {
	v := s.Get(field)
	if types.IsError(v) {
		return v
	}
	return types.Bool(!types.IsUnknown(v))
}

// structName is the CEL type of a struct: two are the same if their fields are.
func structName(t *arrow.StructType) string { return "struct." + strconv.Quote(t.String()) }

// structTypes tells the checker of the fields of structs.
type structTypes struct {
	types.Provider
	known map[string]*arrow.StructType
}

// add notes the structs in a type.
func (s *structTypes) add(t arrow.DataType) {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		s.add(t.ValueType)
	case *arrow.RunEndEncodedType:
		s.add(t.Encoded())
	case *arrow.StructType:
		s.known[structName(t)] = t
		for _, f := range t.Fields() {
			s.add(f.Type)
		}
	case *arrow.MapType:
		s.add(t.KeyType())
		s.add(t.ItemType())
	case arrow.ListLikeType:
		s.add(t.Elem())
	}
}

// FindStructType implements types.Provider.
func (s *structTypes) FindStructType(name string) (*types.Type, bool) {
	if _, ok := s.known[name]; ok {
		return types.NewTypeTypeWithParam(cel.ObjectType(name)), true
	}
	return s.Provider.FindStructType(name)
}

// FindStructFieldNames implements types.Provider.
func (s *structTypes) FindStructFieldNames(name string) ([]string, bool) {
	t, ok := s.known[name]
	if !ok {
		return s.Provider.FindStructFieldNames(name)
	}
	var names []string
	for _, f := range t.Fields() {
		names = append(names, f.Name)
	}
	return names, true
}

// FindStructFieldType implements types.Provider.
func (s *structTypes) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	t, ok := s.known[name]
	if !ok {
		return s.Provider.FindStructFieldType(name, field)
	}
	f, ok := t.FieldByName(field)
	if !ok || celType(f.Type) == nil {
		return nil, false
	}
	return &types.FieldType{Type: celType(f.Type)}, true
}
