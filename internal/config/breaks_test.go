package config

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A ledger reads its own partition before, and what was decided, without anybody saying so.
func TestLedgerReadsItsPast(t *testing.T) {
	p, err := Parse("p.yaml", []byte(`name: p
partitions: {by: day}
sources: {s: {csv: a.csv}}
stages:
  compare: {from: s}
  b: {from: compare, operators: [{breaks: {keep: 30}}], output: {parquet: w/b}}
  c: {from: {x: compare}, operators: [{breaks: {dataset: fees}}], output: {parquet: w/c}}
`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range p.Sources {
		got = append(got, s.Name+": "+s.Source.String())
	}
	for _, s := range p.Stages[1:] {
		got = append(got, fmt.Sprintf("%s: %v %v", s.Name, s.From, s.Operators[0]))
	}
	want := []string{
		"s: csv a.csv",
		"b-before: dataset w/b offset -1 missing skip",
		"c-before: dataset w/c offset -1 missing skip",
		"b-decisions: decisions about w/b",
		"c-decisions: decisions about w/c",
		`b: [compare b-before b-decisions] breaks of "compare" keep 30`,
		`c: [compare c-before c-decisions] breaks of "fees" keep 90`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
