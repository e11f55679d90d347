package verify

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/penstock-data/penstock/pipeline"
)

func counted() *pipeline.Manifest {
	return &pipeline.Manifest{
		Stage: "b", Rows: 9,
		Files:      []pipeline.File{{Path: "data/a", Rows: 4}, {Path: "data/b", Rows: 5}},
		Quarantine: []pipeline.File{{Path: "quarantine/a", Rows: 1}},
		Stages: []pipeline.StageRecord{
			{Name: "b", RowsIn: 20, RowsOut: 9, RowsQuarantined: 1, RowsFiltered: 4, Operators: []pipeline.OperatorRecord{
				{Name: "filter", Rows: pipeline.RowsFewer, RowsIn: 20, RowsOut: 17},
				{Name: "derive", RowsIn: 17, RowsOut: 17},
				{Name: "sql", Rows: pipeline.RowsOther, RowsIn: 17, RowsOut: 11},
				{Name: "limit", Rows: pipeline.RowsFewer, RowsIn: 11, RowsOut: 10},
			}},
			{Name: "a", RowsIn: 20, RowsOut: 20},
		},
		Findings: []pipeline.Finding{
			{Stage: "b", Name: pipeline.Conservation, Verdict: pipeline.Pass}, {Stage: "a", Name: pipeline.Conservation, Verdict: pipeline.Pass},
		},
	}
}

func countProblems(t *testing.T, m *pipeline.Manifest) string {
	t.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var read manifest
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	c := &checker{}
	c.counts("here", read)
	var all []string
	for _, p := range c.report.Problems {
		all = append(all, p.What)
	}
	return strings.Join(all, "\n")
}

// Whichever count of a manifest is changed, the others don't bear it out.
func TestCountsAddUp(t *testing.T) {
	if got := countProblems(t, counted()); got != "" {
		t.Errorf("counts that are right: %s", got)
	}
	for want, spoil := range map[string]func(*pipeline.Manifest){
		"the files have 8 rows, the manifest says 9":                   func(m *pipeline.Manifest) { m.Files[0].Rows-- },
		`stage "b" put 1 rows aside, the quarantine has 2`:             func(m *pipeline.Manifest) { m.Quarantine[0].Rows++ },
		`stage "b" gave 9 rows, the manifest says 8`:                   func(m *pipeline.Manifest) { m.Rows--; m.Files[0].Rows-- },
		`stage "b": filtered: 5 rows, and 4 were counted`:              func(m *pipeline.Manifest) { m.Stages[0].RowsFiltered++ },
		`stage "b": what came to filter: 20 rows, and 21 were counted`: func(m *pipeline.Manifest) { m.Stages[0].RowsIn++ },
		`stage "b": what came to derive: 17 rows, and 16 were counted`: func(m *pipeline.Manifest) { m.Stages[0].Operators[0].RowsOut--; m.Stages[0].RowsFiltered++ },
		`stage "b": what left derive: 16 rows, and 17 were counted`:    func(m *pipeline.Manifest) { m.Stages[0].Operators[1].RowsOut--; m.Stages[0].Operators[2].RowsIn-- },
		`stage "b": out and quarantined: 10 rows, and 9 were counted`:  func(m *pipeline.Manifest) { m.Stages[0].Operators[3].RowsOut--; m.Stages[0].RowsFiltered++ },
		`stage "a": out and quarantined: 19 rows, and 20 were counted`: func(m *pipeline.Manifest) { m.Stages[1].RowsOut-- },
		`stage "b": what left filter: 21 rows, and 20 were counted`: func(m *pipeline.Manifest) {
			m.Stages[0].Operators[0].RowsOut = 21
			m.Stages[0].Operators[1] = pipeline.OperatorRecord{Name: "derive", RowsIn: 21, RowsOut: 21}
			m.Stages[0].Operators[2].RowsIn = 21
			m.Stages[0].RowsFiltered = 1
		},
	} {
		m := counted()
		spoil(m)
		if got := countProblems(t, m); got != want {
			t.Errorf("want %s, got %q", want, got)
		}
	}
	for _, without := range []func(*pipeline.Manifest){
		func(m *pipeline.Manifest) { m.Findings = nil },
		func(m *pipeline.Manifest) { m.Findings[0].Verdict = pipeline.Fail },
	} {
		m := counted()
		m.Stages[0].RowsIn++
		without(m)
		if got := countProblems(t, m); got != "" {
			t.Errorf("counts that nobody said add up: %s", got)
		}
	}
}
