package compare

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

// fields are the columns of random tables. The second number of a side may be wider.
var fields = []arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "part", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "n", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
	{Name: "x", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "list", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64), Nullable: true},
	{Name: "pair", Type: arrow.StructOf(arrow.Field{Name: "a", Type: arrow.BinaryTypes.String, Nullable: true}, arrow.Field{Name: "b", Type: arrow.FixedWidthTypes.Boolean, Nullable: true}), Nullable: true},
	{Name: "when", Type: &arrow.TimestampType{Unit: arrow.Microsecond}, Nullable: true},
}

// cells of a column: index 0 is null. Those that are the same value have the same text.
var cells = map[string][]any{
	"id":   {nil, int64(1), int64(2), int64(3), int64(4), int64(5), int64(6), int64(-1)},
	"part": {nil, "", "a", "b"},
	"n":    {nil, int64(0), int64(7), int64(-7)},
	"x":    {nil, 0.0, math.Copysign(0, -1), math.NaN(), math.Float64frombits(0x7ff8000000000001), 1.5, math.Inf(1)},
	"list": {nil, []int64{}, []int64{0}, []int64{0, 1}, []int64{1, 0}},
	"pair": {nil, [2]any{nil, nil}, [2]any{"", nil}, [2]any{"", true}, [2]any{"a", false}},
	"when": {nil, int64(0), int64(1_000_000)},
}

// text is the same for values that are.
func text(v any) string {
	if f, ok := v.(float64); ok {
		switch {
		case f == 0:
			return "0"
		case f != f:
			return "nan"
		}
	}
	return fmt.Sprintf("%T %v", v, v)
}

type table [][]any

func randomTable(r *rand.Rand, rows int) (t table) {
	for range rows {
		t = append(t, randomRow(r))
	}
	return t
}

func randomRow(r *rand.Rand) (row []any) {
	for _, f := range fields {
		row = append(row, cells[f.Name][r.IntN(len(cells[f.Name]))])
	}
	return row
}

// changed is a table with some rows left out, some new, some moved, some changed; or only changed.
func changed(r *rand.Rand, t table) (next table) {
	sorts := []int{6, 6, 2}[r.IntN(3)]
	for _, row := range t {
		switch (r.IntN(sorts) + 2) % 6 {
		case 0:
		case 1:
			next = append(next, randomRow(r), row)
		case 2:
			row = slices.Clone(row)
			i := 2 + r.IntN(len(row)-2)
			row[i] = cells[fields[i].Name][r.IntN(len(cells[fields[i].Name]))]
			next = append(next, row)
		default:
			next = append(next, row)
		}
	}
	if sorts == 6 && r.IntN(2) == 0 {
		r.Shuffle(len(next), func(i, j int) { next[i], next[j] = next[j], next[i] })
	}
	return next
}

func appendValue(b array.Builder, v any) {
	switch b := b.(type) {
	case *array.Int64Builder:
		b.Append(v.(int64))
	case *array.Int32Builder:
		b.Append(int32(v.(int64)))
	case *array.Float64Builder:
		b.Append(v.(float64))
	case *array.BooleanBuilder:
		b.Append(v.(bool))
	case *array.StringBuilder:
		b.Append(v.(string))
	case *array.BinaryDictionaryBuilder:
		if err := b.AppendString(v.(string)); err != nil {
			panic(err)
		}
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(v.(int64)))
	case *array.ListBuilder:
		b.Append(true)
		b.ValueBuilder().(*array.Int64Builder).AppendValues(v.([]int64), nil)
	case *array.StructBuilder:
		b.Append(true)
		for i, child := range v.([2]any) {
			if child == nil {
				b.FieldBuilder(i).AppendNull()
			} else {
				appendValue(b.FieldBuilder(i), child)
			}
		}
	default:
		panic(fmt.Sprintf("%T", b))
	}
}

func (t table) batch(schema *arrow.Schema) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for _, row := range t {
		for i, v := range row {
			if v == nil {
				b.Field(i).AppendNull()
			} else {
				appendValue(b.Field(i), v)
			}
		}
	}
	return b.NewRecordBatch()
}

// side cuts a table into splits, whose rows are known or not, and come as one batch or two.
func (t table) side(r *rand.Rand, cuts func() int) Side {
	own := slices.Clone(fields)
	if r.IntN(2) == 0 {
		own[2].Type = arrow.PrimitiveTypes.Int64
	}
	if r.IntN(2) == 0 {
		own[1].Type = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	}
	schema := arrow.NewSchema(own, nil)
	s := Side{Input: &pipeline.Input{Schema: schema}}
	for len(t) > 0 {
		n := min(cuts(), len(t))
		b := t[:n].batch(schema)
		split := pipeline.Split{Name: "split", Rows: int64(n), Open: opener(b, r.IntN(n+1))}
		if r.IntN(2) == 0 {
			split.OpenSome = someOpener(b)
		}
		s.Input.Splits, s.Digests = append(s.Input.Splits, split), append(s.Digests, t[:n].digests(r))
		t = t[n:]
	}
	return s
}

// evenly cuts into splits of one size, so that those of both sides lie alike, or of any.
func evenly(r *rand.Rand) func() int {
	n := 1 + r.IntN(40)
	if r.IntN(3) == 0 {
		return func() int { return 1 + r.IntN(40) }
	}
	return func() int { return n }
}

// digests are known of all, some or no columns.
func (t table) digests(r *rand.Rand) (all []string) {
	odds := r.IntN(4)
	if odds == 0 {
		return nil
	}
	for i := range fields {
		var values []any
		for _, row := range t {
			values = append(values, row[i])
		}
		if r.IntN(3) < odds {
			all = append(all, rowText(values))
		} else {
			all = append(all, "")
		}
	}
	return all
}

func rowText(row []any) string {
	var all []string
	for _, v := range row {
		all = append(all, text(v))
	}
	return strings.Join(all, "|")
}

func pick(b arrow.RecordBatch, columns []string) arrow.RecordBatch {
	var cols []arrow.Array
	var fields []arrow.Field
	for i, f := range b.Schema().Fields() {
		if columns == nil || slices.Contains(columns, f.Name) {
			cols, fields = append(cols, b.Column(i)), append(fields, f)
		}
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), cols, b.NumRows())
}

func opener(b arrow.RecordBatch, cut int) func(context.Context, *pipeline.Env, []string) (pipeline.Reader, error) {
	return func(_ context.Context, _ *pipeline.Env, columns []string) (pipeline.Reader, error) {
		of := pick(b, columns)
		return pipeline.Batches(of.NewSlice(0, int64(cut)), of.NewSlice(int64(cut), of.NumRows())), nil
	}
}

func someOpener(b arrow.RecordBatch) func(context.Context, *pipeline.Env, []string, []bool) (pipeline.Reader, error) {
	return func(_ context.Context, _ *pipeline.Env, columns []string, keep []bool) (pipeline.Reader, error) {
		of := pick(b, columns)
		var some []arrow.RecordBatch
		for i, k := range keep {
			if k {
				some = append(some, of.NewSlice(int64(i), int64(i)+1))
			}
		}
		return pipeline.Batches(some...), nil
	}
}

// oracle is what Rows should find, by maps of texts: how many rows, by column, and of a key.
type oracle struct {
	Same, Added, Removed, Changed, SharedKeys, NullKeys int64
	Columns                                             map[string]int64

	// removed and added are the rows that are, where there is a key.
	removed, added []string
}

func naive(was, now table, key []int) oracle {
	o := oracle{Columns: map[string]int64{}}
	groups := map[string]*[2]table{}
	for side, t := range []table{was, now} {
		for _, row := range t {
			var of []any
			for _, i := range key {
				of = append(of, row[i])
			}
			if key == nil {
				of = row
			}
			g := groups[rowText(of)]
			if g == nil {
				g = &[2]table{}
				groups[rowText(of)] = g
			}
			g[side] = append(g[side], row)
		}
	}
	for _, g := range groups {
		o.group(g[0], g[1], key)
	}
	return o
}

func (o *oracle) group(was, now table, key []int) {
	var left table
	for _, row := range was {
		i := slices.IndexFunc(now, func(other []any) bool { return rowText(other) == rowText(row) })
		if i < 0 {
			left = append(left, row)
			continue
		}
		o.Same++
		now = slices.Delete(slices.Clone(now), i, i+1)
	}
	if key == nil {
		o.Removed, o.Added = o.Removed+int64(len(left)), o.Added+int64(len(now))
		return
	}
	for _, side := range []table{left, now} {
		if len(side) > 1 {
			o.SharedKeys++
		}
		for _, row := range side {
			if slices.ContainsFunc(key, func(i int) bool { return row[i] == nil }) {
				o.NullKeys++
			}
		}
	}
	n := min(len(left), len(now))
	o.Changed, o.Removed, o.Added = o.Changed+int64(n), o.Removed+int64(len(left)-n), o.Added+int64(len(now)-n)
	for _, row := range left[n:] {
		o.removed = append(o.removed, rowText(row))
	}
	for _, row := range now[n:] {
		o.added = append(o.added, rowText(row))
	}
}

// rowsAt are the rows at places of a side that was cut into splits.
func (t table) rowsAt(s Side, rows []Row) (all []string) {
	first := []int64{0}
	for _, split := range s.Input.Splits {
		first = append(first, first[len(first)-1]+split.Rows)
	}
	for _, r := range rows {
		all = append(all, rowText(t[first[r.Split]+r.Row]))
	}
	slices.Sort(all)
	return all
}

// columns counts the columns in which the rows that changed did, where no two rows have one key.
func (o *oracle) columns(was, now table, key []int) {
	for _, row := range was {
		for _, other := range now {
			same := true
			for _, i := range key {
				same = same && text(row[i]) == text(other[i])
			}
			for i, f := range fields {
				if same && text(row[i]) != text(other[i]) {
					o.Columns[f.Name]++
				}
			}
		}
	}
}

func options(t *testing.T, r *rand.Rand, key []int) Options {
	budget := int64(64 << 20)
	if r.IntN(2) == 0 {
		budget = 1 // all is spilled
	}
	o := Options{
		Env:   &pipeline.Env{Workers: 1 + r.IntN(3), Memory: pipeline.NewBudget(budget), Temp: t.TempDir(), Alloc: memory.DefaultAllocator},
		FS:    faults.OS(),
		Limit: r.IntN(4),
	}
	for i, f := range fields {
		o.Columns = append(o.Columns, f.Name)
		if slices.Contains(key, i) {
			o.Key = append(o.Key, f.Name)
		}
	}
	return o
}

func TestRowsAgainstMaps(t *testing.T) {
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 1))
		was := randomTable(r, r.IntN(150))
		now := changed(r, was)
		var key []int
		if r.IntN(3) > 0 {
			key = []int{0, 1}[:1+r.IntN(2)]
		}
		o, cuts := options(t, r, key), evenly(r)
		old, young := was.side(r, cuts), now.side(r, cuts)
		named := key != nil && r.IntN(3) == 0 // nothing is known of the splits: the first is taken for the first
		if named {
			old.Digests, young.Digests, o.Limit = nil, nil, 1000
		}
		got, err := Rows(t.Context(), old, young, o)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		want := naive(was, now, key)
		if named {
			slices.Sort(want.removed)
			slices.Sort(want.added)
			if diff := cmp.Diff([][]string{want.removed, want.added}, [][]string{was.rowsAt(old, got.RemovedRows), now.rowsAt(young, got.AddedRows)}); diff != "" {
				t.Fatalf("seed %d, removed and added: (-want +got)\n%s", seed, diff)
			}
		}
		found := oracle{
			Same: got.Same, Added: got.Added, Removed: got.Removed, Changed: got.Changed,
			SharedKeys: got.SharedKeys, NullKeys: got.NullKeys, Columns: want.Columns,
		}
		if diff := cmp.Diff(want, found, cmpopts.IgnoreUnexported(oracle{})); diff != "" {
			t.Fatalf("seed %d, key %v: (-want +got)\n%s", seed, o.Key, diff)
		}
		if n := int64(len(got.ChangedRows)); n != min(got.Changed, int64(o.Limit)) {
			t.Errorf("seed %d: %d changed rows named of %d, limit %d", seed, n, got.Changed, o.Limit)
		}
		if used := o.Env.Memory; !used.Take(used.Limit()) {
			t.Errorf("seed %d: memory was not given back", seed)
		}
	}
}

// Where each key names one row, it is known of each column in how many it changed.
func TestColumnsOfRowsThatChanged(t *testing.T) {
	for seed := range uint64(80) {
		r := rand.New(rand.NewPCG(seed, 2))
		var was table
		for i := range r.IntN(120) {
			row := randomRow(r)
			row[0] = int64(i)
			was = append(was, row)
		}
		var now table
		for _, row := range changed(r, was) {
			if !slices.ContainsFunc(now, func(other []any) bool { return text(other[0]) == text(row[0]) }) {
				now = append(now, row)
			}
		}
		key := []int{0}
		o, cuts := options(t, r, key), evenly(r)
		o.Limit = 1000
		got, err := Rows(t.Context(), was.side(r, cuts), now.side(r, cuts), o)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		want := naive(was, now, key)
		want.columns(was, now, key)
		found := map[string]int64{}
		for _, c := range got.Columns {
			found[c.Column] = c.Rows
		}
		named := map[string]int64{}
		for _, row := range got.ChangedRows {
			for _, c := range row.Columns {
				named[c]++
			}
		}
		if diff := cmp.Diff(want.Columns, found); diff != "" {
			t.Fatalf("seed %d: (-want +got)\n%s", seed, diff)
		}
		if diff := cmp.Diff(want.Columns, named); diff != "" {
			t.Fatalf("seed %d: of the rows that are named (-want +got)\n%s", seed, diff)
		}
	}
}
