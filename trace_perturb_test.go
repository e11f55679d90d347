package penstock_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/internal/seed"
	"github.com/penstock-data/penstock/internal/trace"
	"github.com/penstock-data/penstock/pipeline"
)

const perturbedText = `
name: p
sources:
  a: {csv: a.csv, schema: {k: int64, v: int64}}
  b: {csv: b.csv, schema: {k: int64, v: int64}}
stages:
  some:
    from: a
    operators: [{filter: k % 4 != 0}, {derive: {w: v * 3}}]
  pairs:
    from: [some, b]
    operators: [{join: {on: [k], kind: left}}]
    output: {parquet: out/pairs}
    lineage: rows
  sums:
    from: [some, b]
    operators:
      - join: {on: [k]}
      - aggregate: {by: [k], columns: {n: count(), t: sum(w), r: sum(v_right)}}
      - filter: n > 1
    output: {parquet: out/sums}
    lineage: rows
  all:
    from: sums
    operators: [{aggregate: {columns: {t: sum(t), r: sum(r)}}}]
    output: {parquet: out/all}
    lineage: rows
  inner:
    from: [some, b]
    operators: [{join: {on: [k]}}, {aggregate: {by: [k], columns: {t: sum(w), r: sum(v_right)}}}]
  deep:
    from: inner
    operators: [{derive: {odd: k % 2}}, {aggregate: {by: [odd], columns: {t: sum(t), r: sum(r)}}}]
    output: {parquet: out/deep}
    lineage: rows
`

// One value of an input is another: just those rows of the outputs change of which it is on
// record that they came from its row.
func TestTraceSaysWhatChanges(t *testing.T) {
	r := rand.New(rand.NewPCG(seed.For(t), 2))
	inputs := map[string][][2]int{}
	for _, name := range []string{"a", "b"} {
		for range 25 {
			inputs[name] = append(inputs[name], [2]int{r.IntN(10), 1 + r.IntN(1000)})
		}
	}
	before := runPerturbed(t, inputs)
	for range 12 {
		name, row := []string{"a", "b"}[r.IntN(2)], r.IntN(25)
		inputs[name][row][1] += 5000
		after := runPerturbed(t, inputs)
		inputs[name][row][1] -= 5000
		for _, stage := range []string{"pairs", "sums", "all", "deep"} {
			var changed, recorded []int
			for i := range before.rows[stage] {
				if fmt.Sprint(before.rows[stage][i]) != fmt.Sprint(after.rows[stage][i]) {
					changed = append(changed, i)
				}
				if slices.Contains(before.from(t, stage, i), fmt.Sprint(name, ".csv ", row)) {
					recorded = append(recorded, i)
				}
			}
			if !slices.Equal(changed, recorded) {
				t.Errorf("row %d of %s is another: rows %v of %s change, and %v are said to come from it", row, name, changed, stage, recorded)
			}
		}
	}
}

// from gives the rows of files that a row of an output came from, through other outputs too.
func (x *tracedRun) from(t *testing.T, stage string, row int) (all []string) {
	t.Helper()
	err := x.trace[stage].Each(int64(row), func(o trace.Origin) error {
		if x.trace[o.Input.Name] != nil {
			all = append(all, x.from(t, o.Input.Name, int(o.Row))...)
		} else {
			all = append(all, fmt.Sprint(o.File(), " ", o.Row))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func runPerturbed(t *testing.T, inputs map[string][][2]int) *tracedRun {
	t.Helper()
	out := t.TempDir()
	for name, rows := range inputs {
		var text strings.Builder
		text.WriteString("k,v\n")
		for _, row := range rows {
			fmt.Fprintf(&text, "%d,%d\n", row[0], row[1])
		}
		if err := os.WriteFile(filepath.Join(out, name+".csv"), []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pl, err := config.Parse("p.yaml", []byte(perturbedText), config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	env := &pipeline.Env{
		Dir: out, Temp: out, Workers: 2, Memory: pipeline.NewBudget(64 << 20),
		Now: func() time.Time { return time.Time{} }, Alloc: memory.DefaultAllocator,
	}
	plan, err := pipeline.Bind(t.Context(), pl, env)
	if err != nil {
		t.Fatal(err)
	}
	got, err := plan.Run(t.Context(), staged{out}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return left(t, env, got)
}
