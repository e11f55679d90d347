package gates

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/seed"
	"github.com/penstock-data/penstock/pipeline"
)

// day is rows of a day, judged beside what was published before.
type day struct {
	part pipeline.Partition
	past []*pipeline.Manifest // the latest first
}

func dayOf(t testing.TB, value string, past ...*pipeline.Manifest) day {
	t.Helper()
	part, err := pipeline.Scheme{By: pipeline.Day}.Parse(value)
	if err != nil {
		t.Fatal(err)
	}
	return day{part, past}
}

// judge judges the rows in units of so many, which can be read again.
func (d day) judge(t testing.TB, env *pipeline.Env, rows arrow.RecordBatch, unit int64, rules ...Rule) (*pipeline.Judgement, *pipeline.Manifest) {
	t.Helper()
	b, err := Of(rules...).Bind(rows.Schema(), pipeline.Surroundings{Partition: d.part, Now: d.part.End, Published: true})
	if err != nil {
		t.Fatal(err)
	}
	h := pipeline.Hearing{Env: env, Again: true, Past: iter.Seq2[*pipeline.Manifest, error](func(yield func(*pipeline.Manifest, error) bool) {
		for _, m := range d.past {
			if !yield(m, nil) {
				return
			}
		}
	})}
	if len(d.past) > 0 {
		h.Accepted = func() (*pipeline.Manifest, error) { return d.past[0], nil }
	}
	court, err := b.Open(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	for at, seq := int64(0), 0; at < rows.NumRows(); at, seq = at+unit, seq+1 {
		part := rows.NewSlice(at, min(at+unit, rows.NumRows()))
		w := court.Unit(pipeline.Unit{Seq: seq, Name: fmt.Sprintf("part-%d.csv", seq), File: fmt.Sprintf("part-%d.csv", seq), Env: env})
		_, err := w.Observe(t.Context(), part, nil)
		part.Release()
		if err != nil {
			t.Fatal(err)
		}
		if err := court.Merge(w); err != nil {
			t.Fatal(err)
		}
	}
	j, err := court.Judge(t.Context(), func(context.Context, []int) (pipeline.Reader, error) {
		rows.Retain()
		return pipeline.Batches(rows), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	m := &pipeline.Manifest{Partition: d.part.String(), Version: 1, Metrics: j.States}
	for _, f := range rows.Schema().Fields() {
		m.Schema = append(m.Schema, pipeline.SchemaField{Name: f.Name, Type: pipeline.TypeName(f.Type), Nullable: f.Nullable})
	}
	return j, m
}

var amountSchema = arrow.NewSchema([]arrow.Field{
	{Name: "region", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "amount", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
}, nil)

// amounts are rows of a region with the amounts; NaN stands for null.
func amounts(env *pipeline.Env, by map[string][]float64) arrow.RecordBatch {
	b := array.NewRecordBuilder(env.Alloc, amountSchema)
	defer b.Release()
	for _, region := range []string{"eu", "us", "asia"} {
		for _, v := range by[region] {
			b.Field(0).(*array.StringBuilder).Append(region)
			if b.Field(1); v != v {
				b.Field(1).AppendNull()
			} else {
				b.Field(1).(*array.Float64Builder).Append(v)
			}
		}
	}
	return b.NewRecordBatch()
}

// A week of ordinary days, and what rules about the past say of the next.
func TestRulesAboutThePast(t *testing.T) {
	env := testEnv(t)
	rules := []Rule{
		{Name: "rows", Check: Expect("rows() > 0")},
		{Name: "mean", Check: Expect("mean(amount) > 0.0")},
		{Name: "values", Check: Expect("size(values(region)) > 0")},
		{Name: "by", Check: Expect("mean(amount) > 0.0"), By: []string{"region"}},
	}
	var past []*pipeline.Manifest
	for i := range 14 {
		rows := amounts(env, map[string][]float64{"eu": slices.Repeat([]float64{10 + float64(i%7)}, 100+10*(i%7)), "us": {1, 2, 3}})
		_, m := dayOf(t, fmt.Sprintf("2026-01-%02d", i+1), past...).judge(t, env, rows, 50, rules...)
		rows.Release()
		past = slices.Insert(past, 0, m)
	}
	today := amounts(env, map[string][]float64{"eu": slices.Repeat([]float64{10}, 50), "asia": {5}})
	defer today.Release()
	for _, test := range []struct {
		rule Rule
		want pipeline.Verdict
	}{
		{Rule{Check: Expect("rows() > 0.5 * history(7).mean(rows())")}, pipeline.Fail},
		{Rule{Check: Expect("rows() > 0.3 * history(7).mean(rows())")}, pipeline.Pass},
		{Rule{Check: Expect("history(2, 'weekday').mean(rows()) == 103.0")}, pipeline.Pass}, // days 1 and 8
		{Rule{Check: Expect("history(7).min(rows()) == 103.0 && history(7).max(rows()) == 163.0")}, pipeline.Pass},
		{Rule{Check: Expect("history(1).last(rows()) == 163")}, pipeline.Pass},
		{Rule{Check: Expect("abs(rows() - history(14).forecast(rows(), 7)) < 10.0")}, pipeline.Fail},
		{Rule{Check: Expect("abs(103.0 - history(14).forecast(rows(), 7)) < 10.0")}, pipeline.Pass},
		{Rule{Check: Expect("values(region).all(v, v in history(3).all(values(region)))")}, pipeline.Fail},
		{Rule{Check: Expect("values(region).all(v, v in ['eu', 'asia'])")}, pipeline.Pass},
		{Rule{Check: Expect("history(7).psi(region) < 0.05")}, pipeline.Fail},
		{Rule{Check: Expect("rows() > history(20).mean(rows())")}, pipeline.InsufficientHistory},
		{Rule{Check: Expect("rows() > history(20).mean(rows())"), ShortHistory: ShortHistoryBlocks}, pipeline.InsufficientHistory},
		{Rule{Check: Expect("max(amount) > history(1).last(max(amount))")}, pipeline.InsufficientHistory}, // never computed before
		{Rule{Check: Expect("mean(amount) > history(3).mean(mean(amount)) - 100.0"), By: []string{"region"}}, pipeline.NoData},
	} {
		rule := test.rule
		rule.Name = "r"
		j, _ := dayOf(t, "2026-01-15", past...).judge(t, env, today, 20, rule)
		f := j.Findings[0]
		if f.Verdict != test.want {
			t.Errorf("%s: %s (%s, %v), want %s", rule.Check, f.Verdict, f.Observed, f.Detail, test.want)
		}
		if short := f.Verdict == pipeline.InsufficientHistory; short && f.Blocks() != (rule.ShortHistory == ShortHistoryBlocks) {
			t.Errorf("%s: blocks: %t", rule.Check, f.Blocks())
		}
	}
	past[0].Metrics["rows()"] = json.RawMessage(`{"rows": 1`)
	j, _ := dayOf(t, "2026-01-15", past...).judge(t, env, today, 20, Rule{Name: "r", Check: Expect("rows() < 10 * history(2).mean(rows())")})
	if f := j.Findings[0]; f.Verdict != pipeline.ErrorVerdict {
		t.Errorf("a corrupt state of the past: %s", f.Verdict)
	}
}

// What is approximate decides nothing that the exact numbers would decide otherwise.
func TestApproximationsDecideExactly(t *testing.T) {
	r := rand.New(rand.NewPCG(seed.For(t), 0))
	env := testEnv(t)
	again := 0
	for range 12 {
		n := 5000 + r.IntN(20_000)
		values := make([]float64, n)
		for i := range values {
			if values[i] = math.Round(r.NormFloat64()*100) / 4; r.IntN(50) == 0 {
				values[i] = 1000 * r.Float64()
			}
		}
		rows := amounts(env, map[string][]float64{"eu": values})
		sorted := slices.Sorted(slices.Values(values))
		at := func(q float64) float64 { return sorted[max(0, int(math.Ceil(q*float64(n)))-1)] }
		distinct := len(slices.Compact(slices.Clone(sorted)))
		mean, sd := meanOf(values), stddevOf(values).(float64)
		out := 0
		for _, v := range values {
			if v < mean-2*sd || v > mean+2*sd {
				out++
			}
		}
		var rules []Rule
		want := map[string]bool{}
		add := func(holds bool, format string, args ...any) {
			name := fmt.Sprintf("r%d", len(rules))
			rules, want[name] = append(rules, Rule{Name: name, Check: Expect(fmt.Sprintf(format, args...))}), holds
		}
		for range 6 {
			q := math.Round(r.Float64()*1000) / 1000
			limit := at(q) + (r.Float64()-0.5)*[]float64{0.01, 1, 100}[r.IntN(3)]
			add(at(q) < limit, "quantile(amount, %v) < %v", q, doubleText(limit))
			add(math.Abs(at(q)-limit) > 0.25, "abs(quantile(amount, %v) - %v) > 0.25", q, doubleText(limit))
		}
		add(at(0.5) == sorted[n/2], "median(amount) == %s", doubleText(sorted[n/2]))
		for d := -2; d <= 2; d++ {
			add(distinct > distinct+d, "approx_distinct(amount) > %d", distinct+d)
			add(out <= out+d, "outliers(amount, 2) <= %d", out+d)
		}
		j, _ := dayOf(t, "2026-01-01").judge(t, env, rows, 3000, rules...)
		for _, f := range j.Findings {
			if (f.Verdict == pipeline.Pass) != want[f.Name] || f.Verdict != pipeline.Pass && f.Verdict != pipeline.Fail {
				t.Errorf("%s: %s (%s), want %t", f.Rule, f.Verdict, f.Observed, want[f.Name])
			}
			if f.DecidedBy == exactRung.String() {
				again++
			}
		}
		rows.Release()
	}
	if again == 0 {
		t.Error("nothing was decided by a second scan")
	}
}

// A statement that fails names the file without which it would hold.
func TestBlame(t *testing.T) {
	env := testEnv(t)
	null := math.NaN()
	values := slices.Repeat([]float64{1}, 100)
	for i := 40; i < 50; i++ {
		values[i] = null
	}
	values[71], values[99] = -1, 5
	rows := amounts(env, map[string][]float64{"eu": values})
	defer rows.Release()
	j, _ := dayOf(t, "2026-01-01").judge(t, env, rows, 10,
		Rule{Name: "nulls", Check: Expect("null_share(amount) < 0.01")}, Rule{Name: "max", Check: Expect("max(amount) < 3.0")},
		Rule{Name: "rows", Check: Expect("rows() > 1000")}, Rule{Name: "positive", Check: Rows("amount > 0.0"), AtMost: Share(0.001)},
		Rule{Name: "even", Check: Rows("amount < 0.0")},
	)
	want := map[string]string{
		"nulls": `[{part-4.csv 10 10 null_share(amount) = 0 true}]`, "max": `[{part-9.csv 0 0 max(amount) = 1 true}]`,
		"rows": `[]`, "positive": `[{part-7.csv 1 1 0% true}]`, "even": `[]`,
	}
	for _, f := range j.Findings {
		if got := fmt.Sprint(f.Blame); got != want[f.Name] {
			t.Errorf("%s: %s", f.Name, got)
		}
	}
}

// Groups are judged one by one, and two thresholds tell a warning from a failure.
func TestGroupsAndThresholds(t *testing.T) {
	env := testEnv(t)
	rows := amounts(env, map[string][]float64{"eu": {1, 2, 3, -1}, "us": {5, 6, 7, 8}, "asia": {math.NaN()}})
	defer rows.Release()
	for _, test := range []struct {
		rule   Rule
		want   pipeline.Verdict
		groups string
	}{
		{Rule{Check: Expect("mean(amount) > 3.0"), By: []string{"region"}}, pipeline.Fail, "[{region=eu fail mean(amount) = 1.25} {region=asia no_data mean(amount) = null}]"},
		{Rule{Check: Expect("rows() >= 1"), By: []string{"region"}}, pipeline.Pass, "[]"},
		{Rule{Check: Rows("amount > 0.0"), By: []string{"region"}, AtMost: Share(0.2)}, pipeline.Fail, "[{region=eu fail 1 of 4 rows failed (25%)}]"},
		{Rule{Check: Rows("amount > 0.0"), By: []string{"region"}, AtMost: Share(0.5), WarnAt: Share(0.2)}, pipeline.Warn, "[{region=eu warn 1 of 4 rows failed (25%)}]"},
		{Rule{Check: Rows("amount > 0.0"), AtMost: Count(2), WarnAt: Count(0)}, pipeline.Warn, "[]"},
		{Rule{Check: Rows("amount > 0.0"), AtMost: Count(2), WarnAt: Count(1)}, pipeline.Pass, "[]"},
		{Rule{Check: Warning("mean(amount) > 1.0", "mean(amount) > 10.0")}, pipeline.Warn, "[]"},
		{Rule{Check: Warning("mean(amount) > 5.0", "mean(amount) > 10.0")}, pipeline.Fail, "[]"},
		{Rule{Check: Unique("amount"), By: []string{"region"}}, pipeline.Pass, "[]"},
		{Rule{Check: AnyOf(Rows("amount > 0.0"), Rows("amount < 10.0"))}, pipeline.Pass, "[]"},
		{Rule{Check: AllOf(Rows("amount > 0.0"), Rows("amount < 10.0"))}, pipeline.Fail, "[]"},
		{Rule{Check: NoneOf(Rows("amount > 0.0"), Rows("amount > 10.0"))}, pipeline.Pass, "[]"},
		{Rule{Check: NoneOf(Expect("rows() == 0"), Expect("min(amount) / 0.0 > 1.0"))}, pipeline.NoData, "[]"},
		{Rule{Check: Expect("nulls(amount) / rows() > 0.1")}, pipeline.Pass, "[]"}, // a share, and not 0
	} {
		rule := test.rule
		rule.Name = "r"
		j, _ := dayOf(t, "2026-01-01").judge(t, env, rows, 2, rule)
		f := j.Findings[0]
		if f.Verdict != test.want || len(f.ByGroup) > 0 != (test.groups != "[]") || fmt.Sprint(f.ByGroup) != test.groups && test.groups != "[]" {
			t.Errorf("%v: %s (%s, %v) %v, want %s %s", rule, f.Verdict, f.Observed, f.Detail, f.ByGroup, test.want, test.groups)
		}
	}
}

// A contract compares with what was published last.
func TestDrift(t *testing.T) {
	env := testEnv(t)
	rows := amounts(env, map[string][]float64{"eu": {1}})
	defer rows.Release()
	was := func(fields ...pipeline.SchemaField) *pipeline.Manifest {
		return &pipeline.Manifest{Partition: "2026-01-01", Version: 3, Schema: fields}
	}
	region := pipeline.SchemaField{Name: "region", Type: "string", Nullable: true}
	amount := pipeline.SchemaField{Name: "amount", Type: "float64", Nullable: true}
	narrow := pipeline.SchemaField{Name: "amount", Type: "float32", Nullable: true}
	for _, test := range []struct {
		past *pipeline.Manifest
		want map[Drift]pipeline.Verdict
		diff string
	}{
		{was(region, amount), map[Drift]pipeline.Verdict{DriftFails: "pass", DriftEvolves: "pass", DriftIgnored: "pass"}, "[]"},
		{was(region), map[Drift]pipeline.Verdict{DriftFails: "fail", DriftEvolves: "pass", DriftIgnored: "pass"}, "[+ amount float64]"},
		{was(region, narrow), map[Drift]pipeline.Verdict{DriftFails: "fail", DriftEvolves: "pass", DriftIgnored: "pass"}, "[~ amount float32 → float64]"},
		{was(region, amount, pipeline.SchemaField{Name: "x", Type: "int64"}), map[Drift]pipeline.Verdict{DriftFails: "fail", DriftEvolves: "fail", DriftIgnored: "pass"}, "[- x int64]"},
		{was(amount, region), map[Drift]pipeline.Verdict{DriftFails: "fail", DriftEvolves: "fail", DriftIgnored: "pass"}, "[~ amount stands in another place]"},
	} {
		for policy, want := range test.want {
			j, _ := dayOf(t, "2026-01-02", test.past).judge(t, env, rows, 1, Rule{Name: "r", Check: Contracted(Contract{Drift: policy})})
			f := j.Findings[0]
			if f.Verdict != want || policy == DriftIgnored && fmt.Sprint(f.Detail) != test.diff {
				t.Errorf("%s: %s %v, want %s %s", policy, f.Verdict, f.Detail, want, test.diff)
			}
		}
	}
}

// A day that was not published does not shift the season of a forecast.
func TestForecastOverAGap(t *testing.T) {
	env := testEnv(t)
	rule := Rule{Name: "r", Check: Expect("abs(rows() - history(14).forecast(rows(), 7)) < 50.0")}
	of := func(n int) arrow.RecordBatch {
		return amounts(env, map[string][]float64{"eu": slices.Repeat([]float64{1}, n)})
	}
	var past []*pipeline.Manifest
	for i := 1; i <= 30; i++ {
		value := fmt.Sprintf("2026-03-%02d", i)
		d := dayOf(t, value, past...)
		n := 300
		if wd := d.part.Start.Weekday(); wd == 0 || wd == 6 {
			n = 100
		}
		for _, rows := range []int{400 - n, n} { // a bad day, and the day as it was
			b := of(rows)
			j, m := d.judge(t, env, b, 1000, rule)
			b.Release()
			f := j.Findings[0]
			if want := rows == n; i > 15 && (f.Verdict == pipeline.Pass) != want {
				t.Errorf("%s, %d rows: %s (%s)", value, rows, f.Verdict, f.Observed)
			}
			if rows == n && i != 20 { // the 20th was never published
				past = slices.Insert(past, 0, m)
			}
		}
	}
}

// What was decided exactly is stored as it is always stored, and an approved outlier is no
// measure for the days that follow.
func TestHistoryOfWhatWasDecidedExactly(t *testing.T) {
	env := testEnv(t)
	values := make([]float64, 6000)
	for i := range values {
		values[i] = float64(i)
	}
	rows := amounts(env, map[string][]float64{"eu": values})
	defer rows.Release()
	exact := Rule{Name: "exact", Check: Expect("approx_distinct(amount) <= 6000 && quantile(amount, 0.5) <= 3000.0")}
	after := Rule{Name: "after", Check: Expect("approx_distinct(amount) < 2 * history(1).last(approx_distinct(amount)) && quantile(amount, 0.5) < 2.0 * history(1).last(quantile(amount, 0.5))")}
	j, m := dayOf(t, "2026-01-01").judge(t, env, rows, 1000, exact)
	if f := j.Findings[0]; f.Verdict != pipeline.Pass || f.DecidedBy != exactRung.String() {
		t.Fatalf("%s by %s", f.Verdict, f.DecidedBy)
	}
	j, _ = dayOf(t, "2026-01-02", m).judge(t, env, rows, 1000, after)
	if f := j.Findings[0]; f.Verdict != pipeline.Pass {
		t.Errorf("%s: %v", f.Verdict, f.Detail)
	}
	m.Findings = []pipeline.Finding{{Measures: []string{"approx_distinct(amount)"}, Verdict: pipeline.Fail, Approved: &pipeline.Approval{}}}
	j, _ = dayOf(t, "2026-01-02", m).judge(t, env, rows, 1000, after)
	if f := j.Findings[0]; f.Verdict != pipeline.InsufficientHistory {
		t.Errorf("beside an approved outlier: %s", f.Verdict)
	}
}

// Values of rows are told only where they may be.
func TestValuesAreWithheld(t *testing.T) {
	env := testEnv(t)
	rows := amounts(env, map[string][]float64{"eu": {1, 1}, "us": {2, 2}})
	defer rows.Release()
	rules := []Rule{
		{Name: "values", Check: Expect("values(region) == ['eu']")},
		{Name: "max", Check: Expect("max(region) == 'eu'")},
		{Name: "top", Check: Expect("top(region, 1) == ['us']")},
	}
	want := []string{"values(region) = 2 values", "max(region) = a text", "top(region, 1) = 1 value"}
	for _, show := range []bool{false, true} {
		env.ShowValues = show
		j, _ := dayOf(t, "2026-01-01").judge(t, env, rows, 10, rules...)
		for i, f := range j.Findings {
			if f.Verdict != pipeline.Fail || (f.Observed == want[i]) == show {
				t.Errorf("%s, shown %t: %s %s", f.Name, show, f.Verdict, f.Observed)
			}
		}
	}
}
