package breaks

import (
	"context"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/operators/sql"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/words"
)

// DefaultKeep is for how many partitions a break that cleared stays in the ledger.
const DefaultKeep = 90

// Options say what a ledger of breaks is of.
type Options struct {
	// Dataset is what was reconciled. It is part of what a break is: under another name all
	// breaks are new ones, and those of the old name clear.
	Dataset string
	// Keep is for how many partitions after the one in which it cleared a break stays, so that
	// it can open again with its history; 0: DefaultKeep.
	Keep int
}

// Ledger follows the breaks of a reconciliation from partition to partition. Its inputs are what
// Reconcile gives of this partition, the ledger of the partition before (which has no columns
// where there is none), and the decisions up to this partition, as Decisions reads them. It goes
// by partitions alone, never by the clock.
//
// A break is one dataset, key, column, cause and place among those that are alike in these. While
// it is there it is open, in one of the states new, open, changed and reopened, or accepted; else
// it is cleared. It is accepted while it has the outcome, the values and the delta for which
// somebody accepted it, up to the end of that; then it opens again. Where the partition before was
// not published, all breaks are new: nothing is known of them.
//
//	Ledger(breaks, before, decisions, options) → a row a break
func Ledger(o Options) pipeline.Operator {
	if o.Keep == 0 {
		o.Keep = DefaultKeep
	}
	return ledger(o)
}

type ledger Options

func (l ledger) String() string {
	return fmt.Sprintf("breaks of %q keep %d", l.Dataset, l.Keep)
}

// Bind implements pipeline.Operator.
func (l ledger) Bind(in ...*arrow.Schema) (*pipeline.Bound, error) {
	if err := l.check(in); err != nil {
		return nil, err
	}
	st, err := l.statement(in[0], in[1])
	if err != nil {
		return nil, err
	}
	b, err := sql.Query(st.text(), "tonight", "before", "decided", "night").Bind(in[0], in[1], in[2], nightSchema)
	if err != nil {
		return nil, err
	}
	stream := b.Stream
	out := &pipeline.Bound{
		Schema: b.Schema, Rows: pipeline.RowsOther, Reads: withoutNight(b.Reads), Origins: origins(b.Schema, in),
		Opaque: "a break is made of rows of many partitions",
		Stream: func(ctx context.Context, env *pipeline.Env, in ...pipeline.Reader) (pipeline.Reader, error) {
			return stream(ctx, env, append(in, l.night(env))...)
		},
	}
	for _, from := range b.From {
		out.From = append(out.From, withoutNight(from))
	}
	return out, nil
}

func (l ledger) check(in []*arrow.Schema) error {
	switch {
	case len(in) != 3:
		return pipeline.Errorf(pipeline.Invalid, "breaks takes what reconcile gives, the ledger before and the decisions, found %d inputs", len(in))
	case l.Dataset == "":
		return pipeline.Errorf(pipeline.Invalid, "breaks: of which dataset?")
	case l.Keep < 0:
		return pipeline.Errorf(pipeline.Invalid, "breaks: keep: expected 1 or more partitions, found %d", l.Keep)
	}
	for _, name := range relation {
		if !in[0].HasField(name) {
			return pipeline.Errorf(pipeline.Invalid, "breaks: there is no column %s in what it reads", name).
				With("it reads what a stage with the operator reconcile gives")
		}
	}
	for _, f := range decisionsSchema.Fields() {
		if !in[2].HasField(f.Name) {
			return pipeline.Errorf(pipeline.Invalid, "breaks: there is no column %s in the decisions", f.Name)
		}
	}
	if in[1].NumFields() > 0 && !in[1].HasField(words.ColBreak) {
		return pipeline.Errorf(pipeline.Invalid, "breaks: the ledger before has no column %s: it is no ledger of breaks", words.ColBreak).
			With("let the stage publish into a directory of its own")
	}
	return nil
}

// relation are the columns of Reconcile's that a ledger needs.
var relation = []string{words.ColOutcome, words.ColKey, words.ColNth, words.ColColumn, words.ColCause, words.ColLeft, words.ColRight, words.ColDelta}

// ofTheNight are those of the others that say something of the night, not of a break.
var ofTheNight = []string{words.ColPass, words.ColLeftRows, words.ColRightRows, words.ColLeftTotal, words.ColRightTotal}

// passedOn are the columns that a ledger hands on: the key's, and those that Reconcile carries.
func passedOn(in *arrow.Schema) (all []arrow.Field) {
	for _, f := range in.Fields() {
		if !slices.Contains(relation, f.Name) && !slices.Contains(ofTheNight, f.Name) && !compared(in, f.Name) {
			all = append(all, f)
		}
	}
	return all
}

// compared reports whether a column has the values of one side of a column that was compared.
func compared(in *arrow.Schema, name string) bool {
	for _, side := range [][2]string{{"left_", "right_"}, {"right_", "left_"}} {
		if n := len(side[0]); len(name) > n && name[:n] == side[0] && in.HasField(side[1]+name[n:]) {
			return true
		}
	}
	return false
}

// withoutNight leaves out what is of the fourth input, which the stage does not have.
func withoutNight(all []pipeline.Column) []pipeline.Column {
	return slices.DeleteFunc(slices.Clone(all), func(c pipeline.Column) bool { return c.Input == 3 })
}
