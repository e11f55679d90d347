package lineage

import (
	"slices"

	"github.com/penstock-data/penstock/pipeline"
)

// ColumnWhy says what of the causes between two versions reaches a column.
type ColumnWhy struct {
	// From are the columns that it comes from, as far as they are of inputs that are not as they
	// were; if there are none, RowsBy those that decide which rows there are.
	From   []pipeline.ColumnOrigin `json:"from,omitempty"`
	RowsBy []pipeline.ColumnOrigin `json:"rows_by,omitempty"`
	// Before and After are the operators that make it, where these are not the same.
	Before []pipeline.ColumnStep `json:"before,omitempty"`
	After  []pipeline.ColumnStep `json:"after,omitempty"`
	// Stages do something else, by their names; perhaps to other columns.
	Stages []string `json:"stages,omitempty"`
	// Unknown says why it can't be told what the column comes from.
	Unknown string `json:"unknown,omitempty"`
	// Unexplained says that nothing it comes from differs, nor anything that made it.
	Unexplained bool `json:"unexplained,omitempty"`
}

// ExplainColumn tells what made a column other than it was; nil where the manifests don't say what it
// comes from.
func ExplainColumn(was, now *pipeline.Manifest, column string, causes []Cause) *ColumnWhy {
	old, young := recordedColumn(was, column), recordedColumn(now, column)
	if old == nil || young == nil {
		return nil
	}
	why := &ColumnWhy{Unknown: young.Unknown}
	inputs, decided := changedInputs(causes), false
	for _, c := range causes {
		switch {
		case c.Kind == CauseCode && c.Before != "" && c.After != "":
			why.Stages = append(why.Stages, c.Name)
		case c.Explains && c.Input == "": // what concerns every column: a parameter, a rollback, a new stage
			decided = true
		}
	}
	if why.From = amongst(inputs, young.From); len(why.From) == 0 {
		why.RowsBy = amongst(inputs, now.RowsBy)
	}
	if !slices.Equal(old.By, young.By) {
		why.Before, why.After = old.By, young.By
	}
	why.Unexplained = why.Unknown == "" && now.RowsUnknown == "" && !decided && len(why.From)+len(why.RowsBy)+len(why.Stages)+len(why.Before)+len(why.After) == 0
	return why
}

// amongst gives those of the columns that belong to some inputs.
func amongst(inputs []string, columns []pipeline.ColumnOrigin) (all []pipeline.ColumnOrigin) {
	for _, o := range columns {
		if slices.Contains(inputs, o.Input) {
			all = append(all, o)
		}
	}
	return all
}

func recordedColumn(m *pipeline.Manifest, name string) *pipeline.ColumnLineage {
	for i := range m.Columns {
		if m.Columns[i].Column == name {
			return &m.Columns[i]
		}
	}
	return nil
}

// changedInputs names the inputs whose data may not be as it was.
func changedInputs(causes []Cause) (names []string) {
	for _, c := range causes {
		if c.Input != "" && c.Explains {
			names = append(names, c.Input)
		}
	}
	return names
}
