package gates

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/pipeline"
)

// knownCountry holds of uk and us; it does not test null.
func knownCountry(_ context.Context, b arrow.RecordBatch) ([]Outcome, error) {
	country := b.Column(0).(*array.String)
	said := make([]Outcome, b.NumRows())
	for i := range said {
		switch {
		case country.IsNull(i):
			said[i] = NotTested
		case country.Value(i) == "uk" || country.Value(i) == "us":
			said[i] = Holds
		}
	}
	return said, nil
}

// A function is judged as an expression that says the same is, with every option of a rule,
// however the rows are split.
func TestFunctionsAreRules(t *testing.T) {
	function := RowsFunc("known", "v1", []string{"country"}, knownCountry)
	for name, r := range map[string]Rule{
		"plain":      {},
		"where":      {Where: "id > 2"},
		"where null": {Where: "amount > 0.0"},
		"nulls":      {Nulls: NullsFail},
		"tolerated":  {AtMost: Count(1)},
		"share":      {AtMost: Share(0.1)},
		"quarantine": {Else: Quarantine},
		"by":         {By: []string{"country"}},
		"severity":   {Severity: pipeline.SeverityWarn},
	} {
		for _, cuts := range [][]int64{nil, {2}, {1, 4}, {0, 3}} {
			env := testEnv(t)
			whole := batch(t, env.Alloc, testSchema, testRows)
			asFunction, asRows := r, r
			asFunction.Name, asFunction.Check = "r", function
			asRows.Name, asRows.Check = "r", Rows(`country in ["uk", "us"]`)
			got, want := judgeAll(t, env, Of(asFunction), whole, cuts...), judgeAll(t, env, Of(asRows), whole, cuts...)
			whole.Release()
			for _, j := range []*judged{&got, &want} {
				j.findings[0].Rule, j.findings[0].Kind = "", ""
			}
			if said, expected := line(got.findings[0])+fmt.Sprint(got.kept, got.aside), line(want.findings[0])+fmt.Sprint(want.kept, want.aside); said != expected {
				t.Errorf("%s: a function says %s, an expression %s", name, said, expected)
			}
		}
	}
}

func line(f pipeline.Finding) string {
	return fmt.Sprintf("%s %d/%d/%d: %s, %s expected %v", f.Verdict, f.RowsTested, f.RowsFailed, f.RowsNull, f.Observed, f.Expected, f.ByGroup)
}

// What goes wrong in a function is an error, and never a pass, also where none of the rows
// it goes wrong with is the first.
func TestFunctionsThatGoWrong(t *testing.T) {
	for want, f := range map[string]RowFunc{
		"out of order":               func(context.Context, arrow.RecordBatch) ([]Outcome, error) { return nil, errors.New("out of order") },
		"it panicked: no":            func(context.Context, arrow.RecordBatch) ([]Outcome, error) { panic("no") },
		"it gave 1 outcomes for 5 r": func(context.Context, arrow.RecordBatch) ([]Outcome, error) { return []Outcome{Holds}, nil },
	} {
		for _, where := range []string{"", "id > 1"} {
			env := testEnv(t)
			whole := batch(t, env.Alloc, testSchema, testRows)
			j := judgeAll(t, env, Of(Rule{Where: where, Check: RowsFunc("f", "1", []string{"email"}, f)}), whole)
			whole.Release()
			found := j.findings[0]
			if found.Verdict != pipeline.ErrorVerdict || !strings.Contains(fmt.Sprint(found.Detail), want) {
				t.Errorf("where %q: %s %v, want an error: %s", where, found.Verdict, found.Detail, want)
			}
		}
	}
	_, err := Of(Rule{Check: RowsFunc("f", "1", []string{"emial"}, knownCountry)}).Bind(testSchema, pipeline.Surroundings{})
	if err == nil || !strings.Contains(err.Error(), `did you mean "email"`) {
		t.Errorf("a column that is not there: %v", err)
	}
}
