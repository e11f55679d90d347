package gates

import (
	"strings"
	"testing"
)

// A rule reads the columns that it names, wherever it does.
func TestReading(t *testing.T) {
	j := Of(
		Rule{Name: "text", Check: Rows("v > 0 && vv != 'a'"), Else: Quarantine},
		Rule{Name: "metric", Check: Expect("sum(v) < 10 && rows() > 0")},
		Rule{Name: "named", Check: NotNull("id")},
		Rule{Name: "where", Check: Unique("id"), Where: "vv == 'x'"},
		Rule{Name: "groups", Check: Expect("rows() > 1"), By: []string{"day"}},
		Rule{Name: "count", Check: Expect("rows() > 1")},
		Rule{Name: "breaks", Check: Expect("breaks.older_than(3) == 0")},
	).(judge)
	for column, want := range map[string]string{
		"v": "text metric", "vv": "text where", "id": "named where", "day": "groups", "state": "breaks", "age_days": "breaks", "cleared": "", "w": "", "": "",
	} {
		if got := strings.Join(j.Reading(column), " "); got != want {
			t.Errorf("%s: %q", column, got)
		}
		if got := j.AsideBy(column); got != strings.HasPrefix(want, "text") {
			t.Errorf("%s puts rows aside: %v", column, got)
		}
	}
}
