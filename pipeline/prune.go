package pipeline

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// needs works backward through the operators: which columns of each input decide
// what leaves the stage. wanted are the columns the consumers take.
func (s *StagePlan) needs(wanted map[string]bool) [][]string {
	need := make([]bool, s.Out.NumFields())
	everything := s.Output != nil || s.Judge != nil && s.Judge.Quarantines
	for i, f := range s.Out.Fields() {
		need[i] = everything || wanted[f.Name]
	}
	if s.Judge != nil {
		for _, i := range s.Judge.Reads {
			need[i] = true
		}
	}
	perInput := [][]bool{need}
	for i := len(s.Bounds) - 1; i >= 0; i-- {
		in := s.In
		if i > 0 {
			in = []*arrow.Schema{s.Bounds[i-1].Schema}
		}
		perInput = s.Bounds[i].needs(perInput[0], in)
	}
	if !s.narrows(perInput) {
		for i := range perInput {
			for j := range perInput[i] {
				perInput[i][j] = true
			}
		}
	}
	names := make([][]string, len(perInput))
	for i, need := range perInput {
		names[i] = []string{}
		for j, f := range s.In[i].Fields() {
			if need[j] {
				names[i] = append(names[i], f.Name)
			}
		}
	}
	return names
}

// Skips is how many splits of its only input, a source, the stage will not read.
func (s *StagePlan) Skips(in *Input) (n int) {
	if len(s.From) != 1 || len(s.Bounds) == 0 || s.Bounds[0].Keep == nil || s.Bounds[0].Proves == nil {
		return 0
	}
	for _, split := range in.Splits {
		if split.Facts == nil {
			continue
		}
		if none, _, _ := s.Bounds[0].Proves(split.Rows, func(c int) Facts { return split.Facts(in.Schema.Field(c).Name) }); none {
			n++
		}
	}
	return n
}

// narrows reports whether the operators can do with the columns marked.
func (s *StagePlan) narrows(need [][]bool) bool {
	in := make([]*arrow.Schema, len(s.In))
	for i, schema := range s.In {
		var names []string
		for j, f := range schema.Fields() {
			if need[i][j] {
				names = append(names, f.Name)
			}
		}
		in[i] = project(schema, names)
	}
	_, ok := s.narrow(in)
	return ok
}

func (b *Bound) needs(out []bool, in []*arrow.Schema) [][]bool {
	need := make([][]bool, len(in))
	for i, schema := range in {
		need[i] = make([]bool, schema.NumFields())
		for j := range need[i] {
			need[i][j] = b.From == nil
		}
	}
	for i, from := range b.From {
		if !out[i] {
			continue
		}
		for _, c := range from {
			need[c.Input][c.Index] = true
		}
	}
	for _, c := range b.Reads {
		need[c.Input][c.Index] = true
	}
	return need
}

// narrow gives the stage's operators for inputs that have only the needed columns.
// If some operator can't do without the others, ok is false.
func (s *StagePlan) narrow(in []*arrow.Schema) (ops []Operator, ok bool) {
	for _, op := range s.Operators {
		if n, is := op.(Narrower); is {
			op = n.Narrow(in[0])
		}
		b, err := bindOperator(op, in)
		if err != nil {
			return nil, false
		}
		ops = append(ops, op)
		in = []*arrow.Schema{b.Schema}
	}
	return ops, true
}

// project gives the schema of the named columns, in the order of the schema.
func project(schema *arrow.Schema, columns []string) *arrow.Schema {
	want := map[string]bool{}
	for _, c := range columns {
		want[c] = true
	}
	var fields []arrow.Field
	for _, f := range schema.Fields() {
		if want[f.Name] {
			fields = append(fields, f)
		}
	}
	return arrow.NewSchema(fields, nil)
}

// pick gives a batch of some columns of b; the caller releases it.
func pick(b arrow.RecordBatch, schema *arrow.Schema, indexes []int) arrow.RecordBatch {
	cols := make([]arrow.Array, len(indexes))
	for i, j := range indexes {
		cols[i] = b.Column(j)
	}
	return array.NewRecordBatch(schema, cols, b.NumRows())
}
