package compare

import (
	"context"
	"encoding/binary"
	"math/bits"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/zeebo/xxh3"

	"github.com/penstock-data/penstock/pipeline"
)

// Values that somebody made to have one hash, for a seed that he knows, differ nevertheless.
func TestValuesMadeToCollide(t *testing.T) {
	const known = 0x165667b19e3779f9
	// Of 16 bytes, xxh3 adds the first half, reversed, to the second, and to their product.
	first := (uint64(0x1f67b3b7a4a44072) ^ 0x78e5c0cc4ee679cb) + known
	second := (uint64(0x2172ffcc7dd05a82) ^ 0x8e2443f7744608b8) - known
	made := func(a, b uint64) []byte {
		return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, a^first), b^second)
	}
	const some = 0x0123456789abcdef
	left, right := made(0, some), made(bits.ReverseBytes64(some), 0)
	if xxh3.HashSeed(left, known) != xxh3.HashSeed(right, known) {
		t.Fatal("they have no hash in common")
	}
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "v", Type: arrow.BinaryTypes.Binary}}, nil)
	side := func(v []byte) *pipeline.Input {
		return &pipeline.Input{Schema: schema, Splits: []pipeline.Split{{Rows: 1, Open: func(context.Context, *pipeline.Env, []string) (pipeline.Reader, error) {
			b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
			defer b.Release()
			b.Field(0).(*array.Int64Builder).Append(1)
			b.Field(1).(*array.BinaryBuilder).Append(v)
			return pipeline.Batches(b.NewRecordBatch()), nil
		}}}}
	}
	env := &pipeline.Env{Workers: 1, Memory: pipeline.NewBudget(1 << 20), Temp: t.TempDir(), Alloc: memory.DefaultAllocator}
	columns := []string{"id", "v"}
	got, err := Unequal(t.Context(), side(left), side(right), Matching{Env: env, Columns: [2][]string{columns, columns}, Keys: 1})
	if err != nil || got.Equal != 0 {
		t.Errorf("%d rows are equal, %v", got.Equal, err)
	}
}
