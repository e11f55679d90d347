package penstock_test

import (
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/internal/seed"
	"github.com/penstock-data/penstock/operators"
	"github.com/penstock-data/penstock/operators/csv"
	"github.com/penstock-data/penstock/operators/jsonl"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/operators/sql"
	"github.com/penstock-data/penstock/pipeline"
)

// Every operator and format there is does to the number of rows what it says.
func TestOperatorsConserveRows(t *testing.T) {
	first := seed.For(t)
	ops := []func() pipeline.Operator{
		func() pipeline.Operator { return operators.Filter("qty >= 0 && id % 3 != 0") },
		func() pipeline.Operator { return operators.Sample(0.5, 7) },
		func() pipeline.Operator { return operators.Limit(40) },
		func() pipeline.Operator { return operators.FillNull(map[string]any{"code": "none"}) },
		func() pipeline.Operator {
			return sql.Sort(sql.SortKey{Column: "code"}, sql.SortKey{Column: "id", Desc: true})
		},
		func() pipeline.Operator { return sql.Dedupe(sql.DedupeOptions{Keys: []string{"code", "qty"}}) },
		func() pipeline.Operator {
			return sql.Dedupe(sql.DedupeOptions{Keys: []string{"qty"}, Keep: "last", OrderBy: []sql.SortKey{{Column: "id"}}})
		},
		func() pipeline.Operator {
			return sql.Query("SELECT * FROM t UNION ALL SELECT * FROM t ORDER BY id", "t")
		},
	}
	formats := []pipeline.Format{parquet.Format{}, csv.Format{}, jsonl.Format{}}
	for i := range 25 {
		r := rand.New(rand.NewPCG(first, uint64(i)))
		src := pipeline.NamedSource{Name: "knowing", Source: knowing{splits: randomSplits(r, memory.DefaultAllocator), facts: r.IntN(2) == 0}}
		var stages []pipeline.Stage
		for n := range 3 {
			s := pipeline.Stage{Name: string(rune('a' + n)), From: []string{"knowing"}}
			if n > 0 {
				s.From[0] = stages[n-1].Name
			}
			if n == 2 {
				s.From = append(s.From, "knowing")
				s.Operators = append(s.Operators, operators.Union())
			}
			for range r.IntN(3) {
				s.Operators = append(s.Operators, ops[r.IntN(len(ops))]())
			}
			if r.IntN(2) == 0 {
				s.Output = &pipeline.Output{Path: s.Name, Format: formats[r.IntN(len(formats))]}
			}
			stages = append(stages, s)
		}
		env := &pipeline.Env{Dir: t.TempDir(), Temp: t.TempDir(), Workers: 1 + r.IntN(4), Alloc: memory.DefaultAllocator}
		if saw := lookAt(t, env, stages, src); saw.Err != "" || len(saw.Findings) != 3 {
			t.Errorf("case %d: %v: %d findings, %s", i, stages, len(saw.Findings), saw.Err)
		}
	}
}

// A stage takes the columns it needs of whatever gives more: a stage that streams, and an
// operator that blocks.
func TestColumnsNobodyAskedFor(t *testing.T) {
	splits := randomSplits(rand.New(rand.NewPCG(1, 2)), memory.DefaultAllocator)
	sorted := sql.Sort(sql.SortKey{Column: "code"}, sql.SortKey{Column: "id"})
	for name, stages := range map[string][]pipeline.Stage{
		"streams": {
			{Name: "a", From: []string{"knowing"}, Operators: []pipeline.Operator{sorted}},
			{Name: "b", From: []string{"a", "knowing"}, Operators: []pipeline.Operator{operators.Union()}},
		},
		"blocks": {
			{Name: "a", From: []string{"knowing"}, Operators: []pipeline.Operator{sorted, operators.FillNull(map[string]any{"code": "none"})}},
		},
	} {
		env := &pipeline.Env{Dir: t.TempDir(), Temp: t.TempDir(), Workers: 2, Alloc: memory.DefaultAllocator}
		if saw := lookAt(t, env, stages, pipeline.NamedSource{Name: "knowing", Source: knowing{splits: splits}}); saw.Err != "" {
			t.Errorf("%s: %s", name, saw.Err)
		}
	}
}
