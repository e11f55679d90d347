package compare

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

// leftOvers gives the rows of each side that have no counterpart, from texts: of the key, which is
// empty where it has a null and these have none, and of all columns.
func leftOvers(sides [2][][2]string, wholeKeys bool) (left [2][]int) {
	net, differ := map[[2]string]int{}, map[string]bool{}
	for side, rows := range sides {
		for _, r := range rows {
			if r[0] != "" {
				net[r] += 1 - 2*side
			}
		}
	}
	for r, n := range net {
		differ[r[0]] = differ[r[0]] || n != 0
	}
	for side, rows := range sides {
		for i, r := range slices.Backward(rows) {
			switch {
			case r[0] == "" || wholeKeys && differ[r[0]]:
				left[side] = append(left[side], i)
			case !wholeKeys && (1-2*side)*net[r] > 0:
				net[r] -= 1 - 2*side
				left[side] = append(left[side], i)
			}
		}
		slices.Reverse(left[side])
	}
	return left
}

// lowered is a way to compare: numbers without their sign, texts in lower case, x not at all.
func lowered(_ int, columns []arrow.Array) ([]arrow.Array, error) {
	var all []arrow.Array
	for _, c := range columns {
		switch c := c.(type) {
		case *array.Float64:
			continue
		case *array.Int32:
			b := array.NewInt64Builder(memory.DefaultAllocator)
			for i := range c.Len() {
				if c.IsNull(i) {
					b.AppendNull()
				} else {
					b.Append(int64(max(c.Value(i), -c.Value(i))))
				}
			}
			all = append(all, b.NewArray())
		case *array.Int64:
			b := array.NewInt32Builder(memory.DefaultAllocator)
			for i := range c.Len() {
				if c.IsNull(i) {
					b.AppendNull()
				} else {
					b.Append(int32(max(c.Value(i), -c.Value(i))))
				}
			}
			all = append(all, b.NewArray())
		case *array.Dictionary:
			text := array.NewStringBuilder(memory.DefaultAllocator)
			for i := range c.Len() {
				if c.IsNull(i) {
					text.AppendNull()
				} else {
					text.Append(strings.ToLower(c.ValueStr(i)))
				}
			}
			all = append(all, text.NewArray())
		default:
			c.Retain()
			all = append(all, c)
		}
	}
	return all, nil
}

func loweredText(row []any, columns []int) string {
	var all []string
	for _, c := range columns {
		switch v := row[c].(type) {
		case float64:
		case int32:
			all = append(all, fmt.Sprint(max(v, -v)))
		case int64:
			all = append(all, fmt.Sprint(max(v, -v)))
		case string:
			all = append(all, strings.ToLower(v))
		default:
			if fields[c].Name != "x" {
				all = append(all, text(v))
			}
		}
	}
	return strings.Join(all, "|")
}

// renamed gives a side other names.
func renamed(in *pipeline.Input, names func(string) string) *pipeline.Input {
	fields := slices.Clone(in.Schema.Fields())
	for i := range fields {
		fields[i].Name = names(fields[i].Name)
	}
	schema := arrow.NewSchema(fields, nil)
	out := &pipeline.Input{Schema: schema}
	for _, s := range in.Splits {
		open := s.Open
		s.OpenSome = nil
		s.Open = func(ctx context.Context, env *pipeline.Env, columns []string) (pipeline.Reader, error) {
			r, err := open(ctx, env, nil)
			if err != nil {
				return nil, err
			}
			var all []arrow.RecordBatch
			err = pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
				all = append(all, pick(array.NewRecordBatch(schema, b.Columns(), b.NumRows()), columns))
				return nil
			})
			return pipeline.Batches(all...), err
		}
		out.Splits = append(out.Splits, s)
	}
	return out
}

func (u *Unmatched) rows(side int) (all []int) {
	first := int64(0)
	for split, rows := range u.Rows[side] {
		for i := range rows {
			if m := u.Marks[side][split]; m != nil && m.Has(i) {
				all = append(all, int(first+i))
			}
		}
		first += rows
	}
	return all
}

// Unequal finds what maps of texts find, however rows are cut, shuffled and carried, in whatever
// memory; of both sides exchanged it finds the mirror image.
func TestUnequalAgainstMaps(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(7, seed))
		left := randomTable(r, r.IntN(300))
		right := changed(r, left)
		if r.IntN(2) == 0 {
			r.Shuffle(len(right), func(i, j int) { right[i], right[j] = right[j], right[i] })
		}
		order := r.Perm(len(fields))
		keys := 1 + r.IntN(3)
		m := Matching{Keys: keys, NullKeys: r.IntN(2) == 0, WholeKeys: r.IntN(2) == 0, Env: options(t, r, nil).Env}
		text := func(row []any, columns []int) string {
			var all []any
			for _, c := range columns {
				all = append(all, row[c])
			}
			return rowText(all)
		}
		if r.IntN(2) == 0 {
			order = slices.DeleteFunc(order, func(c int) bool { return fields[c].Name == "x" })
			order = append(order, 3) // x is no part of the key: it is left out
			m.Canonical, text = lowered, loweredText
		}
		sides := [2]*pipeline.Input{left.side(r, evenly(r)).Input, renamed(right.side(r, evenly(r)).Input, func(n string) string { return n + "2" })}
		var texts [2][][2]string
		for side, rows := range [2]table{left, right} {
			for _, c := range order {
				m.Columns[side] = append(m.Columns[side], sides[side].Schema.Field(c).Name)
			}
			for _, row := range rows {
				one := [2]string{"key " + text(row, order[:keys]), text(row, order)}
				if !m.NullKeys && slices.ContainsFunc(order[:keys], func(c int) bool { return row[c] == nil }) {
					one[0] = ""
				}
				texts[side] = append(texts[side], one)
			}
		}
		want := leftOvers(texts, m.WholeKeys)
		for range 2 {
			got, err := Unequal(t.Context(), sides[0], sides[1], m)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			for side := range sides {
				if diff := cmp.Diff(want[side], got.rows(side)); diff != "" {
					t.Fatalf("seed %d, side %d: %s", seed, side, diff)
				}
				if n := int64(len(texts[side]) - len(want[side])); got.Equal != n {
					t.Fatalf("seed %d: %d are equal, %d expected", seed, got.Equal, n)
				}
			}
			if left, err := os.ReadDir(m.Env.Temp); err != nil || len(left) > 0 {
				t.Fatalf("%v, %v is left", err, left)
			}
			if !m.Env.Memory.Take(m.Env.Memory.Limit()) {
				t.Fatalf("seed %d: memory is not given back", seed)
			}
			m.Env.Memory.Give(m.Env.Memory.Limit())
			sides[0], sides[1], want[0], want[1], texts[0], texts[1] = sides[1], sides[0], want[1], want[0], texts[1], texts[0]
			m.Columns[0], m.Columns[1] = m.Columns[1], m.Columns[0]
		}
	}
}

// numbersSide has the ids of a permutation, and a value that f gives of each.
func numbersSide(ids []int, split int, f func(id int) int64) *pipeline.Input {
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "v", Type: arrow.PrimitiveTypes.Int64}}, nil)
	in := &pipeline.Input{Schema: schema}
	for len(ids) > 0 {
		some := ids[:min(split, len(ids))]
		ids = ids[len(some):]
		in.Splits = append(in.Splits, pipeline.Split{Rows: int64(len(some)), Open: func(context.Context, *pipeline.Env, []string) (pipeline.Reader, error) {
			b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
			defer b.Release()
			for _, id := range some {
				b.Field(0).(*array.Int64Builder).Append(int64(id))
				b.Field(1).(*array.Int64Builder).Append(f(id))
			}
			return pipeline.Batches(b.NewRecordBatch()), nil
		}})
	}
	return in
}

// Many rows that differ, more than fit into memory: all that is held is within the budget, but for
// what the workers have in hand.
func TestUnequalOfManyRowsInLittleMemory(t *testing.T) {
	const rows, split = 400_000, 10_000
	r := rand.New(rand.NewPCG(1, 2))
	left := numbersSide(r.Perm(rows), split, func(id int) int64 { return int64(id) })
	right := numbersSide(r.Perm(rows), split, func(id int) int64 { return int64(id) + int64(id%2) })
	env := &pipeline.Env{Workers: 2, Memory: pipeline.NewBudget(2 << 20), Temp: t.TempDir(), Alloc: memory.DefaultAllocator}
	got, err := Unequal(t.Context(), left, right, Matching{Env: env, Columns: [2][]string{{"id", "v"}, {"id", "v"}}, Keys: 1})
	if err != nil {
		t.Fatal(err)
	}
	if got.Equal != rows/2 || len(got.rows(0)) != rows/2 || len(got.rows(1)) != rows/2 {
		t.Errorf("%d are equal", got.Equal)
	}
	// 16 bytes of each of 800,000 rows alone are 12.8 MB.
	if peak := env.Memory.Peak(); peak > 5<<20 {
		t.Errorf("peak of %d bytes", peak)
	}
}

// How many rows a split says that it may have takes no memory; only those that come do.
func TestUnequalOfFewRowsAmongMany(t *testing.T) {
	side := numbersSide([]int{1, 2, 3}, 1, func(id int) int64 { return int64(id) })
	for i := range side.Splits {
		side.Splits[i].Rows, side.Splits[i].AtMost = 1<<31+int64(i), i > 0
	}
	env := &pipeline.Env{Workers: 2, Memory: pipeline.NewBudget(1 << 20), Temp: t.TempDir(), Alloc: memory.DefaultAllocator}
	var was, now runtime.MemStats
	runtime.ReadMemStats(&was)
	got, err := Unequal(t.Context(), side, side, Matching{Env: env, Columns: [2][]string{{"id", "v"}, {"id", "v"}}, Keys: 1})
	if err != nil || got.Equal != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	if runtime.ReadMemStats(&now); now.TotalAlloc-was.TotalAlloc > 256<<20 {
		t.Errorf("%d MB were taken", (now.TotalAlloc-was.TotalAlloc)>>20)
	}
}

func TestUnequalRefuses(t *testing.T) {
	ids := []int{1, 2, 3}
	side := func() *pipeline.Input { return numbersSide(ids, 2, func(id int) int64 { return int64(id) }) }
	columns := [2][]string{{"id", "v"}, {"id", "v"}}
	env := func() *pipeline.Env {
		return &pipeline.Env{Workers: 2, Memory: pipeline.NewBudget(1 << 20), Temp: t.TempDir(), Alloc: memory.DefaultAllocator}
	}
	texts := func(side int, columns []arrow.Array) ([]arrow.Array, error) {
		columns[0].Retain()
		b := array.NewStringBuilder(memory.DefaultAllocator)
		for i := range columns[1].Len() {
			b.Append(columns[1].ValueStr(i))
		}
		if side == 0 {
			columns[1].Retain()
			return columns, nil
		}
		return []arrow.Array{columns[0], b.NewArray()}, nil
	}
	fewer := func(side int, columns []arrow.Array) ([]arrow.Array, error) {
		columns = columns[:2-side]
		for _, c := range columns {
			c.Retain()
		}
		return columns, nil
	}
	broken := func(int, []arrow.Array) ([]arrow.Array, error) { return nil, errors.New("no number") }
	many := side()
	many.Splits = make([]pipeline.Split, splitMax)
	for name, test := range map[string]struct {
		left *pipeline.Input
		m    Matching
		want string
	}{
		"other types":    {side(), Matching{Env: env(), Columns: columns, Keys: 1, Canonical: texts}, "no value of one can be one of the other"},
		"other numbers":  {side(), Matching{Env: env(), Columns: columns, Keys: 1, Canonical: fewer}, "columns are compared with"},
		"an error":       {side(), Matching{Env: env(), Columns: columns, Keys: 1, Canonical: broken}, "no number"},
		"no key":         {side(), Matching{Env: env(), Columns: columns}, "rows are compared without a key"},
		"too many parts": {many, Matching{Env: env(), Columns: columns, Keys: 1}, "2097152 row groups are too many to compare"},
	} {
		_, err := Unequal(t.Context(), test.left, side(), test.m)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// A disk that fails while hashes are spilled, or read back, is an error, and leaves nothing.
func TestUnequalOnABadDisk(t *testing.T) {
	side := numbersSide(rand.New(rand.NewPCG(1, 2)).Perm(3000), 500, func(id int) int64 { return int64(id) })
	other := numbersSide(rand.New(rand.NewPCG(3, 4)).Perm(3000), 700, func(id int) int64 { return int64(id) / 2 })
	broken := errors.New("no space")
	for n := int64(1); ; n += 1 + n/16 {
		fsys := faults.NewMem()
		if err := fsys.MkdirAll("temp"); err != nil {
			t.Fatal(err)
		}
		var at atomic.Int64
		failing := faults.Failing{FS: fsys, Fault: func(string, string) error {
			if at.Add(1) == n {
				return broken
			}
			return nil
		}}
		env := &pipeline.Env{Workers: 1, Memory: pipeline.NewBudget(1), Temp: "temp", Alloc: memory.DefaultAllocator}
		_, err := Unequal(t.Context(), side, other, Matching{Env: env, FS: failing, Columns: [2][]string{{"id", "v"}, {"id", "v"}}, Keys: 1})
		if at.Load() < n {
			if err != nil || n < 10 {
				t.Fatalf("%d operations: %v", n, err)
			}
			break
		}
		if !errors.Is(err, broken) {
			t.Errorf("operation %d: %v", n, err)
		}
	}
}

// The chance that Unequal takes a digest for another is in its sums: those of a set of rows don't
// depend on their order, and one row more, less or changed changes both.
func TestSumsOfRows(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 1000 {
		n := 1 + r.IntN(20)
		h := &hashes{rows: n}
		for range n {
			h.keys, h.all = append(h.keys, r.Uint64N(8)), append(h.all, r.Uint64N(8))
		}
		shuffled := &hashes{rows: n}
		for _, i := range r.Perm(n) {
			shuffled.keys, shuffled.all = append(shuffled.keys, h.keys[i]), append(shuffled.all, h.all[i])
		}
		one := make(sums, 1)
		one.add(h, 0, before)
		one.add(shuffled, 0, after)
		if one[0] != [2]uint64{} {
			t.Fatalf("%v", one)
		}
		shuffled.all[r.IntN(n)] ^= 1 << r.IntN(64)
		one.add(h, 0, before)
		one.add(shuffled, 0, after)
		if one[0][0] == 0 || one[0][1] == 0 {
			t.Fatalf("%v", one)
		}
	}
}
