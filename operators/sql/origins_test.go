package sql

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/sqltree"
	"github.com/penstock-data/penstock/pipeline"
)

var rewrite = flag.Bool("rewrite", false, "write what is said of the columns of queries into testdata")

// oracle has tables in DuckDB, and changes one column of one of them at a time.
type oracle struct {
	t         testing.TB
	s         *session
	tables    []sqltree.Table
	functions sqltree.Functions
}

func list(t arrow.DataType) arrow.DataType { return arrow.ListOf(t) }

// oracleTables are the tables of the tests: t and u share names, and w has odd ones.
func oracleTables() []sqltree.Table {
	i, s := arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.String
	field := func(name string, t arrow.DataType) arrow.Field {
		return arrow.Field{Name: name, Type: t, Nullable: true}
	}
	st := arrow.StructOf(field("f", i), field("a", i))
	return []sqltree.Table{
		{Name: "t", Schema: arrow.NewSchema([]arrow.Field{
			field("a", i), field("b", i), field("c", i), field("x", s), field("l", list(i)), field("s", st),
		}, nil)},
		{Name: "u", Schema: arrow.NewSchema([]arrow.Field{field("a", i), field("k", i), field("c", i)}, nil)},
		{Name: "w", Schema: arrow.NewSchema([]arrow.Field{field("b", i), field("Odd Name", i), field("t", i)}, nil)},
	}
}

var oracleRows = map[string]string{
	"t": `(VALUES (1, 10, 100, 'p', [1, 2], {'f': 5, 'a': 6}), (2, 20, 200, 'q', [3], {'f': 7, 'a': 8}), (3, 30, 300, 'p', [4, 5, 6], {'f': 9, 'a': 1}),
		(4, 10, 400, 'r', [7, 8], {'f': 2, 'a': 3}), (5, 20, NULL, 'q', [9], {'f': 4, 'a': 10})) v(a, b, c, x, l, s)`,
	"u": `(VALUES (1, 11, 1000), (2, 12, 2000), (3, 13, 1000), (7, 14, 4000)) v(a, k, c)`,
	"w": `(VALUES (10, 71, 1), (20, 72, 2), (40, 73, 3)) v(b, "Odd Name", t)`,
}

// changes are ways to change a column, with % for its name.
var changes = map[arrow.Type][]string{
	arrow.INT32: {
		"% + 1", "-%", "% * 1000 + 7", "CASE WHEN rowid = 0 THEN NULL ELSE % END", "CASE WHEN rowid = 1 THEN % + 1 ELSE % END",
		"CASE WHEN rowid = 2 THEN 0 ELSE % END", "first(%) OVER (ORDER BY rowid DESC)", "rowid", "-rowid", "NULL",
		"lead(%, 1, 5) OVER (ORDER BY rowid)", "CASE WHEN rowid = 3 THEN 7 ELSE % END",
	},
	arrow.STRING: {"% || 'z'", "'p'", "NULL", "chr(70 - rowid::INT)", "CASE WHEN rowid = 1 THEN 'p' ELSE % END", "reverse(%) || rowid"},
	arrow.LIST:   {"list_append(%, 3)", "[0]", "NULL", "list_reverse(%)", "[5, 6, 7]", "list_transform(%, e -> e * 10 + 1)"},
	arrow.STRUCT: {"{'f': %.f + 1, 'a': %.a + 1}", "{'f': %.a, 'a': %.f}", "NULL", "{'f': 0, 'a': 0}"},
}

func newOracle(t testing.TB) *oracle {
	s, err := openSession(nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close() })
	known, err := catalog.get("", askFunctions)
	if err != nil {
		t.Fatal(err)
	}
	o := &oracle{t: t, s: s, tables: oracleTables(), functions: known.kinds}
	for _, table := range o.tables {
		o.exec(fmt.Sprintf("CREATE TABLE %s_0 AS SELECT * FROM %s", table.Name, oracleRows[table.Name]))
		o.exec(fmt.Sprintf("CREATE TABLE %[1]s AS FROM %[1]s_0", table.Name))
		for i, f := range table.Schema.Fields() {
			for j, change := range changes[f.Type.ID()] {
				name := quote(f.Name)
				o.exec(fmt.Sprintf("CREATE TABLE %[1]s_%[2]d_%[3]d AS SELECT * REPLACE (%[4]s AS %[5]s) FROM %[1]s_0 ORDER BY rowid",
					table.Name, i, j, strings.ReplaceAll(change, "%", name), name))
			}
		}
	}
	return o
}

func (o *oracle) exec(text string) {
	o.t.Helper()
	if err := o.s.exec(context.Background(), text); err != nil {
		o.t.Fatalf("%s: %v", text, err)
	}
}

// with runs a query over a table that is like the one it names but for a column.
func (o *oracle) with(table, like, query string) ([][]string, error) {
	if !strings.Contains(query, "rowid") && !strings.Contains(query, "main.") {
		return o.run(query, fmt.Sprintf("WITH %s AS (FROM %s) ", table, like))
	}
	rename := func(names ...string) {
		for i := range len(names) - 1 {
			o.exec(fmt.Sprintf("ALTER TABLE %s RENAME TO %s", names[i+1], names[i]))
		}
	}
	rename("aside", table, like)
	defer func() { rename(like, table, "aside") }()
	return o.run(query, "")
}

// names are those of the columns of a query's result.
func (o *oracle) names(query string) (names []string, err error) {
	err = o.s.each(context.Background(), "SELECT column_name FROM (DESCRIBE "+query+")", func(s string) { names = append(names, s) })
	return names, err
}

// run gives the rows of a query's result, each a list of texts.
func (o *oracle) run(query, before string) (rows [][]string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second) // of a recursion that has no end now
	defer cancel()
	err = o.s.each(ctx, before+"SELECT to_json(\"the row\")::VARCHAR FROM (\n"+query+"\n) AS \"the row\"", func(s string) {
		dec := json.NewDecoder(strings.NewReader(s))
		_, _ = dec.Token()
		var row []string
		for dec.More() {
			_, _ = dec.Token()
			var v json.RawMessage
			if derr := dec.Decode(&v); derr != nil {
				o.t.Fatalf("%s: %v", s, derr)
			}
			row = append(row, string(v))
		}
		rows = append(rows, row)
	})
	return rows, err
}

// origins is what is said of a query.
func (o *oracle) origins(query string, names []string) (*pipeline.Origins, error) {
	x, err := parse(query)
	if err != nil {
		return nil, err
	}
	return x.tree.Origins(o.tables, o.functions, names), nil
}

// said writes origins down.
func (o *oracle) said(names []string, origins *pipeline.Origins) string {
	var b strings.Builder
	write := func(name string, from pipeline.Origin) {
		fmt.Fprintf(&b, "%s:", name)
		last := ""
		for _, u := range from.From {
			table := o.tables[u.Input]
			column := table.Name + "." + table.Schema.Field(u.Index).Name
			if column != last {
				fmt.Fprintf(&b, " %s", column)
			}
			last = column
			fmt.Fprintf(&b, " %s", u.How)
		}
		if from.Unknown != "" {
			fmt.Fprintf(&b, " UNKNOWN %s", from.Unknown)
		}
		b.WriteString("\n")
	}
	for i, name := range names {
		write(name, origins.Columns[i])
	}
	write("(rows)", origins.Rows)
	return b.String()
}

// check changes each column of each table in several ways, and compares what comes out with
// what is said. It gives the columns that are said to be handed on to one and never changed it.
func (o *oracle) check(query string, names []string, origins *pipeline.Origins) (silent []string) {
	o.t.Helper()
	before, err := o.run(query, "")
	if err != nil {
		o.t.Errorf("%s\n%v", query, err)
		return nil
	}
	for input, table := range o.tables {
		if !regexp.MustCompile(`\b` + table.Name + `\b`).MatchString(query) {
			continue
		}
		for index, f := range table.Schema.Fields() {
			column := pipeline.Column{Input: input, Index: index}
			free, shown := unrelated(origins, column), map[int]bool{}
			for j, change := range changes[f.Type.ID()] {
				after, err := o.with(table.Name, fmt.Sprintf("%s_%d_%d", table.Name, index, j), query)
				if err != nil {
					continue // the query can't do with such values
				}
				if a, b := projected(before, free), projected(after, free); !slices.Equal(a, b) {
					o.t.Errorf("%s\nwith %s.%s = %s, columns that are said not to depend on it changed\nfrom %v\nto   %v\nsaid:\n%s",
						query, table.Name, f.Name, change, a, b, o.said(names, origins))
				}
				for i := range names {
					if !slices.Equal(projected(before, []int{i}), projected(after, []int{i})) {
						shown[i] = true
					}
				}
			}
			for i := range names {
				if direct(origins.Columns[i], column) && !shown[i] {
					silent = append(silent, fmt.Sprintf("%s.%s in %s", table.Name, f.Name, names[i]))
				}
			}
		}
	}
	return silent
}

// unrelated are the columns of the result that are said not to depend on a column at all.
func unrelated(origins *pipeline.Origins, column pipeline.Column) (free []int) {
	uses := func(o pipeline.Origin) bool {
		return o.Unknown != "" || slices.ContainsFunc(o.From, func(u pipeline.Use) bool { return u.Column == column })
	}
	if uses(origins.Rows) {
		return nil
	}
	for i, o := range origins.Columns {
		if !uses(o) {
			free = append(free, i)
		}
	}
	return free
}

func direct(o pipeline.Origin, column pipeline.Column) bool {
	return o.Unknown == "" && slices.ContainsFunc(o.From, func(u pipeline.Use) bool { return u.Column == column && u.How.Direct() })
}

// projected are the rows of some columns, as a multiset; none if there are no columns.
func projected(rows [][]string, columns []int) (all []string) {
	if len(columns) == 0 {
		return nil
	}
	for _, row := range rows {
		var b strings.Builder
		for _, c := range columns {
			if c < len(row) { // what is called twice is there once
				b.WriteString(row[c] + "|")
			}
		}
		all = append(all, b.String())
	}
	slices.Sort(all)
	return all
}

// A case of testdata/columns.txt is a query, ---- and what is said of its columns, up to an
// empty line. A line that begins with # is a comment; "# silent: t.a in b" names a column that
// is handed on and that no change of the test shows.
func TestOriginsOfQueries(t *testing.T) {
	const name = "testdata/columns.txt"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	o := newOracle(t)
	var out []string
	for _, c := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
		query, want, _ := strings.Cut(c, "\n----")
		var silent []string
		var lines []string
		for line := range strings.Lines(query) {
			if s, ok := strings.CutPrefix(line, "# silent: "); ok {
				silent = append(silent, strings.TrimSpace(s))
			}
			if !strings.HasPrefix(line, "#") {
				lines = append(lines, line)
			}
		}
		sql := strings.TrimSpace(strings.Join(lines, ""))
		if sql == "" {
			out = append(out, c)
			continue
		}
		names, err := o.names(sql)
		if err != nil {
			t.Errorf("%s\n%v", sql, err)
			out = append(out, c)
			continue
		}
		origins, err := o.origins(sql, names)
		if err != nil {
			t.Errorf("%s\n%v", sql, err)
			out = append(out, c)
			continue
		}
		got := o.said(names, origins)
		if strings.TrimSpace(want) != strings.TrimSpace(got) && !*rewrite {
			t.Errorf("%s\nsaid\n%swant\n%s", sql, got, strings.TrimSpace(want))
		}
		found := o.check(sql, names, origins)
		slices.Sort(found)
		slices.Sort(silent)
		if !slices.Equal(found, silent) {
			t.Errorf("%s\nno change shows %q, and %q is expected", sql, found, silent)
		}
		out = append(out, strings.TrimRight(query, "\n")+"\n----\n"+strings.TrimRight(got, "\n"))
	}
	if *rewrite {
		if err := os.WriteFile(name, []byte(strings.Join(out, "\n\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
