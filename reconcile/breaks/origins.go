package breaks

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/words"
)

// Inputs of a ledger.
const (
	tonightInput = iota
	beforeInput
	decidedInput
)

// values are what a break has that may change.
var values = []string{words.ColOutcome, words.ColLeft, words.ColRight, words.ColDelta}

// made says of columns that only a ledger has by which others they are decided, and how.
var made = map[string]struct {
	value   [3][]string // handed on or computed from, of each input
	decided [3][]string // by which it is chosen
	text    string
}{
	words.ColBreak:         {value: [3][]string{{words.ColKey, words.ColNth, words.ColColumn, words.ColCause}, {words.ColBreak}}, text: "break = hash of dataset, key, nth, column and cause"},
	words.ColDataset:       {value: [3][]string{nil, {words.ColDataset}}, text: "dataset, as it is called"},
	words.ColState:         {decided: changes, text: "state, by what changed since the partition before and what was decided"},
	words.ColOpened:        {value: [3][]string{nil, {words.ColOpened}}, text: "opened = the partition in which the break came first"},
	words.ColSince:         {value: [3][]string{nil, {words.ColSince}}, decided: changes, text: "since = the partition in which the break opened last"},
	words.ColChanged:       {value: [3][]string{nil, {words.ColChanged}}, decided: [3][]string{values, values}, text: "changed = the partition in which its values changed last"},
	words.ColCleared:       {value: [3][]string{nil, {words.ColCleared}}, text: "cleared = the partition in which the break was gone first"},
	words.ColNights:        {value: [3][]string{nil, {words.ColNights}}, decided: changes, text: "nights = partitions since it opened last"},
	words.ColAgeDays:       {value: [3][]string{nil, {words.ColSince, words.ColCleared}}, decided: changes, text: "age_days = days since it opened last"},
	words.ColBeforeDelta:   {value: [3][]string{nil, {words.ColDelta}}, text: "before_delta = delta of the partition before"},
	words.ColOwner:         {value: [3][]string{2: {"owner"}}, decided: [3][]string{2: {"action", "nr"}}, text: "owner, of the last assignment"},
	words.ColReason:        {value: [3][]string{2: {"reason"}}, decided: [3][]string{2: {"nr"}}, text: "reason, of the last decision"},
	words.ColAcceptedBy:    {value: [3][]string{2: {"actor"}}, decided: changes, text: "accepted_by, while the break is accepted"},
	words.ColAcceptedUntil: {value: [3][]string{2: {"until"}}, decided: changes, text: "accepted_until, while the break is accepted"},
}

// changes are what decides the state of a break.
var changes = [3][]string{values, append([]string{words.ColState, words.ColCleared}, values...), append([]string{"action", "until", "nr"}, values...)}

// origins says where the columns of a ledger come from. Which place a break has among those that
// are alike goes by all of its columns, and so do the rows.
func origins(out *arrow.Schema, in []*arrow.Schema) *pipeline.Origins {
	o := &pipeline.Origins{}
	uses := func(to *pipeline.Origin, input int, how pipeline.Way, names ...string) {
		for _, name := range names {
			if at := in[input].FieldIndices(name); len(at) > 0 {
				to.From = append(to.From, pipeline.Use{Column: pipeline.Column{Input: input, Index: at[0]}, How: how})
			}
		}
	}
	for _, f := range out.Fields() {
		c := pipeline.Origin{}
		m, ok := made[f.Name]
		if !ok {
			uses(&c, tonightInput, pipeline.Computed, f.Name)
			uses(&c, beforeInput, pipeline.Computed, f.Name)
			c.Text = f.Name + ", of the partition or, where the break cleared, of the one before"
		} else {
			c.Text = m.text
			for i := range in {
				uses(&c, i, pipeline.Computed, m.value[i]...)
				uses(&c, i, pipeline.Conditional, m.decided[i]...)
			}
		}
		slices.SortFunc(c.From, compareUses)
		o.Columns = append(o.Columns, c)
	}
	r := &o.Rows
	uses(r, tonightInput, pipeline.Filtered, words.ColOutcome)
	uses(r, tonightInput, pipeline.Joined, words.ColKey, words.ColNth, words.ColColumn, words.ColCause)
	uses(r, tonightInput, pipeline.SortedBy, values...)
	for _, f := range passedOn(in[tonightInput]) {
		uses(r, tonightInput, pipeline.SortedBy, f.Name)
	}
	uses(r, beforeInput, pipeline.Joined, words.ColBreak)
	uses(r, beforeInput, pipeline.Filtered, words.ColCleared)
	uses(r, decidedInput, pipeline.Joined, words.ColBreak)
	slices.SortFunc(r.From, compareUses)
	return o
}

func compareUses(a, b pipeline.Use) int {
	if a.Input != b.Input {
		return a.Input - b.Input
	}
	return a.Index - b.Index
}
