package gates

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/pipeline"
)

// A waived rule keeps no row back and says what it found; the others do as before.
func TestWaive(t *testing.T) {
	j := Of(
		Rule{Name: "positive", Check: Rows("amount > 0.0"), Else: Quarantine, AtMost: Count(1)},
		Rule{Name: "mail", Check: Rows(`email.contains("@")`), Else: Quarantine},
		Rule{Name: "some", Check: Expect("rows() > 0")},
	)
	if diff := cmp.Diff([]string{"positive", "mail"}, Quarantining(j)); diff != "" {
		t.Error(diff)
	}
	waived, err := Waive(j, "positive")
	if err != nil {
		t.Fatal(err)
	}
	env := testEnv(t)
	whole := batch(t, env.Alloc, testSchema, testRows)
	defer whole.Release()
	got := judgeAll(t, env, waived, whole)
	if f := got.findings[0]; f.Verdict != pipeline.Warn || f.RowsFailed != 2 || f.RowsQuarantined != 0 || f.Blocks() {
		t.Errorf("the waived rule says %+v", f)
	}
	if len(got.aside) != 1 || len(got.kept) != 4 {
		t.Errorf("%d rows are put aside and %d kept, want 1 and 4", len(got.aside), len(got.kept))
	}
	if waived.String() == j.String() {
		t.Error("the fingerprint does not tell that a rule was waived")
	}
	if again := judgeAll(t, env, j, whole); again.findings[0].Verdict != pipeline.Fail {
		t.Errorf("the judge itself was changed: %+v", again.findings[0])
	}
}

func TestWaiveUnknown(t *testing.T) {
	for _, test := range []struct {
		name, want string
		rules      []Rule
	}{
		{"mial", "unknown rule \"mial\"; did you mean \"mail\"?\n\trules with else: quarantine can be waived: mail", []Rule{
			{Name: "mail", Check: Rows("id > 1"), Else: Quarantine}, {Name: "some", Check: Expect("rows() > 0")},
		}},
		{"some", `rule "some" can't be waived: no rule here has else: quarantine`, []Rule{{Name: "some", Check: Expect("rows() > 0")}}},
	} {
		if _, err := Waive(Of(test.rules...), test.name); err == nil || err.Error() != test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func TestNoCommaInNames(t *testing.T) {
	rule := Rule{Name: "a,b", Check: Rows("id > 1"), Else: Quarantine}
	_, err := Of(rule).Bind(testSchema, pipeline.Surroundings{})
	want := `gate "a,b": the name "a,b" has a comma, which stands between the names in the column _rules of quarantined rows; give the rule a name without`
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	rule.Else = ""
	if _, err := Of(rule).Bind(testSchema, pipeline.Surroundings{}); err != nil {
		t.Errorf("a rule that puts nothing aside may have any name: %v", err)
	}
}
