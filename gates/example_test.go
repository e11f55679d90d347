package gates_test

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/gates"
)

// A function judges what an expression can't. Its version changes when it does.
func ExampleRowsFunc() {
	palindrome := func(_ context.Context, b arrow.RecordBatch) ([]gates.Outcome, error) {
		words := b.Column(0).(*array.String)
		said := make([]gates.Outcome, words.Len())
		for i := range said {
			if words.IsNull(i) {
				said[i] = gates.NotTested
				continue
			}
			said[i] = gates.Holds
			for a, z := 0, len(words.Value(i))-1; a < z; a, z = a+1, z-1 {
				if words.Value(i)[a] != words.Value(i)[z] {
					said[i] = gates.Fails
				}
			}
		}
		return said, nil
	}
	rule := gates.Rule{Name: "palindrome", Check: gates.RowsFunc("palindrome", "v1", []string{"word"}, palindrome), AtMost: gates.Share(0.01)}
	fmt.Println(gates.Of(rule))
	// Output: palindrome: function palindrome v1 of word; at_most 1%
}

// The named checks are a table: what pipeline files may say.
func ExampleSpecNamed() {
	between, _ := gates.SpecNamed("between")
	check, err := between.Build(gates.Pair{Column: "delay", Value: []any{int64(-60), nil}})
	fmt.Println(check, err)
	// Output: between delay: [-60, null] <nil>
}
