package gates

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/pipeline"
)

var doubleSchema = arrow.NewSchema([]arrow.Field{
	{Name: "x", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "g", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "y", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
}, nil)

// numbersIn are rows of x, with y the same, each of its own group.
func numbersIn(env *pipeline.Env, values ...float64) arrow.RecordBatch {
	b := array.NewRecordBuilder(env.Alloc, doubleSchema)
	defer b.Release()
	for i, v := range values {
		b.Field(0).(*array.Float64Builder).Append(v)
		b.Field(1).(*array.StringBuilder).Append(fmt.Sprint("g", i))
		b.Field(2).(*array.Float64Builder).Append(v)
	}
	return b.NewRecordBatch()
}

// verdictOf judges rows by one rule, in units of so many.
func verdictOf(t *testing.T, env *pipeline.Env, rows arrow.RecordBatch, unit int64, r Rule, past ...*pipeline.Manifest) pipeline.Finding {
	t.Helper()
	r.Name = "r"
	j, _ := dayOf(t, "2026-01-15", past...).judge(t, env, rows, unit, r)
	return j.Findings[0]
}

// What is not a number makes no statement hold, whatever the statement makes of it.
func TestNaNMakesNoStatementHold(t *testing.T) {
	env := testEnv(t)
	for _, values := range [][]float64{{1, math.NaN(), 3}, {math.NaN(), math.NaN()}, {math.Inf(1), 2, math.Inf(-1)}} {
		rows := numbersIn(env, values...)
		for _, text := range []string{
			"mean(x) > 3.0", "!(mean(x) > 3.0)", "mean(x) < 3.0", "!(mean(x) < 3.0)", "mean(x) != 3.0", "!(mean(x) == 3.0)",
			"!(mean(x) in [1.0, 2.0])", "!(sum(x) > 3.0)", "!(sum(x) - sum(y) > 3.0)", "!(abs(mean(x)) > 3.0)", "!(2.0 * mean(x) + 1.0 > 3.0)",
			"!(stddev(x) > 3.0)", "!(variance(x) > 3.0)", "!(correlation(x, y) > 0.9)", "!(covariance(x, y) > 0.9)",
			"math.greatest(mean(x), 5.0) > 4.0", "math.least(mean(x), 5.0) < 6.0", "coalesce(mean(x), 1.0) == 1.0",
			"mean(x) > 3.0 ? true : true", "!(round(mean(x)) == 2.0)", "!(mean(x) / 2.0 > 7.0)", "[mean(x)].all(v, !(v > 3.0))",
			"string(mean(x)) != 'x'", "!(outliers(x, 3) > 100)", "outliers(x, 3) <= 2",
		} {
			for _, r := range []Rule{{Check: Expect(text)}, {Check: Expect(text), By: []string{"y"}}, {Check: Expect(text), Severity: pipeline.SeverityWarn}, {Check: Warning("rows() > 0", text)}} {
				if f := verdictOf(t, env, rows, 2, r); f.Verdict.Passes() {
					t.Errorf("%v: %s (by %v, severity %q): %s (%s)", values, text, r.By, r.Severity, f.Verdict, f.Observed)
				}
			}
		}
		for _, text := range []string{"is_nan(mean(x)) || mean(x) > 3.0", "is_nan(sum(x)) && rows() > 1", "true || mean(x) > 3.0"} {
			if f := verdictOf(t, env, rows, 2, Rule{Check: Expect(text)}); f.Verdict != pipeline.Pass {
				t.Errorf("%v: %s: %s (%v)", values, text, f.Verdict, f.Detail)
			}
		}
		rows.Release()
	}
}

// A composite that only warns never passes because its members only warn.
func TestCompositesOfWarningsWarn(t *testing.T) {
	env := testEnv(t)
	rows := batch(t, env.Alloc, testSchema, testRows)
	defer rows.Release()
	holds, fails, broken := Expect("rows() == 5"), Expect("rows() == 6"), Rows("10 / (id - 3) > 0")
	for _, severity := range []pipeline.Severity{pipeline.Block, pipeline.SeverityWarn} {
		failed := pipeline.Fail
		if severity == pipeline.SeverityWarn {
			failed = pipeline.Warn
		}
		for _, test := range []struct {
			check Check
			want  pipeline.Verdict
		}{
			{AnyOf(fails, fails), failed},
			{AllOf(holds, fails), failed},
			{NoneOf(fails, fails), pipeline.Pass},
			{NoneOf(fails, holds), failed},
			{NoneOf(fails, broken), pipeline.ErrorVerdict},
			{AnyOf(fails, broken), pipeline.ErrorVerdict},
			{AllOf(holds, broken), pipeline.ErrorVerdict},
			{AnyOf(holds, broken), pipeline.Pass},
		} {
			if got := judgeAll(t, env, Of(Rule{Check: test.check, Severity: severity}), rows).findings[0]; got.Verdict != test.want {
				t.Errorf("%s %s: %s, want %s", severity, test.check, got.Verdict, test.want)
			}
		}
	}
	r := Rule{Check: AllOf(Rows("amount >= 0.0"), holds), AtMost: Count(3), WarnAt: Count(0)}
	if got := judgeAll(t, env, Of(r), rows).findings[0]; got.Verdict != pipeline.Warn {
		t.Errorf("%v: %s, want warn", r, got.Verdict)
	}
	r.Check = AnyOf(Rows("amount >= 0.0"), fails)
	if got := judgeAll(t, env, Of(r), rows).findings[0]; got.Verdict != pipeline.Warn {
		t.Errorf("%v: %s, want warn", r, got.Verdict)
	}
}

// That there is too little history is no excuse for rows that can't be judged.
func TestShortHistoryHidesNoError(t *testing.T) {
	env := testEnv(t)
	rows := numbersIn(env, 1, math.NaN())
	defer rows.Release()
	for _, text := range []string{
		"sum(10 / (int(y) - 1)) > history(3).mean(rows())", "history(3).mean(rows()) < sum(10 / (int(y) - 1))",
		"mean(x) > history(3).mean(rows())", "history(3).mean(rows()) < mean(x)",
		"history(3).mean(rows()) > 0.0 && rows() * 9223372036854775807 > 0", "rows() * 9223372036854775807 > 0 && history(3).mean(rows()) > 0.0",
	} {
		if f := verdictOf(t, env, rows, 1, Rule{Check: Expect(text)}); f.Verdict != pipeline.ErrorVerdict || !f.Blocks() {
			t.Errorf("%s: %s, blocks: %t (%v)", text, f.Verdict, f.Blocks(), f.Detail)
		}
	}
}

// on_empty is about rows that are not there, not about rules that can't be judged.
func TestOnEmptyHidesNoError(t *testing.T) {
	env := testEnv(t)
	past := &pipeline.Manifest{Partition: "2026-01-14", Version: 1, Metrics: map[string]json.RawMessage{"rows()": json.RawMessage(`{"rows": 1`)}}
	none := numbersIn(env)
	defer none.Release()
	for _, policy := range []OnEmpty{EmptyPasses, EmptySkips, EmptyFails} {
		f := verdictOf(t, env, none, 1, Rule{Check: Expect("rows() <= history(1).mean(rows())"), OnEmpty: policy}, past)
		if f.Verdict != pipeline.ErrorVerdict || !f.Blocks() {
			t.Errorf("%s: %s, blocks: %t", policy, f.Verdict, f.Blocks())
		}
	}
}

// A summary of past values that can't be read is an error, and not null.
func TestPastErrorsAreErrors(t *testing.T) {
	for _, f := range summaryFuncs {
		if len(f.Params) > f.Optional {
			continue
		}
		if got, is := f.of([]any{errValues}, nil).(error); !is {
			t.Errorf("%s of an error is %v", f.Name, got)
		}
	}
}

// A share is that of the numbers as they are written.
func TestSharesAreExact(t *testing.T) {
	for percent := range 101 {
		for _, by := range []int64{1, 10, 100} {
			tolerance, err := ParseTolerance(fmt.Sprintf("%g%%", float64(percent)/float64(by)))
			if err != nil {
				t.Fatal(err)
			}
			if tested := 100 * by; !tolerance.allows(int64(percent), tested) || tolerance.allows(int64(percent)+1, tested) {
				t.Errorf("%s of %d: %d allowed: %t, one more: %t", tolerance, tested, percent,
					tolerance.allows(int64(percent), tested), tolerance.allows(int64(percent)+1, tested))
			}
		}
	}
	for _, p := range []float64{0, 0.5, 1} {
		if !Share(p).allows(0, 0) {
			t.Errorf("no row of none is more than %v", p)
		}
	}
	if text := Share(0.29).expected(100); text != "at most 29% (29 rows)" {
		t.Error(text)
	}
}

// What is unique in each group is so also where the group is null.
func TestUniqueByNull(t *testing.T) {
	env := testEnv(t)
	rows := batch(t, env.Alloc, testSchema, `[
		{"id": 1, "country": null}, {"id": 1, "country": null}, {"id": 1, "country": "uk"}, {"id": 2, "country": "uk"}]`)
	defer rows.Release()
	got := judgeAll(t, env, Of(Rule{Check: Unique("id"), By: []string{"country"}}), rows).findings[0]
	if got.Verdict != pipeline.Fail || got.RowsFailed != 2 || got.RowsTested != 4 {
		t.Errorf("%s, %d of %d failed", got.Verdict, got.RowsFailed, got.RowsTested)
	}
	if what := (Rule{Check: Unique("id"), Severity: pipeline.Block, By: []string{"country"}, AtMost: Share(0.1)}).problem(); what == "" {
		t.Error("a share of all rows stands for one of each group")
	}
}

// A group is one group, however its value is written.
func TestGroupsOfOneValue(t *testing.T) {
	env := testEnv(t)
	schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Float64}, {Name: "s", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	b := array.NewRecordBuilder(env.Alloc, schema)
	b.Field(0).(*array.Float64Builder).AppendValues([]float64{0, math.Copysign(0, -1), 0, 0, math.NaN(), math.NaN()}, nil)
	b.Field(1).(*array.StringBuilder).AppendValues([]string{"\xff", "\xfe", "null", "", "", "a\"b"}, nil)
	rows := b.NewRecordBatch()
	b.Release()
	defer rows.Release()
	for _, unit := range []int64{1, 6} {
		for by, want := range map[string]int64{"x": 2, "s": 5} {
			if f := verdictOf(t, env, rows, unit, Rule{Check: Expect("rows() > 0"), By: []string{by}}); f.GroupsJudged != want {
				t.Errorf("by %s in units of %d: %d groups, want %d", by, unit, f.GroupsJudged, want)
			}
		}
	}
}

// What is absent from a parent is looked up in it, however little memory there is.
func TestAbsentFromALargeParent(t *testing.T) {
	var text strings.Builder
	for i := range 500 {
		fmt.Fprintf(&text, `{"code": "c%d"},`, i)
	}
	for _, memory := range []int64{1 << 30, 1 << 10} {
		env := testEnv(t)
		env.Memory, env.Temp = pipeline.NewBudget(memory), t.TempDir()
		b, err := Of(Rule{Check: AbsentFrom("country", "countries", "code")}).Bind(testSchema, pipeline.Surroundings{Inputs: func(string) *arrow.Schema { return countrySchema }})
		if err != nil {
			t.Fatal(err)
		}
		parent := batch(t, env.Alloc, countrySchema, "["+strings.TrimSuffix(text.String(), ",")+"]")
		court, err := b.Open(t.Context(), pipeline.Hearing{Env: env, Lookups: []pipeline.Lookup{{Reader: pipeline.Batches(parent)}}})
		if err != nil {
			t.Fatal(err)
		}
		w := court.Unit(pipeline.Unit{Name: "rows", Env: env})
		values := batch(t, env.Alloc, countrySchema, `[{"code": "c7"}]`)
		k := pipeline.Facts{Values: values.Column(0), HasNulls: true}
		doubt := w.Know(t.Context(), &pipeline.Known{
			Rows: 3, Facts: func(int) pipeline.Facts { return pipeline.Facts{} },
			ByDictionary: func(int) (pipeline.Facts, int64) { return k, 0 }, Bytes: func(int) int64 { return 0 },
		})
		values.Release()
		if !doubt.Any {
			t.Errorf("with %d bytes of memory: there is no doubt of a value that is there", memory)
		}
		court.(interface{ Close() error }).Close()
	}
}

// Exact numbers that do not fit are an error, and no number of outliers.
func TestOutliersWithoutMemory(t *testing.T) {
	values := slices.Repeat([]float64{1, 2, 3, 4, 1000}, 40)
	for _, memory := range []int64{0, 1, 8, 64, 400, 1592} {
		for _, unit := range []int64{1, 7, 200} {
			for _, text := range []string{"outliers(x, 1) <= 5", "iqr_outliers(x, 1) <= 5", "median(x) < 2.5 || true == false", "!(quantile(x, 0.9) > 5.0)", "!(outliers(x, 1) > 5)"} {
				env := testEnv(t)
				rows := numbersIn(env, values...)
				env.Memory = pipeline.NewBudget(memory)
				b, err := Of(Rule{Name: "r", Check: Expect(text)}).Bind(doubleSchema, pipeline.Surroundings{})
				if err != nil {
					t.Fatal(err)
				}
				court, err := b.Open(t.Context(), pipeline.Hearing{Env: env}) // exact from the start
				if err != nil {
					t.Fatal(err)
				}
				for at := int64(0); at < rows.NumRows(); at += unit {
					part := rows.NewSlice(at, min(at+unit, rows.NumRows()))
					w := court.Unit(pipeline.Unit{Env: env})
					if _, err := w.Observe(t.Context(), part, nil); err != nil {
						t.Fatal(err)
					}
					part.Release()
					if err := court.Merge(w); err != nil {
						t.Fatal(err)
					}
				}
				rows.Release()
				j, err := court.Judge(t.Context(), nil)
				if err == nil && j.Findings[0].Verdict.Passes() {
					t.Errorf("%s with %d bytes in units of %d: %s (%s)", text, memory, unit, j.Findings[0].Verdict, j.Findings[0].Observed)
				}
			}
		}
	}
}

// A range that has no end is none.
func TestRangesOfNaN(t *testing.T) {
	env := testEnv(t)
	b := array.NewRecordBuilder(env.Alloc, doubleSchema)
	for _, r := range [][2]float64{{1, 4}, {math.NaN(), 2}, {2, 3}, {5, math.NaN()}} {
		b.Field(0).(*array.Float64Builder).Append(r[0])
		b.Field(1).AppendNull()
		b.Field(2).(*array.Float64Builder).Append(r[1])
	}
	rows := b.NewRecordBatch()
	b.Release()
	defer rows.Release()
	if f := verdictOf(t, env, rows, 1, Rule{Check: Expect("overlaps(x, y) == 3")}); f.Verdict != pipeline.Pass {
		t.Errorf("%s (%s)", f.Verdict, f.Observed)
	}
}

// What is stored decides only if rows can have given it, and only as long as it is true.
func TestStoredTalliesThatDecideNothing(t *testing.T) {
	env := testEnv(t)
	part := dayOf(t, "2026-01-15").part
	around := pipeline.Surroundings{Partition: part, Now: part.End}
	stored := func(r Rule, tally, rows string) bool {
		b, err := judge{rules: []Rule{r.withDefaults()}}.bind(testSchema, around)
		if err != nil {
			t.Fatal(err)
		}
		h := pipeline.Hearing{Env: env, Stored: map[string]json.RawMessage{r.tallyText(): json.RawMessage(tally), "rows()": json.RawMessage(rows)}}
		for _, m := range b.metrics {
			if m.text != "rows()" {
				h.Stored[m.text] = json.RawMessage(`{"rows":5,"nulls":0,"count":0}`)
			}
		}
		c, err := openCourt(t.Context(), b, h)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.storedRules[0] || len(c.metrics) > 1 && c.storedMetrics[0]
	}
	const good, rows = `{"tested":4,"failed":1,"null":1}`, `{"rows":5,"nulls":0,"count":0}`
	r := Rule{Check: Rows("amount >= 0.0")}
	if !stored(r, good, rows) || !stored(Rule{Check: Expect("count_if(amount > 0.0) == 0")}, good, rows) {
		t.Error("what is stored is of no use at all")
	}
	for _, tally := range []string{
		`{}`, `null`, `[]`, `{"tested":4`, `{"tested":4,"failed":0}`, `{"tested":4,"failed":0,"null":1,"more":0}`, `{"rows":4,"failed":0,"null":1}`,
		`{"tested":4,"failed":-1,"null":1}`, `{"tested":4,"failed":5,"null":1}`, `{"tested":-4,"failed":-4,"null":9}`, `{"tested":6,"failed":0,"null":-1}`,
		`{"tested":3,"failed":0,"null":1}`, `{"tested":0,"failed":0,"null":0}`, `{"tested":9223372036854775807,"failed":0,"null":6}`, `{"tested":"NaN","failed":0,"null":1}`,
	} {
		if stored(r, tally, rows) {
			t.Errorf("%s is taken for what 5 rows gave", tally)
		}
	}
	for _, of := range []string{`{}`, `{"rows":-5,"nulls":0,"count":0}`, `{"rows":4,"nulls":0,"count":0}`, `{"rows":5,"nulls":6,"count":0}`} {
		if stored(r, good, of) {
			t.Errorf("a tally of 5 rows is taken for one of %s", of)
		}
	}
	for _, timed := range []Rule{
		{Check: Rows("day < now()")},
		{Check: Rows("day >= partition_start()")},
		{Check: Rows("amount > 0.0"), Where: "day < partition_end()"},
		{Check: Rows("amount > 0.0 && day < now()")},
		{Check: Unique("id"), Where: "day < now()"},
		{Check: Rows("amount > 0.0"), Where: "day < now()", Else: Quarantine},
		{Check: Expect("count_if(day > now()) == 0")},
		{Check: Expect("count_if(amount > 0.0) > 0"), Where: "day < partition_end()"},
	} {
		if stored(timed, `{"tested":5,"failed":0,"null":0}`, rows) {
			t.Errorf("%v: what was true at another time decides", timed)
		}
	}
	texts := map[string]bool{}
	for _, c := range []Check{
		Accepted("email", "a", "b"), Accepted("email", "a, b"), Between("email", nil, "b"), Between("email", "null", "b"), Accepted("email", "1"), Accepted("id", 1),
		Unique("a", "b"), Unique("a, b"), NotNull("a", "b"), NotNull("a, b"), Accepted("email", "[a"), Accepted("email", `"a"`), Accepted("email", true), Accepted("email", "true"),
	} {
		text := Rule{Check: c}.tallyText()
		if texts[text] {
			t.Errorf("two checks are stored as %q", text)
		}
		texts[text] = true
	}
}

// Counts that no rows can have are refused.
func TestCountsOfNoRows(t *testing.T) {
	for text, of := range map[string]loader{
		`{"rows":-1,"nulls":0,"count":0}`:                                         &counter{},
		`{"rows":5,"nulls":6,"count":0}`:                                          &counter{},
		`{"rows":5,"nulls":0,"count":6}`:                                          &counter{},
		`{"rows":5,"nulls":3,"count":3}`:                                          &counter{},
		`{"rows":5,"distinct":6,"once":0}`:                                        &distinct{},
		`{"rows":5,"distinct":4,"once":-1}`:                                       &distinct{},
		`{"rows":5,"distinct":3,"once":4}`:                                        &distinct{},
		`{"best":"NaN"}`:                                                          &extreme{typ: arrow.PrimitiveTypes.Float64},
		`{"first":{"best":1},"last":{"best":1},"falls":-1,"rises":0,"repeats":0}`: &steps{First: extreme{typ: arrow.PrimitiveTypes.Int64}, Last: extreme{typ: arrow.PrimitiveTypes.Int64}},
		`{"groups":{"[\"a\"]":{"rows":-1,"nulls":0,"count":0}},"over":false}`:     newGrouped(&boundMetric{fn: metricNamed("rows")}, means{}),
	} {
		if err := of.UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("%T is read from %s", of, text)
		}
	}
}

// A row that can't be chosen is a verdict of its rule, and no error of the run.
func TestKeysOfRowsThatCannotBeChosen(t *testing.T) {
	env := testEnv(t)
	env.Temp = t.TempDir()
	rows := numbersIn(env, 1, 1, 0)
	defer rows.Release()
	f := verdictOf(t, env, rows, 3, Rule{Check: Unique("x"), Where: "10 / int(y) > 0"})
	if f.Verdict != pipeline.ErrorVerdict || !f.Blocks() {
		t.Errorf("%s (%s)", f.Verdict, f.Observed)
	}
}

// A sequence in steps of 2 has no gap that its ends and its length hide.
func TestSequenceOfSteps(t *testing.T) {
	env := testEnv(t)
	i := slices.IndexFunc(metricSpecs, func(s Spec) bool { return s.Name == "sequential" })
	for _, test := range []struct {
		rows  string
		step  int64
		holds bool
	}{
		{`[{"id": 0}, {"id": 1}, {"id": 4}]`, 2, false},
		{`[{"id": 0}, {"id": 2}, {"id": 4}]`, 2, true},
		{`[{"id": 3}, {"id": -1}, {"id": 1}]`, 2, true},
		{`[{"id": 7}, {"id": 8}]`, 1, true},
		{`[{"id": 7}, {"id": 9}]`, 1, false},
		{`[{"id": 5}, {"id": 5}]`, 2, false},
	} {
		c, err := metricSpecs[i].build(Pair{Column: "id", Value: test.step})
		if err != nil {
			t.Fatal(err)
		}
		rows := batch(t, env.Alloc, testSchema, test.rows)
		if f := judgeAll(t, env, Of(Rule{Check: c}), rows).findings[0]; (f.Verdict == pipeline.Pass) != test.holds {
			t.Errorf("%s in steps of %d: %s (%s)", test.rows, test.step, f.Verdict, f.Observed)
		}
		rows.Release()
	}
}
