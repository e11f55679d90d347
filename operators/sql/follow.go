package sql

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/sqltree"
	"github.com/penstock-data/penstock/pipeline"
)

// The tables of a query whose rows are followed, beside its inputs: what it gives, what it gives
// with the rows of the inputs, which rows of the two are the same, and the places of the inputs.
const (
	resultTable  = `"penstock.result"`
	placedTable  = `"penstock.placed"`
	matchedTable = `"penstock.matched"`
	placesTable  = "penstock.places."
)

// followed is a statement of people that is run twice: as it is, for the data, and so that it
// gives the rows of its inputs too.
type followed struct {
	statement
	placed
	columns int // of its result
	result  *arrow.Schema
}

// follow sets Carry or Gather, or says why it can't be.
func (st *statement) follow(x *syntax, b *pipeline.Bound) {
	w, err := followable.get(st.key(), func() (*followed, error) { return st.followed(x, b.Schema) })
	switch {
	case err != nil:
		b.Opaque = err.Error()
	case w.reason != "":
		b.Opaque = w.reason
	case w.many:
		b.Gather = func(in ...*arrow.Schema) (pipeline.GatherFunc, error) { return w.gather(in), nil }
	default:
		b.Carry = func(in ...*arrow.Schema) (*pipeline.Bound, error) { return w.carry(b.Schema, in), nil }
	}
}

// followable remembers how queries are followed, by all that decides it.
var followable remembered[*followed]

// followed tries the query that gives places, without rows.
func (st *statement) followed(x *syntax, result *arrow.Schema) (*followed, error) {
	known, err := catalog.get("", askFunctions)
	if err != nil {
		return nil, err
	}
	tables := make([]sqltree.Table, len(st.inputs))
	for i, name := range st.inputs {
		tables[i] = sqltree.Table{Name: name, Schema: st.schema[i]}
	}
	s, err := openSession(nil, 1)
	if err != nil {
		return nil, err
	}
	w := &followed{statement: *st, columns: result.NumFields(), result: result}
	if w.placed, err = s.place(x, tables, known.kinds); err != nil {
		w.reason = "DuckDB does not give the rows that it read: " + err.Error()
	}
	if w.reason == "" {
		w.reason = w.try(s, result)
	}
	return w, s.close()
}

// try says why the query that gives places is not one that gives the same columns; empty if it is.
func (w *followed) try(s *session, result *arrow.Schema) string {
	ctx := context.Background()
	for i, name := range w.inputs {
		if err := s.createTable(ctx, name, w.schema[i]); err != nil {
			return err.Error()
		}
	}
	if err := w.both(ctx, s); err != nil {
		return "DuckDB does not give the rows that it read: " + err.Error()
	}
	for _, table := range []string{resultTable, placedTable} {
		r, err := s.prepare(ctx, "SELECT "+strings.Join(w.names(""), ", ")+" FROM "+table)
		if err != nil {
			return err.Error()
		}
		r.free()
		for i, f := range r.schema.Fields() {
			if !arrow.TypeEqual(f.Type, result.Field(i).Type) {
				return fmt.Sprintf("its column %s is of another type where it is followed", result.Field(i).Name)
			}
		}
	}
	return ""
}

// names are the columns of the result, in the tables that are made of it.
func (w *followed) names(table string) (all []string) {
	for i := range w.columns {
		all = append(all, fmt.Sprintf("%sc%d", table, i))
	}
	return all
}

// both runs the two queries.
func (w *followed) both(ctx context.Context, s *session) error {
	return errors.Join(
		s.exec(ctx, fmt.Sprintf("CREATE TEMP TABLE %s(%s) AS %s\n", resultTable, strings.Join(w.names(""), ", "), w.query)),
		w.place(ctx, s),
	)
}

// place runs the query that gives places.
func (w *followed) place(ctx context.Context, s *session) error {
	wide := w.names("")
	for i := range w.from {
		wide = append(wide, fmt.Sprintf("r%d", i))
	}
	return s.exec(ctx, fmt.Sprintf("CREATE TEMP TABLE %s(%s) AS %s\n", placedTable, strings.Join(wide, ", "), w.placing))
}

// match finds for each row of the result the same of the rows that have places: in its place, or
// where DuckDB has read the tables in another order, the one that is the same in all columns, and
// as many times before. That there is one for each is made certain.
func (w *followed) match(ctx context.Context, s *session) error {
	var same, equal []string
	for i := range w.columns {
		same = append(same, fmt.Sprintf("d.c%d IS NOT DISTINCT FROM p.c%d", i, i))
		equal = append(equal, fmt.Sprintf("c%d", i))
	}
	ways := []string{
		fmt.Sprintf("SELECT d.rowid AS n, p.rowid AS m FROM %s d JOIN %s p ON d.rowid = p.rowid WHERE %s",
			resultTable, placedTable, strings.Join(same, " AND ")),
		fmt.Sprintf("SELECT d.n, p.n AS m FROM (%s) d JOIN (%s) p ON d.k = p.k AND %s",
			counted(resultTable, equal), counted(placedTable, equal), strings.Join(same, " AND ")),
	}
	for _, way := range ways {
		if err := s.exec(ctx, "CREATE OR REPLACE TEMP TABLE "+matchedTable+" AS "+way); err != nil {
			return err
		}
		whole, err := s.holds(ctx, fmt.Sprintf(`SELECT count(DISTINCT n) = (SELECT count(*) FROM %s) AND count(DISTINCT m) = (SELECT count(*) FROM %s)
			AND count(*) = count(DISTINCT n) AND count(*) = count(DISTINCT m) FROM %s`, resultTable, placedTable, matchedTable))
		if whole || err != nil {
			return err
		}
	}
	return pipeline.Errorf(pipeline.BadInput, "the query gives other rows when it is asked which rows they come from, so `lineage: rows` can't be exact").
		With("a sum of floats that depends on their order does that: add up decimals, or leave out `lineage: rows`")
}

// counted are the rows of a table, each with how many are like it up to there.
func counted(table string, columns []string) string {
	return fmt.Sprintf("SELECT rowid AS n, %[1]s, row_number() OVER (PARTITION BY %[1]s ORDER BY rowid) AS k FROM %[2]s", strings.Join(columns, ", "), table)
}

// holds asks a query for its only value.
func (s *session) holds(ctx context.Context, query string) (yes bool, err error) {
	err = s.each(ctx, "SELECT ("+query+")::VARCHAR", func(text string) { yes = text == "true" })
	return yes, err
}
