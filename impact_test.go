package penstock_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/lineage"
	"github.com/penstock-data/penstock/pipeline"
)

const ordersFile = `name: orders
partitions: {by: day, timezone: Europe/Berlin}
sources:
  raw: {csv: 'raw/{partition}.csv', schema: {id: int64, v: int64}}
  rates: {csv: rates.csv, schema: {id: int64, rate: int64}}
stages:
  positive: {from: raw, operators: [{filter: v > 0}], tags: [nightly]}
  clean:
    from: positive
    gates: [{name: known, references: {id: rates.id}}]
    output: {csv: w/clean}
  watched:
    from: clean
    gates: [{name: few, expect: rows() < 1000}]
`

const reportFile = `name: report
partitions: {by: day, timezone: Europe/Berlin}
sources:
  clean: {dataset: w/clean}
stages:
  sums:
    from: clean
    operators: [{aggregate: {columns: {total: sum(v)}}}]
    output: {csv: w/sums}
`

// loaded reads a pipeline of a project from a file that it writes.
func loaded(t *testing.T, dir, name, text string) *pipeline.Pipeline {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	pl, err := config.Load(file, config.Options{Dir: dir, Env: os.LookupEnv})
	if err != nil {
		t.Fatal(err)
	}
	return pl
}

// names are what an impact reaches, in a line.
func names(x *penstock.Impact) string {
	var b strings.Builder
	for _, s := range x.Stages {
		fmt.Fprintf(&b, "%s/%s%v ", s.Pipeline, s.Stage, s.Gates)
		if s.Recorded {
			b.WriteString("(recorded) ")
		}
	}
	for _, d := range x.Datasets {
		fmt.Fprintf(&b, "%s=%d ", d.Dataset, d.Partitions)
	}
	for _, c := range x.Columns {
		fmt.Fprintf(&b, "%s.%s ", c.Dataset, c.Column)
	}
	for _, d := range x.RowsOf {
		fmt.Fprintf(&b, "%s.* ", d)
	}
	return strings.TrimSpace(b.String() + strings.Join(x.Tags, " "))
}

// What depends on a stage is found before anything was run, in other pipelines that were read, and in
// those of which only manifests are left; and, of a column, only that.
func TestImpact(t *testing.T) {
	dir := t.TempDir()
	orders, report := loaded(t, dir, "orders.yaml", ordersFile), loaded(t, dir, "report.yaml", reportFile)
	for name, text := range map[string]string{"raw/2026-01-01.csv": "id,v\n1,10\n2,20\n", "rates.csv": "id,rate\n1,1\n2,2\n"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := penstock.Open(t.Context(), dir, penstock.Options{Actor: "tester"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	check := func(others []*pipeline.Pipeline, change, column, want string) {
		t.Helper()
		x, err := p.Impact(t.Context(), orders, others, change, column)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = names(x)
		}
		if got != want {
			t.Errorf("%s %s: %s\nwant %s", change, column, got, want)
		}
	}
	both := []*pipeline.Pipeline{report}
	check(both, "positive", "", "orders/positive[] orders/clean[known] orders/watched[few] report/sums[] w/clean=0 w/sums=0 nightly")
	check(both, "clean", "v", "nothing is on record of the columns of \"clean\"\n\trun the pipeline once, or leave --column away")

	for _, pl := range []*pipeline.Pipeline{orders, report} {
		if rec, err := p.Run(t.Context(), pl, "2026-01-01"); err != nil || rec.Status != pipeline.Published {
			t.Fatal(rec, err)
		}
	}
	all := "orders/clean[known] orders/watched[few] report/sums[] w/clean=1 w/sums=1 w/clean.id w/clean.v w/sums.total w/clean.* w/sums.*"
	check(both, "clean", "", all)
	check(nil, "clean", "", strings.Replace(all, "report/sums[]", "report/sums[] (recorded)", 1))
	check(both, "clean", "v", "orders/clean[] orders/watched[few] report/sums[] w/clean=1 w/sums=1 w/clean.v w/sums.total")
	check(both, "clean", "id", "orders/clean[known] orders/watched[few] w/clean=1 w/clean.id")
	check(both, "raw", "id", "orders/positive[] orders/clean[known] orders/watched[few] w/clean=1 w/clean.id nightly")
	check(both, "positive", "v", "stage \"positive\" publishes nothing: its columns are not on record\n\tname a stage with an output, or leave --column away")
	check(both, "clean", "w", "unknown column \"w\"; did you mean \"v\"?")

	// What a pipeline is described by, and what it published, are the same graph.
	recorded, err := p.Flows(t.Context(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	described := lineage.Datasets(append(penstock.FlowsOf(orders), penstock.FlowsOf(report)...), false)
	published := lineage.Datasets(recorded, false)
	for _, n := range published.Reach([]lineage.Node{{Dataset: "w/sums"}}, lineage.Up, -1) {
		a, b := described.Reach([]lineage.Node{n}, lineage.Down, 1), published.Reach([]lineage.Node{n}, lineage.Down, 1)
		if fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("beyond %v: described %v, published %v", n, a, b)
		}
	}
}

// A column by which a stage itself chooses rows, by a filter or by a gate, decides which there are,
// there and in all that is made of it. Of the gates those are named that read what is reached.
func TestImpactOfChosenRows(t *testing.T) {
	const text = `name: p
sources:
  a: {csv: a.csv, schema: {id: int64, v: int64, k: int64, n: int64}}
stages:
  u:
    from: a
    operators: [{filter: k > 0}, {derive: {two: k * 2}}]
    gates:
      - {name: small, rows: v != 10, else: quarantine, at_most: 100%}
      - {name: id_there, not_null: id}
      - {name: some, expect: rows() > 0}
    output: {csv: out/u}
  w:
    from: u
    operators: [{aggregate: {columns: {c: count(), n: sum(n)}}}]
    gates: [{name: counted, rows: c > 0}]
    output: {csv: out/w}
`
	dir := t.TempDir()
	pl := loaded(t, dir, "p.yaml", text)
	if err := os.WriteFile(filepath.Join(dir, "a.csv"), []byte("id,v,k,n\n1,10,1,1\n2,20,1,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := penstock.Open(t.Context(), dir, penstock.Options{Actor: "tester"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if rec, err := p.Run(t.Context(), pl, ""); err != nil || rec.Status != pipeline.Published {
		t.Fatal(rec, err)
	}
	for _, test := range []struct{ column, want string }{
		{"v", "p/u[small some] p/w[counted] out/u=1 out/w=1 out/u.v out/u.* out/w.*"},
		{"k", "p/u[some] p/w[counted] out/u=1 out/w=1 out/u.k out/u.* out/w.*"},
		{"two", "p/u[some] p/w[counted] out/u=1 out/w=1 out/u.two out/u.* out/w.*"},
		{"id", "p/u[id_there] out/u=1 out/u.id"},
		{"n", "p/u[] p/w[] out/u=1 out/w=1 out/u.n out/w.n"},
	} {
		x, err := p.Impact(t.Context(), pl, nil, "u", test.column)
		if err != nil {
			t.Fatal(err)
		}
		if got := names(x); got != test.want {
			t.Errorf("%s: %s\nwant %s", test.column, got, test.want)
		}
	}
}
