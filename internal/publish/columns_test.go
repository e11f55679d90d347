package publish

import (
	"testing"

	"github.com/penstock-data/penstock/pipeline"
)

// What is known of a column, and of the rows, counts; how its making is worded, and for which reason
// nothing is known, does not.
func TestSameColumns(t *testing.T) {
	from := []pipeline.ColumnOrigin{{Input: "a", Column: "x", How: pipeline.Computed}}
	said := func(c pipeline.ColumnLineage, rows []pipeline.ColumnOrigin, unknown string) *pipeline.Manifest {
		c.Column = "v"
		return &pipeline.Manifest{Columns: []pipeline.ColumnLineage{c}, RowsBy: rows, RowsUnknown: unknown}
	}
	by := func(how string) []pipeline.ColumnStep { return []pipeline.ColumnStep{{Stage: "s", How: how}} }
	for _, c := range []struct {
		what string
		a, b *pipeline.Manifest
		want bool
	}{
		{"another text", said(pipeline.ColumnLineage{From: from, By: by("x + 1")}, nil, ""), said(pipeline.ColumnLineage{From: from, By: by("1 + x")}, nil, ""), true},
		{"another reason", said(pipeline.ColumnLineage{Unknown: "a"}, nil, "c"), said(pipeline.ColumnLineage{Unknown: "b"}, nil, "d"), true},
		{"known to be of nothing, and not known", said(pipeline.ColumnLineage{}, nil, ""), said(pipeline.ColumnLineage{Unknown: "b"}, nil, ""), false},
		{"known, and not known", said(pipeline.ColumnLineage{From: from}, nil, ""), said(pipeline.ColumnLineage{Unknown: "b"}, nil, ""), false},
		{"of another column", said(pipeline.ColumnLineage{From: from}, nil, ""), said(pipeline.ColumnLineage{}, nil, ""), false},
		{"another tag", said(pipeline.ColumnLineage{Tags: []string{"pii"}}, nil, ""), said(pipeline.ColumnLineage{}, nil, ""), false},
		{"rows by another", said(pipeline.ColumnLineage{}, from, ""), said(pipeline.ColumnLineage{}, nil, ""), false},
		{"rows by what is not known", said(pipeline.ColumnLineage{}, from, "c"), said(pipeline.ColumnLineage{}, from, ""), false},
	} {
		if got := sameColumns(c.a, c.b); got != c.want {
			t.Errorf("%s: got %t", c.what, got)
		}
		if got := sameColumns(c.b, c.a); got != c.want {
			t.Errorf("%s, the other way: got %t", c.what, got)
		}
	}
}
