package sql

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/pipeline"
)

// carry binds the statement for inputs with places.
func (w *followed) carry(result *arrow.Schema, in []*arrow.Schema) *pipeline.Bound {
	places := 0
	for _, input := range w.from {
		places += pipeline.Places(in[input])
	}
	schema := pipeline.WithPlaces(result, places)
	stream := func(ctx context.Context, env *pipeline.Env, readers ...pipeline.Reader) (pipeline.Reader, error) {
		s, data, err := w.matched(ctx, env, in, readers)
		if err != nil {
			return nil, err
		}
		p := &placing{Reader: data, schema: schema, lanes: make([][]*array.Int64, places), env: env}
		if err := firstOf(s.eachBatch(ctx, env, w.carried(in), p.add), s.close()); err != nil {
			return nil, firstOf(err, p.Close())
		}
		return p, nil
	}
	return &pipeline.Bound{Schema: schema, Stream: stream}
}

// gather is Stream that tells what rows are made of.
func (w *followed) gather(in []*arrow.Schema) pipeline.GatherFunc {
	return func(ctx context.Context, env *pipeline.Env, members func(arrow.RecordBatch) error, readers ...pipeline.Reader) (pipeline.Reader, error) {
		s, data, err := w.matched(ctx, env, in, readers)
		if err != nil {
			return nil, err
		}
		if err := firstOf(s.eachBatch(ctx, env, w.members(in), members), s.close()); err != nil {
			return nil, firstOf(err, data.Close())
		}
		return data, nil
	}
}

// carried selects the places of each row of the result, in their order.
func (w *followed) carried(in []*arrow.Schema) string {
	var cols []string
	from := fmt.Sprintf("%s m JOIN %s p ON p.rowid = m.m", matchedTable, placedTable)
	for i, input := range w.from {
		table := fmt.Sprintf("t%d", i)
		cols = append(cols, placesOf(table, in[input], len(cols))...)
		from += fmt.Sprintf(" LEFT JOIN %s %s ON %s.rowid = p.r%d", quote(fmt.Sprint(placesTable, input)), table, table, i)
	}
	return "SELECT " + strings.Join(cols, ", ") + " FROM " + from + " ORDER BY m.n"
}

// members selects for each row of the result, in their order, the places of what it is made of,
// each once.
func (w *followed) members(in []*arrow.Schema) string {
	var each []string
	for i, input := range w.from {
		for lane := range pipeline.Places(in[input]) {
			place := "t." + quote(pipeline.PlaceField(lane).Name)
			each = append(each, fmt.Sprintf("SELECT m.n, %s AS place FROM (SELECT rowid AS m, unnest(r%d) AS r FROM %s) p JOIN %s m ON m.m = p.m JOIN %s t ON t.rowid = p.r WHERE %s IS NOT NULL",
				place, i, placedTable, matchedTable, quote(fmt.Sprint(placesTable, input)), place))
		}
	}
	return strings.Join(each, " UNION ") + " ORDER BY 1, 2"
}

// matched loads the inputs, each beside its places, runs both queries, and gives what the first
// gave: run again, it may give its rows in another order.
func (w *followed) matched(ctx context.Context, env *pipeline.Env, in []*arrow.Schema, readers []pipeline.Reader) (*session, pipeline.Reader, error) {
	s, err := openSession(env, 1)
	if err != nil {
		return nil, nil, closeRest(err, readers)
	}
	for i := range w.inputs {
		if err := w.loadBoth(ctx, s, i, in[i], readers[i]); err != nil {
			return nil, nil, firstOf(closeRest(err, readers[i+1:]), s.close())
		}
	}
	var held []arrow.RecordBatch
	err = s.eachBatch(ctx, env, w.query, func(b arrow.RecordBatch) error {
		b.Retain()
		held = append(held, b)
		return nil
	})
	if err == nil {
		err = w.keep(ctx, s, held)
	}
	if err == nil {
		err = w.place(ctx, s)
	}
	if err == nil {
		err = w.match(ctx, s)
	}
	if err != nil {
		return nil, nil, firstOf(firstOf(err, s.close()), pipeline.Batches(held...).Close())
	}
	return s, pipeline.Batches(held...), nil
}

// keep makes a table of the result.
func (w *followed) keep(ctx context.Context, s *session, held []arrow.RecordBatch) error {
	var fields []arrow.Field
	for i, name := range w.names("") {
		fields = append(fields, arrow.Field{Name: name, Type: w.result.Field(i).Type, Nullable: true})
	}
	schema, name := arrow.NewSchema(fields, nil), strings.Trim(resultTable, `"`)
	if err := s.createTable(ctx, name, schema); err != nil {
		return err
	}
	a, err := s.newAppender(name, schema)
	if err != nil {
		return err
	}
	for _, b := range held {
		if err == nil {
			err = a.append(b)
		}
	}
	return firstOf(err, a.close())
}

// loadBoth makes two tables of an input, of its columns and of its places, row by row.
func (w *followed) loadBoth(ctx context.Context, s *session, input int, wide *arrow.Schema, r pipeline.Reader) error {
	own, name := w.schema[input].NumFields(), fmt.Sprint(placesTable, input)
	if own+pipeline.Places(wide) != wide.NumFields() {
		return firstOf(pipeline.Errorf(pipeline.Internal, "input %s has other columns than its query was bound for", w.inputs[input]), r.Close())
	}
	places := arrow.NewSchema(wide.Fields()[own:], nil)
	err := firstOf(s.createTable(ctx, w.inputs[input], w.schema[input]), s.createTable(ctx, name, places))
	if err != nil {
		return firstOf(err, r.Close())
	}
	a, err := s.newAppender(w.inputs[input], w.schema[input])
	if err != nil {
		return firstOf(err, r.Close())
	}
	p, err := s.newAppender(name, places)
	if err != nil {
		return firstOf(firstOf(err, r.Close()), a.close())
	}
	err = pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
		mine, theirs := part(b, 0, own), part(b, own, int(b.NumCols()))
		defer mine.Release()
		defer theirs.Release()
		return firstOf(a.append(mine), p.append(theirs))
	})
	err = firstOf(err, firstOf(a.close(), p.close()))
	if err != nil {
		return err
	}
	same, err := s.holds(ctx, fmt.Sprintf(`SELECT a.n = b.n AND a.n = a.last + 1 AND b.n = b.last + 1
		FROM (SELECT count(*) AS n, coalesce(max(rowid), -1) AS last FROM %s) a, (SELECT count(*) AS n, coalesce(max(rowid), -1) AS last FROM %s) b`,
		quote(w.inputs[input]), quote(name)))
	if err == nil && !same {
		return pipeline.Errorf(pipeline.Internal, "the rows of %s are not in the places where they were put", w.inputs[input])
	}
	return err
}

// part is some columns of a batch. The caller releases it.
func part(b arrow.RecordBatch, from, to int) arrow.RecordBatch {
	return array.NewRecordBatch(arrow.NewSchema(b.Schema().Fields()[from:to], nil), b.Columns()[from:to], b.NumRows())
}
