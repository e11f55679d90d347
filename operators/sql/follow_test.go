package sql

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/pipeline"
)

// Rows that come in another order when they are asked for their places are found by what is in
// them; that some are not there is an error.
func TestMatch(t *testing.T) {
	for _, c := range []struct {
		name, result, placed, want string
	}{
		{"in their places", "(1, 'a'), (2, NULL), (1, 'a')", "(1, 'a', 0), (2, NULL, 1), (1, 'a', 2)", "0-0 1-1 2-2"},
		{"in another order", "(1, 'a'), (2, NULL), (3, 'c')", "(3, 'c', 0), (2, NULL, 1), (1, 'a', 2)", "0-2 1-1 2-0"},
		{"equal ones in their order", "(1, 'a'), (2, NULL), (1, 'a')", "(2, NULL, 0), (1, 'a', 1), (1, 'a', 2)", "0-1 1-0 2-2"},
		{"another value", "(1, 'a'), (2, NULL)", "(1, 'a', 0), (2, 'b', 1)", ""},
		{"one more", "(1, 'a')", "(1, 'a', 0), (1, 'a', 1)", ""},
		{"one less", "(1, 'a'), (1, 'a')", "(1, 'a', 0)", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := openSession(nil, 1)
			if err != nil {
				t.Fatal(err)
			}
			defer s.close()
			w := &followed{
				statement: statement{query: "SELECT * FROM (VALUES " + c.result + ")"},
				placed:    placed{placing: "SELECT * FROM (VALUES " + c.placed + ")", from: []int{0}}, columns: 2,
			}
			if err := w.both(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			err = w.match(t.Context(), s)
			if c.want == "" {
				if err == nil || !strings.Contains(err.Error(), "the query gives other rows") {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			if err := s.each(t.Context(), "SELECT n || '-' || m FROM "+matchedTable+" ORDER BY n", func(x string) { got = append(got, x) }); err != nil {
				t.Fatal(err)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// Queries of many rows give the same where they are followed, in the same order, ties too.
func TestFollowedIsTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("it sorts and joins many rows")
	}
	schemas := []*arrow.Schema{manyRows(0).Schema(), manyRows(0).Schema()}
	for _, text := range []string{
		"SELECT id, v FROM a ORDER BY k",
		"SELECT a.k, b.v FROM a JOIN b ON a.id = b.id",
		"SELECT a.k, b.id, a.f FROM a JOIN b USING (k) WHERE b.id < 60",
		"SELECT b.k, a.id, b.f FROM a LEFT JOIN b ON a.id = b.v ORDER BY b.k DESC",
		"SELECT k, sum(f) AS t, count(*) AS n FROM a GROUP BY k",
		"SELECT a.v, avg(b.f) AS mean, count(*) AS n FROM a JOIN b USING (id) GROUP BY ALL ORDER BY n",
	} {
		t.Run(text, func(t *testing.T) {
			b, err := Query(text, "a", "b").Bind(schemas...)
			if err != nil {
				t.Fatal(err)
			}
			env := &pipeline.Env{Temp: t.TempDir(), Workers: 2, Memory: pipeline.NewBudget(1 << 30), Alloc: memory.DefaultAllocator}
			plain, err := b.Stream(t.Context(), env, reading(false), reading(false))
			if err != nil {
				t.Fatal(err)
			}
			b.Follows()
			wide := []*arrow.Schema{pipeline.WithPlaces(schemas[0], 1), pipeline.WithPlaces(schemas[1], 1)}
			var followed pipeline.Reader
			if b.Gather != nil {
				gather, err := b.Gather(wide...)
				if err != nil {
					t.Fatal(err)
				}
				followed, err = gather(t.Context(), env, func(arrow.RecordBatch) error { return nil }, reading(true), reading(true))
				if err != nil {
					t.Fatal(err)
				}
			} else {
				bound, err := b.Carry(wide...)
				if err != nil {
					t.Fatal(err, b.Opaque)
				}
				followed, err = bound.Stream(t.Context(), env, reading(true), reading(true))
				if err != nil {
					t.Fatal(err)
				}
			}
			want, got := lines(t, plain, b.Schema.NumFields()), lines(t, followed, b.Schema.NumFields())
			if len(want) == 0 || !slices.Equal(want, got) {
				t.Errorf("%d rows, and %d others", len(want), len(got))
			}
		})
	}
}

// many is more than a row group of DuckDB's has.
const many = 130_000

// manyRows are rows from a place on.
func manyRows(n int) arrow.RecordBatch {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "k", Type: arrow.PrimitiveTypes.Int64},
		{Name: "v", Type: arrow.PrimitiveTypes.Int64},
		{Name: "f", Type: arrow.PrimitiveTypes.Float64},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for i := range int64(n) {
		b.Field(0).(*array.Int64Builder).Append(i * 7919 % many)
		b.Field(1).(*array.Int64Builder).Append(i * i % 977)
		b.Field(2).(*array.Int64Builder).Append(i % 11)
		b.Field(3).(*array.Float64Builder).Append(1 / float64(i+1))
	}
	return b.NewRecordBatch()
}

func reading(places bool) pipeline.Reader {
	b := manyRows(many)
	if places {
		p := array.NewInt64Builder(memory.DefaultAllocator)
		for i := range int64(many) {
			p.Append(i)
		}
		b = array.NewRecordBatch(pipeline.WithPlaces(b.Schema(), 1), append(slices.Clone(b.Columns()), p.NewArray()), many)
	}
	return pipeline.Batches(b)
}

// lines are the rows of a reader, and its batches, without what is behind their first columns.
func lines(t *testing.T, r pipeline.Reader, columns int) (rows []string) {
	t.Helper()
	err := pipeline.Each(context.Background(), r, func(b arrow.RecordBatch) error {
		for i := range int(b.NumRows()) {
			row := ""
			for _, c := range b.Columns()[:columns] {
				row += fmt.Sprint(c.ValueStr(i), " ")
			}
			rows = append(rows, row)
		}
		rows = append(rows, "the end of a batch") // files are written by them
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
