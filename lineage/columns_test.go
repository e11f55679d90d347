package lineage

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

func origin(input, column string, how pipeline.Way) pipeline.ColumnOrigin {
	return pipeline.ColumnOrigin{Input: input, Column: column, How: how}
}

// columnManifests are two datasets: clean, of a file, in two versions, and sums, of clean.
func columnManifests() []*pipeline.Manifest {
	at := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	clean := func(version int64, how string) *pipeline.Manifest {
		return &pipeline.Manifest{
			Pipeline: "p", Stage: "clean", Dataset: "out/clean", Partition: "all", Version: version, Published: at.AddDate(0, 0, int(version)), Run: fmt.Sprintf("run-%d", version),
			Schema: []pipeline.SchemaField{{Name: "id"}, {Name: "late"}},
			Columns: []pipeline.ColumnLineage{
				{Column: "id", From: []pipeline.ColumnOrigin{origin("raw", "id", pipeline.Copied)}, Tags: []string{"key"}},
				{Column: "late", From: []pipeline.ColumnOrigin{origin("raw", "delay", pipeline.Computed)}, By: []pipeline.ColumnStep{{Stage: "clean", How: how}}},
			},
			RowsBy: []pipeline.ColumnOrigin{origin("raw", "distance", pipeline.Filtered)},
			Inputs: []pipeline.InputRecord{{Name: "raw", Source: "csv raw.csv", Files: []pipeline.File{{Path: "raw.csv"}}}},
			Stages: []pipeline.StageRecord{{Name: "clean", Code: "c" + how}},
		}
	}
	sums := &pipeline.Manifest{
		Pipeline: "p", Stage: "sums", Dataset: "out/sums", Partition: "all", Version: 1, Published: at,
		Schema: []pipeline.SchemaField{{Name: "n"}, {Name: "odd"}},
		Columns: []pipeline.ColumnLineage{
			{Column: "n", From: []pipeline.ColumnOrigin{origin("clean", "late", pipeline.Aggregated)}},
			{Column: "odd", Unknown: "PIVOT is not known here"},
		},
		Inputs: []pipeline.InputRecord{{Name: "clean", Dataset: "out/clean", Partition: "all", Version: 3}},
	}
	old := &pipeline.Manifest{Dataset: "out/old", Partition: "all", Version: 1, Schema: []pipeline.SchemaField{{Name: "x"}}}
	return []*pipeline.Manifest{clean(1, "late = delay > 10"), clean(2, "late = delay > 15"), clean(3, "late = delay > 15"), sums, old}
}

func written(t *ColumnTree, indent string, b *strings.Builder) {
	fmt.Fprintf(b, "%s%s%s.%s %s %v %s seen=%v said=%d\n", indent, t.Dataset, t.Source, t.Name, t.How, t.Tags, t.Unknown, t.Seen, len(t.Said))
	for _, next := range t.Next {
		written(next, indent+" ", b)
	}
}

func TestColumnGraph(t *testing.T) {
	g := Columns(columnManifests())
	for _, c := range []struct {
		of   Column
		dir  Direction
		want string
	}{
		{Column{Dataset: "out/sums", Name: "n"}, Up, `out/sums.n  []  seen=false said=0
 out/clean.late aggregated []  seen=false said=1
  csv raw.csv.delay computed []  seen=false said=3
`},
		{Column{Dataset: "out/sums"}, Up, `out/sums.  []  seen=false said=0
 out/clean.  []  seen=false said=1
  csv raw.csv.  []  seen=false said=3
  csv raw.csv.distance filter []  seen=false said=3
`},
		{Column{Source: "csv raw.csv", Name: "distance"}, Down, `csv raw.csv.distance  []  seen=false said=0
 out/clean. filter []  seen=false said=3
  out/sums.  []  seen=false said=1
`},
		{Column{Dataset: "out/clean", Name: "id"}, Up, `out/clean.id  [key]  seen=false said=0
 csv raw.csv.id copied []  seen=false said=3
`},
		{Column{Dataset: "out/sums", Name: "odd"}, Up, "out/sums.odd  [] PIVOT is not known here seen=false said=0\n"},
		{Column{Dataset: "out/old", Name: "x"}, Up, "out/old.x  [] " + NotRecorded + " seen=false said=0\n"},
	} {
		var b strings.Builder
		written(g.Walk(c.of, c.dir, -1), "", &b)
		if b.String() != c.want {
			t.Errorf("%v:\n%s\nwant\n%s", c.of, b.String(), c.want)
		}
	}
	var names []string
	for _, c := range g.Of("raw.csv") {
		names = append(names, c.Name)
	}
	if want := []string{"delay", "distance", "id"}; !slices.Equal(names, want) {
		t.Errorf("columns of raw.csv: %q, want %q", names, want)
	}
	if short := g.Walk(Column{Dataset: "out/sums", Name: "n"}, Up, 1); len(short.Next) != 1 || short.Next[0].Next != nil {
		t.Errorf("one step: %+v", short)
	}
}

func TestBlame(t *testing.T) {
	all := columnManifests()
	b := Blame(all, Node{Dataset: "out/sums", Partition: "all", Version: 1}, "n")
	if b == nil || len(b.From) != 1 || b.From[0].Blame == nil {
		t.Fatalf("%+v", b)
	}
	late := b.From[0].Blame
	if late.Since.Version != 2 || late.Since.Run != "run-2" || late.Since.Oldest || late.Since.Code != "clate = delay > 15" {
		t.Errorf("since %+v", late.Since)
	}
	if from := late.From[0]; from.Files[0] != "raw.csv" || from.How != pipeline.Computed || from.Column != "delay" {
		t.Errorf("from %+v", from)
	}
	id := Blame(all, Node{Dataset: "out/clean", Partition: "all", Version: 3}, "id")
	if id.Since.Version != 1 || !id.Since.Oldest {
		t.Errorf("a copied column is as it was, whatever else the stage does: since %+v", id.Since)
	}
	if b := Blame(all, Node{Dataset: "out/clean", Partition: "all", Version: 3}, "ids"); b != nil {
		t.Errorf("blame of no column: %+v", b)
	}
	if b := Blame(all, Node{Dataset: "out/old", Partition: "all", Version: 1}, "x"); b.Unknown != NotRecorded {
		t.Errorf("blame of what was not recorded: %+v", b)
	}
}
