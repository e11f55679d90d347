package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/penstock-data/penstock/lineage"
)

// A tree of which nobody would read all ends with how much more there is; the count below it is of all.
func TestTreeIsBounded(t *testing.T) {
	for partitions, want := range map[int]string{
		5000: "",
		5001: "  … and 2 more lines; --depth says less, -o json has it all\n10,002 versions were made of it: 5,001 current, 5,001 replaced since\n",
	} {
		var out bytes.Buffer
		a := &app{stdout: &out, output: "text"}
		root := lineage.Node{File: "airports.csv", SHA256: "aa"}
		if err := a.showTrees(&view{lineageFlags: &lineageFlags{down: true, depth: -1}, graph: wide(partitions), roots: []lineage.Node{root}}); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		if n := strings.Count(text, "─ w/clean@"); n != mostLines {
			t.Errorf("%d partitions: %d lines", partitions, n)
		}
		if more := strings.Contains(text, "more lines"); more != (partitions > 5000) || more && !strings.HasSuffix(text, want) {
			t.Errorf("%d partitions: %q", partitions, text[len(text)-200:])
		}
	}
}
