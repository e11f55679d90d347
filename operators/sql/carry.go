package sql

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// carries gives Bound.Carry of a statement that selects all columns of its only input.
func (st *statement) carries(b *pipeline.Bound) func(...*arrow.Schema) (*pipeline.Bound, error) {
	return func(in ...*arrow.Schema) (*pipeline.Bound, error) {
		return st.wide(b, st.query, in, pipeline.Places(in[0])), nil
	}
}

// wide binds a query that gives, behind what the statement gives, so many place columns.
func (st *statement) wide(b *pipeline.Bound, query string, in []*arrow.Schema, places int) *pipeline.Bound {
	w := *st
	w.query, w.schema = query, in
	schema := pipeline.WithPlaces(b.Schema, places)
	return &pipeline.Bound{Schema: schema, Stream: withSchema(func(ctx context.Context, env *pipeline.Env, in ...pipeline.Reader) (pipeline.Reader, error) {
		return w.stream(ctx, env, in)
	}, schema)}
}

// placesOf selects the place columns of a table, as those from a number on.
func placesOf(table string, schema *arrow.Schema, from int) (cols []string) {
	for i := range pipeline.Places(schema) {
		cols = append(cols, fmt.Sprintf("%s.%s AS %s", table, quote(pipeline.PlaceField(i).Name), quote(pipeline.PlaceField(from+i).Name)))
	}
	return cols
}

// gathers gives Bound.Gather of an aggregate by columns.
func (st *statement) gathers(by []string) func(...*arrow.Schema) (pipeline.GatherFunc, error) {
	return func(in ...*arrow.Schema) (pipeline.GatherFunc, error) {
		w := *st
		w.schema = in
		members := membersOf(by, in[0])
		return func(ctx context.Context, env *pipeline.Env, f func(arrow.RecordBatch) error, in ...pipeline.Reader) (pipeline.Reader, error) {
			s, err := w.open(ctx, env, in)
			if err != nil {
				return nil, err
			}
			if err := s.eachBatch(ctx, env, members, f); err != nil {
				return nil, firstOf(err, s.close())
			}
			return w.run(ctx, env, s)
		}, nil
	}
}

// membersOf selects the place of each group in the order of the groups, and the places of its
// rows. Groups are told apart as GROUP BY does it.
func membersOf(by []string, schema *arrow.Schema) string {
	places, row := strings.Join(placesOf("t", schema, 0), ", "), rowID(schema)
	if len(by) == 0 {
		return "SELECT 0::BIGINT, " + places + " FROM t ORDER BY " + row
	}
	var keys, same []string
	for i, name := range by {
		keys = append(keys, fmt.Sprintf("%s AS k%d", quote(name), i))
		same = append(same, fmt.Sprintf("t.%s IS NOT DISTINCT FROM g.k%d", quote(name), i))
	}
	return fmt.Sprintf("SELECT g.n, %s FROM t JOIN (SELECT %s, row_number() OVER (ORDER BY %s) - 1 AS n FROM t GROUP BY %s) g ON %s ORDER BY g.n, t.%s",
		places, strings.Join(keys, ", "), quoteAll(by), quoteAll(by), strings.Join(same, " AND "), row)
}

// eachBatch runs a query in a session that goes on after it.
func (s *session) eachBatch(ctx context.Context, env *pipeline.Env, query string, f func(arrow.RecordBatch) error) error {
	r, err := s.prepare(ctx, query)
	if err != nil {
		return err
	}
	defer r.free()
	r.alloc = env.Alloc
	for {
		b, err := r.Next(ctx)
		if err == io.EOF { //nolint:errorlint // identity is the contract of Reader
			return nil
		}
		if err != nil {
			return err
		}
		err = f(b)
		b.Release()
		if err != nil {
			return err
		}
	}
}
