package sql

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/penstock-data/penstock/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func testEnv(t testing.TB, workers int) *pipeline.Env {
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	t.Cleanup(func() {
		if n := alloc.CurrentAlloc(); n != 0 {
			t.Errorf("%d bytes were not given back", n)
		}
	})
	return &pipeline.Env{Alloc: alloc, Memory: pipeline.NewBudget(2 << 30), Workers: workers, Temp: t.TempDir()}
}

func parseSchema(text string) *arrow.Schema {
	var fields []arrow.Field
	for _, part := range strings.Split(text, "; ") {
		name, typ, _ := strings.Cut(part, ":")
		var t arrow.DataType = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
		if typ != "dict" {
			var err error
			if t, err = pipeline.ParseType(typ); err != nil {
				panic(err)
			}
		}
		fields = append(fields, arrow.Field{Name: name, Type: t, Nullable: true})
	}
	return arrow.NewSchema(fields, nil)
}

// table makes a batch of "a|b|null" rows.
func table(t testing.TB, alloc memory.Allocator, schema *arrow.Schema, rows ...string) arrow.RecordBatch {
	t.Helper()
	b := array.NewRecordBuilder(alloc, schema)
	defer b.Release()
	for _, row := range rows {
		for i, cell := range strings.Split(row, "|") {
			if cell == "null" {
				b.Field(i).AppendNull()
			} else if err := b.Field(i).AppendValueFromString(cell); err != nil {
				t.Fatal(err)
			}
		}
	}
	return b.NewRecordBatch()
}

func texts(b arrow.RecordBatch) (rows []string) {
	for i := range int(b.NumRows()) {
		var cells []string
		for _, c := range b.Columns() {
			cells = append(cells, strings.ReplaceAll(c.ValueStr(i), array.NullValueStr, "null"))
		}
		rows = append(rows, strings.Join(cells, "|"))
	}
	return rows
}

// apply binds and runs an operator over batches, each cut in two.
func apply(t testing.TB, env *pipeline.Env, op pipeline.Operator, in ...arrow.RecordBatch) ([]string, error) {
	t.Helper()
	var schemas []*arrow.Schema
	var readers []pipeline.Reader
	for _, b := range in {
		schemas = append(schemas, b.Schema())
		half := b.NumRows() / 2
		readers = append(readers, pipeline.Batches(b.NewSlice(0, half), b.NewSlice(half, b.NumRows())))
	}
	bound, err := op.Bind(schemas...)
	if err != nil {
		for _, r := range readers {
			r.Close()
		}
		return nil, err
	}
	r, err := bound.Stream(t.Context(), env, readers...)
	if err != nil {
		return nil, err
	}
	var rows []string
	err = pipeline.Each(t.Context(), r, func(b arrow.RecordBatch) error {
		if !b.Schema().Equal(bound.Schema) {
			return fmt.Errorf("the batch has %v, bound was %v", b.Schema(), bound.Schema)
		}
		rows = append(rows, texts(b)...)
		return nil
	})
	return rows, err
}

const flights = "id:int64; origin:dict; delay:int64"

var flightRows = []string{"1|ORD|5", "2|SFO|null", "3|ORD|-7", "4|null|100", "5|JFK|5", "3|ORD|-7"}

const airports = "iata:string; city:string; id:int64"

var airportRows = []string{"JFK|New York|7", "ORD|Chicago|8", "ORD|also Chicago|9", "null|nowhere|10"}

func TestOperators(t *testing.T) {
	for _, test := range []struct {
		op   pipeline.Operator
		two  bool
		want []string
	}{
		{Sort(SortKey{Column: "delay"}), false, []string{"3|ORD|-7", "3|ORD|-7", "1|ORD|5", "5|JFK|5", "4|null|100", "2|SFO|null"}},
		{Sort(SortKey{Column: "origin", Desc: true, NullsFirst: true}, SortKey{Column: "id", Desc: true}), false, []string{"4|null|100", "2|SFO|null", "3|ORD|-7", "3|ORD|-7", "1|ORD|5", "5|JFK|5"}},
		{Dedupe(DedupeOptions{}), false, []string{"1|ORD|5", "2|SFO|null", "3|ORD|-7", "4|null|100", "5|JFK|5"}},
		{Dedupe(DedupeOptions{Keys: []string{"origin"}}), false, []string{"1|ORD|5", "2|SFO|null", "4|null|100", "5|JFK|5"}},
		{Dedupe(DedupeOptions{Keys: []string{"origin"}, Keep: "last"}), false, []string{"2|SFO|null", "4|null|100", "5|JFK|5", "3|ORD|-7"}},
		{Dedupe(DedupeOptions{Keys: []string{"origin"}, OrderBy: []SortKey{{Column: "id", Desc: true}}}), false, []string{"2|SFO|null", "3|ORD|-7", "4|null|100", "5|JFK|5"}},
		{Aggregate([]string{"origin"}, Agg{"n", "count", ""}, Agg{"sum", "sum", "delay"}, Agg{"first", "first", "id"}), false, []string{"JFK|1|5|5", "ORD|3|-9|1", "SFO|1|null|2", "null|1|100|4"}},
		{Aggregate(nil, Agg{"n", "count", "delay"}, Agg{"d", "count_distinct", "delay"}, Agg{"m", "mean", "delay"}, Agg{"max", "max", "origin"}), false, []string{"5|3|19.2|SFO"}},
		{Join(JoinOptions{On: []string{"origin = iata"}}), true, []string{"1|ORD|5|ORD|Chicago|8", "1|ORD|5|ORD|also Chicago|9", "3|ORD|-7|ORD|Chicago|8", "3|ORD|-7|ORD|also Chicago|9", "5|JFK|5|JFK|New York|7", "3|ORD|-7|ORD|Chicago|8", "3|ORD|-7|ORD|also Chicago|9"}},
		{Join(JoinOptions{Kind: "anti", On: []string{"origin = iata"}}), true, []string{"2|SFO|null", "4|null|100"}},
		{Join(JoinOptions{Kind: "semi", On: []string{"origin = iata"}}), true, []string{"1|ORD|5", "3|ORD|-7", "5|JFK|5", "3|ORD|-7"}},
		{Join(JoinOptions{Kind: "full", On: []string{"id"}}), true, []string{"1|ORD|5|null|null", "2|SFO|null|null|null", "3|ORD|-7|null|null", "4|null|100|null|null", "5|JFK|5|null|null", "3|ORD|-7|null|null", "7|null|null|JFK|New York", "8|null|null|ORD|Chicago", "9|null|null|ORD|also Chicago", "10|null|null|null|nowhere"}},
		{Query("SELECT f.id, a.city FROM f JOIN a ON f.origin = a.iata WHERE f.delay > 0 ORDER BY f.id, a.city DESC", "f", "a"), true, []string{"1|also Chicago", "1|Chicago", "5|New York"}},
		{Query("WITH x AS (SELECT * FROM f UNION ALL SELECT * FROM f) SELECT count(*) AS n, sum(x.id)::BIGINT AS s FROM x, a WHERE a.id = 7", "f", "a"), true, []string{"12|36"}},
	} {
		var first []string
		for _, workers := range []int{1, 2, 4} {
			env := testEnv(t, workers)
			in := []arrow.RecordBatch{table(t, env.Alloc, parseSchema(flights), flightRows...)}
			if test.two {
				in = append(in, table(t, env.Alloc, parseSchema(airports), airportRows...))
			}
			got, err := apply(t, env, test.op, in...)
			for _, b := range in {
				b.Release()
			}
			if err != nil {
				t.Errorf("%v: %v", test.op, err)
				continue
			}
			if first == nil {
				first = got
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("%v: %s", test.op, diff)
				}
			} else if diff := cmp.Diff(first, got); diff != "" {
				t.Errorf("%v with %d workers: %s", test.op, workers, diff)
			}
		}
	}
}

func TestNoRows(t *testing.T) {
	for _, op := range []pipeline.Operator{
		Sort(SortKey{Column: "id"}), Dedupe(DedupeOptions{}), Dedupe(DedupeOptions{Keep: "last"}),
		Aggregate([]string{"origin"}, Agg{"n", "count", ""}), Query("SELECT id FROM f", "f"),
	} {
		env := testEnv(t, 2)
		in := table(t, env.Alloc, parseSchema(flights))
		if got, err := apply(t, env, op, in); err != nil || got != nil {
			t.Errorf("%v: got %v, %v", op, got, err)
		}
		in.Release()
	}
}

// Every type crosses into DuckDB and back, with nulls, long strings and many vectors.
func TestTypesCross(t *testing.T) {
	types := []string{
		"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "string", "binary",
		"date", "time", "timestamp[s]", "timestamp[ms]", "timestamp[us]", "timestamp[ns]", "timestamp[us, UTC]",
		"decimal(4, 2)", "decimal(9, 2)", "decimal(18, 3)", "decimal(38, 5)", "dict",
	}
	samples := map[string][]string{
		"bool": {"true", "false"}, "string": {"", "short", "a string that is longer than twelve bytes", "twelve bytes", "é"},
		"dict": {"", "short", "a string that is longer than twelve bytes"}, "binary": {"AP8=", ""}, "date": {"1969-12-31", "2026-11-24"},
		"time": {"00:00:00.000001", "23:59:59"}, "float32": {"1.5", "-0", "+Inf"}, "float64": {"NaN", "1e-300"},
		"timestamp[us, UTC]": {"2001-07-01 00:00:00Z"},
	}
	env := testEnv(t, 2)
	var fields []string
	for _, typ := range types {
		fields = append(fields, "c "+typ+":"+typ)
	}
	r := rand.New(rand.NewPCG(5, 6))
	var rows []string
	for range 5000 {
		var cells []string
		for _, typ := range types {
			s := samples[typ]
			switch {
			case r.IntN(4) == 0:
				s = []string{"null"}
			case s == nil && strings.HasPrefix(typ, "timestamp"):
				s = []string{"1969-12-31 23:59:59", "2001-07-01 12:34:56"}
			case s == nil && strings.HasPrefix(typ, "decimal"):
				s = []string{"-12.25", "0.5", "99"}
			case s == nil:
				s = []string{"0", "1", "127"}
			}
			cells = append(cells, s[r.IntN(len(s))])
		}
		rows = append(rows, strings.Join(cells, "|"))
	}
	in := table(t, env.Alloc, parseSchema(strings.Join(fields, "; ")), rows...)
	defer in.Release()
	got, err := apply(t, env, Query("SELECT * FROM t ORDER BY rowid", "t"), in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(texts(in), got); diff != "" {
		t.Error(diff[:min(len(diff), 2000)])
	}
}

func TestProblemsOfQueries(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"SELECT orign FROM f", `referenced column "orign" not found in FROM clause!`},
		{"SELEC 1", `syntax error at or near "SELEC"`},
		{"COPY f TO '/tmp/x.csv'", "sql takes a SELECT, and nothing else"},
		{"INSTALL httpfs", "sql takes a SELECT, and nothing else"},
		{"SET threads = 8", "sql takes a SELECT, and nothing else"},
		{"ATTACH '/tmp/x.db'", "sql takes a SELECT, and nothing else"},
		{"CREATE TABLE x AS SELECT 1", "sql takes a SELECT, and nothing else"},
		{"SELECT 1; SELECT 2", "sql takes one SELECT, found 2 statements"},
		{"SELECT * FROM read_csv('/etc/passwd')", ""},
		{"SELECT * FROM '/etc/passwd'", ""},
		{"SELECT * FROM read_text('../../etc/passwd')", ""},
		{"SELECT * FROM glob('/etc/*')", ""},
		{"SELECT uuid() AS x", "column x has a type that can't be taken from DuckDB"},
		{"SELECT id, id FROM f", ""},
		{"SELECT 1 AS a, 2 AS a FROM f", `two columns of the result are called "a"; name one of them with AS`},
	} {
		bound, err := Query(test.text, "f").Bind(parseSchema(flights))
		if err == nil && test.text == "SELECT id, id FROM f" {
			continue
		}
		if err == nil {
			t.Errorf("%s was accepted: %v", test.text, bound.Schema)
			continue
		}
		if first := strings.SplitN(err.Error(), "\n", 2)[0]; test.want != "" && !strings.HasPrefix(first, test.want) {
			t.Errorf("%s:\n got %v\nwant %s", test.text, err, test.want)
		}
	}
}

// A query reads the columns it names, and all where it might read others.
func TestColumnsOfQueries(t *testing.T) {
	for text, want := range map[string][]int{
		"SELECT id FROM f WHERE delay > 0":                                       {0, 2},
		"SELECT count(*) FROM f":                                                 {},
		"SELECT * FROM f":                                                        nil,
		"SELECT f.* FROM f":                                                      nil,
		"SELECT x.id FROM f x JOIN f y USING (origin)":                           {0, 1},
		"SELECT COLUMNS('i.*') FROM f":                                           nil,
		"SELECT x.id FROM f x NATURAL JOIN f y":                                  nil,
		"SELECT (SELECT max(DELAY) FROM f) AS m":                                 {2},
		"SELECT id FROM f ORDER BY origin":                                       {0, 1},
		"SELECT row_number() OVER (PARTITION BY origin ORDER BY id) AS r FROM f": {0, 1},
	} {
		b, err := Query(text, "f").Bind(parseSchema(flights))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got []int
		if b.From != nil {
			got = []int{}
		}
		for _, c := range b.Reads {
			got = append(got, c.Index)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestErrorsOfRuns(t *testing.T) {
	env := testEnv(t, 2)
	in := table(t, env.Alloc, parseSchema(flights), flightRows...)
	defer in.Release()
	_, err := apply(t, env, Query("SELECT origin::INTEGER AS x FROM f ORDER BY 1", "f"), in)
	if err == nil || pipeline.KindOf(err) != pipeline.BadInput || !strings.HasPrefix(err.Error(), "could not convert string 'ORD' to INT32") {
		t.Errorf("got %v", err)
	}
	upstream := errors.New("upstream is broken")
	bound, err := Sort(SortKey{Column: "id"}).Bind(in.Schema())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bound.Stream(t.Context(), env, failing{upstream}); !errors.Is(err, upstream) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Next(context.Context) (arrow.RecordBatch, error) { return nil, f.err }
func (f failing) Close() error                                    { return nil }

func TestCancelInterrupts(t *testing.T) {
	env := testEnv(t, 2)
	in := table(t, env.Alloc, parseSchema(flights), flightRows...)
	defer in.Release()
	op := Query("SELECT count(*) AS n FROM range(100000000) a, range(100000) b, f WHERE hash(a.range + b.range) % 7 = f.id", "f")
	bound, err := op.Bind(in.Schema())
	if err != nil {
		t.Fatal(err)
	}
	took := time.Hour
	for try := 0; try < 5 && took > 500*time.Millisecond; try++ { // the quickest counts: others use the machine too
		ctx, cancel := context.WithCancel(t.Context())
		in.Retain()
		r, err := bound.Stream(ctx, env, pipeline.Batches(in))
		if err != nil {
			t.Fatal(err)
		}
		cancelled := make(chan time.Time, 1)
		timer := time.AfterFunc(50*time.Millisecond, func() { cancelled <- time.Now(); cancel() })
		_, err = r.Next(ctx)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if timer.Stop() {
			t.Fatal("it ended before it was cancelled")
		}
		took = min(took, time.Since(<-cancelled))
		cancel()
	}
	if took > 500*time.Millisecond {
		t.Errorf("took %v", took)
	}
}

// Where the budget is small the keys spill, and the rows that stay are the same.
func TestDedupeWithinABudget(t *testing.T) {
	schema := parseSchema("k:int64; s:dict; v:int64")
	r := rand.New(rand.NewPCG(7, 8))
	var rows []string
	for i := range 20_000 {
		rows = append(rows, fmt.Sprintf("%d|%s|%d", r.IntN(9000), []string{"a", "b", "null"}[r.IntN(3)], i))
	}
	var want []string
	for _, limit := range []int64{1 << 30, 1 << 20, 1} {
		env := testEnv(t, 2)
		env.Memory = pipeline.NewBudget(limit)
		in := table(t, env.Alloc, schema, rows...)
		got, err := apply(t, env, Dedupe(DedupeOptions{Keys: []string{"k", "s"}}), in)
		if err != nil {
			t.Fatal(err)
		}
		oracle, err := apply(t, env, Query(`SELECT k, s, v FROM t QUALIFY row_number() OVER (PARTITION BY k, s ORDER BY rowid) = 1 ORDER BY rowid`, "t"), in)
		if err != nil {
			t.Fatal(err)
		}
		in.Release()
		if want == nil {
			want = oracle
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("budget %d: %s", limit, diff[:min(len(diff), 500)])
		}
		if used := env.Memory; !used.Take(limit) {
			t.Errorf("budget %d was not given back whole", limit)
		}
	}
}
