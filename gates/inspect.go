package gates

import (
	"slices"

	"github.com/penstock-data/penstock/pipeline"
)

// Rules are those of a judge that Of made, with their defaults; nil of any other.
func Rules(j pipeline.Judge) []Rule {
	if j, ok := j.(judge); ok {
		return slices.Clone(j.rules)
	}
	return nil
}

// Kind is what the check is called in a pipeline file: "rows", "not_null".
func (c Check) Kind() string { return c.label }

// Columns are those that the check names, but for what stands in CEL.
func (c Check) Columns() []string { return slices.Clone(c.columns) }
