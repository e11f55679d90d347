package breaks

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// Decision is what somebody decided about a break, from a partition on. It is a file of record,
// which never changes.
type Decision struct {
	// ID names it among all.
	ID string `json:"id"`
	// Dataset is the directory of the ledger, Partition that from which the decision holds, and
	// Seq its place among those of it, from 1.
	Dataset   string `json:"dataset"`
	Partition string `json:"partition"`
	Seq       int    `json:"seq"`
	// Break is the whole id of the break; Key, Column and Cause say to people which it is.
	Break  string  `json:"break"`
	Key    string  `json:"key"`
	Column *string `json:"column,omitempty"`
	Cause  string  `json:"cause"`
	Action string  `json:"action"`
	// Owner is who it is assigned to.
	Owner  string    `json:"owner,omitempty"`
	Reason string    `json:"reason,omitempty"`
	Actor  string    `json:"actor"`
	At     time.Time `json:"at"`
	// Until is the last partition, or day, for which a break is accepted; empty: for good.
	Until string `json:"until,omitempty"`
	// Accepted is what was accepted: with other values it is not.
	Accepted *Values `json:"accepted,omitempty"`
}

// Values are what a break has; it is accepted for just these. Nil is null.
type Values struct {
	Outcome string  `json:"outcome"`
	Left    *string `json:"left"`
	Right   *string `json:"right"`
	Delta   *string `json:"delta"` // a decimal
}

// Actions of a decision.
const (
	Assign = "assign" // to an owner
	Accept = "accept" // the break as it is, for a reason
	Reopen = "reopen" // ends that it is accepted
)

// DecisionsDir is where the decisions about the breaks of a ledger are, relative to the project.
func DecisionsDir(dataset string) string { return path.Join(".penstock/breaks", dataset) }

// MaxDecisions bounds how many decisions there are about the breaks of a ledger.
const MaxDecisions = 100_000

// maxDecision bounds the file of a decision, and maxText a reason or an owner, in bytes.
const (
	maxDecision = 64 << 10
	maxText     = 4096
)

// File is the name of its file in the directory of its partition.
func (d *Decision) File() string { return fmt.Sprintf("%06d-%s.json", d.Seq, d.ID) }

var (
	decisionFile = regexp.MustCompile(`^[0-9]{6,}-[0-9A-Za-z-]+\.json$`)
	breakForm    = regexp.MustCompile(`^[0-9a-f]{16}$`)
)

// Check is an error if there can't be such a decision.
func (d *Decision) Check() error {
	bad := func(format string, args ...any) error { return pipeline.Errorf(pipeline.Invalid, format, args...) }
	switch {
	case !breakForm.MatchString(d.Break):
		return bad("%q is no id of a break: it has 16 hexadecimal digits", d.Break)
	case len(d.Reason) > maxText:
		return bad("a reason has at most %d bytes, this one %d", maxText, len(d.Reason))
	case len(d.Owner) > maxText:
		return bad("an owner has at most %d bytes, this one %d", maxText, len(d.Owner))
	case d.Actor == "":
		return bad("it is not known who decides")
	}
	switch d.Action {
	case Assign:
		if strings.TrimSpace(d.Owner) == "" {
			return bad("to whom is the break assigned? name an owner, as with --owner")
		}
	case Accept, Reopen:
		if strings.TrimSpace(d.Reason) == "" {
			return bad("to %s a break needs a reason, for the record: say one, as with --reason", d.Action)
		}
		if d.Action == Accept && d.Accepted == nil {
			return bad("accepted for which values?")
		}
	default:
		return bad("%s", pipeline.Unknown("action", d.Action, []string{Assign, Accept, Reopen}))
	}
	return nil
}

// Text is what its file holds.
func (d *Decision) Text() ([]byte, error) {
	if err := d.Check(); err != nil {
		return nil, err
	}
	out, err := json.MarshalIndent(d, "", "  ")
	if err == nil && len(out) >= maxDecision {
		err = pipeline.Errorf(pipeline.Invalid, "the decision about %s is %d bytes, and at most %d can be on record", d.Break, len(out), maxDecision-1)
	}
	return append(out, '\n'), err
}

// Summary says in some words what was decided: "anna accepted 3f2a… (known fee)".
func (d *Decision) Summary() string {
	what := map[string]string{Assign: "assigned", Accept: "accepted", Reopen: "reopened"}[d.Action]
	out := fmt.Sprintf("%s %s %s", d.Actor, what, d.Break)
	if d.Action == Assign {
		out += " to " + d.Owner
	}
	if d.Until != "" {
		out += " until " + d.Until
	}
	if d.Reason != "" {
		out += fmt.Sprintf(" (%s)", d.Reason)
	}
	return out
}
