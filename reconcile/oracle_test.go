package reconcile_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	_ "github.com/duckdb/duckdb-go/v2" // the oracle
	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/internal/twosides"
	"github.com/penstock-data/penstock/reconcile/words"
)

// load makes a table of DuckDB's of a side.
func load(t *testing.T, db *sql.DB, name string, table *twosides.Table) {
	t.Helper()
	var columns, rows []string
	for _, f := range table.Schema.Fields() {
		typ := map[arrow.Type]string{
			arrow.INT64: "BIGINT", arrow.INT32: "INTEGER", arrow.UINT32: "UINTEGER", arrow.STRING: "VARCHAR", arrow.DICTIONARY: "VARCHAR", arrow.DATE32: "DATE",
		}[f.Type.ID()]
		if d, ok := f.Type.(*arrow.Decimal128Type); ok {
			typ = fmt.Sprintf("DECIMAL(%d, %d)", d.Precision, d.Scale)
		}
		columns = append(columns, f.Name+" "+typ)
	}
	for _, row := range table.Rows {
		var cells []string
		for _, c := range row {
			switch c := c.(type) {
			case nil:
				cells = append(cells, "NULL")
			case string:
				cells = append(cells, "'"+strings.ReplaceAll(c, "'", "''")+"'")
			case time.Time:
				cells = append(cells, c.Format("'2006-01-02'"))
			default:
				cells = append(cells, fmt.Sprint(c))
			}
		}
		rows = append(rows, "("+strings.Join(cells, ", ")+")")
	}
	for _, text := range []string{
		"CREATE TABLE " + name + " (" + strings.Join(columns, ", ") + ")",
		"INSERT INTO " + name + " VALUES " + strings.Join(rows, ", "),
	} {
		if _, err := db.Exec(text); err != nil {
			t.Fatalf("%v\n%.300s", err, text)
		}
	}
}

// outerJoin writes the reconciliation of two sides with unique keys by hand.
func outerJoin(s *twosides.Sides) string {
	var on, key []string
	for _, k := range s.Options.Keys {
		on = append(on, fmt.Sprintf("l.%s = r.%s", k.Left, k.Right))
		part := fmt.Sprintf("coalesce(l.%s::VARCHAR, r.%s::VARCHAR)", k.Left, k.Right)
		switch k.As {
		case "id":
			part = fmt.Sprintf("coalesce(l.%s::BIGINT, r.%s::BIGINT)::VARCHAR", k.Left, k.Right)
		case "branch":
			part = fmt.Sprintf(`replace(replace(%s, '\', '\\'), '|', '\|')`, part)
		}
		key = append(key, part)
	}
	join := "FROM l FULL JOIN r ON " + strings.Join(on, " AND ")
	theKey := strings.Join(key, " || '|' || ")
	first := s.Options.Keys[0]
	var parts []string
	amount := [2]string{"NULL::DECIMAL(18,2)", "NULL::DECIMAL(18,2)"}
	for _, c := range s.Options.Columns {
		delta := "NULL::DECIMAL(38,2)"
		if c.As == "amount" || c.As == "qty" {
			delta = fmt.Sprintf("(l.%s - r.%s)::DECIMAL(38,2)", c.Left, c.Right)
		}
		if c.As == "amount" {
			amount = [2]string{"l." + c.Left, "r." + c.Right}
		}
		parts = append(parts, fmt.Sprintf("SELECT 'different' AS outcome, %s AS key, '%s' AS col, %s AS delta %s WHERE l.%s IS NOT NULL AND r.%s IS NOT NULL AND l.%s IS DISTINCT FROM r.%s",
			theKey, c.As, delta, join, first.Left, first.Right, c.Left, c.Right))
	}
	parts = append(parts, fmt.Sprintf("SELECT 'only_left', %s, '', %s %s WHERE r.%s IS NULL", theKey, amount[0], join, first.Right))
	parts = append(parts, fmt.Sprintf("SELECT 'only_right', %s, '', -%s %s WHERE l.%s IS NULL", theKey, amount[1], join, first.Left))
	return strings.Join(parts, " UNION ALL ")
}

// Where keys are unique and columns exact, the breaks are those of DuckDB's full outer join.
func TestOuterJoinIsTheSame(t *testing.T) {
	seeds(t, 25, func(t *testing.T, seed uint64) {
		s := twosides.Plain(4000+seed, 500)
		res := ofSides(t, s, usual)
		check(t, s, res)
		db, err := sql.Open("duckdb", "")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		load(t, db, "l", s.Tables[0])
		load(t, db, "r", s.Tables[1])
		rows, err := db.Query("SELECT outcome, key, col, coalesce(delta::VARCHAR, '') FROM (" + outerJoin(s) + ")")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var want, got []string
		for rows.Next() {
			var outcome, key, col, delta string
			if err := rows.Scan(&outcome, &key, &col, &delta); err != nil {
				t.Fatal(err)
			}
			want = append(want, strings.Join([]string{outcome, key, col, numberOf(t, delta).String()}, " "))
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		for _, r := range res.rows {
			if r.Outcome != words.Matched {
				got = append(got, strings.Join([]string{r.Outcome, r.Key, r.Column, r.Delta.String()}, " "))
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("breaks (-join +result): %s", d)
		}
	})
}
