package sql

import (
	"context"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// statement is a query over named inputs, typed without their rows.
type statement struct {
	query  string
	inputs []string
	schema []*arrow.Schema
	// ordered says that the query itself orders its result, every row of it.
	ordered bool
	// numbered says that the query goes by the order of the rows, as rowID names it.
	numbered bool
}

// table is the schema of an input as it is loaded.
func (st *statement) table(i int) *arrow.Schema {
	if st.numbered {
		return numbered(st.schema[i])
	}
	return st.schema[i]
}

// typed remembers the result schemas of statements, by all that decides them.
var typed remembered[*arrow.Schema]

// result gives the schema of the statement's result.
func (st *statement) result() (*arrow.Schema, error) {
	return typed.get(st.key(), st.describe)
}

// key is all that decides what the statement gives.
func (st *statement) key() string {
	key := st.query
	for i, name := range st.inputs {
		key += "\x00" + name + "\x00" + st.table(i).String()
	}
	return key
}

func (st *statement) describe() (*arrow.Schema, error) {
	ctx := context.Background()
	s, err := openSession(nil, 1)
	if err != nil {
		return nil, err
	}
	for i, name := range st.inputs {
		if err := s.createTable(ctx, name, st.table(i)); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	r, err := s.prepare(ctx, st.query)
	if err != nil {
		return nil, firstOf(err, s.close())
	}
	return r.schema, r.Close()
}

// stream loads the inputs and gives the result.
func (st *statement) stream(ctx context.Context, env *pipeline.Env, in []pipeline.Reader) (pipeline.Reader, error) {
	s, err := st.open(ctx, env, in)
	if err != nil {
		return nil, err
	}
	return st.run(ctx, env, s)
}

// open loads the inputs into a session of their own.
func (st *statement) open(ctx context.Context, env *pipeline.Env, in []pipeline.Reader) (*session, error) {
	s, err := openSession(env, st.threads(env))
	if err != nil {
		return nil, closeRest(err, in)
	}
	for i, name := range st.inputs {
		r := in[i]
		if st.numbered {
			r = withNumbers(r, st.schema[i], env)
		}
		if err := s.load(ctx, name, st.table(i), r); err != nil {
			return nil, firstOf(closeRest(err, in[i+1:]), s.close())
		}
	}
	return s, nil
}

// run gives the result over what was loaded; it owns the session.
func (st *statement) run(ctx context.Context, env *pipeline.Env, s *session) (pipeline.Reader, error) {
	r, err := s.prepare(ctx, st.query)
	if err != nil {
		return nil, firstOf(err, s.close())
	}
	r.alloc = env.Alloc
	return r, nil
}

// threads is one where several could give another result: see the package's comment.
func (st *statement) threads(env *pipeline.Env) int {
	if !st.ordered {
		return 1
	}
	for _, schema := range st.schema {
		for _, f := range schema.Fields() {
			if arrow.IsFloating(f.Type.ID()) {
				return 1
			}
		}
	}
	return env.Workers
}

func closeRest(err error, in []pipeline.Reader) error {
	for _, r := range in {
		err = firstOf(err, r.Close())
	}
	return err
}

// bind makes the statement an operator: every column of the
// result comes from, and depends on, the columns the statement reads.
func (st *statement) bind(reads []pipeline.Column) (*pipeline.Bound, error) {
	out, err := st.result()
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, f := range out.Fields() {
		if seen[f.Name] {
			return nil, pipeline.Errorf(pipeline.Invalid, "two columns of the result are called %q; name one of them with AS", f.Name)
		}
		seen[f.Name] = true
	}
	b := &pipeline.Bound{
		Schema: out, Rows: pipeline.RowsOther,
		Stream: func(ctx context.Context, env *pipeline.Env, in ...pipeline.Reader) (pipeline.Reader, error) {
			return st.stream(ctx, env, in)
		},
	}
	if reads != nil {
		b.Reads = reads
		b.From = make([][]pipeline.Column, out.NumFields())
		for i := range b.From {
			b.From[i] = reads
		}
	}
	return b, nil
}
