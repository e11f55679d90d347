package gates

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/pipeline"
)

// AllOf holds if all of the checks do, each judged as a rule of its own.
func AllOf(checks ...Check) Check { return composite("all_of", wantAll, checks) }

// AnyOf holds if one of the checks does.
func AnyOf(checks ...Check) Check { return composite("any_of", wantAny, checks) }

// NoneOf holds if every one of the checks fails. One that can't be judged has not failed.
func NoneOf(checks ...Check) Check { return composite("none_of", wantNone, checks) }

func composite(label string, w want, checks []Check) Check {
	var shown []string
	for _, c := range checks {
		shown = append(shown, c.String())
	}
	return Check{kind: compositeCheck, label: label, want: w, members: checks, show: label + " (" + strings.Join(shown, "), (") + ")"}
}

// judgeMembers gives the verdict of a composite from the findings of its members.
func (r *boundRule) judgeMembers(f *pipeline.Finding, of []pipeline.Finding) {
	held, warned, failed := 0, 0, 0
	var broken pipeline.Verdict // of a member that is neither
	for _, m := range of {
		switch {
		case m.Verdict.Passes():
			held++
			if m.Verdict == pipeline.Warn {
				warned++
			}
		case m.Verdict == pipeline.Fail:
			failed++
		case broken == "" || slices.Index(worst, m.Verdict) < slices.Index(worst, broken):
			broken = m.Verdict
		}
		f.Detail = append(f.Detail, fmt.Sprintf("%s: %s (%s, %s expected)", m.Rule, m.Verdict, m.Observed, m.Expected))
	}
	f.Observed = fmt.Sprintf("%d of %s held", held, plural(int64(len(of)), "check"))
	var holds, settled bool
	switch r.Check.want {
	case wantAny:
		f.Expected = "one of them"
		holds, settled = held > 0, held > 0 || failed == len(of)
	case wantNone:
		f.Expected = "none of them"
		holds, settled = failed == len(of), held > 0 || failed == len(of)
	default:
		f.Expected = "all of them"
		holds, settled = held == len(of), failed > 0 || held == len(of)
	}
	switch {
	case holds && (warned == held && held > 0 || warned > 0 && r.Check.want == wantAll):
		f.Verdict = pipeline.Warn
	case holds:
		f.Verdict = pipeline.Pass
	case settled:
		f.Verdict = pipeline.Fail
	default:
		f.Verdict = broken
	}
	r.letShort(f)
}
