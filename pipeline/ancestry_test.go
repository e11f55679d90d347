package pipeline

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
)

// An operator of a user's is taken at its word: what it does not say is unknown.
func TestColumnsOfUsersOperators(t *testing.T) {
	in := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64}, {Name: "b", Type: arrow.PrimitiveTypes.Int64}}, nil)
	source := sourceAncestries(NamedSource{Name: "s", Columns: map[string]ColumnTags{"a": {Tags: []string{"pii"}}}}, &Input{Schema: in, RowsBy: []string{"b"}})
	each := func(Unit) (BatchFunc, error) { return nil, nil }
	for _, c := range []struct {
		what  string
		bound Bound
		want  string
	}{
		{"says nothing", Bound{Each: each}, `
a: UNKNOWN stage st: map: it does not say which columns this one comes from [pii]
b: UNKNOWN stage st: map: it does not say which columns this one comes from [pii]
rows: s.b filter UNKNOWN stage st: map: it does not say by which columns it chooses its rows`},
		{"says from which", Bound{Each: each, From: [][]Column{{{0, 1}}, {}}, Reads: []Column{{0, 0}}}, `
a: s.b computed
b:
rows: s.a filter s.b filter`},
		{"hands on", Bound{Each: each, Same: []int{1, -1}}, `
a: s.b renamed
b: UNKNOWN stage st: map: it does not say which columns this one comes from [pii]
rows: s.b filter`},
		{"only leaves rows out", Bound{Keep: func(Unit) (KeepFunc, error) { return nil, nil }}, `
a: s.a copied [pii]
b: s.b copied
rows: s.b filter UNKNOWN stage st: map: it does not say by which columns it chooses its rows`},
		{"says how", Bound{Each: each, Origins: &Origins{
			Columns: []Origin{{From: []Use{{Column{0, 0}, Aggregated}, {Column{0, 0}, Copied}, {Column{0, 1}, Windowed}}}, {Unknown: "it rolls dice"}},
			Rows:    Origin{From: []Use{{Column{0, 0}, SortedBy}}},
		}}, `
a: s.a aggregated s.b window [pii]
b: UNKNOWN stage st: map: it rolls dice [pii]
rows: s.a sort s.b filter`},
		{"names what is not there", Bound{Each: each, From: [][]Column{{{1, 0}}, {{0, 2}}}}, `
a: UNKNOWN stage st: map: it names a column that is not there [pii]
b: UNKNOWN stage st: map: it names a column that is not there [pii]
rows: s.b filter`},
	} {
		c.bound.Schema = in
		l := c.bound.traceColumns([]ancestries{source}, ColumnStep{"st", "map"}).lineage(in)
		var b strings.Builder
		write := func(name string, from []ColumnOrigin, unknown string, tags []string) {
			fmt.Fprintf(&b, "\n%s:", name)
			for _, o := range from {
				fmt.Fprintf(&b, " %s.%s %s", o.Input, o.Column, o.How)
			}
			if unknown != "" {
				b.WriteString(" UNKNOWN " + unknown)
			}
			if tags != nil {
				fmt.Fprintf(&b, " %v", tags)
			}
		}
		for _, col := range l.Columns {
			write(col.Column, col.From, col.Unknown, col.Tags)
		}
		write("rows", l.RowsBy, l.RowsUnknown, nil)
		if b.String() != c.want {
			t.Errorf("%s: %s\nwant%s", c.what, b.String(), c.want)
		}
	}
}

// What is done twice is the stronger of both, but what only decides stays so.
func TestThrough(t *testing.T) {
	for _, c := range []struct{ first, then, want Way }{
		{Copied, Copied, Copied},
		{Renamed, Copied, Renamed},
		{Copied, Computed, Computed},
		{Aggregated, Computed, Aggregated},
		{Computed, Aggregated, Aggregated},
		{Filtered, Computed, Filtered},
		{Conditional, Aggregated, Conditional},
		{Copied, Windowed, Windowed},
		{Joined, SortedBy, SortedBy},
	} {
		if got := Through(c.first, c.then); got != c.want {
			t.Errorf("%s, then %s: %s, want %s", c.first, c.then, got, c.want)
		}
	}
}
