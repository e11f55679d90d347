package gates

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

type row = map[string]any

func pass(rows ...row) Fixture { return Fixture{Rows: rows} }
func fail(rows ...row) Fixture { return Fixture{Rows: rows, Fail: true} }

func tested(t *testing.T, r Rule) *Tested {
	t.Helper()
	got, err := Test(t.Context(), r, testSchema, pipeline.Surroundings{Inputs: func(string) *arrow.Schema { return countrySchema }}, testEnv(t))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Each fixture does as it says; turned around, each is found to be wrong.
func TestFixtures(t *testing.T) {
	countries := map[string][]row{"countries": {{"code": "uk"}}}
	for _, r := range []Rule{
		{Check: Rows("amount >= 0.0 && amount < 10.0"), Tests: []Fixture{pass(row{"amount": 0}, row{"amount": 9.5}, row{}), fail(row{"amount": -1}), fail(row{"amount": 10})}},
		{Check: Rows("amount > 0.0"), Severity: pipeline.SeverityWarn, Tests: []Fixture{fail(row{"amount": 0})}},
		{Check: Rows("amount > 0.0"), Else: Quarantine, Tests: []Fixture{pass(row{"amount": 1}), fail(row{"amount": 0})}},
		{Check: Rows("amount > 0.0"), Else: Quarantine, AtMost: Share(0.5), Tests: []Fixture{pass(row{"amount": 1}, row{"amount": 0}), fail(row{"amount": 0})}},
		{Check: Rows("amount > 0.0"), Nulls: NullsFail, Tests: []Fixture{fail(row{})}},
		{Check: Expect("rows() > 2"), Tests: []Fixture{pass(row{}, row{}, row{}), fail(row{}), fail()}},
		{Check: Expect("mean(amount) > 2.0"), Tests: []Fixture{fail(row{}), fail()}},
		{Check: Expect("rows() > 2"), OnEmpty: EmptySkips, Tests: []Fixture{pass(), fail(row{})}},
		{Check: Unique("id"), Tests: []Fixture{pass(row{"id": 1}, row{"id": 2}), fail(row{"id": 1}, row{"id": 1})}},
		{Check: References("country", "countries", "code"), Tests: []Fixture{
			{Rows: []row{{"country": "uk"}, {}}, Inputs: countries}, {Rows: []row{{"country": "zz"}}, Inputs: countries, Fail: true}, fail(row{"country": "uk"}),
		}},
		{Check: Expect(`rows() > history(2).min(rows())`), Tests: []Fixture{
			{Rows: []row{{}, {}}, Past: [][]row{{{}}, {{}, {}}}}, {Rows: []row{{}}, Past: [][]row{{{}}, {{}, {}}}, Fail: true},
		}},
		{Check: Rows(`day < timestamp("2026-01-02T00:00:00Z")`), Tests: []Fixture{
			pass(row{"day": "2026-01-01"}, row{"day": time.Date(2026, 1, 1, 5, 0, 0, 0, time.UTC)}), fail(row{"day": "2026-01-02 09:30"}),
		}},
		{Check: Accepted("email", "(null)"), Tests: []Fixture{pass(row{"email": "(null)"}), fail(row{"email": ""})}},
	} {
		got := tested(t, r)
		if len(got.Wrong) > 0 || got.Passed+got.Failed != len(r.Tests) || got.NeverFails {
			t.Errorf("%s: %+v", r.Check, got)
		}
		for i := range r.Tests {
			r.Tests[i].Fail = !r.Tests[i].Fail
		}
		if got := tested(t, r); len(got.Wrong) != len(r.Tests) {
			t.Errorf("%s, turned around: %+v", r.Check, got)
		}
	}
}

func TestFixturesWithoutHistoryProveNothing(t *testing.T) {
	for _, f := range []Fixture{pass(row{}), fail(row{})} {
		got := tested(t, Rule{Check: Expect("rows() > history(2).min(rows())"), Tests: []Fixture{f}})
		if len(got.Wrong) != 1 || got.Wrong[0].Finding.Verdict != pipeline.InsufficientHistory {
			t.Errorf("%+v", got)
		}
	}
}

func TestRulesThatNeverFail(t *testing.T) {
	for text, never := range map[string]bool{
		"id == id || id != id": false, // not seen to be so, and that is allowed
		"true || id > 3":       true,
		"size(email) >= 0":     true,
		"id > 3":               false,
		"1 / id > 3 || true":   true,
		"id * 2 > 3":           false,
	} {
		if got := tested(t, Rule{Check: Rows(text)}); got.NeverFails != never {
			t.Errorf("%s: never fails: %t", text, got.NeverFails)
		}
	}
	for text, never := range map[string]bool{
		"rows() >= 0": true, "rows() > 0": false, "count_if(id > 3) > -1 && nulls(email) >= 0": true, "mean(amount) >= 0.0 || true": true,
		"null_share(email) <= 1.0": false, "history(2).mean(rows()) >= 0.0": false,
	} {
		if got := tested(t, Rule{Check: Expect(text)}); got.NeverFails != never {
			t.Errorf("%s: never fails: %t", text, got.NeverFails)
		}
	}
	if got := tested(t, Rule{Check: AllOf(Rows("true"), Rows("id > 3"))}); got.NeverFails {
		t.Error("a composite fails where its last member does")
	}
	if got := tested(t, Rule{Check: Rows("id > 3"), AtMost: Share(1)}); !got.NeverFails {
		t.Error("at_most 100% fails")
	}
}

// A value that does not fit is named with its place, and what was expected.
func TestBadFixtures(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "i", Type: arrow.PrimitiveTypes.Int8},
		{Name: "u", Type: arrow.PrimitiveTypes.Uint16},
		{Name: "f", Type: arrow.PrimitiveTypes.Float64},
		{Name: "b", Type: arrow.FixedWidthTypes.Boolean},
		{Name: "s", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}},
		{Name: "d", Type: arrow.FixedWidthTypes.Date32},
		{Name: "t", Type: arrow.FixedWidthTypes.Timestamp_us},
		{Name: "x", Type: &arrow.Decimal128Type{Precision: 4, Scale: 2}},
		{Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64)},
	}, nil)
	try := func(column string, v any) error {
		f := fail(row{}, row{column: v})
		f.Places = map[Place]pipeline.Pos{{Row: 1, Column: column}: {File: "p.yaml", Line: 3, Col: 9}}
		_, err := Test(t.Context(), Rule{Name: "g", Check: Rows("i > 0"), Tests: []Fixture{f}}, schema, pipeline.Surroundings{}, testEnv(t))
		return err
	}
	for _, bad := range []struct {
		column string
		v      any
		want   string
	}{
		{"i", "5", `column i: expected an int8, like 5, found "5"`},
		{"i", 300, "column i: expected an int8, like 5, found"},
		{"i", 1.5, "column i: expected an int8, like 5, found 1.5"},
		{"u", -1, "column u: expected a uint16, like 5, found"},
		{"f", true, "column f: expected a float64, like 1.5, found true"},
		{"b", "true", `column b: expected a bool, like true, found "true"`},
		{"s", 5, `column s: expected a string, like "abc", found 5`},
		{"d", "today", `column d: expected a date, like 2001-01-31, found "today"`},
		{"t", 5, `column t: expected a timestamp[us, UTC], like 2001-01-31T09:00:00Z, found 5`},
		{"x", "1.5", `column x: expected a decimal(4, 2), like 1.5, found "1.5"`},
		{"l", 5, `column l: expected a list<int64>, like [1, 2], found 5`},
		{"l", []any{1, "x"}, `column l: expected an int64, like 5, found "x"`},
		{"ii", 5, `unknown column "ii"; did you mean "i"?`},
	} {
		err := try(bad.column, bad.v)
		want := `p.yaml:3:9: gate "g": fixture "fail 1": row 2: ` + bad.want
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	for column, vals := range map[string][]any{
		"i": {int64(-128), 5.0, nil}, "u": {uint8(5), 65535}, "f": {1, 1e300, float32(1.5)}, "b": {false}, "s": {""}, "d": {"2001-01-31", time.Now()},
		"t": {"2001-01-31", "2001-01-31T09:00:00+02:00"}, "x": {1.25, 99, -0.01}, "l": {[]any{}, []any{1, nil}},
	} {
		for _, v := range vals {
			if err := try(column, v); err != nil {
				t.Errorf("%s: %v", fmt.Sprint(v), err)
			}
		}
	}
}
