package gates

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/penstock-data/penstock/pipeline"
)

var testSchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "email", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "amount", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "country", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "day", Type: arrow.FixedWidthTypes.Timestamp_us, Nullable: true},
}, nil)

const testRows = `[
	{"id": 1, "email": "ada@x.org",   "amount": 10.5, "country": "uk", "day": "2026-01-01T00:00:00Z"},
	{"id": 2, "email": null,          "amount": 20,   "country": "us", "day": "2026-01-02T00:00:00Z"},
	{"id": 3, "email": "grace@x.org", "amount": -1,   "country": "us", "day": "2026-01-03T00:00:00Z"},
	{"id": 3, "email": "no address",  "amount": null, "country": "zz", "day": null},
	{"id": 5, "email": "bob@x.org",   "amount": 0,    "country": null, "day": "2026-01-05T00:00:00Z"}
]`

var countrySchema = arrow.NewSchema([]arrow.Field{{Name: "code", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)

// countries is the input that references look things up in.
const countries = `[{"code": "uk"}, {"code": "us"}, {"code": null}]`

func batch(t testing.TB, alloc memory.Allocator, schema *arrow.Schema, rows string) arrow.RecordBatch {
	t.Helper()
	b, _, err := array.RecordFromJSON(alloc, schema, strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func testEnv(t testing.TB) *pipeline.Env {
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	t.Cleanup(func() {
		if n := alloc.CurrentAlloc(); n != 0 {
			t.Errorf("%d bytes were not given back", n)
		}
	})
	return &pipeline.Env{Alloc: alloc, Memory: pipeline.NewBudget(1 << 30), Workers: 1}
}

// asEver leaves out of findings what depends on the units that rows are cut into, and on
// memory.
var asEver = cmpopts.IgnoreFields(pipeline.Finding{}, "Samples", "Blame")

// judged is what a judge made of some rows.
type judged struct {
	findings    []pipeline.Finding
	metrics     map[string]json.RawMessage
	kept, aside []string
}

// judgeAll judges a batch cut into units at the places given.
func judgeAll(t *testing.T, env *pipeline.Env, j pipeline.Judge, whole arrow.RecordBatch, cuts ...int64) judged {
	t.Helper()
	around := pipeline.Surroundings{Inputs: func(string) *arrow.Schema { return countrySchema }}
	b, err := j.Bind(whole.Schema(), around)
	if err != nil {
		t.Fatal(err)
	}
	h := pipeline.Hearing{Env: env}
	for range b.Inputs {
		h.Lookups = append(h.Lookups, pipeline.Lookup{Reader: pipeline.Batches(batch(t, env.Alloc, countrySchema, countries))})
	}
	court, err := b.Open(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	var out judged
	from := int64(0)
	for i, to := range append(cuts, whole.NumRows()) {
		w := court.Unit(pipeline.Unit{Seq: i, Name: "rows.json", Env: env})
		part := whole.NewSlice(from, to)
		sifted, err := w.Observe(context.Background(), part, nil)
		if err != nil {
			t.Fatal(err)
		}
		for row, id := range ids(part) {
			if sifted == nil || sifted.Keep[row] {
				out.kept = append(out.kept, id)
				continue
			}
			out.aside = append(out.aside, id+" "+sifted.Why[0])
			sifted.Why = sifted.Why[1:]
		}
		part.Release()
		if err := court.Merge(w); err != nil {
			t.Fatal(err)
		}
		from = to
	}
	j2, err := court.Judge(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	out.findings, out.metrics = j2.Findings, j2.States
	return out
}

func ids(b arrow.RecordBatch) (all []string) {
	for i := range int(b.NumRows()) {
		all = append(all, b.Column(0).ValueStr(i))
	}
	return all
}

// Each rule is judged on the test rows: verdict, rows tested, failed and null, and what
// it says it saw and expected.
func TestVerdicts(t *testing.T) {
	for _, test := range []struct {
		rule Rule
		want string
	}{
		{Rule{Check: Rows("amount >= 0.0")}, "fail 4/1/1: 1 of 4 rows failed (25%), none expected"},
		{Rule{Check: Rows("amount >= 0.0"), Nulls: NullsFail}, "fail 5/2/1: 2 of 5 rows failed (40%), none expected"},
		{Rule{Check: Rows("amount >= 0.0"), Where: `country == "uk"`}, "pass 1/0/0: 0 of 1 row failed, none expected"},
		{Rule{Check: Rows("amount >= 0.0"), AtMost: Count(1)}, "pass 4/1/1: 1 of 4 rows failed (25%), at most 1 row expected"},
		{Rule{Check: Rows("amount >= 0.0"), AtMost: Share(0.25)}, "pass 4/1/1: 1 of 4 rows failed (25%), at most 25% (1 row) expected"},
		{Rule{Check: Rows("amount >= 0.0"), AtMost: Share(0.2)}, "fail 4/1/1: 1 of 4 rows failed (25%), at most 20% (0 rows) expected"},
		{Rule{Check: Rows("amount >= 0.0"), Severity: pipeline.SeverityWarn}, "warn 4/1/1: 1 of 4 rows failed (25%), none expected"},
		{Rule{Check: Rows("10 / (id - 3) > 0")}, "error 3/2/0: 2 rows could not be evaluated, none expected"},
		{Rule{Check: Rows("amount >= 0.0"), Where: "id > 100"}, "pass 0/0/0: 0 of 0 rows failed, none expected"},
		{Rule{Check: Rows("amount >= 0.0"), Where: "id > 100", OnEmpty: EmptyFails}, "no_data 0/0/0: no row, a row expected"},
		{Rule{Check: NotNull("id")}, "pass 5/0/0: 0 of 5 rows failed, none expected"},
		{Rule{Check: NotNull("email", "amount")}, "fail 5/2/0: 2 of 5 rows failed (40%), none expected"},
		{Rule{Check: Unique("id")}, "fail 5/2/0: 2 of 5 rows failed (40%), none expected"},
		{Rule{Check: Unique("id", "email")}, "pass 4/0/1: 0 of 4 rows failed, none expected"},
		{Rule{Check: Accepted("country", "uk", "us")}, "fail 4/1/1: 1 of 4 rows failed (25%), none expected"},
		{Rule{Check: Accepted("amount", 0, 20, 10.5)}, "fail 4/1/1: 1 of 4 rows failed (25%), none expected"},
		{Rule{Check: Between("amount", 0, nil)}, "fail 4/1/1: 1 of 4 rows failed (25%), none expected"},
		{Rule{Check: Between("day", "2026-01-01", "2026-01-03")}, "fail 4/1/1: 1 of 4 rows failed (25%), none expected"},
		{Rule{Check: Matches("email", "^[^@ ]+@[^@ ]+$")}, "fail 4/1/1: 1 of 4 rows failed (25%), none expected"},
		{Rule{Check: References("country", "countries", "code")}, "fail 4/1/1: 1 of 4 rows failed (25%), none expected"},
		{Rule{Check: RowCount(5, 5)}, "pass 5/0/0: 5 rows, rows() >= 5 && rows() <= 5 expected"},
		{Rule{Check: Expect("rows() > 1000")}, "fail 5/0/0: 5 rows, more than 1,000 expected"},
		{Rule{Check: Expect("null_share(email) < 0.2")}, "fail 5/0/0: null_share(email) = 0.2, null_share(email) < 0.2 expected"},
		{Rule{Check: Expect("sum(id) == 14 && sum(amount) == 29.5")}, "pass 5/0/0: sum(id) = 14, sum(amount) = 29.5, sum(id) == 14 && sum(amount) == 29.5 expected"},
		{Rule{Check: Expect("min(day) == timestamp('2026-01-01T00:00:00Z')")}, "pass 5/0/0: min(day) = 2026-01-01T00:00:00Z, min(day) == timestamp('2026-01-01T00:00:00Z') expected"},
		{Rule{Check: Expect("mean(amount) > 7.0 && distinct(id) == 4 && count(amount) == 4")}, "pass 5/0/0: mean(amount) = 7.375, distinct(id) = 4, count(amount) = 4, mean(amount) > 7.0 && distinct(id) == 4 && count(amount) == 4 expected"},
		{Rule{Check: Expect("count_if(amount < 0.0) == 0")}, "fail 5/0/0: count_if(amount < 0.0) = 1, count_if(amount < 0.0) == 0 expected"},
		{Rule{Check: Expect(`rows() == rows("countries")`)}, `fail 5/0/0: rows() = 5, rows("countries") = 3, rows() == rows("countries") expected`},
		{Rule{Check: Expect("max(amount) > 5.0"), Where: "id > 100"}, "no_data 5/0/0: max(amount) = null, max(amount) > 5.0 expected"},
		{Rule{Check: Expect("sum(9223372036854775807) > 0")}, "error 5/0/0: sum(9223372036854775807) = error, sum(9223372036854775807) > 0 expected"},
		{Rule{Check: Expect("sum(10 / (id - 3)) > 0")}, "error 5/0/0: sum(10 / (id - 3)) = error, sum(10 / (id - 3)) > 0 expected"},
		{Rule{Check: Schema(SchemaColumn{Name: "id", Type: "int64", NotNull: true})}, "pass 0/0/0: as wanted, the columns of the rule expected"},
		{Rule{Check: Schema(SchemaColumn{Name: "id", Type: "string"}, SchemaColumn{Name: "x"})}, "fail 0/0/0: 2 differences, the columns of the rule expected"},
		{Rule{Check: ExactSchema(SchemaColumn{Name: "id"})}, "fail 0/0/0: 4 differences, the columns of the rule expected"},
	} {
		env := testEnv(t)
		rows := batch(t, env.Alloc, testSchema, testRows)
		var first []pipeline.Finding
		for _, cuts := range [][]int64{nil, {1}, {0, 3, 3}, {1, 2, 3, 4}} {
			got := judgeAll(t, env, Of(test.rule), rows, cuts...)
			if first == nil {
				first = got.findings
				f := got.findings[0]
				text := fmt.Sprintf("%s %d/%d/%d: %s, %s expected", f.Verdict, f.RowsTested, f.RowsFailed, f.RowsNull, f.Observed, f.Expected)
				if !strings.HasPrefix(text, test.want) {
					t.Errorf("%v:\n got %s\nwant %s", test.rule, text, test.want)
				}
			}
			if diff := cmp.Diff(first, got.findings, asEver); diff != "" {
				t.Errorf("%v: cut at %v: %s", test.rule, cuts, diff)
			}
		}
		rows.Release()
	}
}

func TestNothingFailsOpen(t *testing.T) {
	for _, v := range []pipeline.Verdict{pipeline.Fail, pipeline.ErrorVerdict, pipeline.NoData, pipeline.InsufficientHistory, pipeline.Skipped, "", "passed"} {
		if !(pipeline.Finding{Severity: pipeline.Block, Verdict: v}).Blocks() {
			t.Errorf("verdict %q does not block", v)
		}
		if !(pipeline.Finding{Verdict: v}).Blocks() {
			t.Errorf("verdict %q of a rule without severity does not block", v)
		}
	}
}

func TestQuarantine(t *testing.T) {
	env := testEnv(t)
	rows := batch(t, env.Alloc, testSchema, testRows)
	defer rows.Release()
	judge := Of(
		Rule{Name: "positive", Check: Rows("amount > 0.0"), Else: Quarantine},
		Rule{Name: "country", Check: Accepted("country", "uk", "us"), Else: Quarantine, AtMost: Count(1)},
		Rule{Name: "unique", Check: Unique("id")},
		Rule{Name: "volume", Check: Expect("rows() == 2")},
	)
	for _, cuts := range [][]int64{nil, {2}, {1, 2, 3, 4}} {
		got := judgeAll(t, env, judge, rows, cuts...)
		want := []string{"1", "2"}
		if diff := cmp.Diff(want, got.kept); diff != "" {
			t.Errorf("kept: %s", diff)
		}
		want = []string{"3 positive", "3 country", "5 positive"}
		if diff := cmp.Diff(want, got.aside); diff != "" {
			t.Errorf("aside: %s", diff)
		}
		for _, f := range got.findings {
			if f.Verdict != pipeline.Pass {
				t.Errorf("%s: %s (%s)", f.Name, f.Verdict, f.Observed)
			}
		}
		if got.findings[0].RowsQuarantined != 2 || got.findings[0].Expected != "any number, quarantined" {
			t.Errorf("finding: %+v", got.findings[0])
		}
	}
	over := judgeAll(t, env, Of(Rule{Check: Rows("amount > 0.0"), Else: Quarantine, AtMost: Count(1)}), rows)
	if f := over.findings[0]; f.Verdict != pipeline.Fail || !f.Blocks() {
		t.Errorf("more rows than tolerated: %+v", f)
	}
}

// A state of all rows is the same however they were split, if merged in order.
func TestStatesMergeExactly(t *testing.T) {
	env := testEnv(t)
	r := rand.New(rand.NewPCG(3, 4))
	specials := []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), 1e300, -1e300, 1e-300, 0.1}
	b := array.NewRecordBuilder(env.Alloc, testSchema)
	defer b.Release()
	for i := range 3000 {
		b.Field(0).(*array.Int64Builder).Append(math.MaxInt64 - int64(i%7))
		for j := 1; j < 5; j++ {
			if r.IntN(5) == 0 {
				b.Field(j).AppendNull()
				continue
			}
			switch f := b.Field(j).(type) {
			case *array.StringBuilder:
				f.Append(fmt.Sprint(r.IntN(100)))
			case *array.Float64Builder:
				f.Append(specials[r.IntN(len(specials))])
			case *array.TimestampBuilder:
				f.Append(arrow.Timestamp(r.Int64N(1 << 50)))
			}
		}
	}
	rows := b.NewRecordBatch()
	defer rows.Release()
	var rules []Rule
	for _, m := range []string{
		"rows()", "count(email)", "nulls(email)", "count_if(amount > 1.0)", "min(amount)", "max(amount)", "min(email)", "max(day)", "distinct(email)", "distinct(id)",
	} {
		rules = append(rules, Rule{Name: m, Check: Expect(m + " != null")})
	}
	rules = append(rules, Rule{Name: "big", Check: Expect("sum(id / 3001) > 0")}, Rule{Name: "u", Check: Unique("id", "email")})
	want := judgeAll(t, env, Of(rules...), rows)
	for range 20 {
		var cuts []int64
		for at := int64(0); at < rows.NumRows(); at += r.Int64N(900) {
			cuts = append(cuts, at)
		}
		got := judgeAll(t, env, Of(rules...), rows, cuts...)
		if diff := cmp.Diff(want.findings, got.findings, asEver); diff != "" {
			t.Errorf("cut at %v: %s", cuts, diff)
		}
		for name := range want.metrics {
			if string(want.metrics[name]) != string(got.metrics[name]) {
				t.Errorf("cut at %v: %s is %s, was %s", cuts, name, got.metrics[name], want.metrics[name])
			}
		}
	}
}

func TestProblemsOfRules(t *testing.T) {
	at := pipeline.Pos{File: "p.yaml", Line: 7, Col: 9}
	for _, test := range []struct {
		rules []Rule
		want  string
	}{
		{[]Rule{{Check: NotNull("emial"), At: at}}, `p.yaml:7:9: gate "not_null_emial": unknown column "emial"; did you mean "email"?`},
		{[]Rule{{Name: "g", Check: Rows("country > 0"), At: at, TextAt: pipeline.Pos{File: "p.yaml", Line: 8, Col: 15}}}, "p.yaml:8:23: gate \"g\": no matching overload for '_>_' applied to '(string, int)'\n\t| country > 0\n\t| ........^\n\tcountry is a utf8 column"},
		{[]Rule{{Name: "g", Check: Rows("id + 1"), At: at}}, `p.yaml:7:9: gate "g": rows wants a condition, id + 1 gives an int64`},
		{[]Rule{{Name: "g", Check: Expect("rowz() > 1"), At: at}}, "p.yaml:7:13: gate \"g\": unknown metric \"rowz\"; did you mean \"rows\"?\n\t| rowz() > 1\n\t| ....^"},
		{[]Rule{{Name: "g", Check: Expect("sum(email) > 1")}}, "gate \"g\": sum is of numbers, the argument is a string\n\t| sum(email) > 1\n\t| ...^"},
		{[]Rule{{Name: "g", Check: Unique("id"), Else: Quarantine}}, `gate "g": else: quarantine needs a check of single rows; unique id is none`},
		{[]Rule{{Name: "g", Check: Rows("id > 0"), Severity: "blok"}}, `gate "g": unknown severity "blok"; did you mean "block"?`},
		{[]Rule{{Name: "g", Check: Rows("id > 0")}, {Name: "g", Check: Rows("id > 1")}}, `gate "g": another rule of the stage has this name; give one of them a name of its own`},
		{[]Rule{{Name: "a", Check: Rows("id > 0"), AtMost: Count(5), WarnAt: Count(10)}}, `gate "a": at_most: expected warn to be less than block, found warn 10 and block 5: it would never warn`},
		{[]Rule{{Name: "a", Check: Between("id", 100, 1)}}, `gate "a": between id: expected [least, greatest], found [100, 1], which no value is between; swap them`},
		{[]Rule{{Name: "a", Check: RowCount(10, 5)}}, `gate "a": expected max to be at least min, found min 10 and max 5`},
		{[]Rule{{Name: "balance", Check: Rows("id > 0")}}, `gate "balance": operators that add up what they read and what they give have a gate of this name; give the rule another`},
		{[]Rule{{Name: "conservation", Check: Rows("id > 0")}}, `gate "conservation": every stage has a gate of this name, which counts its rows; give the rule another`},
		{[]Rule{{Name: "a", Check: NotNull("x")}, {Name: "b", Check: NotNull("y")}}, "gate \"a\": unknown column \"x\"; known are id, email, amount, country, day\ngate \"b\": unknown column \"y\"; known are id, email, amount, country, day"},
	} {
		_, err := Of(test.rules...).Bind(testSchema, pipeline.Surroundings{})
		if err == nil || err.Error() != test.want {
			t.Errorf("got  %v\nwant %s", err, test.want)
		}
	}
}

func TestNotesOnNulls(t *testing.T) {
	b, err := Of(Rule{Name: "g", Check: Rows("amount > 0.0 && id > 0")}).Bind(testSchema, pipeline.Surroundings{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`gate "g": amount may be null, and null is not tested; add not_null: [amount], or nulls: fail`}
	if diff := cmp.Diff(want, b.Notes); diff != "" {
		t.Error(diff)
	}
	if b, err = Of(Rule{Name: "g", Check: Rows("amount > 0.0")}, Rule{Check: NotNull("amount")}).Bind(testSchema, pipeline.Surroundings{}); err != nil || b.Notes != nil {
		t.Errorf("covered: %v, %v", b.Notes, err)
	}
}

func TestTolerances(t *testing.T) {
	for text, want := range map[string]string{"50": "50", "1%": "1%", "0.5%": "0.5%", "0": "0", "-1": "", "x": "", "101%": "", "1.5": ""} {
		got, err := ParseTolerance(text)
		if (err != nil) != (want == "") || err == nil && got.String() != want {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
	}
}

func ExampleOf() {
	judge := Of(
		Rule{Name: "volume", Check: Expect("rows() > 1000")},
		Rule{Check: NotNull("id", "email")},
		Rule{Name: "plausible", Check: Rows("amount >= 0.0"), Else: Quarantine, AtMost: Share(0.01)},
	)
	fmt.Println(judge)
	// Output:
	// volume: expect rows() > 1000
	// not_null_id_email: not_null id, email
	// plausible: rows amount >= 0.0; at_most 1%; else quarantine
}
