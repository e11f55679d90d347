package cli

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/penstock-data/penstock/lineage"
	"github.com/penstock-data/penstock/lineage/draw"
)

// wide is a graph of a file that so many partitions were made of, each with a file of its own, and of
// which each has two versions.
func wide(partitions int) *lineage.Graph {
	var all []*lineage.Made
	for p := range partitions {
		for v := range int64(2) {
			all = append(all, &lineage.Made{
				Dataset: "w/clean", Partition: fmt.Sprintf("p%05d", p), Version: v + 1, Pipeline: "p", Stage: "clean", Data: fmt.Sprint(p, v),
				Published: time.Date(2026, 1, 1, 0, 0, p, int(v), time.UTC),
				Inputs:    []lineage.Node{{File: "airports.csv", SHA256: "aa"}, {File: fmt.Sprintf("in/%05d.csv", p), SHA256: "bb"}},
			})
		}
	}
	return lineage.Build(all)
}

// What is too much to be drawn is drawn together, and the picture says so.
func TestPictureIsBounded(t *testing.T) {
	root := lineage.Node{File: "airports.csv", SHA256: "aa"}
	for _, test := range []struct {
		partitions   int
		nodes, edges int
		under        string // of the dataset
	}{
		{3, 7, 6, "replaced by v2"},
		{249, 499, 498, "replaced by v2"},
		{250, 2, 1, "500 versions, 250 current"},
		{5000, 2, 1, "10,000 versions, 5,000 current"},
	} {
		v := &view{lineageFlags: &lineageFlags{down: true, depth: -1}, graph: wide(test.partitions), roots: []lineage.Node{root}}
		p, err := picture(v, "airports.csv")
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Nodes) != test.nodes || len(p.Edges) != test.edges {
			t.Errorf("%d partitions: %d boxes, %d edges", test.partitions, len(p.Nodes), len(p.Edges))
		}
		for _, n := range p.Nodes {
			if n.Kind != draw.File && n.Label != "" && n.Under != test.under && n.Under != "current" {
				t.Errorf("%d partitions: %+v", test.partitions, n)
			}
			if n.Root != (n.Label == "airports.csv") {
				t.Errorf("%+v is the root?", n)
			}
		}
		if said := strings.Contains(strings.Join(p.Notes, " "), "too many to draw one by one"); said != (test.nodes == 2) {
			t.Errorf("%d partitions: %q", test.partitions, p.Notes)
		}
	}
}

// Up and down together, the files of a directory are one, but for the one that was asked about.
func TestPictureGathersFiles(t *testing.T) {
	roots := []lineage.Node{{Dataset: "w/clean", Partition: "p00007", Version: 2}}
	g := wide(600)
	for i := range 600 {
		roots = append(roots, lineage.Node{Dataset: "w/clean", Partition: fmt.Sprintf("p%05d", i), Version: 1})
	}
	p, err := picture(&view{lineageFlags: &lineageFlags{up: true, depth: -1}, graph: g, roots: roots}, "w/clean")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, n := range p.Nodes {
		got[n.Label] = n.Under
	}
	if len(p.Nodes) != 3 || got["in/*.csv"] != "600 files" || got["w/clean"] != "601 versions, 1 current" || len(p.Edges) != 2 {
		t.Errorf("%v, %d edges", got, len(p.Edges))
	}
}

// What is still too much says what to do.
func TestPictureOfTooMuch(t *testing.T) {
	var flows []*lineage.Flow
	for i := range mostBoxes + 1 {
		flows = append(flows, &lineage.Flow{Pipeline: "p", Stage: fmt.Sprint("s", i), Dataset: fmt.Sprint("d", i), Inputs: []lineage.Node{{Source: "csv in.csv"}}})
	}
	_, err := picture(&view{lineageFlags: &lineageFlags{down: true, depth: -1}, graph: lineage.Datasets(flows, false), roots: []lineage.Node{{Source: "csv in.csv"}}}, "in.csv")
	if err == nil || !strings.HasPrefix(err.Error(), "2,002 things would have to be drawn, even together\n\tsay less with --depth") {
		t.Errorf("%v", err)
	}
}

// Times are taken as people write them.
func TestParseMoment(t *testing.T) {
	day := time.Date(2026, 1, 31, 0, 0, 0, 0, time.Local)
	for text, want := range map[string]time.Time{
		"":                     {},
		"2026-01-31":           day.AddDate(0, 0, 1).Add(-1),
		"2026-01-31 12:00":     day.Add(12 * time.Hour),
		"2026-01-31 12:00:01":  day.Add(12*time.Hour + time.Second),
		"2026-01-31T12:00:01":  day.Add(12*time.Hour + time.Second),
		"2026-01-31T12:00:00Z": time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC),
	} {
		if got, err := parseMoment("--as-of", text); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"tuesday", "2026-13-01", "-7d", "2026"} {
		if got, err := parseMoment("--as-of", text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
