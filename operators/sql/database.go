package sql

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// A Database is for an operator of another package that takes more than one statement: a locked
// DuckDB in memory, within a share of the run's budget, spilling to a directory of its own, as
// every operator of this package has. One goroutine uses it, a statement at a time.
//
// With several threads DuckDB gives rows in any order and adds floats up in any order. Whoever
// opens a database with more than one thread orders, in every row, whatever leaves it or is
// numbered, and sums no floats.
type Database struct {
	s   *session
	env *pipeline.Env
}

// Open opens an empty database. The caller closes it.
func Open(env *pipeline.Env, threads int) (*Database, error) {
	s, err := openSession(env, threads)
	if err != nil {
		return nil, err
	}
	return &Database{s, env}, nil
}

// Load makes a table of all rows of a reader, in their order, and closes the reader.
func (d *Database) Load(ctx context.Context, name string, schema *arrow.Schema, r pipeline.Reader) error {
	return d.s.load(ctx, name, schema, r)
}

// Exec runs a statement that gives no rows.
func (d *Database) Exec(ctx context.Context, text string) error { return d.s.exec(ctx, text) }

// Query gives the rows of a SELECT, as they are computed. No other statement is run before its
// reader is closed; the database outlives it.
func (d *Database) Query(ctx context.Context, text string) (pipeline.Reader, *arrow.Schema, error) {
	r, err := d.s.prepare(ctx, text)
	if err != nil {
		return nil, nil, err
	}
	r.alloc = d.env.Alloc
	return lent{r}, r.schema, nil
}

// Close frees the database, and what it spilled.
func (d *Database) Close() error { return d.s.close() }

// lent is a result of a session that goes on.
type lent struct{ *result }

// Close implements pipeline.Reader.
func (r lent) Close() error {
	if !r.closed {
		r.free()
	}
	return nil
}

// Literal writes a text as a constant of SQL.
func Literal(text string) string { return literal(text) }

// Storable reports whether a column of the type can be loaded, and comes out as it went in.
func Storable(t arrow.DataType) bool {
	_, err := columnType(arrow.Field{Type: t})
	return err == nil
}
