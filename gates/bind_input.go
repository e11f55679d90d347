package gates

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/pipeline"
)

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
