package gates

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/pipeline"
)

// bound is the rules typed against a schema.
type bound struct {
	schema  *arrow.Schema
	around  pipeline.Surroundings
	rules   []*boundRule
	metrics []*boundMetric
	inputs  []*boundInput
	key     []int // the columns that name a row
	reads   map[int]bool
	handed  map[int]bool // columns that metrics and keys are given as they are
	notes   []nullNote
}

// boundRule is one rule with what it needs.
type boundRule struct {
	Rule
	program *expr.Program // of a row check
	where   *expr.Program
	by      []int
	expect  *statement // of an expect check
	warn    *statement // that warns, beside expect; may be nil
	columns []int      // of unique and references
	input   int        // of references, an index in bound.inputs
	keys    int        // of references, an index in the input's keys
	members []int      // of a composite, indexes in bound.rules
	hidden  bool       // it is a member, and has no finding of its own
	contract
}

// moments are the instants, and the text, that rules may name.
func (b *bound) moments() expr.Moments {
	m := expr.Moments{"partition_name": b.around.Partition.String()}
	if !b.around.Now.IsZero() {
		m["now"] = b.around.Now
	}
	if p := b.around.Partition; !p.Start.IsZero() {
		m["partition_start"], m["partition_end"] = p.Start, p.End
	}
	return m
}

func (b *bound) add(r Rule) (err error) {
	br := &boundRule{Rule: r, input: -1}
	if r.Where != "" {
		if br.where, err = b.condition(r.Where, "where"); err != nil {
			return err
		}
	}
	if br.by, err = b.columnsOf(r.By); err != nil {
		return err
	}
	b.read(br.by...)
	switch r.Check.kind {
	case rowCheck:
		err = b.addRows(br)
	case expectCheck:
		err = b.addExpect(br)
	case uniqueCheck:
		err = b.addUnique(br)
	case referenceCheck:
		err = b.addReference(br)
	case schemaCheck:
		err = br.bindContract(b)
		for i := range b.schema.NumFields() {
			b.read(i)
		}
	case compositeCheck:
		err = b.addMembers(br)
	}
	b.rules = append(b.rules, br)
	return err
}

// columnsOf are the indexes of columns.
func (b *bound) columnsOf(names []string) (at []int, err error) { return columnsIn(b.schema, names) }

func columnsIn(s *arrow.Schema, names []string) (at []int, err error) {
	for _, name := range names {
		if err := exists(s, name); err != nil {
			return nil, err
		}
		at = append(at, s.FieldIndices(name)[0])
	}
	return at, nil
}

func (b *bound) read(columns ...int) {
	if b.reads == nil {
		b.reads = map[int]bool{}
	}
	for _, c := range columns {
		b.reads[c] = true
	}
}

func (b *bound) hand(columns ...int) {
	if b.handed == nil {
		b.handed = map[int]bool{}
	}
	for _, c := range columns {
		b.handed[c] = true
	}
}

// condition compiles an expression that must give a bool.
func (b *bound) condition(text, what string) (*expr.Program, error) {
	p, err := conditionOn(text, what, b.schema, b.moments())
	if err == nil {
		b.read(p.Columns()...)
	}
	return p, err
}

func conditionOn(text, what string, s *arrow.Schema, at expr.Moments) (*expr.Program, error) {
	p, err := expr.CompileAt(text, s, at)
	if err != nil {
		return nil, err
	}
	if p.Type().ID() != arrow.BOOL {
		return nil, pipeline.Errorf(pipeline.Invalid, "%s wants a condition, %s gives %s", what, text, pipeline.ATypeName(p.Type()))
	}
	return p, nil
}

func (b *bound) addRows(br *boundRule) (err error) {
	if br.Check.function != nil {
		return b.addFunction(br)
	}
	text, err := br.Check.textFor(b.schema, b.around)
	if err != nil {
		return err
	}
	if br.program, err = b.condition(text, br.Check.label); err != nil {
		return err
	}
	b.read(b.key...)
	if br.Nulls != NullsFail && br.Check.label != "not_null" {
		b.noteNulls(br)
	}
	return nil
}

// noteNulls warns of columns that may be null and that no rule wants to be there.
func (b *bound) noteNulls(br *boundRule) {
	for _, c := range br.program.Columns() {
		f := b.schema.Field(c)
		if !f.Nullable {
			continue
		}
		b.notes = append(b.notes, nullNote{f.Name, fmt.Sprintf(
			"gate %q: %s may be null, and null is not tested; add not_null: [%s], or nulls: fail", br.Name, f.Name, f.Name)})
	}
}

// looksAtRows reports whether some metric of a statement is of rows, and not of columns or files.
func (r *boundRule) looksAtRows() bool {
	return slices.ContainsFunc(r.expect.calls, func(c boundCall) bool { return c.own >= 0 || c.other >= 0 })
}

// ownMetric is the metric of the rows that are judged. What is compared with an input was
// typed against its columns, and is typed here against ours.
func (b *bound) ownMetric(c boundCall, br *boundRule) (int, error) {
	if c.Input == "" {
		return b.metric(c, br), nil
	}
	var types []arrow.DataType
	args := c.Args
	c.Args = nil
	for _, arg := range args {
		own, err := expr.CompileAt(arg.Source(), b.schema, b.moments())
		if err != nil {
			return -1, err
		}
		c.Args = append(c.Args, own)
		types = append(types, own.Type())
	}
	if _, err := c.fn.Result(types); err != nil {
		return -1, pipeline.Errorf(pipeline.Invalid, "%s: %w", c.Text, err)
	}
	return b.metric(c, br), nil
}

func (b *bound) addUnique(br *boundRule) (err error) {
	if len(br.Check.columns) == 0 {
		return pipeline.Errorf(pipeline.Invalid, "%s: of which columns?", br.Check.label)
	}
	if br.columns, err = b.columnsOf(append(slices.Clone(br.Check.columns), br.By...)); err != nil {
		return err
	}
	br.by = nil // what is unique in each group is so together with the group
	b.read(br.columns...)
	b.hand(br.columns...)
	return nil
}

// addMembers binds the checks that a composite is made of, as rules without a finding.
func (b *bound) addMembers(br *boundRule) error {
	if len(br.Check.members) == 0 {
		return pipeline.Errorf(pipeline.Invalid, "%s: of which checks?", br.Check.label)
	}
	for i, c := range br.Check.members {
		r := Rule{
			// What fails fails, also in a composite that only warns.
			Name: fmt.Sprintf("%s: %s", br.Name, c), Check: c, Severity: pipeline.Block, Where: br.Where, By: br.By,
			AtMost: br.AtMost, WarnAt: br.WarnAt, Nulls: "", OnEmpty: br.OnEmpty, ShortHistory: br.ShortHistory, At: br.At, TextAt: br.TextAt,
		}
		if c.kind == compositeCheck || c.kind == schemaCheck && len(br.By) > 0 {
			return pipeline.Errorf(pipeline.Invalid, "%s: check %d can't be a member", br.Check.label, i+1)
		}
		if c.kind == expectCheck || c.kind == schemaCheck {
			r.AtMost, r.WarnAt = Tolerance{}, Tolerance{}
		}
		if err := b.add(r); err != nil {
			return err
		}
		b.rules[len(b.rules)-1].hidden = true
		br.members = append(br.members, len(b.rules)-1)
	}
	return nil
}

// needs are the columns that a rule reads row by row.
func (r *boundRule) needs() []int {
	all := slices.Concat(r.columns, r.by)
	for _, p := range []*expr.Program{r.program, r.where} {
		if p != nil {
			all = append(all, p.Columns()...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
