package gates_test

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/pipeline"
)

// A rule is shown to pass and to fail before it judges anything.
func ExampleTest() {
	rule := gates.Rule{
		Name: "plausible_delay", Check: gates.Rows("delay >= -60 && delay <= 720"),
		Tests: []gates.Fixture{
			{Rows: []map[string]any{{"delay": 0}, {"delay": 720}}},
			{Name: "a day late", Rows: []map[string]any{{"delay": 1440}}, Fail: true},
			{Name: "an hour early", Rows: []map[string]any{{"delay": -60}}, Fail: true},
		},
	}
	schema := arrow.NewSchema([]arrow.Field{{Name: "delay", Type: arrow.PrimitiveTypes.Int64}}, nil)
	env := &pipeline.Env{Alloc: memory.DefaultAllocator, Memory: pipeline.NewBudget(1 << 20), Workers: 1}
	tested, err := gates.Test(context.Background(), rule, schema, pipeline.Surroundings{}, env)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tested.Passed, "passed as it was to,", tested.Failed, "failed as it was to")
	for _, w := range tested.Wrong {
		fmt.Printf("%s: %s, it was to fail\n", w.Fixture, w.Finding.Verdict)
	}
	// Output:
	// 1 passed as it was to, 1 failed as it was to
	// an hour early: pass, it was to fail
}
