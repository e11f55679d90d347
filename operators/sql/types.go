package sql

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	duckdb "github.com/duckdb/duckdb-go-bindings"

	"github.com/penstock-data/penstock/pipeline"
)

// plain are the types that are the same on both sides, also in memory.
var plain = []struct {
	arrow  arrow.DataType
	duckdb duckdb.Type
	name   string
}{
	{arrow.FixedWidthTypes.Boolean, duckdb.TypeBoolean, "BOOLEAN"},
	{arrow.PrimitiveTypes.Int8, duckdb.TypeTinyInt, "TINYINT"},
	{arrow.PrimitiveTypes.Int16, duckdb.TypeSmallInt, "SMALLINT"},
	{arrow.PrimitiveTypes.Int32, duckdb.TypeInteger, "INTEGER"},
	{arrow.PrimitiveTypes.Int64, duckdb.TypeBigInt, "BIGINT"},
	{arrow.PrimitiveTypes.Uint8, duckdb.TypeUTinyInt, "UTINYINT"},
	{arrow.PrimitiveTypes.Uint16, duckdb.TypeUSmallInt, "USMALLINT"},
	{arrow.PrimitiveTypes.Uint32, duckdb.TypeUInteger, "UINTEGER"},
	{arrow.PrimitiveTypes.Uint64, duckdb.TypeUBigInt, "UBIGINT"},
	{arrow.PrimitiveTypes.Float32, duckdb.TypeFloat, "FLOAT"},
	{arrow.PrimitiveTypes.Float64, duckdb.TypeDouble, "DOUBLE"},
	{arrow.BinaryTypes.String, duckdb.TypeVarchar, "VARCHAR"},
	{arrow.BinaryTypes.Binary, duckdb.TypeBlob, "BLOB"},
	{arrow.FixedWidthTypes.Date32, duckdb.TypeDate, "DATE"},
	{arrow.FixedWidthTypes.Time64us, duckdb.TypeTime, "TIME"},
	{&arrow.TimestampType{Unit: arrow.Second}, duckdb.TypeTimestampS, "TIMESTAMP_S"},
	{&arrow.TimestampType{Unit: arrow.Millisecond}, duckdb.TypeTimestampMS, "TIMESTAMP_MS"},
	{&arrow.TimestampType{Unit: arrow.Microsecond}, duckdb.TypeTimestamp, "TIMESTAMP"},
	{&arrow.TimestampType{Unit: arrow.Nanosecond}, duckdb.TypeTimestampNS, "TIMESTAMP_NS"},
	{&arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, duckdb.TypeTimestampTZ, "TIMESTAMPTZ"},
}

// columnType is how a column is declared in DuckDB.
func columnType(f arrow.Field) (string, error) {
	t := pipeline.ValueType(f.Type)
	if d, ok := t.(*arrow.Decimal128Type); ok {
		return fmt.Sprintf("DECIMAL(%d, %d)", d.Precision, d.Scale), nil
	}
	for _, p := range plain {
		if arrow.TypeEqual(p.arrow, t) {
			return p.name, nil
		}
	}
	return "", pipeline.Errorf(pipeline.Invalid, "column %s is %s, which can't be given to DuckDB", f.Name, pipeline.TypeName(t)).
		With("cast or drop it before")
}

// TypeOf is how DuckDB writes the type of a column; an error if it can't have it.
func TypeOf(f arrow.Field) (string, error) { return columnType(f) }

// logicalType is the DuckDB type of a column that columnType accepts. The caller
// destroys it.
func logicalType(t arrow.DataType) duckdb.LogicalType {
	t = pipeline.ValueType(t)
	if d, ok := t.(*arrow.Decimal128Type); ok {
		return duckdb.CreateDecimalType(uint8(d.Precision), uint8(d.Scale))
	}
	for _, p := range plain {
		if arrow.TypeEqual(p.arrow, t) {
			return duckdb.CreateLogicalType(p.duckdb)
		}
	}
	panic("a column of " + t.String() + " got past columnType")
}

// arrowType is the type of a result's column. A sum of integers is a HUGEINT, given as
// decimal(38, 0).
func arrowType(name string, lt duckdb.LogicalType) (arrow.DataType, error) {
	id := duckdb.GetTypeId(lt)
	switch id {
	case duckdb.TypeDecimal:
		return &arrow.Decimal128Type{Precision: int32(duckdb.DecimalWidth(lt)), Scale: int32(duckdb.DecimalScale(lt))}, nil
	case duckdb.TypeHugeInt:
		return &arrow.Decimal128Type{Precision: 38}, nil
	}
	for _, p := range plain {
		if p.duckdb == id {
			return p.arrow, nil
		}
	}
	return nil, pipeline.Errorf(pipeline.Invalid, "column %s has a type that can't be taken from DuckDB", name).
		With("cast it in the query, for example to VARCHAR")
}
