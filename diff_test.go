package penstock

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

// diffRow is a row by column.
type diffRow = map[string]any

var diffFields = []arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "x", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64), Nullable: true},
	{Name: "p", Type: arrow.StructOf(arrow.Field{Name: "a", Type: arrow.BinaryTypes.String, Nullable: true}, arrow.Field{Name: "b", Type: arrow.PrimitiveTypes.Int64, Nullable: true}), Nullable: true},
}

func randomDiffRow(r *rand.Rand, id any) diffRow {
	some := func(values ...any) any { return values[r.IntN(len(values))] }
	return diffRow{
		"id": id, "s": some(nil, "", "a", "b"), "x": some(nil, 0, 1.5, -2), "l": some(nil, []int{}, []int{1}, []int{1, 2}),
		"p": some(nil, diffRow{"a": nil, "b": nil}, diffRow{"a": "x", "b": nil}, diffRow{"a": "x", "b": 7}),
	}
}

// diffed is a project whose one partition is made of rows that the test gives it.
type diffedProject struct {
	t   *testing.T
	dir string
	p   *Project
}

func newDiffed(t *testing.T, memory int64) *diffedProject {
	x := &diffedProject{t: t, dir: t.TempDir()}
	var err error
	if x.p, err = Open(t.Context(), x.dir, Options{Workers: 2, Actor: "test", Memory: memory}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.p.Close() })
	return x
}

// publish makes a version of rows with these columns, in row groups of so many rows.
func (x *diffedProject) publish(rows []diffRow, columns []arrow.Field, group int) {
	x.t.Helper()
	schema := arrow.NewSchema(columns, nil)
	f, err := os.Create(filepath.Join(x.dir, "raw.parquet"))
	if err != nil {
		x.t.Fatal(err)
	}
	enc, err := parquet.Format{}.Create(f, schema)
	if err != nil {
		x.t.Fatal(err)
	}
	for part := range slices.Chunk(rows, group) {
		text, _ := json.Marshal(projected(part, columns))
		b, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(string(text)))
		if err != nil {
			x.t.Fatal(err)
		}
		chunk, err := enc.Encode(x.t.Context(), []arrow.RecordBatch{b})
		if err == nil {
			err = enc.Append(chunk)
		}
		if err != nil {
			x.t.Fatal(err)
		}
	}
	if err := enc.Close(); err != nil {
		x.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		x.t.Fatal(err)
	}
	pl, err := config.Parse("p.yaml", []byte("name: p\nsources: {raw: {parquet: raw.parquet}}\n"+
		"stages: {out: {from: raw, operators: [{derive: {y: id + 1}}], output: {parquet: w/out}}}\n"), config.Options{})
	if err != nil {
		x.t.Fatal(err)
	}
	if _, err := x.p.Run(x.t.Context(), pl, ""); err != nil {
		x.t.Fatal(err)
	}
}

func projected(rows []diffRow, columns []arrow.Field) (all []diffRow) {
	for _, row := range rows {
		part := diffRow{}
		for _, f := range columns {
			part[f.Name] = row[f.Name]
		}
		all = append(all, part)
	}
	return all
}

// texts are rows, or their keys, as what is equal where they are.
func texts(rows []diffRow, columns []arrow.Field) (all []string) {
	for _, row := range projected(rows, columns) {
		text, _ := json.Marshal(row)
		all = append(all, string(text))
	}
	return all
}

// countDiff compares rows one by one.
func countDiff(was, now []diffRow, shared []arrow.Field, keyed bool) (out DiffedRows) {
	old, young := texts(was, shared), texts(now, shared)
	oldKeys, youngKeys := texts(was, diffFields[:1]), texts(now, diffFields[:1])
	left := map[string]int{} // rows before that are not the same as one after, by key
	for i, text := range old {
		if at := slices.Index(young, text); at >= 0 {
			out.Same++
			young, youngKeys = slices.Delete(young, at, at+1), slices.Delete(youngKeys, at, at+1)
			continue
		}
		out.Removed++
		left[oldKeys[i]]++
	}
	out.Added = int64(len(young))
	for _, key := range youngKeys {
		if keyed && left[key] > 0 {
			left[key]--
			out.Changed, out.Added, out.Removed = out.Changed+1, out.Added-1, out.Removed-1
		}
	}
	return out
}

// Versions of random rows, with nested columns, nulls and keys that several rows have, differ as a
// comparison one by one says; whatever is read of them, and in however little memory.
func TestDiffAgainstOneByOne(t *testing.T) {
	read := map[bool]int{} // how often everything was read, and how often not
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 3))
		x := newDiffed(t, []int64{64 << 20, 2 << 20}[r.IntN(2)])
		var was, now []diffRow
		for i := range 1 + r.IntN(200) {
			id := any(i)
			if r.IntN(20) == 0 {
				id = []any{nil, 0, 1}[r.IntN(3)]
			}
			was = append(was, randomDiffRow(r, id))
		}
		kept, odds := r.IntN(2) == 0, 1+r.IntN(50)
		for _, row := range was {
			switch r.IntN(3 * odds) {
			case 0:
				row = randomDiffRow(r, row["id"])
			case 1:
				if !kept {
					continue
				}
			case 2:
				if !kept {
					now = append(now, randomDiffRow(r, len(was)+len(now)))
				}
			}
			now = append(now, row)
		}
		now = append(now, randomDiffRow(r, 1000))
		group, columns, newer := 1+r.IntN(60), diffFields, diffFields
		if r.IntN(3) == 0 {
			newer = slices.Delete(slices.Clone(diffFields), 1, 2)
		}
		x.publish(was, columns, group)
		x.publish(now, newer, group)
		keyed := r.IntN(3) > 0
		o := DiffOptions{Dataset: "w/out", Partition: "all", Limit: 3, WholeRows: !keyed}
		if keyed {
			o.Key = []string{"id"}
		}
		d, err := x.p.Diff(t.Context(), o)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		want, got := countDiff(was, now, newer, keyed), d.Rows
		read[got.Read == int64(len(was)+len(now))]++
		got.Read, got.SharedKeys, got.NullKeys = 0, 0, 0
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d, by key %v: (-want +got)\n%s", seed, keyed, diff)
		}
		if lost := len(newer) < len(columns); lost != slices.ContainsFunc(d.Columns, func(c DiffedColumn) bool { return c.Column == "s" && c.After == "" && c.Before != "" }) {
			t.Fatalf("seed %d: columns %v, of which s is gone: %v", seed, d.Columns, lost)
		}
		if len(d.AddedRows) != int(min(3, want.Added)) && keyed {
			t.Fatalf("seed %d: %d added rows are named of %d", seed, len(d.AddedRows), want.Added)
		}
	}
	if read[true] == 0 || read[false] == 0 {
		t.Errorf("all rows were read in %d of 60 diffs: both should come up", read[true])
	}
}

// What is damaged is found before it is compared, and named.
func TestDiffOfADamagedVersion(t *testing.T) {
	x := newDiffed(t, 64<<20)
	rows := []diffRow{randomDiffRow(rand.New(rand.NewPCG(1, 1)), 1), randomDiffRow(rand.New(rand.NewPCG(1, 2)), 2)}
	x.publish(rows, diffFields, 10)
	x.publish(rows[:1], diffFields, 10)
	path := filepath.Join(x.dir, "w", ".penstock", "datasets", "out", "versions", "all", "000001", "data", "part-0.parquet")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[30] ^= 1
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = x.p.Diff(t.Context(), DiffOptions{Dataset: "w/out", Partition: "all", Key: []string{"id"}})
	if pipeline.KindOf(err) != pipeline.BadInput || !strings.Contains(fmt.Sprint(err), "versions/all/000001/data/part-0.parquet") {
		t.Fatalf("got %v", err)
	}
}
