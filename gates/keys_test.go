package gates

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/pipeline"
)

var keySchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "code", Type: arrow.BinaryTypes.String, Nullable: true},
}, nil)

// manyRows has n rows with ids below different, codes of a fifth of them, and some nulls.
func manyRows(env *pipeline.Env, r *rand.Rand, n int, different int64) arrow.RecordBatch {
	b := array.NewRecordBuilder(env.Alloc, keySchema)
	defer b.Release()
	for range n {
		id := r.Int64N(different)
		b.Field(0).(*array.Int64Builder).Append(id)
		if id%100 == 0 {
			b.Field(1).AppendNull()
		} else {
			b.Field(1).(*array.StringBuilder).Append(fmt.Sprint(id / 5))
		}
	}
	return b.NewRecordBatch()
}

// judgeKeysOf judges rows in units of several sizes, and what codes refer to.
func judgeKeysOf(t *testing.T, env *pipeline.Env, rows, parent arrow.RecordBatch) ([]pipeline.Finding, map[string]string, error) {
	t.Helper()
	b, err := Of(
		Rule{Name: "id", Check: Unique("id")},
		Rule{Name: "pair", Check: Unique("id", "code"), Where: "id > 1000"},
		Rule{Name: "distinct", Check: Expect("distinct(code) == 1 && distinct(id) == 1")},
		Rule{Name: "refers", Check: References("code", "codes", "code")},
		Rule{Name: "some", Check: References("code", "codes", "code"), Where: "id % 2 == 0", AtMost: Count(10)},
	).Bind(keySchema, pipeline.Surroundings{Inputs: func(string) *arrow.Schema { return arrow.NewSchema(keySchema.Fields()[1:], nil) }})
	if err != nil {
		t.Fatal(err)
	}
	h := pipeline.Hearing{Env: env}
	for range b.Inputs {
		code := array.NewRecordBatch(arrow.NewSchema([]arrow.Field{keySchema.Field(1)}, nil), []arrow.Array{parent.Column(1)}, parent.NumRows())
		half := code.NumRows() / 2
		h.Lookups = append(h.Lookups, pipeline.Lookup{Reader: pipeline.Batches(code.NewSlice(0, half), code.NewSlice(half, code.NumRows()))})
		code.Release()
	}
	court, err := b.Open(t.Context(), h)
	if err != nil {
		return nil, nil, err
	}
	for at, seq := int64(0), 0; at < rows.NumRows(); seq++ {
		n := min(rows.NumRows()-at, int64(1000*(seq+1)))
		w := court.Unit(pipeline.Unit{Seq: seq, Name: "rows", Env: env})
		part := rows.NewSlice(at, at+n)
		_, err := w.Observe(t.Context(), part, nil)
		part.Release()
		if err == nil {
			err = court.Merge(w)
		}
		if err != nil {
			return nil, nil, err
		}
		at += n
	}
	j, err := court.Judge(t.Context(), nil)
	if err != nil {
		return nil, nil, err
	}
	texts := map[string]string{}
	for name, m := range j.States {
		texts[name] = string(m)
	}
	return j.Findings, texts, nil
}

// brokenKeys counts, with maps, the rows that break the rules "id" and "refers".
func brokenKeys(rows, parent arrow.RecordBatch) []int64 {
	times, codes := map[string]int64{}, map[string]bool{}
	for i := range int(parent.NumRows()) {
		codes[parent.Column(1).ValueStr(i)] = true
	}
	failed := make([]int64, 2)
	for i := range int(rows.NumRows()) {
		times[rows.Column(0).ValueStr(i)]++
		if code := rows.Column(1); code.IsValid(i) && !codes[code.ValueStr(i)] {
			failed[1]++
		}
	}
	for _, n := range times {
		if n > 1 {
			failed[0] += n
		}
	}
	return failed
}

// What is found of keys is the same however little memory there is.
func TestKeysInAnyMemory(t *testing.T) {
	for seed := range uint64(6) {
		env := testEnv(t)
		env.Temp = t.TempDir()
		r := rand.New(rand.NewPCG(seed, 1))
		rows := manyRows(env, r, 60_000, 20_000<<r.IntN(8))
		parent := manyRows(env, r, 40_000, 20_000<<r.IntN(8))
		want, stored, err := judgeKeysOf(t, env, rows, parent)
		if err != nil {
			t.Fatal(err)
		}
		if failed, expected := []int64{want[0].RowsFailed, want[3].RowsFailed}, brokenKeys(rows, parent); !slices.Equal(failed, expected) {
			t.Fatalf("seed %d: %d rows failed, want %d", seed, failed, expected)
		}
		for _, limit := range []int64{1, 256 << 10, 1 << 20, 4 << 20, 16 << 20} {
			env.Memory = pipeline.NewBudget(limit)
			got, also, err := judgeKeysOf(t, env, rows, parent)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, asEver) + cmp.Diff(stored, also); diff != "" {
				t.Errorf("seed %d, %d KiB: %s", seed, limit>>10, diff)
			}
			if !env.Memory.Take(limit) {
				t.Errorf("seed %d, %d KiB: not all memory was given back", seed, limit>>10)
			}
			if left, err := os.ReadDir(env.Temp); err != nil || len(left) > 0 {
				t.Errorf("left: %v %v", left, err)
			}
		}
		rows.Release()
		parent.Release()
	}
}

// Where keys can't be spilled there is no verdict, but an error.
func TestKeysThatCannotBeSpilled(t *testing.T) {
	env := testEnv(t)
	env.Temp, env.Memory = t.TempDir()+"/missing", pipeline.NewBudget(1<<20)
	r := rand.New(rand.NewPCG(1, 1))
	rows := manyRows(env, r, 60_000, 1<<40)
	defer rows.Release()
	findings, _, err := judgeKeysOf(t, env, rows, rows)
	if findings != nil || pipeline.KindOf(err) != pipeline.IO {
		t.Errorf("%v, %v", findings, err)
	}
}
