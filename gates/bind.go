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

// statement is an expect statement with what its calls refer to.
type statement struct {
	*expr.Expect
	text  string
	calls []boundCall
}

// boundCall is a call of a metric.
type boundCall struct {
	expr.Call
	fn metricFunc
	// own is the metric of the rows that are judged, other that of an input; -1 is none.
	own, other, input int
}

// boundMetric is a state that some rule needs, computed once.
type boundMetric struct {
	text  string // names it in manifests: with the rule's where and by
	fn    metricFunc
	args  []*expr.Program
	where *expr.Program
	by    []int
	types []arrow.DataType
	given []any // constants that the state depends on
}

// boundInput is another source or stage that rules refer to.
type boundInput struct {
	name    string
	schema  *arrow.Schema
	columns map[int]bool
	metrics []*boundMetric
	keys    []*keySet
	digests bool // of its files are needed
}

// keySet is the keys of an input's rows.
type keySet struct {
	columns []int
	where   *expr.Program
	text    string // of where
}

// moments are the instants that rules may name.
func (b *bound) moments() expr.Moments {
	m := expr.Moments{}
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
		return nil, pipeline.Errorf(pipeline.Invalid, "%s wants a condition, %s gives a %s", what, text, pipeline.TypeName(p.Type()))
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

func (b *bound) addExpect(br *boundRule) (err error) {
	text, err := br.Check.textFor(b.schema, b.around)
	if err != nil {
		return err
	}
	if br.expect, err = b.statement(text, br); err != nil {
		return err
	}
	if br.Check.warn != "" {
		br.warn, err = b.statement(br.Check.warn, br)
	}
	if len(br.By) > 0 && err == nil && !br.looksAtRows() {
		return pipeline.Errorf(pipeline.Invalid, "by chooses groups of rows; %s looks at none", br.Check)
	}
	return err
}

// looksAtRows reports whether some metric of a statement is of rows, and not of columns or files.
func (r *boundRule) looksAtRows() bool {
	return slices.ContainsFunc(r.expect.calls, func(c boundCall) bool { return c.own >= 0 || c.other >= 0 })
}

// statement types a statement and finds the metrics it needs.
func (b *bound) statement(text string, br *boundRule) (*statement, error) {
	e, err := expr.CompileExpect(text, expr.Vocabulary{
		Schema: b.schema, Inputs: b.around.Inputs, Metrics: exprFuncs(), Summaries: summaries(), Moments: b.moments(),
	})
	if err != nil {
		return nil, err
	}
	s := &statement{Expect: e, text: text}
	for _, call := range e.Calls {
		c := boundCall{Call: call, fn: metricNamed(call.Func), own: -1, other: -1, input: -1}
		if (call.Past != nil || c.fn.past != nil) && !b.around.Published {
			return nil, pipeline.Errorf(pipeline.Invalid, "history is kept beside an output, and the stage has none").
				With("give the stage an output, or put the rule on the stage that has one")
		}
		if call.Input != "" {
			c.input = b.inputNamed(call.Input)
		}
		if c.fn.past != nil && c.input >= 0 {
			b.inputs[c.input].digests = true
		}
		ofFiles := c.fn.files != nil || c.fn.past != nil
		ofRows := !ofFiles && c.fn.columns == nil
		if ofFiles && call.Input == "" {
			return nil, pipeline.Errorf(pipeline.Invalid, "%s of which source? say %s(\"name\")", call.Func, call.Func)
		}
		for i := range b.schema.NumFields() {
			if c.fn.columns != nil {
				b.read(i) // all of them have to be there
			}
		}
		if ofRows && (call.Input == "" || c.fn.Compares) {
			if c.own, err = b.ownMetric(c, br); err != nil {
				return nil, err
			}
		}
		if ofRows && call.Input != "" {
			if c.other, err = b.inputs[c.input].metric(c, br); err != nil {
				return nil, err
			}
		}
		s.calls = append(s.calls, c)
	}
	return s, nil
}

// inputNamed is the index of an input that rules refer to.
func (b *bound) inputNamed(name string) int {
	if i := slices.IndexFunc(b.inputs, func(in *boundInput) bool { return in.name == name }); i >= 0 {
		return i
	}
	in := &boundInput{name: name, columns: map[int]bool{}}
	if b.around.Inputs != nil {
		in.schema = b.around.Inputs(name)
	}
	b.inputs = append(b.inputs, in)
	return len(b.inputs) - 1
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

// metric is the index of the state that a call reads.
func (b *bound) metric(c boundCall, br *boundRule) int {
	m := metricOf(c, br.where, br.Where, br.by, br.By)
	if i := slices.IndexFunc(b.metrics, func(o *boundMetric) bool { return o.text == m.text }); i >= 0 {
		return i
	}
	for _, arg := range m.args {
		b.read(arg.Columns()...)
		if column, is := arg.Column(); is {
			b.hand(column)
		}
	}
	b.metrics = append(b.metrics, m)
	return len(b.metrics) - 1
}

// metric is the same for an input. The rule's where is about the rows that are judged; its
// by is about both.
func (in *boundInput) metric(c boundCall, br *boundRule) (int, error) {
	by, err := columnsIn(in.schema, br.By)
	if err != nil {
		return -1, pipeline.Errorf(pipeline.Invalid, "by: input %q: %w", in.name, err)
	}
	m := metricOf(c, nil, "", by, br.By)
	if i := slices.IndexFunc(in.metrics, func(o *boundMetric) bool { return o.text == m.text }); i >= 0 {
		return i, nil
	}
	for _, arg := range m.args {
		in.read(arg.Columns()...)
	}
	in.read(by...)
	in.metrics = append(in.metrics, m)
	return len(in.metrics) - 1, nil
}

func (in *boundInput) read(columns ...int) {
	for _, c := range columns {
		in.columns[c] = true
	}
}

func metricOf(c boundCall, where *expr.Program, whereText string, by []int, byNames []string) *boundMetric {
	m := &boundMetric{text: c.fn.stateName(c.Args, c.Consts), fn: c.fn, args: c.Args, where: where, by: by}
	if c.fn.keyed {
		m.given = c.Consts
	}
	if where != nil {
		m.text += " where " + whereText
	}
	if len(by) > 0 {
		m.text += fmt.Sprintf(" by %q", byNames)
	}
	for _, a := range m.args {
		m.types = append(m.types, a.Type())
	}
	return m
}

// open begins the metric's state.
func (m *boundMetric) open(with means) state {
	if len(m.by) == 0 {
		return m.fn.open(m.types, m.given, with)
	}
	return newGrouped(m, with)
}

// exactly is the metric, computed exactly.
func (m *boundMetric) exactly() *boundMetric {
	if m.fn.exact == nil {
		return m
	}
	same := *m
	same.fn.open = m.fn.exact
	return &same
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

func (b *bound) addReference(br *boundRule) (err error) {
	c := br.Check
	if len(c.columns) == 0 || len(c.columns) != len(c.inputColumns) {
		return pipeline.Errorf(pipeline.Invalid, "%s: %d columns refer to %d", c.label, len(c.columns), len(c.inputColumns))
	}
	if br.columns, err = b.columnsOf(c.columns); err != nil {
		return err
	}
	b.read(br.columns...)
	b.hand(br.columns...)
	br.input = b.inputNamed(c.input)
	in := b.inputs[br.input]
	if in.schema == nil {
		return pipeline.Errorf(pipeline.Invalid, "%q is no input that can be asked", c.input)
	}
	set := &keySet{text: c.inputWhere}
	if set.columns, err = columnsIn(in.schema, c.inputColumns); err != nil {
		return pipeline.Errorf(pipeline.Invalid, "input %q: %w", c.input, err)
	}
	in.read(set.columns...)
	if c.inputWhere != "" {
		if set.where, err = conditionOn(c.inputWhere, "where of "+c.input, in.schema, b.moments()); err != nil {
			return pipeline.Errorf(pipeline.Invalid, "input %q: %w", c.input, err)
		}
		in.read(set.where.Columns()...)
	}
	same := func(o *keySet) bool { return slices.Equal(o.columns, set.columns) && o.text == set.text }
	if br.keys = slices.IndexFunc(in.keys, same); br.keys < 0 {
		in.keys = append(in.keys, set)
		br.keys = len(in.keys) - 1
	}
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

// needs are the columns a metric reads.
func (m *boundMetric) needs() []int {
	all := slices.Clone(m.by)
	for _, p := range append(slices.Clone(m.args), m.where) {
		if p != nil {
			all = append(all, p.Columns()...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// metricsOf are the metrics of the rows that are judged that a rule is about.
func (r *boundRule) metricsOf() (all []int) {
	for _, s := range []*statement{r.expect, r.warn} {
		if s == nil {
			continue
		}
		for _, c := range s.calls {
			if c.own >= 0 && !slices.Contains(all, c.own) {
				all = append(all, c.own)
			}
		}
	}
	return all
}
