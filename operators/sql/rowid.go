package sql

import (
	"context"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/pipeline"
)

// rowID names the numbers of a table's rows: DuckDB's rowid or, where the table has a column
// of that name, which hides it, a column of ours that numbered adds.
func rowID(schema *arrow.Schema) string {
	if !hasColumn(schema, "rowid") {
		return "rowid"
	}
	return quote(freeName(schema, "-row"))
}

// everything selects the columns of a table but for the one that numbered adds.
func everything(schema *arrow.Schema) string {
	if row := rowID(schema); row != "rowid" {
		return "* EXCLUDE (" + row + ")"
	}
	return "*"
}

func hasColumn(schema *arrow.Schema, name string) bool {
	return slices.ContainsFunc(schema.Fields(), func(f arrow.Field) bool { return strings.EqualFold(f.Name, name) })
}

// freeName is the name, with as many dashes as it takes before it for no column to have it.
func freeName(schema *arrow.Schema, name string) string {
	for hasColumn(schema, name) {
		name = "-" + name
	}
	return name
}

// numbered is the schema of the table that is loaded: with the column that rowID names, where
// that is not DuckDB's.
func numbered(schema *arrow.Schema) *arrow.Schema {
	if rowID(schema) == "rowid" {
		return schema
	}
	row := arrow.Field{Name: freeName(schema, "-row"), Type: arrow.PrimitiveTypes.Int64}
	return arrow.NewSchema(append(slices.Clone(schema.Fields()), row), nil)
}

// withNumbers reads rows of the schema with what numbered adds.
func withNumbers(r pipeline.Reader, schema *arrow.Schema, env *pipeline.Env) pipeline.Reader {
	if full := numbered(schema); full != schema {
		return &numberedReader{Reader: r, schema: full, env: env}
	}
	return r
}

type numberedReader struct {
	pipeline.Reader
	schema *arrow.Schema
	env    *pipeline.Env
	next   int64
}

func (r *numberedReader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	b, err := r.Reader.Next(ctx)
	if err != nil {
		return nil, err
	}
	defer b.Release()
	numbers := array.NewInt64Builder(r.env.Alloc)
	defer numbers.Release()
	numbers.Reserve(int(b.NumRows()))
	for range b.NumRows() {
		numbers.UnsafeAppend(r.next)
		r.next++
	}
	column := numbers.NewArray()
	defer column.Release()
	return array.NewRecordBatch(r.schema, append(slices.Clone(b.Columns()), column), b.NumRows()), nil
}
