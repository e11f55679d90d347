package twosides

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/pipeline"
)

// Table is one side: rows of cells. A cell is nil, an int64, a float64, a string, a bool, a
// time.Time of a date or a timestamp, or a Number of a decimal.
type Table struct {
	Name   string
	Schema *arrow.Schema
	Rows   [][]any
	// Splits is into how many splits the rows are cut, and Batch how many rows a batch has; 0: one
	// split, and batches of 1000.
	Splits, Batch int
}

func (t *Table) String() string { return "table " + t.Name }

// Resolve makes a source of the table.
func (t *Table) Resolve(context.Context, *pipeline.Env) (*pipeline.Input, error) {
	in := &pipeline.Input{Schema: t.Schema}
	n := max(t.Splits, 1)
	for i := range n {
		rows := t.Rows[len(t.Rows)*i/n : len(t.Rows)*(i+1)/n]
		in.Splits = append(in.Splits, pipeline.Split{
			Name: fmt.Sprintf("%s: split %d", t.Name, i), Rows: int64(len(rows)), Bytes: -1,
			Open: func(_ context.Context, env *pipeline.Env, columns []string) (pipeline.Reader, error) {
				return pipeline.Batches(t.batches(env.Alloc, rows, columns)...), nil
			},
		})
	}
	return in, nil
}

func (t *Table) batches(alloc memory.Allocator, rows [][]any, columns []string) (all []arrow.RecordBatch) {
	schema, at := t.Schema, []int{}
	if columns != nil {
		var fields []arrow.Field
		for i, f := range t.Schema.Fields() {
			if slices.Contains(columns, f.Name) {
				fields, at = append(fields, f), append(at, i)
			}
		}
		schema = arrow.NewSchema(fields, nil)
	} else {
		for i := range t.Schema.Fields() {
			at = append(at, i)
		}
	}
	size := t.Batch
	if size == 0 {
		size = 1000
	}
	for chunk := range slices.Chunk(rows, size) {
		if len(at) == 0 {
			all = append(all, array.NewRecordBatch(schema, nil, int64(len(chunk))))
			continue
		}
		b := array.NewRecordBuilder(alloc, schema)
		for _, row := range chunk {
			for i, c := range at {
				add(b.Field(i), row[c])
			}
		}
		all = append(all, b.NewRecordBatch())
		b.Release()
	}
	return all
}

func add(to array.Builder, cell any) {
	if cell == nil {
		to.AppendNull()
		return
	}
	switch b := to.(type) {
	case *array.Int64Builder:
		b.Append(cell.(int64))
	case *array.Int8Builder:
		b.Append(int8(cell.(int64)))
	case *array.Int16Builder:
		b.Append(int16(cell.(int64)))
	case *array.Int32Builder:
		b.Append(int32(cell.(int64)))
	case *array.Uint8Builder:
		b.Append(uint8(cell.(int64)))
	case *array.Uint16Builder:
		b.Append(uint16(cell.(int64)))
	case *array.Uint32Builder:
		b.Append(uint32(cell.(int64)))
	case *array.Uint64Builder:
		b.Append(uint64(cell.(int64)))
	case *array.Float64Builder:
		b.Append(cell.(float64))
	case *array.Float32Builder:
		b.Append(float32(cell.(float64)))
	case *array.StringBuilder:
		b.Append(cell.(string))
	case *array.LargeStringBuilder:
		b.Append(cell.(string))
	case *array.BinaryDictionaryBuilder:
		if err := b.AppendString(cell.(string)); err != nil {
			panic(err)
		}
	case *array.BooleanBuilder:
		b.Append(cell.(bool))
	case *array.Date32Builder:
		b.Append(arrow.Date32FromTime(cell.(time.Time)))
	case *array.TimestampBuilder:
		unit := b.Type().(*arrow.TimestampType).Unit
		v, err := arrow.TimestampFromTime(cell.(time.Time), unit)
		if err != nil {
			panic(err)
		}
		b.Append(v)
	case *array.Decimal128Builder:
		b.Append(decimalOf(cell.(Number), b.Type().(arrow.DecimalType).GetScale()))
	default:
		panic(fmt.Sprintf("cells of %s", to.Type()))
	}
}

func decimalOf(n Number, places int32) decimal128.Num {
	v := decimal128.FromI64(n.Units)
	if places >= 4 {
		return v.IncreaseScaleBy(places - 4)
	}
	v, rest := v.Div(decimal128.GetScaleMultiplier(int(4 - places)))
	if rest.Sign() != 0 {
		panic(fmt.Sprintf("%s has more than %d places", n, places))
	}
	return v
}
