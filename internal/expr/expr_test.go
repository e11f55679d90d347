package expr

import (
	"errors"
	"flag"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

var schema = arrow.NewSchema([]arrow.Field{
	{Name: "i", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "f", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "t", Type: arrow.FixedWidthTypes.Timestamp_us, Nullable: true},
	{Name: "odd name", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
	{Name: "price", Type: &arrow.Decimal128Type{Precision: 10, Scale: 2}, Nullable: true},
}, nil)

// Each case is evaluated on the row i=7, f=1.5, s="Abc", t=2001-03-04 05:06, "odd name"=3,
// and on the row in which every column is null.
func TestSemantics(t *testing.T) {
	rows := `[{"i":7,"f":1.5,"s":"Abc","t":983682360000000,"odd name":3,"price":"1.25"},
		{"i":null,"f":null,"s":null,"t":null,"odd name":null,"price":null}]`
	batch, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Release()
	for _, test := range []struct{ src, value, null string }{
		{`i > 0`, "true", "(null)"},
		{`i + 1`, "8", "(null)"},
		{`i > 0 || true`, "true", "true"},
		{`i > 100 && f > 0.0`, "false", "(null)"},
		{`i > 0 && false`, "false", "false"},
		{`i == null`, "false", "true"},
		{`null != s`, "true", "false"},
		{`coalesce(i, 0)`, "7", "0"},
		{`coalesce(s, "none")`, "Abc", "none"},
		{`i > 1.5`, "true", "(null)"},
		{`i / (i - 7)`, "error: division by zero", "(null)"},
		{`9223372036854775807 + i`, "error: integer overflow", "(null)"},
		{`i > 0 ? "a" : "b"`, "a", "(null)"},
		{`s.startsWith("A")`, "true", "(null)"},
		{`s.matches("^[A-Z]")`, "true", "(null)"},
		{`lower(s) + upper(s) + trim(" x ")`, "abcABCx", "(null)"},
		{`i in [6, 7]`, "true", "(null)"},
		{`t >= "2001-03-04"`, "true", "(null)"},
		{`t < "2001-03-04 05:06:00"`, "false", "(null)"},
		{`"2001-03-04T05:06:00Z" == t`, "true", "(null)"},
		{`year(t) * 10000 + month(t) * 100 + day(t)`, "20010304", "(null)"},
		{`hour(t) * 60 + minute(t)`, "306", "(null)"},
		{`date_trunc("month", t)`, "2001-03-01T00:00:00Z", "(null)"},
		{`date_trunc("week", t) <= t && weekday(date_trunc("week", t)) == 1 && t - date_trunc("week", t) < duration("168h")`, "true", "(null)"},
		{`date_trunc("quarter", t)`, "2001-01-01T00:00:00Z", "(null)"},
		{`abs(-i) + abs(i)`, "14", "(null)"},
		{`abs(-f)`, "1.5", "(null)"},
		{`round(f)`, "2", "(null)"},
		{`is_nan(f / 0.0)`, "false", "(null)"},
		{`is_email(s) || is_upper(s)`, "false", "(null)"},
		{`is_business_day(t) ? 0 : weekday(t)`, "7", "(null)"},
		{`week(t) * 1000 + day_of_year(t) * 10 + quarter(t)`, "9631", "(null)"},
		{`second(t) == 0 && is_month_end(t)`, "false", "(null)"},
		{`is_multiple(i, 7) && pow(f, 2.0) == 2.25 && exp(0.0) == 1.0`, "true", "(null)"},
		{`is_date(string(i) + "/3", "%-d/%-m")`, "true", "(null)"},
		{`parse_date("2001-03-0" + string(i), "%F") == "2001-03-07"`, "true", "(null)"},
		{`parse_date(s, "%F")`, "error: \"Abc\" is no date of layout \"%F\"", "(null)"},
		{`is_date(s, s)`, "error: layout \"Abc\" names no part of a date; write it like %Y-%m-%d", "(null)"},
		{`json_text('{"a": ["' + s + '"]}', "$.a[0]")`, "Abc", "(null)"},
		{`json_text("{}" + s, "$.a")`, "error: the text is no JSON", "(null)"},
		{`json_text('{"b": ' + string(i) + '}', "$.a")`, "error: there is nothing at $.a", "(null)"},
		{`json_type("[" + string(i) + "]", "$[0]") + type_of_text(s)`, "integertext", "(null)"},
		{`json_matches(string(i), '{"maximum": 6}')`, "false", "(null)"},
		{`["1", "x"].exists(x, is_integer(x) && json_has(x, "$"))`, "true", "true"},
		{`col("odd name") + 1`, "4", "(null)"},
		{`size(s)`, "3", "(null)"},
		{`1 + 1`, "2", "2"},
		{`math.greatest(i, 9)`, "9", "(null)"},
	} {
		p, err := Compile(test.src, schema)
		if err != nil {
			t.Errorf("%s: %v", test.src, err)
			continue
		}
		res, err := p.Eval(t.Context(), batch, nil)
		if err != nil {
			t.Errorf("%s: %v", test.src, err)
			continue
		}
		got := []string{res.Values.ValueStr(0), res.Values.ValueStr(1)}
		for _, e := range res.Errs {
			got[e.Row] = "error: " + e.Err.Error()
		}
		if got[0] != test.value || got[1] != test.null {
			t.Errorf("%s: got %s, of null %s; want %s, %s", test.src, got[0], got[1], test.value, test.null)
		}
		res.Release()
	}
}

func TestErrors(t *testing.T) {
	schema := arrow.NewSchema(append(schema.Fields(), arrow.Field{Name: "span", Type: arrow.FixedWidthTypes.MonthInterval}), nil)
	for _, test := range []struct{ src, want string }{
		{`s > 0`, "no matching overload for '_>_' applied to '(string, int)'\n\t| s > 0\n\t| ..^\n\ts is a utf8 column"},
		{`ss == "a"`, "unknown column \"ss\"; did you mean \"s\"?\n\t| ss == \"a\"\n\t| ^"},
		{`i * 1.5`, "no matching overload for '_*_' applied to '(int, double)'\n\t| i * 1.5\n\t| ..^\n\ti is a int64 column\n\tCEL calculates with one type at a time: convert one side, like double(x)"},
		{`i >`, "mismatched input '<EOF>'\n\t| i >\n\t| ...^"},
		{`span > 1`, "column \"span\" is a month_interval, which expressions can't read\n\t| span > 1\n\t| ^\n\tcast it first, or use the sql operator"},
		{`lowr(s)`, "unknown name \"lowr\"; did you mean the function \"lower\"?\n\t| lowr(s)\n\t| ....^"},
		{`zzz`, "unknown name \"zzz\"\n\t| zzz\n\t| ^\n\tcolumns are i, f, s, t, odd name, price, span"},
		{`{}`, "the expression gives a map(dyn, dyn), which is no column type"},
	} {
		_, err := Compile(test.src, schema)
		if err == nil || err.Error() != test.want {
			t.Errorf("%s:\n got %v\nwant %s", test.src, err, test.want)
		}
	}
}

var metrics = []MetricFunc{
	{Name: "rows", Result: func([]arrow.DataType) (arrow.DataType, error) { return arrow.PrimitiveTypes.Int64, nil }},
	{Name: "sum", Params: []Param{RowExpr}, Result: func(a []arrow.DataType) (arrow.DataType, error) { return a[0], nil }},
}

func TestErrorsOfStatements(t *testing.T) {
	for _, test := range []struct{ src, want string }{
		{`rowz() > 1`, "unknown metric \"rowz\"; did you mean \"rows\"?\n\t| rowz() > 1\n\t| ....^"},
		{`sum(ii) > 1`, "unknown column \"ii\"; did you mean \"i\"?\n\t| sum(ii) > 1\n\t| ....^"},
		{`i > 1`, "column \"i\" stands outside of a metric; an expect statement is about metrics, like max(i)\n\t| i > 1\n\t| ^"},
		{`sum(1, 2) > 1`, "sum takes 1 argument, found 2\n\t| sum(1, 2) > 1\n\t| ...^"},
		{`sum(s) > 1`, "no matching overload for '_>_' applied to '(string, int)'\n\t| sum(s) > 1\n\t| .......^"},
		{`sum(i) + 1`, "the statement gives a int64, not a bool"},
	} {
		_, err := CompileExpect(test.src, Vocabulary{Schema: schema, Metrics: metrics})
		if err == nil || err.Error() != test.want {
			t.Errorf("%s:\n got %v\nwant %s", test.src, err, test.want)
		}
	}
}

func TestStatements(t *testing.T) {
	broken := errors.New("overflow")
	for _, test := range []struct {
		src   string
		calls int
		vals  []any
		want  Outcome
		err   bool
	}{
		{`rows() > 1`, 1, []any{int64(2)}, True, false},
		{`rows() > 1 && rows() < 7`, 1, []any{int64(9)}, False, false},
		{`sum(f) > 0.5 && rows() > 1`, 2, []any{nil, int64(2)}, Null, false},
		{`sum(f) > 0.5 || rows() > 1`, 2, []any{nil, int64(2)}, True, false},
		{`sum(i) > 0`, 1, []any{broken}, Null, true},
		{`sum(i * 2) == 4`, 1, []any{int64(4)}, True, false},
		{`sum(f) == null`, 1, []any{nil}, True, false},
	} {
		e, err := CompileExpect(test.src, Vocabulary{Schema: schema, Metrics: metrics})
		if err != nil {
			t.Errorf("%s: %v", test.src, err)
			continue
		}
		got, err := e.Eval(test.vals)
		if got != test.want || (err != nil) != test.err || len(e.Calls) != test.calls {
			t.Errorf("%s: got %v, %v, %d calls", test.src, got, err, len(e.Calls))
		}
	}
}

var rewrite = flag.Bool("rewrite", false, "write docs/reference/expressions.md")

// The reference page is the package's comment: one text for both.
func TestReferencePage(t *testing.T) {
	const page = "../../docs/reference/expressions.md"
	f, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	p := new(comment.Parser)
	_, body, _ := strings.Cut(f.Doc.Text(), "\n\n")
	pr := &comment.Printer{HeadingLevel: 2, HeadingID: func(*comment.Heading) string { return "" }}
	want := "# Expressions\n\nGenerated by `go generate ./...` from internal/expr/doc.go; edit that instead. Filters, derived columns, row rules and the\n" +
		"arguments of metrics are CEL over the columns of a record batch.\n\n" + string(pr.Markdown(p.Parse(body)))
	if *rewrite {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil || string(got) != want {
		t.Errorf("%s is out of date (%v); run go generate ./...", page, err)
	}
}

// Dates are subtracted over columns, to the ends of what they and durations hold.
func TestDatesAreSubtracted(t *testing.T) {
	days := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.FixedWidthTypes.Date32}, {Name: "b", Type: arrow.FixedWidthTypes.Date32, Nullable: true}}, nil)
	p, err := Compile(`a - b <= duration("48h")`, days)
	if err != nil || p.Fallbacks() != nil {
		t.Fatal(err, p.Fallbacks())
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, days)
	defer b.Release()
	values := []int32{0, 1, -1, 2, 3, 106_751, 106_752, -106_752, 213_503, math.MaxInt32, math.MinInt32}
	for _, x := range values {
		for _, y := range values {
			b.Field(0).(*array.Date32Builder).Append(arrow.Date32(x))
			b.Field(1).(*array.Date32Builder).Append(arrow.Date32(y))
		}
	}
	b.Field(0).(*array.Date32Builder).Append(0)
	b.Field(1).AppendNull()
	batch := b.NewRecordBatch()
	defer batch.Release()
	got, err := p.Eval(t.Context(), batch, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Release()
	want, err := p.EvalRows(t.Context(), batch, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer want.Release()
	if !array.Equal(got.Values, want.Values) || len(got.Errs) != len(want.Errs) {
		t.Errorf("got %v (%d errors), want %v (%d)", got.Values, len(got.Errs), want.Values, len(want.Errs))
	}
}
