package sql

import (
	"testing"

	"github.com/penstock-data/penstock/internal/sqltree"
)

// A macro is what the functions are that it is short for, at any distance.
func TestKindsOfFunctions(t *testing.T) {
	known, err := catalog.get("", askFunctions)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]sqltree.Kind{
		"sum": sqltree.Aggregate, "count_star": sqltree.Aggregate, "weighted_avg": sqltree.Aggregate, "wavg": sqltree.Aggregate,
		"json_group_structure": sqltree.Aggregate, "list_sum": sqltree.Scalar, "upper": sqltree.Scalar, "+": sqltree.Scalar,
		"get_block_size": 0, "no_such_function": 0,
	} {
		if got := known.kinds[name]; got != want {
			t.Errorf("%s: kind %d, want %d", name, got, want)
		}
	}
}
