package gates

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/pipeline"
)

// A division of a statement is one of doubles, wherever it stands.
func TestDivisionsAreOfDoubles(t *testing.T) {
	env := testEnv(t)
	rows := amounts(env, map[string][]float64{"eu": {1, math.NaN(), 3, 4, 5}})
	defer rows.Release()
	for _, text := range []string{
		"nulls(amount) / rows() < 0.1", "[nulls(amount)].all(n, n / rows() < 0.1)", "math.greatest(nulls(amount), 0) / rows() < 0.1",
		"[nulls(amount)][0] / rows() < 0.1", "(nulls(amount) % 10) / rows() < 0.1", "nulls(amount) / rows() == 0", "rows() / nulls(region) > 1",
	} {
		j, _ := dayOf(t, "2026-01-01").judge(t, env, rows, 10, Rule{Name: "r", Check: Expect(text)})
		if f := j.Findings[0]; f.Verdict.Passes() {
			t.Errorf("%s: %s", text, f.Verdict)
		}
	}
}

// The last of the past is the latest, a group that is gone is judged, and short history hides
// no error.
func TestHistoryOfGroups(t *testing.T) {
	env := testEnv(t)
	var past []*pipeline.Manifest
	for i, n := range []int{10, 20, 30} {
		rows := amounts(env, map[string][]float64{"eu": slices.Repeat([]float64{1}, n), "us": {1}})
		_, m := dayOf(t, fmt.Sprintf("2026-01-0%d", i+1), past...).judge(t, env, rows, 100,
			Rule{Name: "a", Check: Expect("rows() > 0")}, Rule{Name: "b", Check: Expect("rows() > 0"), By: []string{"region"}},
			Rule{Name: "c", Check: Expect("max(region) != ''")})
		rows.Release()
		if m.Metrics["max(region) of string"] == nil {
			t.Error("a state of texts is not named by their type")
		}
		past = slices.Insert(past, 0, m)
	}
	today := amounts(env, map[string][]float64{"eu": {1, 2}})
	defer today.Release()
	for _, test := range []struct {
		rule Rule
		want pipeline.Verdict
	}{
		{Rule{Check: Expect("history(3).last(rows()) == 31")}, pipeline.Pass},
		{Rule{Check: Expect("double(rows()) >= 0.01 * history(1).mean(rows())"), By: []string{"region"}}, pipeline.Fail},
		{Rule{Check: AllOf(Expect("rows() > history(9).mean(rows())"), Rows("10 / int(amount - 1.0) > 0"))}, pipeline.ErrorVerdict},
	} {
		test.rule.Name = "r"
		j, _ := dayOf(t, "2026-01-04", past...).judge(t, env, today, 10, test.rule)
		if f := j.Findings[0]; f.Verdict != test.want || test.want == pipeline.ErrorVerdict && !f.Blocks() {
			t.Errorf("%s: %s (%s) %v", test.rule.Check, f.Verdict, f.Observed, f.ByGroup)
		}
	}
	_, err := Of(Rule{Name: "r", Check: Expect("rows() > history(1, 'weekday').mean(rows())")}).Bind(amountSchema, pipeline.Surroundings{Published: true})
	if err == nil || !strings.Contains(err.Error(), "no partitions in time") {
		t.Errorf("a cohort without time: %v", err)
	}
}

// NaN passes no rank, and groups are bounded.
func TestRanksOfNaNAndManyGroups(t *testing.T) {
	env := testEnv(t)
	b := array.NewRecordBuilder(env.Alloc, amountSchema)
	defer b.Release()
	for i := range maxGroups + 1 {
		b.Field(0).(*array.StringBuilder).Append(fmt.Sprint(i))
		b.Field(1).(*array.Float64Builder).Append(map[bool]float64{true: math.NaN(), false: 1}[i%2 == 0])
	}
	rows := b.NewRecordBatch()
	defer rows.Release()
	for _, rule := range []Rule{
		{Check: Expect("quantile(amount, 0.99) < 3.0")},
		{Check: Expect("median(amount) < 3.0")},
		{Check: Rows("amount < 3.0 || is_nan(amount)"), By: []string{"region"}},
		{Check: Expect("rows() < 3"), By: []string{"region"}},
	} {
		rule.Name = "r"
		j, _ := dayOf(t, "2026-01-01").judge(t, env, rows, 3000, rule)
		if f := j.Findings[0]; f.Verdict != pipeline.ErrorVerdict {
			t.Errorf("%s: %s (%s)", rule.Check, f.Verdict, f.Observed)
		}
	}
}

// Of rows that are seen but once a stored approximation decides what it can decide, and
// nothing else.
func TestStoredApproximationsThatLeaveItOpen(t *testing.T) {
	env := testEnv(t)
	values := make([]float64, 6000)
	for i := range values {
		values[i] = float64(i)
	}
	rows := amounts(env, map[string][]float64{"eu": values})
	defer rows.Release()
	near, far := Rule{Name: "r", Check: Expect("quantile(amount, 0.5) <= 2999.0")}, Rule{Name: "r", Check: Expect("quantile(amount, 0.5) <= 5000.0")}
	_, m := dayOf(t, "2026-01-01").judge(t, env, rows, 1000, near)
	for _, test := range []struct {
		rule  Rule
		doubt bool
	}{{near, true}, {far, false}} {
		b, err := Of(test.rule).Bind(rows.Schema(), pipeline.Surroundings{})
		if err != nil {
			t.Fatal(err)
		}
		court, err := b.Open(t.Context(), pipeline.Hearing{Env: env, Stored: m.Metrics})
		if err != nil {
			t.Fatal(err)
		}
		w := court.Unit(pipeline.Unit{Name: "rows", Env: env})
		doubt := w.Know(t.Context(), &pipeline.Known{
			Rows: rows.NumRows(), Facts: func(int) pipeline.Facts { return pipeline.Facts{} },
			ByDictionary: func(int) (pipeline.Facts, int64) { return pipeline.Facts{}, 0 }, Bytes: func(int) int64 { return 0 },
		})
		if doubt.Any != test.doubt {
			t.Errorf("%s: in doubt: %t", test.rule.Check, doubt.Any)
		}
		if doubt.Any {
			if _, err := w.Observe(t.Context(), rows, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := court.Merge(w); err != nil {
			t.Fatal(err)
		}
		j, err := court.Judge(t.Context(), nil)
		if err != nil || j.Findings[0].Verdict != pipeline.Pass {
			t.Errorf("%s: %v, %v", test.rule.Check, j, err)
		}
	}
}
