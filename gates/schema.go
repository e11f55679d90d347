package gates

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// SchemaColumn is a column that a schema check speaks of.
type SchemaColumn struct {
	Name string
	// Type is what pipeline.ParseType reads; empty: any.
	Type string
	// NotNull wants a column that can't be null.
	NotNull bool
	// Optional lets the column be missing.
	Optional bool
}

// Contract is what the columns of a stage must be. Its zero value asks for nothing.
type Contract struct {
	Columns []SchemaColumn
	// Forbidden are columns that must not be there.
	Forbidden []string
	// Exact allows no other columns; Ordered wants those there are in the order of Columns.
	Exact, Ordered bool
	// Widen lets a column have a type all of whose values the wanted one holds: int32 for
	// int64.
	Widen bool
	// Names is a regular expression that every column's name matches as a whole; may be empty.
	Names string
	// Drift says what a change against the version that was published last is.
	Drift Drift
}

// Drift is a policy for changes of a schema.
type Drift string

// The policies. The zero value does not compare.
const (
	DriftFails   Drift = "fail"   // any change fails
	DriftEvolves Drift = "evolve" // columns may be added, and types widened
	DriftIgnored Drift = "ignore" // changes are told, and pass
)

// Schema holds if the columns are there with their types. It reads no row.
func Schema(columns ...SchemaColumn) Check { return Contracted(Contract{Columns: columns}) }

// ExactSchema holds if these columns are there in this order, and no others.
func ExactSchema(columns ...SchemaColumn) Check {
	return Contracted(Contract{Columns: columns, Exact: true, Ordered: true})
}

// Contracted holds if the columns are as the contract says. It reads no row.
func Contracted(c Contract) Check {
	return Check{kind: schemaCheck, label: "schema", show: "schema " + c.String(), schema: &c}
}

// String is the contract as people write it.
func (c Contract) String() string {
	var parts []string
	for _, col := range c.Columns {
		part := col.Name
		if col.Type != "" {
			part += " " + col.Type
		}
		if col.NotNull {
			part += " not null"
		}
		if col.Optional {
			part += " optional"
		}
		parts = append(parts, part)
	}
	for _, name := range c.Forbidden {
		parts = append(parts, "no "+name)
	}
	for _, option := range []struct {
		on   bool
		text string
	}{{c.Exact, "and no others"}, {c.Ordered, "in this order"}, {c.Widen, "or narrower types"}, {c.Names != "", "names match " + c.Names}, {c.Drift != "", "drift " + string(c.Drift)}} {
		if option.on {
			parts = append(parts, option.text)
		}
	}
	return strings.Join(parts, ", ")
}

// contract is a schema check bound to a schema.
type contract struct {
	schema  *arrow.Schema
	differs []string
}

func (r *boundRule) bindContract(b *bound) (err error) {
	r.schema = b.schema
	r.differs, err = r.Check.schema.differences(b.schema)
	return err
}

// differences says what is other than wanted.
func (c Contract) differences(s *arrow.Schema) (found []string, err error) {
	note := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	last := -1
	for i, want := range c.Columns {
		at := s.FieldIndices(want.Name)
		if len(at) == 0 {
			if !want.Optional {
				note("column %s is missing", want.Name)
			}
			continue
		}
		if err := c.column(want, s.Field(at[0]), note); err != nil {
			return nil, err
		}
		switch {
		case c.Ordered && c.Exact && at[0] != i && !slices.ContainsFunc(c.Columns[:i], func(w SchemaColumn) bool { return w.Optional }):
			note("column %s stands at place %d, not %d", want.Name, at[0]+1, i+1)
		case c.Ordered && at[0] < last:
			note("column %s stands at place %d, before one that it should follow", want.Name, at[0]+1)
		}
		last = max(last, at[0])
	}
	return found, c.others(s, note)
}

func (c Contract) column(want SchemaColumn, have arrow.Field, note func(string, ...any)) error {
	if want.Type != "" {
		t, err := pipeline.ParseType(want.Type)
		if err != nil {
			return err
		}
		if pipeline.TypeName(have.Type) != pipeline.TypeName(t) && !(c.Widen && widens(pipeline.ValueType(have.Type), t)) {
			note("column %s is %s, not %s", want.Name, pipeline.TypeName(have.Type), pipeline.TypeName(t))
		}
	}
	if want.NotNull && have.Nullable {
		note("column %s may be null", want.Name)
	}
	return nil
}

// others looks at the columns that the contract does not list.
func (c Contract) others(s *arrow.Schema, note func(string, ...any)) error {
	var names *regexp.Regexp
	if c.Names != "" {
		var err error
		if names, err = regexp.Compile("^(?:" + c.Names + ")$"); err != nil {
			return pipeline.Errorf(pipeline.Invalid, "names: %w", err)
		}
	}
	for i, f := range s.Fields() {
		if c.Exact && !slices.ContainsFunc(c.Columns, func(w SchemaColumn) bool { return w.Name == f.Name }) {
			note("column %s is not wanted", f.Name)
		}
		if slices.Contains(c.Forbidden, f.Name) {
			note("column %s is forbidden", f.Name)
		}
		if names != nil && !names.MatchString(f.Name) {
			note("the name of column %d, %q, does not match %s", i+1, f.Name, c.Names)
		}
		if at := s.FieldIndices(f.Name); at[0] != i {
			note("column %s is there twice", f.Name)
		}
	}
	return nil
}

// judgeContract gives the verdict of a schema rule.
func (r *boundRule) judgeContract(f *pipeline.Finding, accepted *pipeline.Manifest) {
	f.DecidedBy = "schema"
	f.Verdict, f.Observed, f.Expected = pipeline.Pass, "as wanted", "the columns of the rule"
	differs := r.differs
	if policy := r.Check.schema.Drift; policy != "" && accepted != nil {
		changes := drift(accepted.Schema, r.schema)
		for _, c := range changes {
			f.Detail = append(f.Detail, c.text)
			if policy == DriftFails || policy == DriftEvolves && !c.harmless {
				differs = append(slices.Clone(differs), "against version "+fmt.Sprint(accepted.Version)+" of "+accepted.Partition+": "+c.text)
			}
		}
		if len(changes) > 0 {
			f.Observed = plural(int64(len(changes)), "change") + " against what was published last, allowed"
		}
	}
	if n := len(differs); n > 0 {
		f.Verdict, f.Observed, f.Detail = pipeline.Fail, plural(int64(n), "difference"), differs
	}
}

// change is a difference from the version that was published last.
type change struct {
	text     string
	harmless bool // readers of the old columns see nothing of it
}

// drift is the difference between two schemas, as a diff.
func drift(was []pipeline.SchemaField, now *arrow.Schema) (all []change) {
	at := func(name string) int {
		return slices.IndexFunc(was, func(f pipeline.SchemaField) bool { return f.Name == name })
	}
	for _, old := range was {
		found := now.FieldIndices(old.Name)
		if len(found) == 0 {
			all = append(all, change{text: "- " + old.Name + " " + old.Type})
			continue
		}
		all = append(all, changed(old, now.Field(found[0]))...)
	}
	last := -1
	for _, f := range now.Fields() {
		i := at(f.Name)
		switch {
		case i < 0:
			all = append(all, change{"+ " + f.Name + " " + pipeline.TypeName(f.Type), true})
		case i < last:
			all = append(all, change{text: "~ " + f.Name + " stands in another place"})
		}
		last = max(last, i)
	}
	return all
}

func changed(old pipeline.SchemaField, f arrow.Field) (all []change) {
	if now := pipeline.TypeName(f.Type); now != old.Type {
		t, err := pipeline.ParseType(old.Type)
		all = append(all, change{"~ " + f.Name + " " + old.Type + " → " + now, err == nil && widens(t, pipeline.ValueType(f.Type))})
	}
	if f.Nullable && !old.Nullable {
		all = append(all, change{text: "~ " + f.Name + " may be null now"})
	}
	return all
}

// widening orders types so that each holds all values of those before it.
var widening = [][]arrow.Type{
	{arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64},
	{arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64},
	{arrow.UINT8, arrow.INT16},
	{arrow.UINT16, arrow.INT32},
	{arrow.UINT32, arrow.INT64},
	{arrow.INT8, arrow.FLOAT32},
	{arrow.INT16, arrow.FLOAT32},
	{arrow.INT32, arrow.FLOAT64},
	{arrow.UINT32, arrow.FLOAT64},
	{arrow.FLOAT16, arrow.FLOAT32, arrow.FLOAT64},
	{arrow.DATE32, arrow.TIMESTAMP},
}

// widens reports whether every value of one type is one of the other.
func widens(from, to arrow.DataType) bool {
	a, aIs := from.(arrow.DecimalType)
	b, bIs := to.(arrow.DecimalType)
	if aIs && bIs {
		return b.GetScale() >= a.GetScale() && b.GetPrecision()-b.GetScale() >= a.GetPrecision()-a.GetScale()
	}
	return slices.ContainsFunc(widening, func(r []arrow.Type) bool {
		i, j := slices.Index(r, from.ID()), slices.Index(r, to.ID())
		return i >= 0 && j > i
	})
}

func columnNamed(columns []SchemaColumn, name string) int {
	return slices.IndexFunc(columns, func(c SchemaColumn) bool { return c.Name == name })
}

// problem says what makes no sense in the contract.
func (c Contract) problem() error {
	switch {
	case c.Drift != "" && !slices.Contains([]Drift{DriftFails, DriftEvolves, DriftIgnored}, c.Drift):
		return pipeline.Errorf(pipeline.Invalid, "%s", pipeline.Unknown("drift", string(c.Drift), []string{"fail", "evolve", "ignore"}))
	case len(c.Columns) == 0 && len(c.Forbidden) == 0 && c.Names == "" && c.Drift == "":
		return pipeline.Errorf(pipeline.Invalid, "it asks for nothing: give columns, not_null, forbidden, names or drift")
	}
	return nil
}
