package sql

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/pipeline"
)

func unsure(op pipeline.Operator) string {
	if u, ok := op.(pipeline.Unsure); ok {
		return u.Unsure()
	}
	return ""
}

func TestQueriesThatPromiseNothing(t *testing.T) {
	for query, want := range map[string]string{
		"SELECT a FROM t ORDER BY a":                                      "",
		"SELECT a FROM t":                                                 "its query has no ORDER BY at its end: the rows come in the order in which DuckDB gives them",
		"SELECT a, now() AS n FROM t ORDER BY a":                          "its query calls now, which gives something else each time",
		"SELECT a, current_date AS n FROM t ORDER BY a":                   "its query calls current_date, which gives something else each time",
		"SELECT a, RANDOM() AS r, uuid() AS u FROM t ORDER BY a":          "its query calls random, uuid, which give something else each time",
		"SELECT a FROM t WHERE random() < 0.5":                            "its query has no ORDER BY at its end: the rows come in the order in which DuckDB gives them; its query calls random, which gives something else each time",
		"SELECT a FROM (SELECT a FROM t USING SAMPLE 10%) ORDER BY a":     "its query takes a sample",
		"SELECT a FROM t TABLESAMPLE reservoir(3 ROWS) ORDER BY a":        "its query takes a sample",
		"SELECT a, list(b) AS b FROM t GROUP BY a ORDER BY a":             "its query calls list, which depends on the order of the rows it is given",
		"SELECT a, list(b ORDER BY b) AS b FROM t GROUP BY a ORDER BY a":  "",
		"SELECT a, any_value(b) AS b FROM t GROUP BY a ORDER BY a":        "its query calls any_value, which depends on the order of the rows it is given",
		"SELECT a, row_number() OVER (ORDER BY a) AS n FROM t ORDER BY a": "",
		"SELECT": "",
	} {
		if got := unsure(Query(query, "t")); got != want {
			t.Errorf("%s:\n got %q\nwant %q", query, got, want)
		}
	}
	for _, op := range []pipeline.Operator{Sort(SortKey{Column: "a"}), Aggregate([]string{"a"}), Dedupe(DedupeOptions{})} {
		if got := unsure(op); got != "" {
			t.Errorf("%s: %s", op, got)
		}
	}
}

// Rows that are equal in what a query orders by come in the same order, and sums of doubles
// come out the same, whatever the number of workers.
func TestTheSameForAnyNumberOfWorkers(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64}, {Name: "b", Type: arrow.PrimitiveTypes.Int64}}, nil)
	for _, op := range []pipeline.Operator{
		Query("SELECT a, b FROM t ORDER BY a", "t"),
		Query("SELECT a, sum(sqrt(b)) AS s FROM t GROUP BY a ORDER BY a", "t"),
		Aggregate([]string{"a"}, Agg{Name: "d", Func: "stddev", Column: "b"}),
		Aggregate([]string{"a"}, Agg{Name: "m", Func: "mean", Column: "b"}),
	} {
		var want []string
		for _, workers := range []int{1, 2, 7} {
			env := testEnv(t, workers)
			b := array.NewRecordBuilder(env.Alloc, schema)
			for i := range 300_000 {
				b.Field(0).(*array.Int64Builder).Append(int64(i % 3))
				b.Field(1).(*array.Int64Builder).Append(int64(i) * 1_000_003 % 7_777_777)
			}
			rows := b.NewRecordBatch()
			b.Release()
			got, err := apply(t, env, op, rows)
			rows.Release()
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
			}
			if i := firstDifference(want, got); i >= 0 {
				t.Errorf("%s: with %d workers row %d of %d is another", op, workers, i, len(want))
			}
		}
	}
}

// firstDifference is the place of the first row that two results don't have alike, or -1.
func firstDifference(a, b []string) int {
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			return i
		}
	}
	return -1
}
