package rows

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

func TestFilter(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "i", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "d", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}, Nullable: true},
		{Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64), Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(alloc, schema)
	defer b.Release()
	for i, text := range []string{"a", "b", "a", "c"} {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		if err := b.Field(1).AppendValueFromString(text); err != nil {
			t.Fatal(err)
		}
		b.Field(2).AppendNull()
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	for _, test := range []struct {
		keep []bool
		want string
	}{
		{[]bool{true, true, true, true}, `["a" "b" "a" "c"]`},
		{[]bool{false, false, true, true}, `["a" "c"]`},
		{[]bool{false, false, false, false}, `[]`},
	} {
		got, err := Filter(t.Context(), batch, test.keep, alloc)
		if err != nil {
			t.Fatal(err)
		}
		text := "["
		for i := range int(got.NumRows()) {
			if i > 0 {
				text += " "
			}
			text += `"` + got.Column(1).ValueStr(i) + `"`
		}
		if text+"]" != test.want {
			t.Errorf("got %s], want %s", text, test.want)
		}
		got.Release()
	}
}
