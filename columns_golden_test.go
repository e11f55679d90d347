package penstock_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/pipeline"
)

var rewriteColumns = flag.Bool("rewrite", false, "write what is said of columns into testdata")

const columnsHead = `name: columns
sources:
  a:
    csv: a.csv
    schema: {id: int64, x: int64, y: int64, s: string}
    columns: {s: {tags: [pii, name]}}
  b: {csv: b.csv, schema: {id: int64, z: int64}}
stages:
  s:
    output: {csv: out}
`

// A case of testdata/columns.txt is what a stage says beside its output, ---- and what is said
// of its columns, up to an empty line.
func TestColumnsOfOperators(t *testing.T) {
	const name = "testdata/columns.txt"
	text, err := os.ReadFile(name)
	check(t, err)
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "a.csv"), []byte("id,x,y,s\n1,2,3,p\n"), 0o600))
	check(t, os.WriteFile(filepath.Join(dir, "b.csv"), []byte("id,z\n1,2\n"), 0o600))
	var out []string
	for _, c := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
		stage, want, _ := strings.Cut(c, "\n----\n")
		file := filepath.Join(dir, "p.yaml")
		check(t, os.WriteFile(file, []byte(columnsHead+"    "+strings.ReplaceAll(stage, "\n", "\n    ")+"\n"), 0o600))
		got := columnsOf(t, dir, file)
		if got != strings.TrimSpace(want) && !*rewriteColumns {
			t.Errorf("%s\nsaid\n%s\nwant\n%s", stage, got, want)
		}
		out = append(out, stage+"\n----\n"+got)
	}
	if *rewriteColumns {
		check(t, os.WriteFile(name, []byte(strings.Join(out, "\n\n")+"\n"), 0o600))
	}
}

// columnsOf writes down what is said of the columns of a pipeline's only stage.
func columnsOf(t *testing.T, dir, file string) string {
	t.Helper()
	pl, err := config.Load(file, config.Options{})
	check(t, err)
	plan, err := pipeline.Bind(t.Context(), pl, &pipeline.Env{Dir: dir, Temp: dir, Workers: 1, Memory: pipeline.NewBudget(1 << 26), Alloc: memory.DefaultAllocator})
	check(t, err)
	l := plan.Stages[0].Origins
	var b strings.Builder
	write := func(name string, from []pipeline.ColumnOrigin, unknown string) {
		fmt.Fprintf(&b, "%s:", name)
		for _, o := range from {
			fmt.Fprintf(&b, " %s.%s %s", o.Input, o.Column, o.How)
		}
		if unknown != "" {
			fmt.Fprintf(&b, " UNKNOWN %s", unknown)
		}
	}
	for _, c := range l.Columns {
		write(c.Column, c.From, c.Unknown)
		for _, step := range c.By {
			fmt.Fprintf(&b, "; %s", step.How)
		}
		if len(c.Tags) > 0 {
			fmt.Fprintf(&b, "; tags %v", c.Tags)
		}
		for _, u := range c.Untagged {
			fmt.Fprintf(&b, "; without %s, by %s: %s", u.Tag, u.By, u.Reason)
		}
		b.WriteString("\n")
	}
	write("(rows)", l.RowsBy, l.RowsUnknown)
	return strings.TrimSpace(b.String())
}
