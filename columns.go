package penstock

import (
	"slices"

	"github.com/penstock-data/penstock/pipeline"
)

// judgedColumns says where the columns come from of a version that was only judged: from where
// those of the version before did. What gates put aside now, they put aside by its columns.
func judgedColumns(m, was *pipeline.Manifest) {
	by := m.RowsBy
	m.Columns, m.RowsBy, m.RowsUnknown = was.Columns, slices.Clone(was.RowsBy), was.RowsUnknown
	for _, o := range by {
		for _, c := range was.Columns {
			if c.Column != o.Column || o.How != pipeline.Filtered {
				continue
			}
			for _, from := range c.From {
				m.RowsBy = append(m.RowsBy, pipeline.ColumnOrigin{Input: from.Input, Column: from.Column, How: pipeline.Filtered})
			}
			if m.RowsUnknown == "" {
				m.RowsUnknown = c.Unknown
			}
		}
	}
	slices.SortFunc(m.RowsBy, pipeline.ColumnOrigin.Compare)
	m.RowsBy = slices.Compact(m.RowsBy)
}

// columns says where those of a release come from: each from all that its rows come from.
func (r *release) columns(m *pipeline.Manifest) {
	from := []string{r.stage.Name, "quarantine"}
	if r.fixed != nil {
		from = append(from, "corrected")
	}
	name := r.pl.Sources[0].Name
	spread := func(origins []pipeline.ColumnOrigin) (all []pipeline.ColumnOrigin) {
		for _, o := range origins {
			if o.Input != name {
				all = append(all, o)
				continue
			}
			for _, o.Input = range from {
				all = append(all, o)
			}
		}
		slices.SortFunc(all, pipeline.ColumnOrigin.Compare)
		return slices.Compact(all)
	}
	m.RowsBy, m.Columns = spread(m.RowsBy), slices.Clone(m.Columns)
	for i := range m.Columns {
		m.Columns[i].From = spread(m.Columns[i].From)
	}
}
