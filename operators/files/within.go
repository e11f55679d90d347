package files

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/rows"
	"github.com/penstock-data/penstock/pipeline"
)

// within keeps the rows of the partition. Splits whose range proves that they hold
// none are left out, and those that hold nothing else are given as they are.
func (s Set) within(part pipeline.Partition, in *Inspected) (*pipeline.Input, error) {
	found := in.Schema.FieldIndices(s.PartitionBy)
	if len(found) == 0 {
		return nil, pipeline.Errorf(pipeline.Invalid, "partition_by: there is no column %q", s.PartitionBy).
			With("columns are " + names(in.Schema))
	}
	w, err := newWindow(part, in.Schema.Field(found[0]))
	if err != nil {
		return nil, err
	}
	out := &pipeline.Input{Schema: in.Schema, Files: slices.Clone(in.Files), Approved: in.Approved, Tags: in.Tags, RowsBy: []string{s.PartitionBy}}
	for i := range out.Files {
		out.Files[i].Rows = -1 // of all partitions
	}
	before := int64(0) // rows of the file that were left out since the last split
	for i, split := range in.Splits {
		if i > 0 && in.Splits[i-1].File != split.File {
			before = 0
		}
		none, all := w.proves(in.Facts(i, s.PartitionBy))
		if none {
			before = plus(before, split.Before, split.Rows)
			continue
		}
		split.Before, before = plus(before, split.Before), 0
		if !all {
			split = s.filtered(split, in.Schema, w)
		}
		out.Splits = append(out.Splits, split)
	}
	return out, nil
}

// plus adds up numbers of rows; -1, not known, if one of them is not.
func plus(rows ...int64) (sum int64) {
	for _, n := range rows {
		if n < 0 {
			return -1
		}
		sum += n
	}
	return sum
}

func names(schema *arrow.Schema) string {
	var all []string
	for _, f := range schema.Fields() {
		all = append(all, f.Name)
	}
	return strings.Join(all, ", ")
}

// A window is a partition in terms of a column: the numbers in [from, to), or a text. A
// timestamp with a zone is an instant; one without, and a date, is what clocks and calendars
// show in the zone of the partition.
type window struct {
	from, to int64
	text     string
}

func newWindow(part pipeline.Partition, f arrow.Field) (window, error) {
	refuse := func(want string) (window, error) {
		return window{}, pipeline.Errorf(pipeline.Invalid, "partition_by: %s is a %s column; %s", f.Name, pipeline.TypeName(f.Type), want)
	}
	switch t := pipeline.ValueType(f.Type).(type) {
	case *arrow.TimestampType:
		if part.Start.IsZero() {
			return refuse("partitions by key want a string column")
		}
		unit := t.Unit.Multiplier()
		if t.TimeZone != "" {
			return window{from: ticks(part.Start, unit), to: ticks(part.End, unit)}, nil
		}
		from, to, ok := part.Civil()
		if !ok {
			return refuse("without a zone it can't tell the hour " + part.Value + ", which clocks show twice; cast it to a timestamp with a zone before it is published")
		}
		return window{from: ticks(from, unit), to: ticks(to, unit)}, nil
	case *arrow.Date32Type:
		if part.Start.IsZero() {
			return refuse("partitions by key want a string column")
		}
		if part.By == pipeline.Hour {
			return refuse("a date has no hour, and partitions are by hour: a timestamp is needed")
		}
		from, to, _ := part.Civil()
		return window{from: ticks(from, 24*time.Hour), to: ticks(to, 24*time.Hour)}, nil
	case *arrow.StringType:
		if part.By != pipeline.Key {
			return refuse("partitions by time want a date or timestamp column")
		}
		return window{text: part.Value}, nil
	}
	return refuse("a date, timestamp or string column is needed")
}

// ticks is how many whole units t lies after 1970.
func ticks(t time.Time, unit time.Duration) int64 {
	if unit < time.Second {
		return t.Unix()*int64(time.Second/unit) + int64(t.Nanosecond())/int64(unit)
	}
	seconds := int64(unit / time.Second)
	n := t.Unix() / seconds
	if t.Unix()%seconds < 0 {
		n--
	}
	return n
}

// proves says whether what is known shows that no row, or that every row, is inside.
func (w window) proves(f pipeline.Facts) (none, all bool) {
	if !f.HasNulls || f.Nulls != 0 || w.text != "" {
		return false, false
	}
	low, ok := f.Min.(int64)
	high, ok2 := f.Max.(int64)
	if !ok || !ok2 || low > high {
		return false, false
	}
	return high < w.from || low >= w.to, low >= w.from && high < w.to
}

// keep says of each row whether it is inside. A null is in no partition.
func (w window) keep(a arrow.Array) (keep []bool, nulls int) {
	keep = make([]bool, a.Len())
	test := w.test(a)
	for i := range keep {
		if a.IsNull(i) {
			nulls++
			continue
		}
		keep[i] = test(i)
	}
	return keep, nulls
}

func (w window) test(a arrow.Array) func(int) bool {
	inside := func(v int64) bool { return v >= w.from && v < w.to }
	switch a := a.(type) {
	case *array.Timestamp:
		return func(i int) bool { return inside(int64(a.Value(i))) }
	case *array.Date32:
		return func(i int) bool { return inside(int64(a.Value(i))) }
	case *array.Dictionary:
		test := w.test(a.Dictionary())
		return func(i int) bool { return test(a.GetValueIndex(i)) }
	}
	texts := a.(*array.String) // newWindow let no other type pass
	return func(i int) bool { return texts.Value(i) == w.text }
}

// filtered gives the rows of a split that are inside.
func (s Set) filtered(split pipeline.Split, schema *arrow.Schema, w window) pipeline.Split {
	open := split.Open
	split.AtMost = true
	// How many rows are inside, and which, is not known.
	split.Facts, split.Pages, split.Dictionary, split.OpenSome, split.Stored = nil, nil, nil, nil, nil
	split.OpenCoded = nil // it would give the rows of other partitions
	split.Open = func(ctx context.Context, env *pipeline.Env, columns []string) (pipeline.Reader, error) {
		want := pick(schema, columns)
		read := columns
		if columns != nil && !want.HasField(s.PartitionBy) {
			read = append(append([]string{}, columns...), s.PartitionBy)
		}
		r, err := open(ctx, env, read)
		if err != nil {
			return nil, err
		}
		placed := &placed{}
		placed.mapped = mapped{Reader: r, f: func(ctx context.Context, b arrow.RecordBatch) (arrow.RecordBatch, error) {
			keep, nulls := w.keep(b.Column(b.Schema().FieldIndices(s.PartitionBy)[0]))
			placed.take(keep)
			if nulls > 0 {
				return nil, &pipeline.Error{
					Kind: pipeline.BadInput, Where: split.Name,
					Msg:      fmt.Sprintf("%d rows have no %s: they belong to no partition and would be lost", nulls, s.PartitionBy),
					Evidence: []string{"leave out partition_by, or fill the column in before"},
				}
			}
			kept, err := rows.Filter(ctx, b, keep, env.Alloc)
			if err != nil || kept.Schema().NumFields() == want.NumFields() {
				return kept, err
			}
			defer kept.Release()
			return convert(ctx, env, kept, want)
		}}
		return placed, nil
	}
	return split
}

// placed is a reader that leaves rows out, and knows which.
type placed struct {
	mapped
	seen   int32 // rows of the split
	places []int32
}

func (p *placed) take(keep []bool) {
	p.places = p.places[:0:0]
	for i, k := range keep {
		if k {
			p.places = append(p.places, p.seen+int32(i))
		}
	}
	p.seen += int32(len(keep))
}

// Places implements pipeline.Placer.
func (p *placed) Places() []int32 { return p.places }
