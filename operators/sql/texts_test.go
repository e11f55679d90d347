package sql

import "testing"

// What is said of how a column is made is the expression that makes it, at any depth.
func TestTextsOfColumns(t *testing.T) {
	o := newOracle(t)
	for _, c := range []struct{ query, want string }{
		{"SELECT a + 1 AS y FROM t", "y = (a + 1)"},
		{"SELECT y FROM (SELECT a + 1 AS y FROM t)", "y = (a + 1)"},
		{"SELECT q.y AS z FROM (SELECT a + 1 AS y FROM t) q", "z = (a + 1)"},
		{"SELECT * FROM (SELECT a + 1 AS y FROM t)", "y = (a + 1)"},
		{"SELECT z FROM (SELECT y AS z FROM (SELECT max(a) AS y FROM t))", "z = max(a)"},
		{"WITH q AS (SELECT a + 12345678901234567 AS y FROM t) FROM q", "y = (a + 12345678901234567)"},
		{"WITH q(z) AS (SELECT a * b FROM t) SELECT z FROM q JOIN u ON true", "z = (a * b)"},
		{"SELECT y * 2 AS z FROM (SELECT a + 1 AS y FROM t)", "z = (y * 2)"},
		{`SELECT "a AS b" FROM (SELECT a + 1 AS "a AS b" FROM t)`, "a AS b = (a + 1)"},
		{"SELECT a + 1 AS y FROM t UNION ALL SELECT -k FROM u", "y = (a + 1), or -(k)"},
		{"SELECT y FROM (SELECT a + 1 AS y FROM t UNION ALL SELECT a + 1 FROM u)", "y = (a + 1)"},
		{"SELECT (SELECT max(k) FROM u) AS y FROM t", "y = (SELECT max(k) FROM u)"},
		{"SELECT a + 1 AS p, p * 2 AS y FROM t", "p = (a + 1); y = (p * 2)"},
		{"SELECT a + 1 AS p, p AS y FROM t", "p = (a + 1); y = (a + 1)"},
		{"SELECT p AS q, p + 1 AS z FROM (SELECT COLUMNS('a') + 1 AS p FROM t)", "q = (COLUMNS('a') + 1); z = (p + 1)"},
	} {
		names, err := o.names(c.query)
		if err != nil {
			t.Fatal(err)
		}
		origins, err := o.origins(c.query, names)
		if err != nil {
			t.Fatal(err)
		}
		got := origins.Columns[0].Text
		for _, more := range origins.Columns[1:] {
			got += "; " + more.Text
		}
		if got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.query, got, c.want)
		}
	}
}
