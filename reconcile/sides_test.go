package reconcile

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/pipeline"
)

var rewrite = flag.Bool("rewrite", false, "write what the operator gives into testdata")

func testEnv(t testing.TB) *pipeline.Env {
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	t.Cleanup(func() {
		if n := alloc.CurrentAlloc(); n != 0 {
			t.Errorf("%d bytes were not given back", n)
		}
	})
	day := time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC)
	return &pipeline.Env{
		Alloc: alloc, Memory: pipeline.NewBudget(1 << 30), Workers: 2, Temp: t.TempDir(),
		Partition: pipeline.Partition{By: pipeline.Day, Value: "2026-11-05", Start: day, End: day.AddDate(0, 0, 1)},
	}
}

// table reads "name:type name:type" and a row a line, cells apart by "|", ~ for null.
func table(t testing.TB, alloc memory.Allocator, head string, rows []string) arrow.RecordBatch {
	t.Helper()
	var fields []arrow.Field
	for part := range strings.SplitSeq(head, "; ") {
		name, typ, _ := strings.Cut(part, ":")
		var dt arrow.DataType
		var err error
		switch typ {
		case "dict":
			dt = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
		case "large":
			dt = arrow.BinaryTypes.LargeString
		case "date64":
			dt = arrow.FixedWidthTypes.Date64
		case "time32":
			dt = arrow.FixedWidthTypes.Time32s
		default:
			dt, err = pipeline.ParseType(typ)
		}
		if err != nil {
			t.Fatal(err)
		}
		fields = append(fields, arrow.Field{Name: name, Type: dt, Nullable: true})
	}
	b := array.NewRecordBuilder(alloc, arrow.NewSchema(fields, nil))
	defer b.Release()
	for _, row := range rows {
		cells := strings.Split(row, "|")
		if len(cells) != len(fields) {
			t.Fatalf("%q has %d cells, %d expected", row, len(cells), len(fields))
		}
		for i, cell := range cells {
			if cell == "~" {
				b.Field(i).AppendNull()
			} else if err := b.Field(i).AppendValueFromString(cell); err != nil {
				t.Fatal(err)
			}
		}
	}
	return b.NewRecordBatch()
}

// cut gives a batch in batches of so many rows.
func cut(b arrow.RecordBatch, size int64) pipeline.Reader {
	var all []arrow.RecordBatch
	for from := int64(0); from < b.NumRows(); from += size {
		all = append(all, b.NewSlice(from, min(from+size, b.NumRows())))
	}
	return pipeline.Batches(all...)
}

// run gives the result as a line a row.
func run(ctx context.Context, env *pipeline.Env, o Options, size int64, left, right arrow.RecordBatch) ([]string, error) {
	bound, err := Sides(o).Bind(left.Schema(), right.Schema())
	if err != nil {
		return nil, err
	}
	r, err := bound.Stream(ctx, env, cut(left, size), cut(right, size))
	if err != nil {
		return nil, err
	}
	var head []string
	for _, f := range bound.Schema.Fields() {
		head = append(head, f.Name)
	}
	rows := []string{strings.Join(head, "|")}
	err = pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
		if !b.Schema().Equal(bound.Schema) {
			return fmt.Errorf("the batch has %v, bound was %v", b.Schema(), bound.Schema)
		}
		for i := range int(b.NumRows()) {
			var cells []string
			for _, c := range b.Columns() {
				cell := "~"
				if c.IsValid(i) {
					cell = strings.ReplaceAll(c.ValueStr(i), "|", "/")
				}
				cells = append(cells, cell)
			}
			rows = append(rows, strings.Join(cells, "|"))
		}
		return nil
	})
	return rows, err
}

func TestFirst(t *testing.T) {
	env := testEnv(t)
	l := table(t, env.Alloc, "id:int32; amount:decimal(18, 2); status:string; booked:date; acct:string", []string{"1|10.00|A|2026-11-05|x", "2|20.00|B|2026-11-04|x", "3|30.00|C|2026-11-05|y", "4|5.00|D|2026-11-01|z", "9|7.00|Q|2026-11-01|z"})
	defer l.Release()
	r := table(t, env.Alloc, "id:string; amount:decimal(18, 4); status:dict; booked:timestamp[ms, UTC]; acct:string", []string{"01|10.0000|A|2026-11-05T00:00:00Z|x", "2|20.0010|b|2026-11-04T00:00:00Z|x", "5|3|~|2026-11-05T00:00:00Z|y", "4|-5|D|2026-11-01T00:00:00Z|z", "77|7.50|Q|2026-11-02T00:00:00Z|z"})
	defer r.Release()
	o := Options{Keys: []Key{{Left: "id", Normal: Normal{Number: true}}}, Columns: []Column{{Left: "amount"}, {Left: "status"}, {Left: "booked"}}, Carry: []string{"acct"},
		Passes: []Pass{{Name: "near", On: []string{"acct"}, Amount: "1", Days: 1, Date: "booked"}}, Late: &LateRule{Column: "booked", Days: 1}}
	for _, rows := range []bool{false, true} {
		o.Rows = rows
		got, err := run(t.Context(), env, o, 2, l, r)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(strings.Join(got, "\n"))
	}
	_ = rewrite
	_ = os.Args
	_ = filepath.Join
}
