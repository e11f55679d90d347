package draw

import "fmt"

// hostile is a name that means something in each of the formats.
const hostile = "a\"b'</script><script>alert(1)</script><img src=http://example.com/x.png onerror=alert(2)>]]>--> #quot; %%{init}%% \\n `x` & {y} [z] |"

// sample is a picture with every kind and state, a long edge, a circle, and names that nobody
// would choose.
func sample() *Picture {
	return &Picture{
		Title: "warehouse/airports@2001-03", Notes: []string{"made of and made from it", "as of 2026-01-02 03:04:05"},
		Nodes: []Node{
			{Kind: File, Label: "data/airports.csv", Under: "sha256 903c7169e6d5", Facts: []Fact{{"sha256", "903c7169e6d558eefb95295fe2947ec8503135fbb855ea5c737cf4a90ea603ad"}}},
			{Kind: File, Label: "data/flights/2001-03.parquet", Under: "sha256 513c4bdcb66e"},
			{Kind: Stage, Label: "clean", Under: "stage of flights"},
			{Kind: Version, Label: "warehouse/clean@2001-03 v1", Under: "replaced by v2", State: Replaced},
			{Kind: Version, Label: "warehouse/clean@2001-03 v2", Under: "current", State: Current},
			{Kind: Version, Label: "warehouse/airports@2001-03 v2", Under: "current", State: Current, Root: true, Facts: []Fact{{"published", "2026-01-02 03:04:05 by tester"}, {"rows", "224"}}},
			{Kind: Source, Label: "csv data/holidays.csv"},
			{Kind: Dataset, Label: "warehouse/balance", Under: "31 partitions, 2001-01-01 to 2001-01-31, 31 rows"},
			{Kind: Many, Label: "warehouse/daily", Under: "1,204 versions, 1,000 current"},
			{Kind: Column, Label: "delay"},
			{Kind: Version, Label: hostile, Under: hostile, State: Unknown, Facts: []Fact{{hostile, hostile}}},
		},
		Edges: []Edge{
			{From: 0, To: 3},
			{From: 1, To: 2},
			{From: 2, To: 3},
			{From: 2, To: 4},
			{From: 4, To: 5},
			{From: 0, To: 5},
			{From: 5, To: 7},
			{From: 6, To: 7, Faint: true},
			{From: 7, To: 7, Label: "the day before"},
			{From: 7, To: 8},
			{From: 8, To: 2},
			{From: 9, To: 10, Label: hostile},
			{From: 3, To: 10},
		},
	}
}

// grid is a picture of so many layers and rows.
func grid(layers, rows int) *Picture {
	p := &Picture{Title: "grid"}
	for l := range layers {
		for r := range rows {
			p.Nodes = append(p.Nodes, Node{Kind: Version, Label: fmt.Sprintf("d%d@%d v1", l, r), State: Current})
			if l > 0 {
				for _, from := range []int{r, (r * 7) % rows} {
					p.Edges = append(p.Edges, Edge{From: (l-1)*rows + from, To: l*rows + r})
				}
			}
		}
	}
	return p
}
