package penstock_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/pipeline"
)

// Rows that came from very many are told one after the other; of one that came from more than
// are held at once, the rest is counted.
func TestTraceOfCrowdedRows(t *testing.T) {
	x := &tracedProject{T: t, dir: t.TempDir(), text: `
name: shop
partitions: {by: key}
sources:
  orders: {csv: 'raw/{partition}.csv', schema: {who: string, n: int64}}
stages:
  totals:
    from: orders
    operators: [{aggregate: {by: [who], columns: {n: sum(n)}}}, {sort: [who]}]
    output: {parquet: out/totals}
    lineage: rows
`}
	counts := map[string]int{"a": 60_000, "b": 130_000, "c": 50_000, "d": 1}
	var text strings.Builder
	text.WriteString("who,n\n")
	for _, who := range []string{"a", "b", "c", "d"} {
		for n := range counts[who] {
			fmt.Fprintf(&text, "%s,%d\n", who, n)
		}
	}
	x.write("raw/eu.csv", text.String())
	x.open(penstock.Options{Actor: "ann"})
	x.run(pipeline.Published)

	got := map[string][2]int{}
	o := penstock.TraceOptions{Dataset: "out/totals", Partition: "eu", Pipeline: func(*pipeline.Manifest) (*pipeline.Pipeline, error) { return x.pipeline(), nil }}
	_, err := x.p.Trace(t.Context(), o, func(r *penstock.TracedRow) error {
		who := r.Values.Column(0).ValueStr(0)
		got[who] = [2]int{len(r.From), int(r.More)}
		for _, f := range r.From {
			if f.Values == nil || f.Values.Column(0).ValueStr(0) != who {
				t.Fatalf("%s came from %s:%d, %s", who, f.File, f.Row, f.Problem)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][2]int{"a": {60_000, 0}, "b": {100_000, 30_000}, "c": {50_000, 0}, "d": {1, 0}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
