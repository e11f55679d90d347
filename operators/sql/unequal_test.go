package sql_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	_ "github.com/duckdb/duckdb-go/v2" // the oracle
	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/internal/compare"
	"github.com/penstock-data/penstock/pipeline"
)

var unequalSchema = arrow.NewSchema([]arrow.Field{
	{Name: "k", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "t", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "d", Type: &arrow.Decimal128Type{Precision: 10, Scale: 2}, Nullable: true},
	{Name: "x", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "day", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
}, nil)

// unequalValues are those of each column, as Arrow and as SQL read them.
var unequalValues = [][]string{
	{"1", "2", "3", "-9223372036854775808", "9223372036854775807"},
	{"", "a", "A", "é", "a "},
	{"0.00", "0.01", "-0.01", "99999999.99"},
	{"0", "1.5", "-1.5", "NaN", "+Inf", "1e-300"},
	{"2026-11-29", "1969-12-31", "0001-01-01"},
}

// unequalSide makes rows: as a table of DuckDB, and as splits.
func unequalSide(t *testing.T, r *rand.Rand, db *sql.DB, name string, rows int) (*pipeline.Input, []string) {
	t.Helper()
	in := &pipeline.Input{Schema: unequalSchema}
	var literals, texts []string
	for len(texts) < rows {
		b := array.NewRecordBuilder(memory.DefaultAllocator, unequalSchema)
		n := min(1+r.IntN(50), rows-len(texts))
		for range n {
			var literal, row []string
			for c, f := range unequalSchema.Fields() {
				if r.IntN(12) == 0 {
					b.Field(c).AppendNull()
					literal, row = append(literal, "NULL"), append(row, "null")
					continue
				}
				v := unequalValues[c][r.IntN(len(unequalValues[c]))]
				if err := b.Field(c).AppendValueFromString(v); err != nil {
					t.Fatal(err)
				}
				literal = append(literal, fmt.Sprintf("'%s'::%s", v, map[string]string{
					"k": "BIGINT", "t": "VARCHAR", "d": "DECIMAL(10,2)", "x": "DOUBLE", "day": "DATE",
				}[f.Name]))
				row = append(row, v)
			}
			literals, texts = append(literals, "("+strings.Join(literal, ", ")+")"), append(texts, strings.Join(row, "|"))
		}
		batch := b.NewRecordBatch()
		b.Release()
		in.Splits = append(in.Splits, pipeline.Split{Rows: int64(n), Open: func(context.Context, *pipeline.Env, []string) (pipeline.Reader, error) {
			batch.Retain()
			return pipeline.Batches(batch), nil
		}})
	}
	query := fmt.Sprintf("CREATE OR REPLACE TABLE %s (k BIGINT, t VARCHAR, d DECIMAL(10,2), x DOUBLE, day DATE)", name)
	if rows > 0 {
		query += fmt.Sprintf("; INSERT INTO %s VALUES %s", name, strings.Join(literals, ", "))
	}
	if _, err := db.Exec(query); err != nil {
		t.Fatal(err)
	}
	return in, texts
}

// exceptAll are the rows of one table that the other does not have as often.
func exceptAll(t *testing.T, db *sql.DB, one, other string) (rows []string) {
	t.Helper()
	var columns []string
	for _, f := range unequalSchema.Fields() {
		columns = append(columns, fmt.Sprintf("coalesce(%s::VARCHAR, 'null')", f.Name))
	}
	found, err := db.Query(fmt.Sprintf("SELECT %s FROM (FROM %s EXCEPT ALL FROM %s)", strings.Join(columns, " || '|' || "), one, other))
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	for found.Next() {
		var row string
		if err := found.Scan(&row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(rows)
	return rows
}

// The rows that compare.Unequal leaves over are those of EXCEPT ALL, whichever columns are the key.
func TestUnequalIsExceptAll(t *testing.T) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	spell := strings.NewReplacer("nan", "NaN", "inf", "+Inf", "|0.0|", "|0|", "e-300", "e-300")
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(29, seed))
		var in [2]*pipeline.Input
		var texts [2][]string
		for side, name := range []string{"l", "r"} {
			in[side], texts[side] = unequalSide(t, r, db, name, r.IntN(600))
		}
		columns := pipeline.ColumnNames(unequalSchema)
		m := compare.Matching{
			Columns: [2][]string{columns, columns}, Keys: 1 + r.IntN(4), NullKeys: true,
			Env: &pipeline.Env{Workers: 2, Memory: pipeline.NewBudget(1 + int64(r.IntN(2))<<20), Temp: t.TempDir(), Alloc: memory.DefaultAllocator},
		}
		got, err := compare.Unequal(t.Context(), in[0], in[1], m)
		if err != nil {
			t.Fatal(err)
		}
		for side, names := range [][2]string{{"l", "r"}, {"r", "l"}} {
			var left []string
			first := int64(0)
			for split, rows := range got.Rows[side] {
				for i := range rows {
					if marks := got.Marks[side][split]; marks != nil && marks.Has(i) {
						left = append(left, texts[side][first+i])
					}
				}
				first += rows
			}
			slices.Sort(left)
			var want []string
			for _, row := range exceptAll(t, db, names[0], names[1]) {
				want = append(want, spell.Replace(row))
			}
			slices.Sort(want)
			if diff := cmp.Diff(want, left); diff != "" {
				t.Fatalf("seed %d, side %d: %s", seed, side, diff)
			}
		}
	}
}
