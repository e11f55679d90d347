package profile_test

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/profile"
)

// arrays is a source of one batch, in a split of its own each time.
type arrays struct {
	batch  arrow.RecordBatch
	splits int
}

func (a arrays) String() string { return "arrays" }

func (a arrays) Resolve(context.Context, *pipeline.Env) (*pipeline.Input, error) {
	in := &pipeline.Input{Schema: a.batch.Schema()}
	for i := range a.splits {
		in.Splits = append(in.Splits, pipeline.Split{
			Name: fmt.Sprint(i), Rows: a.batch.NumRows(), Bytes: -1,
			Open: func(context.Context, *pipeline.Env, []string) (pipeline.Reader, error) {
				// A slice counts its nulls when it is first asked: no two goroutines share one.
				return pipeline.Batches(a.batch.NewSlice(0, a.batch.NumRows())), nil
			},
		})
	}
	return in, nil
}

func scanArrays(t *testing.T, a arrays) (*profile.Profile, error) {
	t.Helper()
	pl := &pipeline.Pipeline{Name: "p", Sources: []pipeline.NamedSource{{Name: "profile", Source: a}}}
	env := &pipeline.Env{
		Temp: filepath.Join(t.TempDir(), "tmp"), Workers: 2, Memory: pipeline.NewBudget(64 << 20),
		Now: func() time.Time { return time.Time{} }, Alloc: memory.DefaultAllocator,
	}
	return profile.Scan(context.Background(), "arrays", []profile.Part{{Pipeline: pl, Stage: "profile", Env: env}}, profile.Options{}, nil)
}

// TestArrays looks at what files rarely hold: dictionaries with nulls in them, slices,
// numbers at the edge of their types.
func TestArrays(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "code", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, Nullable: true},
		{Name: "year", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.PrimitiveTypes.Int64}, Nullable: true},
		{Name: "huge", Type: arrow.PrimitiveTypes.Uint64, Nullable: true},
		{Name: "x", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "at", Type: &arrow.TimestampType{Unit: arrow.Second, TimeZone: "UTC"}, Nullable: true},
		{Name: "wait", Type: arrow.FixedWidthTypes.Duration_us, Nullable: true},
	}, nil)
	texts, _, _ := array.FromJSON(alloc, arrow.BinaryTypes.String, strings.NewReader(`["open", null, "paid"]`))
	years, _, _ := array.FromJSON(alloc, arrow.PrimitiveTypes.Int64, strings.NewReader(`[1999, null, 2001]`))
	index, _, _ := array.FromJSON(alloc, arrow.PrimitiveTypes.Int8, strings.NewReader(`[2, 0, 1, null, 2, 2]`))
	huge, _, _ := array.FromJSON(alloc, arrow.PrimitiveTypes.Uint64, strings.NewReader(`[1, 18446744073709551615, 9223372036854775808, null, 0, 7]`))
	at, _, _ := array.FromJSON(alloc, schema.Field(4).Type, strings.NewReader(`[0, -62135596800, 253402300799, null, 86400, 1]`))
	wait, _, _ := array.FromJSON(alloc, schema.Field(5).Type, strings.NewReader(`[0, 1, 1, null, 5, 1]`))
	floats := array.NewFloat64Builder(alloc)
	floats.AppendValues([]float64{math.MaxFloat64, -math.MaxFloat64, math.Inf(1), math.NaN(), 5e-324, math.Copysign(0, -1)}, nil)
	x := floats.NewArray()
	code, year := array.NewDictionaryArray(schema.Field(0).Type, index, texts), array.NewDictionaryArray(schema.Field(1).Type, index, years)
	columns := []arrow.Array{code, year, huge, x, at, wait}
	whole := array.NewRecordBatch(schema, columns, 6)
	batch := whole.NewSlice(1, 6)
	defer func() {
		for _, a := range append(columns, texts, years, index) {
			a.Release()
		}
		floats.Release()
		whole.Release()
		batch.Release()
	}()
	p, err := scanArrays(t, arrays{batch, 3})
	if err != nil {
		t.Fatal(err)
	}
	got := text(t, p) // it can be written
	if p.Rows != 15 || *p.Duplicates != 10 || p.Column("code").Nulls != 6 || p.Column("year").Nulls != 6 {
		t.Errorf("%s", got)
	}
	for name, want := range map[string]int64{"code": 2, "year": 2, "huge": 4, "x": 5, "at": 4, "wait": 2} {
		if d := p.Column(name).Distinct; d == nil || d.N != want || !d.Exact {
			t.Errorf("%s: %+v distinct, want %d", name, d, want)
		}
	}
	if n := p.Column("year").Numbers; n.Min != "1999" || n.Max != "2001" || n.Falls != 2 {
		t.Errorf("year: %+v", n)
	}
	if n := p.Column("huge").Numbers; n.Min != "0" || n.Max != "18446744073709551615" {
		t.Errorf("huge: %+v", n)
	}
	if n := p.Column("x").Numbers; n.NaN != 3 || n.Infinite != 3 || n.Zeros != 3 || n.Negatives != 3 || n.Max != "5e-324" {
		t.Errorf("x: %+v", n)
	}
	if n := p.Column("at").Times; n.Min != "0001-01-01T00:00:00Z" || n.Max != "9999-12-31T23:59:59Z" || n.Days != 4 {
		t.Errorf("at: %+v", n)
	}
}

// TestOtherColumns refuses partitions whose columns differ.
func TestOtherColumns(t *testing.T) {
	part := func(field string) profile.Part {
		b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{{Name: field, Type: arrow.PrimitiveTypes.Int64}}, nil))
		b.Field(0).(*array.Int64Builder).Append(1)
		env := &pipeline.Env{Temp: t.TempDir(), Workers: 1, Memory: pipeline.NewBudget(64 << 20), Now: func() time.Time { return time.Time{} }, Alloc: memory.DefaultAllocator}
		return profile.Part{Stage: "s", Env: env, Pipeline: &pipeline.Pipeline{Name: "p", Sources: []pipeline.NamedSource{{Name: "s", Source: arrays{b.NewRecordBatch(), 1}}}}}
	}
	_, err := profile.Scan(context.Background(), "p", []profile.Part{part("a"), part("b")}, profile.Options{}, nil)
	if err == nil || !strings.Contains(err.Error(), "the columns are not those of the partitions before\n\tprofile them one by one\n\tcolumn a int64, found b int64") {
		t.Error(err)
	}
}
