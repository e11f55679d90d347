package sql

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/pipeline"
)

// rowidSchema has a column called so that holds anything; the other names are in the way too.
func rowidSchema(name string) *arrow.Schema {
	return parseSchema("k:string; " + name + ":int64; t:int64; -row:int64; -hi:int64")
}

// rowidOperators are all that go by the order of rows.
func rowidOperators(name string) map[string]pipeline.Operator {
	all := map[string]pipeline.Operator{
		"sort":         Sort(SortKey{Column: "k"}),
		"dedupe first": Dedupe(DedupeOptions{Keys: []string{"k"}}),
		"dedupe last":  Dedupe(DedupeOptions{Keys: []string{"k"}, Keep: "last"}),
		"dedupe by":    Dedupe(DedupeOptions{Keys: []string{"k"}, OrderBy: []SortKey{{Column: "t"}}}),
		"dedupe by it": Dedupe(DedupeOptions{Keys: []string{"k"}, Keep: "last", OrderBy: []SortKey{{Column: name, Desc: true}}}),
		"aggregate":    Aggregate([]string{"k"}, Agg{"f", "first", "t"}, Agg{"l", "last", name}, Agg{"m", "max", name}),
		"total":        Aggregate(nil, Agg{"f", "first", name}, Agg{"l", "last", "t"}),
	}
	for _, kind := range []string{"inner", "left", "full", "semi", "anti"} {
		all["join "+kind] = Join(JoinOptions{Kind: kind, On: []string{"k"}})
		all["join it "+kind] = Join(JoinOptions{Kind: kind, On: []string{name}})
	}
	return all
}

func rowidRows(seed uint64) (rows []string) {
	r := rand.New(rand.NewPCG(seed, seed))
	for range 40 {
		rows = append(rows, fmt.Sprintf("%c|%d|%d|%d|%d", 'a'+r.IntN(4), r.IntN(20), r.IntN(3), r.IntN(9), r.IntN(9)))
	}
	return rows
}

// A column called rowid hides DuckDB's, and is a column like any other to the operators.
func TestColumnCalledRowid(t *testing.T) {
	rows, others := rowidRows(1), rowidRows(2)[:12]
	run := func(name, op string, memory int64) []string {
		env := testEnv(t, 2)
		env.Memory = pipeline.NewBudget(memory)
		in := []arrow.RecordBatch{table(t, env.Alloc, rowidSchema(name), rows...)}
		if strings.HasPrefix(op, "join") {
			in = append(in, table(t, env.Alloc, rowidSchema(name), others...))
		}
		got, err := apply(t, env, rowidOperators(name)[op], in...)
		for _, b := range in {
			b.Release()
		}
		if err != nil {
			t.Errorf("%s with a column %s: %v", op, name, err)
		}
		return got
	}
	for op := range rowidOperators("other") {
		want := run("other", op, 1<<30)
		if len(want) == 0 && !strings.Contains(op, "anti") {
			t.Errorf("%s gives no rows", op)
		}
		for _, name := range []string{"rowid", "ROWID", "RowId"} {
			for _, memory := range []int64{1 << 30, 1} { // 1: dedupe spills at once
				if diff := cmp.Diff(want, run(name, op, memory)); diff != "" {
					t.Errorf("%s with a column %s and a budget of %d: %s", op, name, memory, diff)
				}
			}
		}
	}
}

// Where rows are followed, they are as well.
func TestColumnCalledRowidIsFollowed(t *testing.T) {
	schema := func(name string) *arrow.Schema { return pipeline.WithPlaces(rowidSchema(name), 1) }
	var rows, others []string
	for i, row := range rowidRows(1) {
		rows = append(rows, fmt.Sprint(row, "|", i+100))
	}
	for i, row := range rowidRows(2)[:12] {
		others = append(others, fmt.Sprint(row, "|", i+500))
	}
	run := func(name, op string) (got []string) {
		env := testEnv(t, 2)
		in := []arrow.RecordBatch{table(t, env.Alloc, schema(name), rows...)}
		plain, wide := []*arrow.Schema{rowidSchema(name)}, []*arrow.Schema{schema(name)}
		if strings.HasPrefix(op, "join") {
			in = append(in, table(t, env.Alloc, schema(name), others...))
			plain, wide = append(plain, plain[0]), append(wide, wide[0])
		}
		var readers []pipeline.Reader
		for _, b := range in {
			readers = append(readers, pipeline.Batches(b))
		}
		collect := func(b arrow.RecordBatch) error {
			got = append(got, texts(b)...)
			return nil
		}
		r, err := follow(t.Context(), env, rowidOperators(name)[op], plain, wide, collect, readers)
		if err == nil {
			err = pipeline.Each(t.Context(), r, collect)
		}
		if err != nil {
			t.Errorf("%s with a column %s: %v", op, name, err)
		}
		return got
	}
	for op := range rowidOperators("other") {
		want := run("other", op)
		for _, name := range []string{"rowid", "ROWID"} {
			if diff := cmp.Diff(want, run(name, op)); diff != "" {
				t.Errorf("%s with a column %s: %s", op, name, diff)
			}
		}
	}
}

// follow runs an operator with the places of its rows, in its batches or given to members.
func follow(ctx context.Context, env *pipeline.Env, op pipeline.Operator, plain, wide []*arrow.Schema, members func(arrow.RecordBatch) error, in []pipeline.Reader) (pipeline.Reader, error) {
	b, err := op.Bind(plain...)
	if err != nil {
		return nil, err
	}
	if b.Gather != nil {
		gather, err := b.Gather(wide...)
		if err != nil {
			return nil, err
		}
		return gather(ctx, env, members, in...)
	}
	carried, err := b.Carry(wide...)
	if err != nil {
		return nil, err
	}
	return carried.Stream(ctx, env, in...)
}

// In a query that people write, the name means what DuckDB says: the column.
func TestQueryOfAColumnCalledRowid(t *testing.T) {
	for _, name := range []string{"rowid", "ROWID"} {
		for query, want := range map[string][]string{
			"SELECT rowid FROM t ORDER BY rowid":                              {"1", "2", "2", "9"},
			"SELECT rowid, k FROM t ORDER BY t.RowID DESC, k":                 {"9|a", "2|a", "2|b", "1|b"},
			"SELECT * FROM t ORDER BY 2, 1":                                   {"b|1", "a|2", "b|2", "a|9"},
			"SELECT max(rowid) AS m FROM (SELECT rowid FROM t WHERE k = 'b')": {"2"},
		} {
			env := testEnv(t, 1)
			in := table(t, env.Alloc, parseSchema("k:string; "+name+":int64"), "a|9", "b|1", "a|2", "b|2")
			op := Query(query, "t")
			bound, err := op.Bind(in.Schema())
			if err != nil {
				t.Fatal(err)
			}
			for i, c := range bound.Origins.Columns {
				if bound.Schema.Field(i).Name != "k" && (len(c.From) != 1 || c.From[0].Index != 1) {
					t.Errorf("%s: column %d comes from %v, want column 1", query, i, c.From)
				}
			}
			got, err := apply(t, env, op, in)
			in.Release()
			if err != nil {
				t.Errorf("%s: %v", query, err)
			} else if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", query, diff)
			}
		}
	}
}

// Groups come in their order, whatever the columns beside them are called.
func TestAggregateCalledLikeItsKey(t *testing.T) {
	env := testEnv(t, 1)
	in := table(t, env.Alloc, parseSchema("k:string; v:int64"), "a|3", "b|2", "c|1")
	defer in.Release()
	got, err := apply(t, env, Aggregate([]string{"k"}, Agg{"K", "max", "v"}), in)
	if diff := cmp.Diff([]string{"a|3", "b|2", "c|1"}, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}
