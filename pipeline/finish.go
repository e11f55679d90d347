package pipeline

import (
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// finish gives what is left of the unit the columns that were not read before.
func (t *trip) finish(ctx context.Context) error {
	l := t.layout()
	for i, run := range t.carried.runs {
		if j, ok := run.(*judgeRun); ok {
			if err := t.completeAside(ctx, j, l.steps[i]); err != nil {
				return err
			}
		}
	}
	if t.discards {
		return nil
	}
	keptUnread := t.reading.ends == len(t.steps) && t.unread() > 0
	if !slices.Contains(t.reading.late, true) {
		for _, p := range t.pieces {
			t.carried.batches = append(t.carried.batches, p.batch)
		}
		t.pieces = nil
		return nil
	}
	rows := t.left(t.pieces, keptUnread)
	if t.takes != nil && !slices.Contains(rows, false) {
		done, err := t.takeStored(ctx, keptUnread)
		if done || err != nil {
			return err
		}
	}
	var err error
	t.carried.batches, err = t.complete(ctx, l.out, t.pieces, rows, !keptUnread)
	return err
}

// left marks the rows of the unit that the pieces have, and those that were not read.
func (t *trip) left(pieces []*flow, unread bool) []bool {
	rows := make([]bool, t.work.split.Rows)
	if unread {
		for i := range rows {
			rows[i] = t.reading.none || !t.reading.rows[i]
		}
	}
	for _, p := range pieces {
		for _, at := range p.at {
			rows[at] = true
		}
	}
	return rows
}

// completeAside gives the rows that were put aside all their columns.
func (t *trip) completeAside(ctx context.Context, j *judgeRun, c columns) error {
	if len(j.asides) == 0 {
		return nil
	}
	whole := columns{schema: QuarantineSchema(c.schema), origin: append(slices.Clone(c.origin), -1, -1, -1)}
	if has(j.asides[0].batch, whole.schema) {
		return nil
	}
	batches, err := t.complete(ctx, whole, j.asides, t.left(j.asides, false), true)
	if err != nil {
		return err
	}
	j.drop()
	for _, b := range batches {
		j.asides = append(j.asides, &flow{env: t.env, batch: b})
	}
	return nil
}

// takeStored takes the columns of a unit of which every row is left as they are stored,
// and the others from the pieces or by reading them; false where none can be taken.
func (t *trip) takeStored(ctx context.Context, unread bool) (bool, error) {
	l := t.layout()
	s := &storedRows{rows: t.work.split.Rows, columns: make([]ColumnValues, len(l.out.origin))}
	missing := columns{}
	var places []int
	some := false
	for j, origin := range l.out.origin {
		if stored := t.stored(t.work, j); stored != nil && t.reading.late[j] {
			s.columns[j].Stored, some = stored, true
			if t.work.split.ColumnBytes != nil {
				s.bytes += t.work.split.ColumnBytes(t.schema.Field(origin).Name)
			}
			continue
		}
		places = append(places, j)
		missing.origin = append(missing.origin, origin)
	}
	if !some {
		return false, nil
	}
	t.carried.stored = s
	if len(places) == 0 {
		return true, nil
	}
	var fields []arrow.Field
	for _, j := range places {
		fields = append(fields, l.out.schema.Field(j))
	}
	missing.schema = arrow.NewSchema(fields, nil)
	all := slices.Repeat([]bool{true}, int(s.rows))
	batches, err := t.complete(ctx, missing, t.pieces, all, !unread)
	for _, b := range batches {
		for i, j := range places {
			b.Column(i).Retain()
			s.columns[j].Arrays = append(s.columns[j].Arrays, b.Column(i))
			s.bytes += sizeOf(b.Column(i).Data())
		}
		b.Release()
	}
	return true, err
}

// complete gives batches with all columns of c for the marked rows: from the pieces, if
// these are all of the rows, what they have, and the others read now.
func (t *trip) complete(ctx context.Context, c columns, pieces []*flow, rows []bool, pieced bool) ([]arrow.RecordBatch, error) {
	have := make([]int, c.schema.NumFields()) // the column of the pieces, or -1
	var late []string
	for i, f := range c.schema.Fields() {
		have[i] = -1
		if pieced && len(pieces) > 0 {
			if found := pieces[0].batch.Schema().FieldIndices(f.Name); len(found) > 0 && sameType(pieces, found[0], f.Type) {
				have[i] = found[0]
				continue
			}
		}
		if c.origin[i] < 0 && slices.Contains(rows, true) {
			return nil, Errorf(Internal, "column %q was computed and is not there", f.Name)
		}
		if c.origin[i] >= 0 {
			late = append(late, t.schema.Field(c.origin[i]).Name)
		}
	}
	read, err := t.readLate(ctx, late, rows)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, b := range read {
			b.Release()
		}
	}()
	chunks := make([][]arrow.Array, len(have))
	for i := range have {
		if have[i] >= 0 {
			for _, p := range pieces {
				chunks[i] = append(chunks[i], p.batch.Column(have[i]))
			}
			continue
		}
		if c.origin[i] < 0 {
			continue
		}
		name := t.schema.Field(c.origin[i]).Name
		for _, b := range read {
			chunks[i] = append(chunks[i], b.Column(b.Schema().FieldIndices(name)[0]))
		}
	}
	return aligned(c.schema, chunks)
}

// has reports whether a batch has all columns of a schema, with their types.
func has(b arrow.RecordBatch, schema *arrow.Schema) bool {
	if b.Schema().NumFields() != schema.NumFields() {
		return false
	}
	for i, f := range schema.Fields() {
		if b.Schema().Field(i).Name != f.Name || !arrow.TypeEqual(b.Column(i).DataType(), f.Type) {
			return false
		}
	}
	return true
}

// sameType reports whether a column of the pieces is of a type, and not a dictionary of it.
func sameType(pieces []*flow, column int, t arrow.DataType) bool {
	for _, p := range pieces {
		if !arrow.TypeEqual(p.batch.Column(column).DataType(), t) {
			return false
		}
	}
	return true
}

// readLate reads columns for the marked rows.
func (t *trip) readLate(ctx context.Context, names []string, rows []bool) (read []arrow.RecordBatch, err error) {
	if len(names) == 0 || !slices.Contains(rows, true) {
		return nil, nil
	}
	s := t.work.split
	var r Reader
	if slices.Contains(rows, false) {
		r, err = s.OpenSome(ctx, t.env, names, rows)
	} else {
		r, err = s.Open(ctx, t.env, names)
	}
	if err != nil {
		return nil, err
	}
	err = Each(ctx, r, func(b arrow.RecordBatch) error {
		b.Retain()
		read = append(read, b)
		return nil
	})
	if err != nil {
		return nil, errWith(err, Batches(read...).Close())
	}
	return read, nil
}

// aligned cuts columns, each in pieces of its own, into batches.
func aligned(schema *arrow.Schema, chunks [][]arrow.Array) (batches []arrow.RecordBatch, err error) {
	cols := make([]arrow.Column, len(chunks))
	defer func() {
		for i := range cols {
			cols[i].Release()
		}
	}()
	for i, f := range schema.Fields() {
		chunked := arrow.NewChunked(f.Type, chunks[i])
		cols[i] = *arrow.NewColumn(f, chunked)
		chunked.Release()
		if cols[i].Len() != cols[0].Len() {
			return nil, Errorf(Internal, "column %q has %d rows, column %q %d", f.Name, cols[i].Len(), schema.Field(0).Name, cols[0].Len())
		}
	}
	if len(cols) == 0 || cols[0].Len() == 0 {
		return nil, nil
	}
	table := array.NewTable(schema, cols, int64(cols[0].Len()))
	defer table.Release()
	r := array.NewTableReader(table, 0)
	defer r.Release()
	for r.Next() {
		b := r.RecordBatch()
		b.Retain()
		batches = append(batches, b)
	}
	return batches, r.Err()
}
