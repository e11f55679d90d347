package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/internal/report"
)

// maxColumns bounds the columns of a dataset that are named.
const maxColumns = 20

func (a *app) showImpact(x *penstock.Impact) {
	what := x.Change + " of " + x.Pipeline
	if x.Column != "" {
		what = "column " + x.Column + " of " + what
	}
	a.print("a change of %s reaches\n", what)
	for _, s := range x.Stages {
		note := ""
		if s.Recorded {
			note = "  (known from what it published: its file was not read)"
		}
		a.print("  stage    %s of %s%s\n", s.Stage, s.Pipeline, note)
		if len(s.Gates) > 0 {
			a.print("    gates  %s\n", strings.Join(s.Gates, ", "))
		}
	}
	for _, d := range x.Datasets {
		if d.Partitions == 0 {
			a.print("  dataset  %s: nothing is published\n", d.Dataset)
			continue
		}
		held := d.Held
		held.First, held.Last = d.First, d.Last
		a.print("  dataset  %s: %s, %s, took %s\n", d.Dataset, holdText(held), report.Bytes(d.Bytes), seconds(d.Seconds))
		if columns := columnsText(x, d.Dataset); columns != "" {
			a.print("    columns  %s\n", columns)
		}
	}
	for _, p := range x.Pipelines {
		a.print("  pipeline %s\n", p)
	}
	if len(x.Tags) > 0 {
		a.print("  tags     %s\n", strings.Join(x.Tags, ", "))
	}
	for _, why := range x.Unsure {
		a.print("  unknown  %s\n", why)
	}
	if x.Partitions == 0 {
		a.print("nothing of it is published\n")
		return
	}
	a.print("%s, %s, %s; to make them took %s\n", plural(x.Partitions, "published partition", "published partitions"),
		plural(x.Rows, "row", "rows"), report.Bytes(x.Bytes), seconds(x.Seconds))
}

// columnsText names the columns of a dataset that are reached.
func columnsText(x *penstock.Impact, dataset string) string {
	var names []string
	if slices.Contains(x.RowsOf, dataset) {
		names = append(names, "which rows there are")
	}
	for _, c := range x.Columns {
		if c.Dataset != dataset {
			continue
		}
		name := c.Column
		if c.How != "" {
			name += " (" + string(c.How) + ")"
		}
		if len(c.Tags) > 0 {
			name += " [" + strings.Join(c.Tags, ", ") + "]"
		}
		names = append(names, name)
	}
	if more := len(names) - maxColumns; more > 0 {
		names = append(names[:maxColumns], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}
