package penstock_test

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/lineage"
	"github.com/penstock-data/penstock/operators"
	csvs "github.com/penstock-data/penstock/operators/csv"
	"github.com/penstock-data/penstock/operators/sql"
	"github.com/penstock-data/penstock/pipeline"
)

// columnInputs are the files of the test: all columns are whole numbers.
var columnInputs = map[string][][]string{
	"a": {{"id", "x", "y"}, {"1", "10", "5"}, {"2", "20", ""}, {"3", "10", "7"}, {"4", "40", "7"}, {"5", "20", "9"}, {"6", "60", "5"}},
	"b": {{"id", "z"}, {"1", "100"}, {"2", "200"}, {"4", "400"}, {"5", "200"}, {"9", "900"}},
}

// columnChanges are ways to change the n-th value of a column.
var columnChanges = []func(n int, old string) string{
	func(n int, old string) string { return fmt.Sprint(n * 31 % 7) },
	func(n int, old string) string {
		if n == 1 {
			return "3"
		}
		return old
	},
	func(n int, old string) string { return old + "1" },
	func(n int, old string) string { return "10" },
	func(n int, old string) string { return "-" + fmt.Sprint(n) },
}

// chainer makes random pipelines. It knows the columns that leave what it has made so far.
type chainer struct {
	*rand.Rand
	names   int
	columns []string
}

func (c *chainer) one() string { return c.columns[c.IntN(len(c.columns))] }

func (c *chainer) name() string {
	c.names++
	return fmt.Sprintf("n%d", c.names)
}

// operator is a random one on one input, and changes the columns.
func (c *chainer) operator() pipeline.Operator {
	x, y, name := c.one(), c.one(), c.name()
	if len(c.columns) > 7 {
		c.columns = c.columns[len(c.columns)-4:]
		return operators.Select(c.columns...)
	}
	switch c.IntN(13) {
	case 0:
		return operators.Filter(fmt.Sprintf("%s > 6 || %s == null", x, y))
	case 1, 2:
		c.columns = append(slices.Clone(c.columns), name)
		return operators.Derive(operators.Column{Name: name, Expr: fmt.Sprintf(
			[]string{"%s * 3 + %s", "%s > 5 ? %s : 0", "coalesce(%s, 1) - %s", "%s == null ? %s : 4", "[%s, %s][1]"}[c.IntN(5)], x, y)})
	case 3:
		c.columns = append(slices.Clone(c.columns), name)
		return operators.Derive(operators.Column{Name: x, Expr: x + " + 1"}, operators.Column{Name: name, Expr: x})
	case 4:
		i := slices.Index(c.columns, x)
		c.columns = slices.Clone(c.columns)
		c.columns[i] = name
		return operators.Rename(map[string]string{x: name})
	case 5:
		if len(c.columns) > 2 {
			c.columns = slices.DeleteFunc(slices.Clone(c.columns), func(o string) bool { return o == x })
			return operators.Drop(x)
		}
		return operators.FillNull(map[string]any{x: 12})
	case 6:
		return sql.Dedupe(sql.DedupeOptions{Keys: []string{x}, Keep: []string{"first", "last"}[c.IntN(2)]})
	case 7:
		return sql.Dedupe(sql.DedupeOptions{Keys: []string{x}, OrderBy: []sql.SortKey{{Column: y}}})
	case 8:
		return sql.Sort(sql.SortKey{Column: x, Desc: true}, sql.SortKey{Column: y})
	case 9:
		return operators.Limit(4)
	case 10:
		other := c.name()
		c.columns = []string{x, name, other}
		return sql.Aggregate([]string{x}, sql.Agg{Name: name, Func: []string{"sum", "max", "count"}[c.IntN(3)], Column: y}, sql.Agg{Name: other, Func: "count"})
	case 11:
		text := fmt.Sprintf("SELECT *, sum(%s) OVER (PARTITION BY %s)::BIGINT AS %s FROM input ORDER BY ALL", x, y, name)
		c.columns = append(slices.Clone(c.columns), name)
		return sql.Query(text, "input")
	}
	return operators.Sample(0.9, 3)
}

// pipeline is a chain of stages, of which some have an output, and some look at two inputs.
func (c *chainer) pipeline(dir string) *pipeline.Pipeline {
	pl := &pipeline.Pipeline{Name: "p"}
	for name := range columnInputs {
		pl.Sources = append(pl.Sources, pipeline.NamedSource{Name: name, Source: csvs.Files(filepath.Join(dir, name+".csv"))})
	}
	from := "a"
	c.columns = []string{"id", "x", "y"}
	stages := 1 + c.IntN(3)
	joined := c.IntN(stages + 1)
	for i := range stages {
		s := pipeline.Stage{Name: fmt.Sprintf("s%d", i), From: []string{from}}
		if i == joined {
			on := c.one()
			s.From = append(s.From, "b")
			s.Operators = append(s.Operators, sql.Join(sql.JoinOptions{Kind: []string{"left", "inner", "full"}[c.IntN(3)], On: []string{on + " = id"}, Suffix: "_b"}))
			c.columns = append(slices.Clone(c.columns), "z")
		}
		for range 1 + c.IntN(3) {
			s.Operators = append(s.Operators, c.operator())
		}
		if i == stages-1 || c.IntN(2) == 0 {
			s.Output = &pipeline.Output{Path: "out/" + s.Name, Format: csvs.Format{}}
			if c.IntN(3) == 0 {
				s.Gates = gates.Of(gates.Rule{Name: "aside", Check: gates.Rows(c.one() + " < 300"), Else: gates.Quarantine})
			}
		}
		pl.Stages = append(pl.Stages, s)
		from = s.Name
	}
	return pl
}

// carried is what came of a pipeline: the rows of its last stage, and what is said of columns.
type carried struct {
	rows  [][]string
	graph *lineage.ColumnGraph
	last  string
}

// carry runs a pipeline over the inputs; nil if it can't do with them.
func (c *chainer) carry(t *testing.T, made func(dir string) *pipeline.Pipeline, inputs map[string][][]string) *carried {
	t.Helper()
	dir := t.TempDir()
	for name, rows := range inputs {
		f, err := os.Create(filepath.Join(dir, name+".csv"))
		check(t, err)
		check(t, csv.NewWriter(f).WriteAll(rows))
		check(t, f.Close())
	}
	pl := made(dir)
	out := t.TempDir()
	env := &pipeline.Env{
		Dir: dir, Temp: out, Workers: 1, Alloc: memory.DefaultAllocator, Memory: pipeline.NewBudget(256 << 20),
		Now: func() time.Time { return time.Time{} },
	}
	plan, err := pipeline.Bind(t.Context(), pl, env)
	if err != nil {
		t.Fatalf("%v: %v", pl.Stages, err)
	}
	got, err := plan.Run(t.Context(), staged{out}, nil)
	if err != nil || got.Blocked {
		return nil
	}
	last := got.Stages[len(got.Stages)-1]
	f, err := os.Open(filepath.Join(out, filepath.Base(last.Files[0].Path)))
	check(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	check(t, err)
	return &carried{rows: rows, graph: lineage.Columns(manifestsOf(plan, got)), last: last.Stage.Name}
}

// manifestsOf are the manifests of a run, as far as they are of columns.
func manifestsOf(plan *pipeline.Plan, out *pipeline.Outcome) (all []*pipeline.Manifest) {
	for _, s := range out.Stages {
		if s.Stage.Output == nil {
			continue
		}
		m := &pipeline.Manifest{
			Dataset: s.Stage.Name, Partition: "all", Version: 1,
			Columns: s.Origins.Columns, RowsBy: s.Origins.RowsBy, RowsUnknown: s.Origins.RowsUnknown,
		}
		for name := range plan.Inputs {
			m.Inputs = append(m.Inputs, pipeline.InputRecord{Name: name, Source: name})
		}
		for _, up := range out.Stages {
			if up.Stage.Output != nil && up != s {
				m.Inputs = append(m.Inputs, pipeline.InputRecord{Name: up.Stage.Name, Dataset: up.Stage.Name, Partition: "all", Version: 1})
			}
		}
		all = append(all, m)
	}
	return all
}

// related reports whether a column, or without a name the rows, comes from an input's column in
// some way, over datasets; ways are those of the last step.
func (c *carried) related(name, input, column string) bool {
	var reaches func(tree *lineage.ColumnTree) bool
	reaches = func(tree *lineage.ColumnTree) bool {
		return tree.Source == input && tree.Name == column || slices.ContainsFunc(tree.Next, reaches)
	}
	return reaches(c.graph.Walk(lineage.Column{Dataset: c.last, Name: name}, lineage.Up, -1))
}

// free are the columns of the result that are said to have nothing to do with an input's.
func (c *carried) free(input, column string) (all []int) {
	if c.related("", input, column) {
		return nil
	}
	for i, name := range c.rows[0] {
		if !c.related(name, input, column) {
			all = append(all, i)
		}
	}
	return all
}

func project(rows [][]string, columns []int) (all []string) {
	for _, row := range rows {
		var parts []string
		for _, i := range columns {
			parts = append(parts, row[i])
		}
		all = append(all, strings.Join(parts, "|"))
	}
	slices.Sort(all)
	return all
}

// In random pipelines, over several stages and datasets, a change of an input's column changes
// only columns that are said to have to do with it.
func TestColumnsOfRandomPipelines(t *testing.T) {
	const seed = 5
	compared := 0
	for i := range 8 {
		c := &chainer{Rand: rand.New(rand.NewPCG(seed, uint64(i)))}
		var pl *pipeline.Pipeline
		again := func(dir string) *pipeline.Pipeline { // the same, of other files
			return (&chainer{Rand: rand.New(rand.NewPCG(seed, uint64(i)))}).pipeline(dir)
		}
		before := c.carry(t, again, columnInputs)
		if before == nil {
			continue
		}
		pl = again("")
		for input, rows := range columnInputs {
			for at, column := range rows[0] {
				free := before.free(input, column)
				for _, change := range columnChanges {
					if len(free) == 0 {
						break
					}
					changed := map[string][][]string{}
					for name, rows := range columnInputs {
						for n, row := range rows {
							row = slices.Clone(row)
							if name == input && n > 0 {
								row[at] = change(n, row[at])
							}
							changed[name] = append(changed[name], row)
						}
					}
					after := c.carry(t, again, changed)
					if after == nil {
						continue
					}
					compared++
					if a, b := project(before.rows, free), project(after.rows, free); !slices.Equal(a, b) {
						t.Errorf("seed %d, %d: %v\n%s.%s changed, and columns %v with it:\n%v\n%v", seed, i, stagesText(pl), input, column, free, a, b)
					}
				}
			}
		}
	}
	if compared < 30 {
		t.Errorf("only %d results were compared", compared)
	}
}

func stagesText(pl *pipeline.Pipeline) string {
	var b strings.Builder
	for _, s := range pl.Stages {
		fmt.Fprintf(&b, "%s from %v: %v, output %v, gates %v\n", s.Name, s.From, s.Operators, s.Output != nil, s.Gates)
	}
	return b.String()
}
