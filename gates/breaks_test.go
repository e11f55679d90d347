package gates

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/pipeline"
)

// breakRow is a row of a ledger of breaks.
type breakRow struct {
	ID      int64    `json:"id"`
	State   *string  `json:"state"`
	Cleared *string  `json:"cleared"`
	Age     *int64   `json:"age_days"`
	Cause   *string  `json:"cause"`
	Delta   *string  `json:"delta"`
	Cents   *int64   `json:"cents"`
	Share   *float64 `json:"share"`
}

var breakSchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "state", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "cleared", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "age_days", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
	{Name: "cause", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "delta", Type: &arrow.Decimal128Type{Precision: 38, Scale: 2}, Nullable: true},
	{Name: "cents", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "share", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
}, nil)

const night = "2026-01-15"

func randomBreaks(r *rand.Rand) (rows []breakRow) {
	for id := range int64(r.IntN(40)) {
		text := func(of ...string) *string {
			if i := r.IntN(len(of) + 1); i < len(of) {
				return &of[i]
			}
			return nil
		}
		row := breakRow{
			ID: id, State: text("new", "open", "changed", "reopened", "accepted", "cleared"), Cause: text("sign", "late"),
			Cleared: text(night, "2026-01-14"),
		}
		if n := r.Int64N(80); n > 9 {
			row.Age = &n
		}
		if cents := r.Int64N(40000) - 20000; cents%7 != 0 {
			share, delta := float64(cents)/128, fmt.Sprintf("%d.%02d", cents/100, max(cents%100, -cents%100))
			if cents < 0 && cents > -100 {
				delta = "-" + delta
			}
			row.Cents, row.Share, row.Delta = &cents, &share, &delta
		}
		rows = append(rows, row)
	}
	return rows
}

func is(text *string, of ...string) bool { return text != nil && slices.Contains(of, *text) }

func (b breakRow) open() bool { return is(b.State, "new", "open", "changed", "reopened") }

// breakMetric is a metric of breaks, the same spelled out, and the rows that it is of.
type breakMetric struct {
	call, spelled string
	of            func(b breakRow) bool
}

const openIn = `state in ["new", "open", "changed", "reopened"]`

var breakCounts = []breakMetric{
	{"breaks.new()", `count_if(state in ["new", "reopened"])`, func(b breakRow) bool { return is(b.State, "new", "reopened") }},
	{"breaks.new(abs(delta) > 100.0)", `count_if(state in ["new", "reopened"] && abs(delta) > 100.0)`, func(b breakRow) bool {
		return is(b.State, "new", "reopened") && b.Cents != nil && (*b.Cents > 10000 || *b.Cents < -10000)
	}},
	{"breaks.new(delta == null || abs(delta) > 100.0)", `count_if(state in ["new", "reopened"] && (delta == null || abs(delta) > 100.0))`, func(b breakRow) bool {
		return is(b.State, "new", "reopened") && (b.Cents == nil || *b.Cents > 10000 || *b.Cents < -10000)
	}},
	{`breaks.open()`, "count_if(" + openIn + ")", breakRow.open},
	{`breaks.open(cause == "sign" || cents > 0)`, "count_if(" + openIn + ` && (cause == "sign" || cents > 0))`, func(b breakRow) bool {
		return b.open() && (is(b.Cause, "sign") || b.Cents != nil && *b.Cents > 0)
	}},
	{"breaks.older_than(30)", "count_if(" + openIn + " && (age_days == null || age_days > 30))", func(b breakRow) bool { return b.open() && (b.Age == nil || *b.Age > 30) }},
	{"breaks.older_than(0, share < 0.5)", "count_if(" + openIn + " && (age_days == null || age_days > 0) && share < 0.5)", func(b breakRow) bool {
		return b.open() && (b.Age == nil || *b.Age > 0) && b.Share != nil && *b.Share < 0.5
	}},
	{"breaks.cleared()", `count_if(state == "cleared" && cleared == "` + night + `")`, func(b breakRow) bool { return is(b.State, "cleared") && is(b.Cleared, night) }},
	{`breaks.cleared(cause == "late")`, `count_if(state == "cleared" && cleared == "` + night + `" && cause == "late")`, func(b breakRow) bool {
		return is(b.State, "cleared") && is(b.Cleared, night) && is(b.Cause, "late")
	}},
	{"breaks.accepted()", `count_if(state == "accepted")`, func(b breakRow) bool { return is(b.State, "accepted") }},
}

// Each counts what its rows are, by Go, and what the same says spelled out: of all rows, of some,
// and by group.
func TestBreaksAreCountedAsSpelledOut(t *testing.T) {
	env, counted := testEnv(t), 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 3))
		rows := randomBreaks(r)
		text, err := json.Marshal(rows)
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) == 0 {
			text = []byte("[]")
		}
		b := batch(t, env.Alloc, breakSchema, string(text))
		var rules []Rule
		var cents int64
		for i, m := range breakCounts {
			n, late := 0, 0
			for _, row := range rows {
				if m.of(row) {
					n++
					if is(row.Cause, "late") {
						late++
					}
				}
			}
			counted += n
			same := fmt.Sprintf("%s == %s", m.call, m.spelled)
			rules = append(rules,
				Rule{Name: fmt.Sprint("n", i), Check: Expect(fmt.Sprintf("%s && %s == %d", same, m.call, n))},
				Rule{Name: fmt.Sprint("where", i), Where: `cause == "late"`, Check: Expect(fmt.Sprintf("%s && %s == %d", same, m.call, late))},
				Rule{Name: fmt.Sprint("by", i), By: []string{"cause"}, Check: Expect(same)},
			)
		}
		for _, row := range rows {
			if row.open() && row.Cents != nil {
				cents += max(*row.Cents, -*row.Cents)
			}
		}
		sums := fmt.Sprintf(`breaks.sum(abs(cents)) == %d && breaks.sum(abs(delta)) * decimal("100") == decimal("%d") && breaks.sum(abs(share)) * 128.0 == %d.0`, cents, cents, cents)
		rules = append(rules,
			Rule{Name: "sums", Check: Expect(sums)},
			Rule{Name: "chosen", Check: Expect(`breaks.sum(cents, cause == "late") == coalesce(sum(` + openIn + ` && cause == "late" ? cents : 0), 0)`)})
		unit := int64(1 + r.IntN(20))
		j, _ := dayOf(t, night).judge(t, env, b, unit, rules...)
		b.Release()
		for i, f := range j.Findings {
			if f.Verdict != pipeline.Pass && !(len(rules[i].By) > 0 && len(rows) == 0) {
				t.Errorf("seed %d: %v: %s, %s %v", seed, rules[i].Check, f.Verdict, f.Observed, f.Detail)
			}
		}
	}
	if counted < 1000 {
		t.Errorf("only %d breaks were counted", counted)
	}
}

// What people see is what they wrote; what is stored is that of the statement spelled out, so that
// its past is the same.
func TestBreaksAreStoredAsSpelledOut(t *testing.T) {
	env := testEnv(t)
	state := "new"
	text, _ := json.Marshal([]breakRow{{State: &state}})
	b := batch(t, env.Alloc, breakSchema, string(text))
	defer b.Release()
	j, _ := dayOf(t, night).judge(t, env, b, 10,
		Rule{Name: "sugar", Check: Expect("breaks.new( abs(delta)>1.0 ) == 1")},
		Rule{Name: "spelled", Check: Expect(`count_if(state in ["new", "reopened"] && abs(delta) > 1.0) == 1`)})
	if got := j.Findings[0].Observed; got != "breaks.new(abs(delta) > 1.0) = 0" || j.Findings[0].Verdict != pipeline.Fail {
		t.Errorf("observed %s", got)
	}
	if len(j.States) != 2 || j.States["rows()"] == nil || j.States[`count_if(state in ["new", "reopened"] && abs(delta) > 1.0)`] == nil {
		t.Errorf("stored are %v", j.States)
	}
}

// A rule may ask for the past of breaks, of which that of the partition is its own.
func TestBreaksOfThePast(t *testing.T) {
	env := testEnv(t)
	rowsOf := func(day string, states ...string) arrow.RecordBatch {
		var rows []breakRow
		for i := range states {
			rows = append(rows, breakRow{State: &states[i], Cleared: &day})
		}
		text, _ := json.Marshal(rows)
		return batch(t, env.Alloc, breakSchema, string(text))
	}
	rule := Rule{Name: "r", Check: Expect("breaks.open() <= 2 * history(2).mean(breaks.open()) && breaks.cleared() == history(1).last(breaks.cleared())")}
	var past []*pipeline.Manifest
	for day, states := range map[string][]string{"2026-01-13": {"open", "new"}, "2026-01-14": {"new", "open", "open", "changed", "cleared"}} {
		b := rowsOf(day, states...)
		_, m := dayOf(t, day).judge(t, env, b, 10, rule)
		b.Release()
		past = append(past, m)
	}
	slices.SortFunc(past, func(a, b *pipeline.Manifest) int { return strings.Compare(b.Partition, a.Partition) })
	for n, want := range map[int]pipeline.Verdict{6: pipeline.Pass, 7: pipeline.Fail} {
		b := rowsOf(night, append(slices.Repeat([]string{"open"}, n), "cleared")...)
		j, _ := dayOf(t, night, past...).judge(t, env, b, 10, rule)
		b.Release()
		if f := j.Findings[0]; f.Verdict != want {
			t.Errorf("%d open: %s, %s %v", n, f.Verdict, f.Observed, f.Detail)
		}
	}
}

// Mistakes are told when a rule is typed.
func TestMistakesWithBreaks(t *testing.T) {
	inputs := func(name string) *arrow.Schema {
		return map[string]*arrow.Schema{"ledger": breakSchema, "orders": doubleSchema}[name]
	}
	ages := arrow.NewSchema([]arrow.Field{{Name: "state", Type: arrow.BinaryTypes.String}, {Name: "age_days", Type: arrow.BinaryTypes.String}}, nil)
	numbers := arrow.NewSchema([]arrow.Field{{Name: "state", Type: arrow.PrimitiveTypes.Int64}}, nil)
	for _, c := range []struct {
		text   string
		schema *arrow.Schema
		want   string // empty: none
	}{
		{`breaks.new("ledger") == 0 && breaks.sum("ledger", delta, age_days > 3) < 5`, doubleSchema, ""},
		{`breaks.older_than("ledger", 3) == 0`, doubleSchema, ""},
		{`breaks.nwe() == 0`, breakSchema, `unknown metric "breaks.nwe"; did you mean "breaks.new"?`},
		{`breaks.total() == 0`, breakSchema, `unknown metric "breaks.total"; known are breaks.new, breaks.open, breaks.older_than, breaks.cleared, breaks.accepted, breaks.sum`},
		{`breaks.open == 0`, breakSchema, `breaks.open is a metric, and is called: breaks.open()`},
		{`breaks.opn == 0`, breakSchema, `unknown metric "breaks.opn"; did you mean "breaks.open"?`},
		{`braeks.new() == 0`, breakSchema, `unknown metric "braeks"; did you mean "breaks"?`},
		{`breaks.new() == 0`, doubleSchema, `breaks.new is of the rows of a ledger of breaks, and there is no column "state" here; put the rule on the stage that makes them, or name that: breaks.new("STAGE")`},
		{`breaks.new("orders") == 0`, breakSchema, `there is no column "state" here`},
		{`breaks.new("others") == 0`, breakSchema, `"others" is no input that can be asked`},
		{`breaks.older_than(3) == 0`, ages, `breaks.older_than is of the rows of a ledger of breaks, and column "age_days" is a string here, not a whole number`},
		{`breaks.open() == 0`, numbers, `column "state" is a int64 here, not a text`},
		{`breaks.cleared() == 0`, ages, `there is no column "cleared" here`},
		{`breaks.new(delta) == 0`, breakSchema, `breaks.new wants a condition, delta is a decimal(38, 2)`},
		{`breaks.new(detla > 3) == 0`, breakSchema, `unknown column "detla"; did you mean "delta"?`},
		{`breaks.new(cause == "missng") == 0`, breakSchema, `unknown cause "missng"; did you mean "missing"?`},
		{`breaks.new("late" != cause && delta > 3) == 0`, breakSchema, ""},
		{`breaks.open(cause in ["late", "dup"]) == 0`, breakSchema, `unknown cause "dup"`},
		{`breaks.sum(delta, state == "nwe") == 0`, breakSchema, `unknown state "nwe"; did you mean "new"?`},
		{`breaks.sum(cause == "sgin" ? cents : 0) == 0`, breakSchema, `unknown cause "sgin"; did you mean "sign"?`},
		{`breaks.older_than() == 0`, breakSchema, `breaks.older_than takes 1 to 2 arguments, found 0`},
		{`breaks.older_than(-1) == 0`, breakSchema, `breaks.older_than wants a whole number here, written out`},
		{`breaks.older_than(1.5) == 0`, breakSchema, `breaks.older_than wants a whole number here, written out`},
		{`breaks.older_than(cents) == 0`, breakSchema, `breaks.older_than wants a whole number here, written out`},
		{`breaks.sum() == 0`, breakSchema, `breaks.sum takes 1 to 2 arguments, found 0`},
		{`breaks.sum(cause) == 0`, breakSchema, `breaks.sum wants a number, cause is a `},
		{`breaks.open() > "x"`, breakSchema, `no matching overload`},
	} {
		_, err := Of(Rule{Name: "r", Check: Expect(c.text)}).Bind(c.schema, pipeline.Surroundings{Inputs: inputs})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %s", c.text, err, c.want)
		}
	}
	if got := Of(Rule{Check: Expect(`breaks.new("ledger", cents > 1) == 0 && breaks.older_than("other", 3) == 0`)}).Inputs(); !slices.Equal(slices.Sorted(slices.Values(got)), []string{"ledger", "other"}) {
		t.Errorf("it asks %v", got)
	}
}

// FuzzBreaks chooses among breaks by any condition that can be typed: it is stored as what is spelled
// out, and refused where that is.
func FuzzBreaks(f *testing.F) {
	for _, text := range []string{
		"abs(delta) > 100.0", `cause == "sign" || cents > 0`, "cents > 0 ? share < 0.5 : age_days == 3", "[1, 2].exists(x, x == cents)", "!(cause in ['a', 'b'])", "!(cause in ['late', 'sign'])",
		"true", "delta", `cause`, "cents / 0 > 1", "col('share') > 1.0", "cleared == partition_name()", "day() > 3", "a || b", "(", `"ledger"`, "true // no",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		state := func(statement string) (string, error) {
			b, err := Of(Rule{Name: "r", Check: Expect(statement)}).(judge).bind(breakSchema, pipeline.Surroundings{})
			if err != nil {
				return "", err
			}
			return b.metrics[0].text, nil
		}
		p, err := expr.Compile(text, breakSchema)
		if err != nil || p.Type().ID() != arrow.BOOL {
			return // of partition_name() only rules know
		}
		got, err := state("breaks.open(" + text + "\n) == 0")
		if err != nil && (strings.Contains(err.Error(), "unknown cause") || strings.Contains(err.Error(), "unknown state")) {
			return // only metrics of breaks know the words
		}
		want, werr := state("count_if(" + openIn + " && (" + text + "\n)) == 0")
		if (err == nil) != (werr == nil) || got != want {
			t.Errorf("%q: %s, %v; spelled out %s, %v", text, got, err, want, werr)
		}
	})
}
