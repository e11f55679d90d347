package lineage

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/pipeline"
)

// causeLines writes causes down, a line each, those below indented.
func causeLines(causes []Cause, indent string) (all []string) {
	for _, c := range causes {
		line := fmt.Sprintf("%s%s %s %s: %q → %q", indent, c.Kind, c.Input, c.Name, c.Before, c.After)
		if c.Note != "" {
			line += "; " + c.Note
		}
		if !c.Explains {
			line += " (no)"
		}
		all = append(append(all, line), causeLines(c.Because, indent+"  ")...)
	}
	return all
}

// made is a manifest with what was read.
func madeOf(dataset string, version int64, inputs ...pipeline.InputRecord) *pipeline.Manifest {
	return &pipeline.Manifest{
		Dataset: dataset, Partition: "p", Version: version, Inputs: inputs, Penstock: "v1", Commit: "c1",
		Stages: []pipeline.StageRecord{{Name: "s", Code: "code", Gates: "gates"}},
	}
}

func readFile(input string, files ...string) pipeline.InputRecord {
	in := pipeline.InputRecord{Name: input, Source: "csv"}
	for _, f := range files {
		path, sum, _ := strings.Cut(f, "#")
		in.Files = append(in.Files, pipeline.File{Path: path, SHA256: sum})
	}
	return in
}

func readVersion(input, dataset string, version int64) pipeline.InputRecord {
	return pipeline.InputRecord{
		Name: input, Dataset: dataset, Partition: "p", Version: version,
		Manifest: fmt.Sprint(dataset, version), Data: fmt.Sprint("data", dataset, version),
	}
}

func TestExplain(t *testing.T) {
	known := map[string]*pipeline.Manifest{
		"w/a1": madeOf("w/a", 1, readFile("raw", "a.csv#1")), "w/a2": madeOf("w/a", 2, readFile("raw", "a.csv#2")),
		"w/same1": madeOf("w/same", 1), "w/same2": madeOf("w/same", 2),
	}
	find := func(in pipeline.InputRecord) *pipeline.Manifest { return known[in.Manifest] }
	with := func(m *pipeline.Manifest, f func(*pipeline.Manifest)) *pipeline.Manifest { f(m); return m }
	sameData := readVersion("up", "w/a", 2)
	sameData.Data = readVersion("up", "w/a", 1).Data
	for name, c := range map[string]struct {
		was, now *pipeline.Manifest
		want     []string
	}{
		"nothing": {was: madeOf("w/x", 1, readFile("raw", "a.csv#1")), now: madeOf("w/x", 2, readFile("raw", "a.csv#1"))},
		"files": {
			madeOf("w/x", 1, readFile("raw", "a.csv#1", "b.csv#2", "c.csv#3")), madeOf("w/x", 2, readFile("raw", "a.csv#9", "c.csv#3", "d.csv#4")),
			[]string{`file raw a.csv: "1" → "9"`, `file raw b.csv: "2" → ""`, `file raw d.csv: "" → "4"`},
		},
		"a renamed file": {
			madeOf("w/x", 1, readFile("raw", "a.csv#1")), madeOf("w/x", 2, readFile("raw", "b.csv#1")),
			[]string{`file raw a.csv: "1" → ""; the same bytes are b.csv now (no)`, `file raw b.csv: "" → "1"; the same bytes were a.csv (no)`},
		},
		"another source": {
			madeOf("w/x", 1, pipeline.InputRecord{Name: "raw", Source: "csv a"}), madeOf("w/x", 2, pipeline.InputRecord{Name: "raw", Source: "csv b"}),
			[]string{`source raw raw: "csv a" → "csv b"`},
		},
		"a version, and what it was made of": {
			madeOf("w/x", 1, readVersion("up", "w/a", 1)), madeOf("w/x", 2, readVersion("up", "w/a", 2)),
			[]string{`version up w/a@p: "v1" → "v2"`, `  file raw a.csv: "1" → "2"`},
		},
		"the same version twice": {
			madeOf("w/x", 1, readVersion("one", "w/a", 1), readVersion("two", "w/a", 1)), madeOf("w/x", 2, readVersion("one", "w/a", 2), readVersion("two", "w/a", 2)),
			[]string{`version one w/a@p: "v1" → "v2"`, `  file raw a.csv: "1" → "2"`, `version two w/a@p: "v1" → "v2"; as above`},
		},
		"a version that is gone": {
			madeOf("w/x", 1, readVersion("up", "w/a", 0)), madeOf("w/x", 2, readVersion("up", "w/a", 2)),
			[]string{`version up w/a@p: "" → "v2"; version 0 of w/a@p is not kept any more: what it was made of can't be told`},
		},
		"a version of nothing else": {
			madeOf("w/x", 1, readVersion("up", "w/same", 1)), madeOf("w/x", 2, readVersion("up", "w/same", 2)),
			[]string{`version up w/same@p: "v1" → "v2"; nothing that it was made of differs: it does not come out the same each time`},
		},
		"a version of the same data": {
			madeOf("w/x", 1, readVersion("up", "w/a", 1)), madeOf("w/x", 2, sameData),
			[]string{`version up w/a@p: "v1" → "v2"; its data is the same (no)`},
		},
		"what was missing": {
			madeOf("w/x", 1, pipeline.InputRecord{Name: "up", Dataset: "w/a", Partition: "p", Missing: true}), madeOf("w/x", 2, readVersion("up", "w/a", 1)),
			[]string{`version up w/a@p: "" → "v1"`},
		},
		"code, gates, parameters, program, commit": {
			madeOf("w/x", 1), with(madeOf("w/x", 2), func(m *pipeline.Manifest) {
				m.Stages = []pipeline.StageRecord{{Name: "s", Code: "other", Gates: "more"}, {Name: "t", Code: "new"}}
				m.Params, m.Penstock, m.Commit = map[string]string{"least": "2"}, "v2", "c2"
			}),
			[]string{
				`code  s: "code" → "other"`, `gates  s: "gates" → "more" (no)`, `code  t: "" → "new"`,
				`parameter  least: "" → "2"`, `penstock  : "v1" → "v2"`, `commit  : "c1" → "c2" (no)`,
			},
		},
		"gates that put rows aside": {
			madeOf("w/x", 1), with(madeOf("w/x", 2), func(m *pipeline.Manifest) {
				m.Stages[0].Gates, m.Quarantine = "more", []pipeline.File{{Path: "quarantine/a"}}
			}),
			[]string{`gates  s: "gates" → "more"`},
		},
		"a rollback": {
			madeOf("w/x", 2), with(madeOf("w/x", 3), func(m *pipeline.Manifest) {
				m.Rollback = &pipeline.Rollback{From: 2, To: 1, Reason: "wrong", Actor: "ada"}
			}),
			[]string{`rollback  w/x@p: "v2" → "v1"; wrong (ada)`},
		},
		"a release": {
			madeOf("w/x", 1), with(madeOf("w/x", 2), func(m *pipeline.Manifest) {
				m.Release = &pipeline.Release{Reason: "fine", Actor: "ada", At: time.Unix(1, 0)}
			}),
			[]string{`release  w/x@p: "" → "rows were released from quarantine"; fine (ada)`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, causeLines(Explain(c.was, c.now, find), "")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Where rows are chosen by an input that is not as it was, a column of no other reason has this one.
func TestExplainColumnByRows(t *testing.T) {
	joined := pipeline.ColumnOrigin{Input: "raw", Column: "id", How: pipeline.Joined}
	m := madeOf("w/x", 1)
	m.Columns = []pipeline.ColumnLineage{{Column: "n", From: []pipeline.ColumnOrigin{{Input: "other", Column: "n", How: pipeline.Copied}}}}
	m.RowsBy = []pipeline.ColumnOrigin{joined}
	got := ExplainColumn(m, m, "n", []Cause{{Kind: CauseFile, Input: "raw", Explains: true}})
	if diff := cmp.Diff(&ColumnWhy{RowsBy: []pipeline.ColumnOrigin{joined}}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Of a column it is told which inputs that are not as they were it comes from, and whether it is made
// otherwise; and loudly if neither.
func TestExplainColumn(t *testing.T) {
	lineageOf := func(m *pipeline.Manifest, how string) *pipeline.Manifest {
		m.Columns = []pipeline.ColumnLineage{
			{Column: "late", From: []pipeline.ColumnOrigin{{Input: "raw", Column: "delay", How: pipeline.Computed}}, By: []pipeline.ColumnStep{{Stage: "s", How: how}}},
			{Column: "name", From: []pipeline.ColumnOrigin{{Input: "airports", Column: "name", How: pipeline.Copied}}},
			{Column: "odd", Unknown: "a function"},
		}
		return m
	}
	was := lineageOf(madeOf("w/x", 1), "late = delay > 15")
	file := []Cause{{Kind: CauseFile, Input: "raw", Explains: true}}
	for name, c := range map[string]struct {
		column string
		how    string
		causes []Cause
		want   *ColumnWhy
	}{
		"an input that changed": {"late", "late = delay > 15", file, &ColumnWhy{From: []pipeline.ColumnOrigin{{Input: "raw", Column: "delay", How: pipeline.Computed}}}},
		"another input":         {"name", "late = delay > 15", file, &ColumnWhy{Unexplained: true}},
		"not known":             {"odd", "late = delay > 15", file, &ColumnWhy{Unknown: "a function"}},
		"made otherwise": {"late", "late = delay > 20", []Cause{{Kind: CauseCode, Name: "s", Before: "1", After: "2", Explains: true}}, &ColumnWhy{
			Before: []pipeline.ColumnStep{{Stage: "s", How: "late = delay > 15"}}, After: []pipeline.ColumnStep{{Stage: "s", How: "late = delay > 20"}}, Stages: []string{"s"},
		}},
		"other code elsewhere": {"name", "late = delay > 20", []Cause{{Kind: CauseCode, Name: "s", Before: "1", After: "2", Explains: true}}, &ColumnWhy{Stages: []string{"s"}}},
		"a rollback":           {"name", "late = delay > 15", []Cause{{Kind: CauseRollback, Explains: true}}, &ColumnWhy{}},
		"a commit":             {"name", "late = delay > 15", []Cause{{Kind: CauseCommit}}, &ColumnWhy{Unexplained: true}},
		"not on record":        {"other", "late = delay > 15", file, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := ExplainColumn(was, lineageOf(madeOf("w/x", 2), c.how), c.column, c.causes)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
