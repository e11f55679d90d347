package gates

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/pipeline"
)

// What was stored of the same rows is not believed where it depends on the time of the run.
func TestWhatDependsOnTheTimeIsNotRecalled(t *testing.T) {
	rules := []Rule{
		{Name: "past", Check: Rows("day < now()")},
		{Name: "where", Check: Rows("amount < 100.0"), Where: "day < now()"},
		{Name: "count", Check: Expect("count_if(day < now()) == 4")},
		{Name: "always", Check: Rows("amount < 50.0")},
	}
	at := time.Date(2026, 1, 3, 12, 0, 0, 0, time.UTC) // half of the rows are later
	env := testEnv(t)
	whole := batch(t, env.Alloc, testSchema, testRows)
	defer whole.Release()
	b, err := Of(rules...).Bind(testSchema, pipeline.Surroundings{Now: at})
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string]json.RawMessage{"rows()": json.RawMessage(`{"rows": 5, "nulls": 0, "count": 0}`)}
	for _, r := range rules {
		stored[r.tallyText()] = json.RawMessage(`{"tested": 4, "failed": 0, "null": 1}`)
	}
	stored["count_if(day < now())"] = json.RawMessage(`{"rows": 5, "nulls": 1, "count": 4}`)
	court, err := b.Open(t.Context(), pipeline.Hearing{Env: env, Stored: stored})
	if err != nil {
		t.Fatal(err)
	}
	w := court.Unit(pipeline.Unit{Name: "x", Env: env})
	known := w.Know(t.Context(), &pipeline.Known{
		Rows: 5, Facts: func(int) pipeline.Facts { return pipeline.Facts{} }, Bytes: func(int) int64 { return 1 },
		ByDictionary: func(int) (pipeline.Facts, int64) { return pipeline.Facts{}, 0 },
	})
	if !known.Any {
		t.Fatal("nothing is in doubt")
	}
	if _, err := w.Observe(t.Context(), whole, nil); err != nil {
		t.Fatal(err)
	}
	if err := court.Merge(w); err != nil {
		t.Fatal(err)
	}
	j, err := court.Judge(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range j.Findings {
		got = append(got, fmt.Sprintf("%s %s by %s", f.Name, f.Verdict, f.DecidedBy))
	}
	want := []string{"past fail by scan", "where pass by scan", "count fail by scan", "always pass by stored states"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Groups of which a statement looks at no row are refused, not left without a verdict.
func TestGroupsOfNoRowsAreRefused(t *testing.T) {
	for _, text := range []string{"columns() > 3", `column_types() == column_types("x")`, `files("x") == 1`} {
		_, err := Of(Rule{Check: Expect(text), By: []string{"country"}}).Bind(testSchema, pipeline.Surroundings{Inputs: func(string) *arrow.Schema { return countrySchema }})
		if err == nil || !strings.Contains(err.Error(), "by chooses groups of rows; expect "+text+" looks at none") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Unique in each group is unique together with the group, and what repeats is told.
func TestUniqueByGroup(t *testing.T) {
	env := testEnv(t)
	whole := batch(t, env.Alloc, testSchema, testRows)
	defer whole.Release()
	j := judgeAll(t, env, Of(Rule{Check: Unique("id"), By: []string{"email"}}, Rule{Name: "id", Check: Unique("id"), By: []string{"amount", "country"}}, Rule{Name: "x", Check: Unique("amount"), By: []string{"id"}}), whole, 2)
	for _, f := range j.findings {
		if f.Verdict != pipeline.Pass {
			t.Errorf("%s: %s %s %v", f.Rule, f.Verdict, f.Observed, f.Detail)
		}
	}
	twice := batch(t, env.Alloc, testSchema, strings.ReplaceAll(testRows, `"id": 2, "email": null`, `"id": 1, "email": "ada@x.org"`))
	defer twice.Release()
	f := judgeAll(t, env, Of(Rule{Check: Unique("id"), By: []string{"email"}}), twice, 1).findings[0]
	if f.Verdict != pipeline.Fail || f.RowsFailed != 2 {
		t.Errorf("%s %s %v", f.Verdict, f.Observed, f.Detail)
	}
}
