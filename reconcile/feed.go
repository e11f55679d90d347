package reconcile

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/pipeline"
)

// What a side is loaded as, its columns by these names and a number:
//
//	id     the number of the row
//	k, kn  the canonical key, and whether it can match
//	kc     the key columns, canonical
//	c      the compared columns, canonical
//	m, q   their measures, as given and rounded, where c is not the measure itself
//	p      the decimals that a number was given with
//	b      whether a text is blank
//	t      the text that is shown, where that of the value is another
//	r      the value as it came, where c is not just that; see given
//	o, d   of a pass, the canonical text of its columns, and its date in microseconds
//	late   whether the row is late if it stays alone
//	a      what is carried
//
// All of it is made here, so that SQL compares and never normalises.

// fed is a column that a side is loaded with.
type fed struct {
	field arrow.Field
	build func(batch arrow.RecordBatch) (arrow.Array, error)
}

// feeder makes the columns of a side.
type feeder struct {
	*plan
	env  *pipeline.Env
	side int
	all  []fed
	// matches says which rows of the batch have a key that can match.
	matches []bool
	// rows are those that were made, of which each has its number as id.
	rows int64
}

func (p *plan) feeder(env *pipeline.Env, side int) (*feeder, error) {
	f := &feeder{plan: p, env: env, side: side}
	f.add("id", arrow.PrimitiveTypes.Int64, f.ids)
	f.addKeys()
	for i, c := range p.cols {
		f.addColumn(i, c)
	}
	for j, pass := range p.passes {
		f.addPass(j, pass)
	}
	if err := f.addLate(); err != nil {
		return nil, err
	}
	for i, c := range p.carry {
		if c.index[side] >= 0 {
			f.addRaw(fmt.Sprint("a", i), c.index[side])
		}
	}
	return f, nil
}

func (f *feeder) schema() *arrow.Schema {
	var fields []arrow.Field
	for _, c := range f.all {
		fields = append(fields, c.field)
	}
	return arrow.NewSchema(fields, nil)
}

func (f *feeder) add(name string, t arrow.DataType, build func(batch arrow.RecordBatch) (arrow.Array, error)) {
	f.all = append(f.all, fed{arrow.Field{Name: name, Type: t, Nullable: true}, build})
}

// batch makes a batch of the side into one to load.
func (f *feeder) batch(b arrow.RecordBatch) (arrow.RecordBatch, error) {
	cols := make([]arrow.Array, 0, len(f.all))
	defer func() {
		for _, c := range cols {
			c.Release()
		}
	}()
	for _, c := range f.all {
		col, err := c.build(b)
		if err != nil {
			return nil, err
		}
		cols = append(cols, col)
	}
	return array.NewRecordBatch(f.schema(), cols, b.NumRows()), nil
}

func (f *feeder) ids(b arrow.RecordBatch) (arrow.Array, error) {
	out := array.NewInt64Builder(f.env.Alloc)
	defer out.Release()
	out.Reserve(int(b.NumRows()))
	for range b.NumRows() {
		f.rows++
		out.UnsafeAppend(f.rows)
	}
	return out.NewArray(), nil
}

func (f *feeder) addKeys() {
	f.add("k", arrow.BinaryTypes.String, func(b arrow.RecordBatch) (arrow.Array, error) {
		key, matches, err := f.keyTexts(f.keys, b)
		f.matches = matches
		return key, err
	})
	f.add("kn", arrow.FixedWidthTypes.Boolean, func(arrow.RecordBatch) (arrow.Array, error) {
		out := array.NewBooleanBuilder(f.env.Alloc)
		defer out.Release()
		out.AppendValues(f.matches, nil)
		return out.NewArray(), nil
	})
	for i, k := range f.keys {
		f.add(fmt.Sprint("kc", i), k.canonical(), f.canonical(k))
	}
}

func (f *feeder) canonical(p *columnPair) func(b arrow.RecordBatch) (arrow.Array, error) {
	return func(b arrow.RecordBatch) (arrow.Array, error) {
		return p.canon(f.side, b.Column(p.index[f.side]), f.env.Alloc)
	}
}

// keyTexts joins the canonical texts of columns, and says which rows have no null among them that
// matches nothing.
func (f *feeder) keyTexts(pairs []*columnPair, b arrow.RecordBatch) (arrow.Array, []bool, error) {
	out := array.NewStringBuilder(f.env.Alloc)
	defer out.Release()
	n := int(b.NumRows())
	out.Reserve(n)
	parts := make([]func(int) (string, bool, error), len(pairs))
	for i, p := range pairs {
		parts[i] = p.keyText(f.side, b.Column(p.index[f.side]))
	}
	matches := make([]bool, n)
	var text []byte
	for row := range n {
		text, matches[row] = text[:0], true
		for i, part := range parts {
			s, null, err := part(row)
			if err != nil {
				return nil, nil, err
			}
			if i > 0 {
				text = append(text, '|')
			}
			if null {
				text = append(text, `\N`...)
				matches[row] = matches[row] && pairs[i].nullsEqual
				continue
			}
			text = appendKeyPart(text, s)
		}
		out.BinaryBuilder.Append(text)
	}
	return out.NewArray(), matches, nil
}

// appendKeyPart writes a part of a key so that the parts can be told apart.
func appendKeyPart(text []byte, s string) []byte {
	for i := range len(s) {
		if s[i] == '|' || s[i] == '\\' {
			text = append(text, '\\')
		}
		text = append(text, s[i])
	}
	return text
}

func (f *feeder) addColumn(i int, p *columnPair) {
	side, alloc := f.side, f.env.Alloc
	name := func(letter string) string { return fmt.Sprint(letter, i) }
	raw := func(b arrow.RecordBatch) arrow.Array { return b.Column(p.index[side]) }
	if p.asGiven(side) {
		f.addRaw(name("c"), p.index[side])
	} else {
		f.add(name("c"), p.canonical(), f.canonical(p))
		f.addRaw(name("r"), p.index[side])
	}
	if p.feedsMeasure() {
		f.add(name("m"), p.measureType(), func(b arrow.RecordBatch) (arrow.Array, error) { return p.measure(side, raw(b), false, alloc) })
	}
	if p.round != nil && p.kind == kindNumber {
		f.add(name("q"), p.measureType(), func(b arrow.RecordBatch) (arrow.Array, error) { return p.measure(side, raw(b), true, alloc) })
	}
	if p.isNumber() {
		f.add(name("p"), arrow.PrimitiveTypes.Int32, func(b arrow.RecordBatch) (arrow.Array, error) { return f.places(p, raw(b)), nil })
	}
	if sortOf(p.types[side]) == sortText {
		f.add(name("b"), arrow.FixedWidthTypes.Boolean, func(b arrow.RecordBatch) (arrow.Array, error) { return f.blanks(raw(b)), nil })
	}
	if showsOtherwise(p.types[side]) {
		f.add(name("t"), arrow.BinaryTypes.String, func(b arrow.RecordBatch) (arrow.Array, error) { return f.shown(raw(b)), nil })
	}
}

// asGiven reports whether the canonical value of a side is the value as it came, which then is not
// loaded twice.
func (p *columnPair) asGiven(side int) bool {
	t := p.types[side]
	switch p.kind {
	case kindText:
		return sortOf(t) == sortText && p.write.asItIs()
	case kindInt, kindDecimal, kindDate, kindBool, kindBinary: // but no float, of which zeros and NaN are made one
		return p.round == nil && arrow.TypeEqual(p.canonical(), t)
	}
	return false
}

// given is the name of the value of a column as it came.
func (p *columnPair) given(i, side int) string {
	if p.asGiven(side) {
		return fmt.Sprint("c", i)
	}
	return fmt.Sprint("r", i)
}

// feedsMeasure reports whether the measure is not the canonical value itself.
func (p *columnPair) feedsMeasure() bool {
	return p.kind == kindNumber || p.kind == kindMoment || p.kind == kindInstant || p.kind == kindTime || p.round != nil
}

// showsOtherwise reports whether a type is kept as one whose text is not that of the value.
func showsOtherwise(t arrow.DataType) bool {
	s := sortOf(t)
	return s == sortTimestamp || s == sortTime || t.ID() == arrow.DATE64
}

func (f *feeder) places(p *columnPair, a arrow.Array) arrow.Array {
	out := array.NewInt32Builder(f.env.Alloc)
	defer out.Release()
	at := p.places(f.side, a)
	_ = each(a, out, func(i int) error { out.Append(int32(at(i))); return nil }) // it gives no error
	return out.NewArray()
}

func (f *feeder) blanks(a arrow.Array) arrow.Array {
	out := array.NewBooleanBuilder(f.env.Alloc)
	defer out.Release()
	at := eachText(a, blank)
	_ = each(a, out, func(i int) error { out.Append(at(i)); return nil }) // it gives no error
	return out.NewArray()
}

func (f *feeder) shown(a arrow.Array) arrow.Array { return f.textColumn(a, shown(a)) }

func (f *feeder) textColumn(a arrow.Array, at func(i int) string) arrow.Array {
	out := array.NewStringBuilder(f.env.Alloc)
	defer out.Release()
	_ = each(a, out, func(i int) error { out.Append(at(i)); return nil }) // it gives no error
	return out.NewArray()
}

// addRaw adds a column as it came, in its storage.
func (f *feeder) addRaw(name string, index int) {
	t := f.in[f.side].Field(index).Type
	f.add(name, storage(t), func(b arrow.RecordBatch) (arrow.Array, error) {
		a := b.Column(index)
		switch {
		case sortOf(t) == sortText && t.ID() != arrow.STRING:
			return f.textColumn(a, eachText(a, func(s string) string { return s })), nil
		case !arrow.TypeEqual(t, storage(t)):
			return retyped(a, storage(t)), nil
		}
		a.Retain()
		return a, nil
	})
}

// retyped gives a column's memory as another type of the same width.
func retyped(a arrow.Array, t arrow.DataType) arrow.Array {
	d := a.Data()
	data := array.NewData(t, d.Len(), d.Buffers(), nil, d.NullN(), d.Offset())
	defer data.Release()
	return array.MakeFromData(data)
}

func (f *feeder) addPass(j int, pass *boundPass) {
	if len(pass.on) > 0 {
		f.add(fmt.Sprint("o", j), arrow.BinaryTypes.String, func(b arrow.RecordBatch) (arrow.Array, error) {
			key, matches, err := f.keyTexts(pass.on, b)
			if err != nil {
				return nil, err
			}
			defer key.Release()
			return f.only(key.(*array.String), matches), nil
		})
	}
	if pass.date != nil {
		f.add(fmt.Sprint("d", j), arrow.PrimitiveTypes.Int64, func(b arrow.RecordBatch) (arrow.Array, error) {
			return f.micros(pass.date, b.Column(pass.date.index[f.side])), nil
		})
	}
}

// only gives null for texts that match nothing.
func (f *feeder) only(a *array.String, matches []bool) arrow.Array {
	out := array.NewStringBuilder(f.env.Alloc)
	defer out.Release()
	for i, ok := range matches {
		if ok {
			out.Append(a.Value(i))
		} else {
			out.AppendNull()
		}
	}
	return out.NewArray()
}

// micros gives dates and times in microseconds; null where there is none.
func (f *feeder) micros(p *columnPair, a arrow.Array) arrow.Array {
	out := array.NewInt64Builder(f.env.Alloc)
	defer out.Release()
	at := p.moments(f.side, a)
	_ = each(a, out, func(i int) error { // it gives no error
		if t, ok := at(i); ok {
			out.Append(t.UnixMicro())
		} else {
			out.AppendNull()
		}
		return nil
	})
	return out.NewArray()
}

// moments reads the dates and times of a column.
func (p *columnPair) moments(side int, a arrow.Array) func(i int) (time.Time, bool) {
	if p.kind != kindMoment {
		at := p.times(a)
		return func(i int) (time.Time, bool) { return at(i), true }
	}
	at := p.written(side, a)
	return func(i int) (time.Time, bool) {
		w := at(i)
		return w.at, w.isTime
	}
}

// addLate adds whether a row is late if it stays alone. Dates and times without a zone are by the
// clocks of the partition, unless the column names a zone.
func (f *feeder) addLate() error {
	p := f.late
	if p == nil {
		return nil
	}
	partition := f.env.Partition
	if partition.End.IsZero() {
		return pipeline.Errorf(pipeline.Invalid, "reconcile: late goes by the end of the partition, and %s has none", partition).
			With("partition the pipeline by windows of time, or leave late out")
	}
	zone := partition.Local().Location()
	from := daysBefore(partition.End.In(zone), f.o.Late.Days, zone)
	if p.days() {
		from = daysBefore(partition.End.In(zone), f.o.Late.Days, time.UTC) // as dates are
	}
	local := *p
	if p.write.Zone == "" {
		w := *p.write
		w.zone = zone
		local.write = &w
	}
	f.add("late", arrow.FixedWidthTypes.Boolean, func(b arrow.RecordBatch) (arrow.Array, error) {
		out := array.NewBooleanBuilder(f.env.Alloc)
		defer out.Release()
		a := b.Column(p.index[f.side])
		at := local.moments(f.side, a)
		err := each(a, out, func(i int) error {
			t, ok := at(i)
			out.Append(ok && !t.Before(from))
			return nil
		})
		return out.NewArray(), err
	})
	return nil
}

// daysBefore is so many days before the end of a partition by the calendar, in a zone. Where the
// clocks go over a midnight the day ends when they do; it is midnight all the same.
func daysBefore(end time.Time, days int, zone *time.Location) time.Time {
	y, m, d := end.Date()
	hour, minute, second := end.Clock()
	if end.Add(-1).Day() != d {
		hour, minute, second = 0, 0, 0
	}
	return time.Date(y, m, d-days, hour, minute, second, 0, zone)
}

// feedReader is a side as it is loaded.
type feedReader struct {
	pipeline.Reader
	f *feeder
}

// Next implements pipeline.Reader.
func (r feedReader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	b, err := r.Reader.Next(ctx)
	if err != nil {
		return nil, err
	}
	defer b.Release()
	return r.f.batch(b)
}
