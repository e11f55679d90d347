package gates

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// SchemaColumn is a column that a schema check wants.
type SchemaColumn struct {
	Name string
	// Type is what pipeline.ParseType reads; empty: any.
	Type string
	// NotNull wants a column that can't be null.
	NotNull bool
}

type schemaRule struct {
	columns []SchemaColumn
	exact   bool
}

// Schema holds if the columns are there with their types. It is decided when the
// pipeline is bound, and reads no row.
func Schema(columns ...SchemaColumn) Check { return schemaOf(columns, false) }

// ExactSchema holds if these columns are there in this order, and no others.
func ExactSchema(columns ...SchemaColumn) Check { return schemaOf(columns, true) }

func schemaOf(columns []SchemaColumn, exact bool) Check {
	var parts []string
	for _, c := range columns {
		part := c.Name
		if c.Type != "" {
			part += " " + c.Type
		}
		if c.NotNull {
			part += " not null"
		}
		parts = append(parts, part)
	}
	show := "schema " + strings.Join(parts, ", ")
	if exact {
		show += ", and no others"
	}
	return Check{kind: schemaCheck, label: "schema", show: show, schema: &schemaRule{columns, exact}}
}

// differences says what is other than wanted.
func (r *schemaRule) differences(s *arrow.Schema) ([]string, error) {
	var found []string
	for i, want := range r.columns {
		at := s.FieldIndices(want.Name)
		if len(at) == 0 {
			found = append(found, fmt.Sprintf("column %s is missing", want.Name))
			continue
		}
		have := s.Field(at[0])
		if want.Type != "" {
			t, err := pipeline.ParseType(want.Type)
			if err != nil {
				return nil, err
			}
			if pipeline.TypeName(have.Type) != pipeline.TypeName(t) {
				found = append(found, fmt.Sprintf("column %s is %s, not %s", want.Name, pipeline.TypeName(have.Type), pipeline.TypeName(t)))
			}
		}
		if want.NotNull && have.Nullable {
			found = append(found, fmt.Sprintf("column %s may be null", want.Name))
		}
		if r.exact && at[0] != i {
			found = append(found, fmt.Sprintf("column %s stands at place %d, not %d", want.Name, at[0]+1, i+1))
		}
	}
	if r.exact {
		for _, f := range s.Fields() {
			if !slices.ContainsFunc(r.columns, func(c SchemaColumn) bool { return c.Name == f.Name }) {
				found = append(found, fmt.Sprintf("column %s is not wanted", f.Name))
			}
		}
	}
	return found, nil
}
