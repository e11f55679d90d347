package openlineage

import (
	"github.com/penstock-data/penstock/pipeline"
)

// ways are how the standard says what became of a column.
var ways = map[pipeline.Way]Transformation{
	pipeline.Copied:      {Type: "DIRECT", Subtype: "IDENTITY"},
	pipeline.Renamed:     {Type: "DIRECT", Subtype: "IDENTITY"},
	pipeline.Computed:    {Type: "DIRECT", Subtype: "TRANSFORMATION"},
	pipeline.Aggregated:  {Type: "DIRECT", Subtype: "AGGREGATION"},
	pipeline.Filtered:    {Type: "INDIRECT", Subtype: "FILTER"},
	pipeline.Joined:      {Type: "INDIRECT", Subtype: "JOIN"},
	pipeline.GroupedBy:   {Type: "INDIRECT", Subtype: "GROUP_BY"},
	pipeline.SortedBy:    {Type: "INDIRECT", Subtype: "SORT"},
	pipeline.Windowed:    {Type: "INDIRECT", Subtype: "WINDOW"},
	pipeline.Conditional: {Type: "INDIRECT", Subtype: "CONDITIONAL"},
}

// columns says which input columns each column of a version comes from; nil where none is known.
// A column of which it isn't known is left out: the standard has no word for that.
func (u *unit) columns(m *pipeline.Manifest) *ColumnLineage {
	c := &ColumnLineage{Base: facet("1-2-0", "ColumnLineageDatasetFacet"), Fields: map[string]InputFields{}}
	ids := map[string]DatasetID{}
	for i := range m.Inputs {
		ids[m.Inputs[i].Name] = u.inputID(&m.Inputs[i])
	}
	for _, col := range m.Columns {
		if col.Unknown == "" {
			fields := fieldsOf(ids, col.From)
			if len(col.Untagged) > 0 {
				mask(fields)
			}
			c.Fields[col.Column] = InputFields{fields}
		}
	}
	c.Dataset = fieldsOf(ids, m.RowsBy)
	if len(c.Fields) == 0 && len(c.Dataset) == 0 {
		return nil
	}
	return c
}

// mask says of what was computed that it hides the values: a tag, like pii, was taken off for it.
func mask(fields []InputField) {
	for _, f := range fields {
		for i := range f.Transformations {
			t := &f.Transformations[i]
			t.Masking = t.Subtype == "TRANSFORMATION" || t.Subtype == "AGGREGATION"
		}
	}
}

// fieldsOf are the input columns that something comes from, each once with all its ways.
func fieldsOf(ids map[string]DatasetID, from []pipeline.ColumnOrigin) []InputField {
	type column struct {
		DatasetID
		field string
	}
	all, at := []InputField{}, map[column]int{}
	for _, o := range from {
		id, ok := ids[o.Input]
		way, known := ways[o.How]
		if !ok || !known {
			continue
		}
		key := column{id, o.Column}
		i, seen := at[key]
		if !seen {
			i = len(all)
			at[key] = i
			all = append(all, InputField{DatasetID: id, Field: o.Column})
		}
		all[i].Transformations = append(all[i].Transformations, way)
	}
	return all
}

// columnTags are the tags of columns; nil where there are none.
func columnTags(columns []pipeline.ColumnLineage) *Tags {
	t := &Tags{Base: facet("1-0-0", "TagsDatasetFacet")}
	for _, c := range columns {
		t.Tags = append(t.Tags, named(c.Tags, c.Column)...)
	}
	if len(t.Tags) == 0 {
		return nil
	}
	return t
}
