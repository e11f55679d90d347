package gates

import (
	"slices"
	"strings"

	"github.com/penstock-data/penstock/pipeline"
)

// Quarantining names the rules of a judge made by Of that put rows aside, in their order.
func Quarantining(j pipeline.Judge) (names []string) {
	ours, _ := j.(judge)
	for _, r := range ours.rules {
		if r.Else == Quarantine {
			names = append(names, r.Name)
		}
	}
	return names
}

// Waive gives a judge in which the named rules, which put rows aside, let them go on and
// warn of them, be they ever so few. The error names a rule that is none of these.
func Waive(j pipeline.Judge, names ...string) (pipeline.Judge, error) {
	known := Quarantining(j)
	for _, name := range names {
		switch {
		case slices.Contains(known, name):
		case len(known) == 0:
			return nil, pipeline.Errorf(pipeline.Invalid, "rule %q can't be waived: no rule here has else: quarantine", name)
		default:
			return nil, pipeline.Errorf(pipeline.Invalid, "%s", pipeline.Unknown("rule", name, known)).
				With("rules with else: quarantine can be waived: " + strings.Join(known, ", "))
		}
	}
	ours, ok := j.(judge)
	if !ok {
		return j, nil
	}
	waived := judge{rules: slices.Clone(ours.rules)}
	for i := range waived.rules {
		if r := &waived.rules[i]; slices.Contains(names, r.Name) {
			r.Else, r.Severity, r.AtMost, r.WarnAt = "", pipeline.SeverityWarn, Tolerance{}, Tolerance{}
		}
	}
	return waived, nil
}

// Sifting gives a judge of those rules alone that put rows aside; nil if there are none. What
// another package made stays as it is.
func Sifting(j pipeline.Judge) pipeline.Judge {
	ours, ok := j.(judge)
	if !ok {
		return j
	}
	rules := slices.DeleteFunc(slices.Clone(ours.rules), func(r Rule) bool { return r.Else != Quarantine })
	if len(rules) == 0 {
		return nil
	}
	return judge{rules: rules}
}
