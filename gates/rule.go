package gates

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/penstock-data/penstock/pipeline"
)

// Rule is a check in force at a stage.
type Rule struct {
	// Name is the stable id of the rule; empty: made from the check.
	Name  string
	Check Check
	// Severity is pipeline.Block by default.
	Severity pipeline.Severity
	// AtMost is how many rows may fail. The zero value: none, or with Quarantine any.
	AtMost Tolerance
	// WarnAt, if set, is how many rows may fail without a warning; more than those, up to
	// AtMost, warn.
	WarnAt Tolerance
	// Else is what happens to failing rows.
	Else Else
	// Where is a CEL condition; only rows for which it is true are judged.
	Where string
	// Nulls says what a null outcome is; empty: not tested.
	Nulls Nulls
	// By are columns: the rule is judged for each group of rows that are equal in them, and
	// has to hold for every group.
	By []string
	// ShortHistory says what a rule does that asks for more past partitions than were
	// published; empty: it warns.
	ShortHistory ShortHistory
	// Tests are made-up rows that the rule has to pass, or to fail, for `penstock gate test`.
	Tests []Fixture
	// OnEmpty says what a rule is that found no row to judge; empty: row checks pass,
	// statements are evaluated.
	OnEmpty OnEmpty

	Description, Owner string
	Tags               []string

	// At is where the rule is written, TextAt where its CEL text begins, if known.
	At, TextAt pipeline.Pos
}

// Else is what happens to rows that break a rule.
type Else string

// Quarantine puts failing rows aside and lets the others go on.
const Quarantine Else = "quarantine"

// Nulls says how null outcomes count.
type Nulls string

// NullsFail counts null outcomes as failed.
const NullsFail Nulls = "fail"

// OnEmpty says what a rule without rows to judge is.
type OnEmpty string

// The policies for a rule that found no row.
const (
	EmptyPasses OnEmpty = "pass"
	EmptyFails  OnEmpty = "fail"
	EmptySkips  OnEmpty = "skip"
)

// ShortHistory says what a rule does without enough history. Its verdict is
// insufficient_history either way.
type ShortHistory string

// The policies for a rule that asks for more history than there is.
const (
	ShortHistoryWarns  ShortHistory = "warn"
	ShortHistoryBlocks ShortHistory = "block"
)

// Tolerance is how many rows may fail: a number of rows or a share of those tested.
type Tolerance struct {
	rows  int64
	share float64
	set   bool
	by    bool // share
}

// Count tolerates up to n rows.
func Count(n int64) Tolerance { return Tolerance{rows: n, set: true} }

// Share tolerates up to a share of the rows tested, from 0 to 1.
func Share(p float64) Tolerance { return Tolerance{share: p, set: true, by: true} }

// ParseTolerance reads "50" or "1%".
func ParseTolerance(s string) (Tolerance, error) {
	if num, ok := strings.CutSuffix(s, "%"); ok {
		p, err := strconv.ParseFloat(strings.TrimSpace(num), 64)
		if err == nil && p >= 0 && p <= 100 {
			return Share(hundredth(strings.TrimSpace(num), p)), nil
		}
	} else if n, err := strconv.ParseInt(s, 10, 64); err == nil && n >= 0 {
		return Count(n), nil
	}
	return Tolerance{}, pipeline.Errorf(pipeline.Invalid, "at_most: %q is neither a number of rows, like 50, nor a share, like 1%%", s)
}

// allows says whether so many failed rows of those tested are tolerated.
func (t Tolerance) allows(failed, tested int64) bool {
	if t.by {
		// The share as it would be written: 0.29 * 100 is less than 29, 29 / 100 is 0.29.
		return failed == 0 || float64(failed)/float64(tested) <= t.share
	}
	return failed <= t.rows
}

// percentText writes a share in percent, as it was most likely written.
func percentText(share float64) string {
	p := share * 100
	for digits := range 16 {
		text := strconv.FormatFloat(p, 'f', digits, 64)
		if v, err := strconv.ParseFloat(text, 64); err == nil && hundredth(text, v) == share {
			return text
		}
	}
	return strconv.FormatFloat(p, 'g', -1, 64)
}

// allowed is how many of the rows tested may fail.
func (t Tolerance) allowed(tested int64) int64 {
	n := int64(t.share * float64(tested))
	if t.allows(n+1, tested) {
		n++
	}
	return n
}

// hundredth is the number nearest to a hundredth of what is written.
func hundredth(text string, p float64) float64 {
	if exact, err := strconv.ParseFloat(text+"e-2", 64); err == nil {
		return exact
	}
	return p / 100 // it has an exponent already
}

// String is how ParseTolerance reads it.
func (t Tolerance) String() string {
	if t.by {
		return percentText(t.share) + "%"
	}
	return strconv.FormatInt(t.rows, 10)
}

// expected says for people what is tolerated.
func (t Tolerance) expected(tested int64) string {
	switch {
	case !t.set || t == Count(0):
		return "none"
	case t.by:
		return fmt.Sprintf("at most %s (%s)", t, plural(t.allowed(tested), "row"))
	default:
		return "at most " + plural(t.rows, "row")
	}
}

// String is the canonical text of the rule: it goes into fingerprints.
func (r Rule) String() string {
	parts := []string{r.Name + ": " + r.Check.String()}
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if r.Severity != pipeline.Block {
		add("severity %s", r.Severity)
	}
	if r.AtMost.set {
		add("at_most %s", r.AtMost)
	}
	if r.WarnAt.set {
		add("warn_at %s", r.WarnAt)
	}
	if r.Check.warn != "" {
		add("warn %s", r.Check.warn)
	}
	if len(r.By) > 0 {
		add("by %s", strings.Join(r.By, ", "))
	}
	if r.ShortHistory != "" {
		add("on_short_history %s", r.ShortHistory)
	}
	if r.Else != "" {
		add("else %s", r.Else)
	}
	if r.Where != "" {
		add("where %s", r.Where)
	}
	if r.Nulls != "" {
		add("nulls %s", r.Nulls)
	}
	if r.OnEmpty != "" {
		add("on_empty %s", r.OnEmpty)
	}
	return strings.Join(parts, "; ")
}

// withDefaults fills in what was left out.
func (r Rule) withDefaults() Rule {
	if r.Name == "" {
		r.Name = r.Check.name()
	}
	if r.Severity == "" {
		r.Severity = pipeline.Block
	}
	if r.TextAt == (pipeline.Pos{}) {
		r.TextAt = r.At
	}
	return r
}

// problem says what is wrong with the options of a rule, or "".
func (r Rule) problem() string {
	rowwise := r.Check.kind == rowCheck
	countsRows := rowwise || r.Check.kind == uniqueCheck || r.Check.kind == referenceCheck
	switch {
	case r.ShortHistory != "" && r.ShortHistory != ShortHistoryWarns && r.ShortHistory != ShortHistoryBlocks:
		return pipeline.Unknown("on_short_history", string(r.ShortHistory), []string{"warn", "block"})
	case r.WarnAt.set && !r.AtMost.set:
		return "at_most: warn needs block too: how many failing rows keep the partition back"
	case r.WarnAt.set && r.WarnAt.by == r.AtMost.by && (r.WarnAt.rows > r.AtMost.rows || r.WarnAt.share > r.AtMost.share):
		return fmt.Sprintf("at_most: expected warn to be less than block, found warn %s and block %s: it would never warn", r.WarnAt, r.AtMost)
	case len(r.By) > 0 && r.Check.kind == schemaCheck:
		return "by chooses groups of rows; " + r.Check.String() + " looks at none"
	case len(r.By) > 0 && r.Check.kind == uniqueCheck && r.AtMost.set && r.AtMost != Count(0):
		return "at_most of unique counts rows of all groups together, and by wants each of them judged; leave one of them out"
	case len(r.By) > 0 && r.Else == Quarantine:
		return "by and else: quarantine exclude each other: rows are put aside one by one"
	case r.Severity != pipeline.Block && r.Severity != pipeline.SeverityWarn:
		return pipeline.Unknown("severity", string(r.Severity), []string{"block", "warn"})
	case r.Else != "" && r.Else != Quarantine:
		return pipeline.Unknown("else", string(r.Else), []string{"quarantine"})
	case r.Nulls != "" && r.Nulls != NullsFail && r.Nulls != "ignore":
		return pipeline.Unknown("nulls", string(r.Nulls), []string{"ignore", "fail"})
	case r.OnEmpty != "" && r.OnEmpty != EmptyPasses && r.OnEmpty != EmptyFails && r.OnEmpty != EmptySkips:
		return pipeline.Unknown("on_empty", string(r.OnEmpty), []string{"pass", "fail", "skip"})
	case r.Else == Quarantine && strings.Contains(r.Name, ","):
		return fmt.Sprintf("the name %q has a comma, which stands between the names in the column _rules of quarantined rows; give the rule a name without", r.Name)
	case r.Else == Quarantine && !rowwise:
		return "else: quarantine needs a check of single rows; " + r.Check.String() + " is none"
	case r.Nulls != "" && !rowwise:
		return "nulls belongs to a check of single rows; " + r.Check.String() + " is none"
	case r.AtMost.set && !countsRows && r.Check.kind != compositeCheck:
		return "at_most counts failing rows; " + r.Check.String() + " has none"
	case r.Where != "" && r.Check.kind == schemaCheck:
		return "where chooses rows; " + r.Check.String() + " looks at none"
	case r.AtMost.by && !(r.AtMost.share >= 0 && r.AtMost.share <= 1), r.AtMost.rows < 0:
		return "at_most must be a number of rows, or a share from 0 to 1"
	}
	return ""
}

func plural(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return digits(n) + " " + one + "s"
}

// digits writes a number with its thousands apart.
func digits(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
