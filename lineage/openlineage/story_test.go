package openlineage

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/lineage/openlineage/schematest"
	"github.com/penstock-data/penstock/pipeline"
)

var began = time.Date(2026, 11, 24, 9, 24, 2, 0, time.UTC)

// sample is a run of two stages, clean and sums, of which the second reads the first.
func sample(status pipeline.Status) *Story {
	n := 2.0
	rec := &pipeline.RunRecord{
		Run: "20261124T092402-4f2a9c", Pipeline: "orders", Partition: "2001-07", Dir: "month=2001-07", Status: status,
		Started: began, Seconds: 1.5, Actor: "tester", Penstock: "v1.0.0", Commit: "abc+dirty",
		Bases: []pipeline.Basis{
			{
				Stage: "clean", Dataset: "out/clean", Code: map[string]string{"clean": "1", "raw": "2"},
				Inputs: []pipeline.InputRecord{
					{Name: "orders", Source: "csv in/{partition}.csv partition_by day", Files: []pipeline.File{{Path: "in/2001-07.csv", Bytes: 10, Rows: -1}}},
					{Name: "rates", Source: "parquet https://joe:pw@example.com/rates.parquet?sig=abc"},
				},
			},
			{Stage: "sums", Dataset: "out/sums", Inputs: []pipeline.InputRecord{{Name: "clean", Dataset: "out/clean", Partition: "2001-07", Version: 3}}},
			{Stage: "check", Inputs: []pipeline.InputRecord{{Name: "clean", Dataset: "out/clean", Partition: "2001-07", Version: 3}}},
		},
		Gates: []pipeline.Finding{
			{Stage: "clean", Name: "filled", Kind: "not_null", Rule: "not_null id", Severity: pipeline.Block, Verdict: pipeline.Pass, Observed: "0 of 5 rows failed", Expected: "none", RowsTested: 5, DecidedBy: "scan"},
			{Stage: "clean", Name: "total", Kind: "expect", Rule: `expect sum(amount) > 1 && mode(name) != "Jane Doe"`, Severity: pipeline.Block, Verdict: pipeline.Pass, Observed: "Jane Doe", Measures: []string{"sum(amount)", "mode(name)"}},
			{Stage: "raw", Name: "new", Kind: "expect", Rule: "expect rows() > 0", Severity: pipeline.SeverityWarn, Verdict: pipeline.Warn},
			{Stage: "check", Name: "late", Kind: "rows", Rule: "rows delay < 3", Severity: pipeline.Block, Verdict: pipeline.InsufficientHistory},
		},
		Measures: []pipeline.Measure{
			{Stage: "clean", Metric: "sum(amount)", Text: "2", Number: &n},
			{Stage: "clean", Metric: "mode(name)", Text: "Jane Doe"},
			{Stage: "clean", Metric: "quantile(amount, 0.99)", Number: &n},
			{Stage: "clean", Metric: "nulls(nobody)", Number: &n},
		},
	}
	rec.Gates[3].Severity = pipeline.SeverityWarn
	if status == pipeline.Published || status == pipeline.Unchanged {
		rec.Outputs = []pipeline.OutputRecord{{Dataset: "out/clean", Version: 3, Rows: 5, Files: []string{"a"}}, {Dataset: "out/sums", Version: 1, Rows: 1, Files: []string{"b"}}}
	}
	pl := &pipeline.Pipeline{Name: "orders", File: "orders.yaml", Stages: []pipeline.Stage{
		{Name: "raw", From: []string{"orders"}},
		{Name: "clean", From: []string{"raw"}, Description: "clean orders", Owner: "team:sales", Tags: []string{"core"}, Output: &pipeline.Output{}},
		{Name: "sums", From: []string{"clean"}, Operators: []pipeline.Operator{sqlOperator{}}, Output: &pipeline.Output{}},
		{Name: "check", From: []string{"clean"}},
	}}
	part := pipeline.Partition{Start: time.Date(2001, 7, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2001, 8, 1, 0, 0, 0, 0, time.UTC)}
	in := NewIntent("prod", pl, part, rec, Code{"git@github.com:acme/etl.git", "", "pipelines/orders.yaml"})
	return &Story{Intent: in, Record: rec, Dir: "/srv/etl", Manifest: sampleManifest}
}

type sqlOperator struct{ pipeline.Operator }

func (sqlOperator) String() string {
	return "sql over clean:\nSELECT sum(amount) AS amount -- don't say 'secret'\nFROM clean WHERE who = 'Jane''s'"
}

func sampleManifest(dataset, dir string, version int64) *pipeline.Manifest {
	if dataset != "out/clean" || dir != "month=2001-07" || version != 3 {
		return nil
	}
	from := func(input, column string, how pipeline.Way) pipeline.ColumnOrigin {
		return pipeline.ColumnOrigin{Input: input, Column: column, How: how}
	}
	return &pipeline.Manifest{
		Dataset: "out/clean", Rows: 5, Files: []pipeline.File{{Path: "data/a", Bytes: 70, Rows: 5}},
		Schema: []pipeline.SchemaField{{Name: "id", Type: "int64"}, {Name: "amount", Type: "double"}, {Name: "odd", Type: "string"}},
		Inputs: []pipeline.InputRecord{{Name: "orders", Source: "csv in/{partition}.csv", Files: []pipeline.File{{Path: "in/2001-07.csv", Bytes: 10, Rows: 6}}}},
		Columns: []pipeline.ColumnLineage{
			{Column: "id", From: []pipeline.ColumnOrigin{from("orders", "id", pipeline.Copied)}, Tags: []string{"pii"}},
			{Column: "amount", From: []pipeline.ColumnOrigin{
				from("orders", "price", pipeline.Computed), from("orders", "price", pipeline.Conditional), from("orders", "n", pipeline.Aggregated),
			}},
			{Column: "who", From: []pipeline.ColumnOrigin{from("orders", "email", pipeline.Computed)}, Untagged: []pipeline.Untagged{{Tag: "pii", By: "clean", Reason: "hashed"}}},
			{Column: "odd", Unknown: "a user's function does not say"},
		},
		RowsBy: []pipeline.ColumnOrigin{from("orders", "day", pipeline.Filtered), from("orders", "id", pipeline.SortedBy)},
	}
}

// valid checks events by the schemas of the standard.
func valid(t *testing.T, events []Event) {
	t.Helper()
	for _, text := range encode(events) {
		if problems := schematest.Check(text); problems != nil {
			t.Errorf("%s\n%s", strings.Join(problems, "\n"), text)
		}
	}
}

// ends are the events in short.
func ends(events []Event) (all []string) {
	for _, e := range events {
		all = append(all, fmt.Sprintf("%s %s", e.Job.Name, e.EventType))
	}
	return all
}

func find(t *testing.T, events []Event, job string) Event {
	t.Helper()
	i := slices.IndexFunc(events, func(e Event) bool { return e.Job.Name == job })
	if i < 0 {
		t.Fatalf("no event of %s", job)
	}
	return events[i]
}

func TestHowRunsEnd(t *testing.T) {
	all := func(clean, cleanGates, sums, check, whole string) []string {
		return []string{
			"orders.clean " + clean, "orders.clean.gates " + cleanGates, "orders.sums " + sums, "orders.sums.gates " + sums,
			"orders.check " + check, "orders " + whole,
		}
	}
	for _, c := range []struct {
		name   string
		status pipeline.Status
		change func(*Story)
		want   []string
	}{
		{"published", pipeline.Published, nil, all("COMPLETE", "COMPLETE", "COMPLETE", "COMPLETE", "COMPLETE")},
		{"unchanged", pipeline.Unchanged, nil, all("COMPLETE", "COMPLETE", "COMPLETE", "COMPLETE", "COMPLETE")},
		{"blocked", pipeline.Blocked, func(s *Story) { s.Record.Gates[0].Verdict = pipeline.Fail }, all("FAIL", "FAIL", "ABORT", "ABORT", "FAIL")},
		{"blocked upstream", pipeline.Blocked, func(s *Story) {
			s.Record.Gates[2].Severity, s.Record.Gates[2].Verdict = pipeline.Block, pipeline.ErrorVerdict
		}, all("FAIL", "FAIL", "ABORT", "ABORT", "FAIL")},
		{"blocked by what only judges", pipeline.Blocked, func(s *Story) {
			s.Record.Gates[3].Severity, s.Record.Gates[3].Verdict = pipeline.Block, pipeline.NoData
		}, all("ABORT", "COMPLETE", "ABORT", "FAIL", "FAIL")},
		{"blocked by what only judges, with a record of what was found", pipeline.Blocked, func(s *Story) {
			s.Record.Gates[3].Severity, s.Record.Gates[3].Verdict = pipeline.Block, pipeline.NoData
			s.Record.Outputs = []pipeline.OutputRecord{{Dataset: "out/clean", Version: 3, Files: []string{"a"}}}
		}, all("COMPLETE", "COMPLETE", "ABORT", "FAIL", "FAIL")},
		{"approved", pipeline.Published, func(s *Story) {
			s.Record.Gates[0].Verdict, s.Record.Gates[0].Approved = pipeline.Fail, &pipeline.Approval{Actor: "boss"}
			s.Record.Approvals = []pipeline.Approval{{At: began.Add(time.Hour)}}
		}, all("COMPLETE", "COMPLETE", "COMPLETE", "COMPLETE", "COMPLETE")},
		{"approved, with a stage that it did not come to", pipeline.Published, func(s *Story) {
			s.Record.Gates[0].Verdict, s.Record.Gates[0].Approved = pipeline.Fail, &pipeline.Approval{Actor: "boss"}
			s.Record.Approvals = []pipeline.Approval{{At: began.Add(time.Hour)}}
			s.Record.Outputs, s.Record.NotRun = s.Record.Outputs[:1], []string{"sums", "check"}
			s.Record.Gates = s.Record.Gates[:3]
		}, all("COMPLETE", "COMPLETE", "ABORT", "ABORT", "COMPLETE")},
		{"failed", pipeline.Failed, func(s *Story) { s.Record.Error = "disk full\n\tdetail 42" }, all("FAIL", "COMPLETE", "FAIL", "FAIL", "FAIL")},
		{"died between two outputs", pipeline.Failed, func(s *Story) {
			s.Record.Error = "the process ended in the middle of the run"
			s.Record.Outputs = []pipeline.OutputRecord{{Dataset: "out/clean", Version: 3, Files: []string{"a"}}}
		}, all("COMPLETE", "COMPLETE", "FAIL", "FAIL", "FAIL")},
		{"cancelled", pipeline.Cancelled, func(s *Story) { s.Record.Error = "context canceled" }, all("ABORT", "COMPLETE", "ABORT", "ABORT", "ABORT")},
		{"never begun", pipeline.Failed, func(s *Story) { s.Record = s.lost() }, all("FAIL", "FAIL", "FAIL", "FAIL", "FAIL")},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := sample(c.status)
			if c.change != nil {
				c.change(s)
			}
			events := slices.Concat(s.Start(), s.Running(began), s.End())
			valid(t, events)
			if diff := cmp.Diff(c.want, ends(s.End())); diff != "" {
				t.Error(diff)
			}
			for _, e := range s.End() {
				if (e.EventType != Complete) != (e.Run.Facets.ErrorMessage != nil) {
					t.Errorf("%s %s: error message %v", e.Job.Name, e.EventType, e.Run.Facets.ErrorMessage)
				}
			}
			if text, _ := json.Marshal(events); strings.Contains(string(text), "detail 42") || strings.Contains(string(text), "Jane") || strings.Contains(string(text), "pw@") || strings.Contains(string(text), "sig=") {
				t.Errorf("something is told that should not be: %s", text)
			}
		})
	}
}

// Of a dataset of which several partitions were read each is told of once, by what its directories
// are called, whichever the run's own is called.
func TestPartitionsThatWereRead(t *testing.T) {
	s := sample(pipeline.Published)
	read := func(partition string, version int64) pipeline.InputRecord {
		return pipeline.InputRecord{Name: "past", Dataset: "out/daily", Partition: partition, Version: version}
	}
	gone := pipeline.InputRecord{Name: "past", Dataset: "out/daily", Partition: "2001-06-28", Missing: true}
	s.Record.Bases[1].Inputs = []pipeline.InputRecord{gone, read("2001-06-30", 2), read("2001-06-29", 1), read("2001-06-30", 2)}
	s.PartitionDir = func(dataset, partition string) (string, bool) { return "day=" + partition, dataset == "out/daily" }
	s.Manifest = func(dataset, dir string, version int64) *pipeline.Manifest {
		if dataset != "out/daily" || dir != "day=2001-06-30" && dir != "day=2001-06-29" {
			return nil
		}
		return &pipeline.Manifest{Rows: 5, Files: []pipeline.File{{Bytes: 7, Rows: 5}}, Schema: []pipeline.SchemaField{{Name: "id", Type: "int64"}}}
	}
	events := s.End()
	valid(t, events)
	in := find(t, events, "orders.sums").Inputs
	if len(in) != 1 || in[0].Facets.Version.Version != "day=2001-06-30/v2,day=2001-06-29/v1" || in[0].Facets.Schema == nil || *in[0].InputFacets.Statistics.Rows != 10 {
		t.Fatalf("%+v", in)
	}
	want := []DatasetPartition{{"2001-06-30", map[string]string{"day": "2001-06-30"}}, {"2001-06-29", map[string]string{"day": "2001-06-29"}}}
	if diff := cmp.Diff(want, in[0].InputFacets.Subset.Condition.Partitions); diff != "" {
		t.Error(diff)
	}
}

// Each run that begins ends: the same jobs, by the same ids.
func TestStartsAndEndsGoTogether(t *testing.T) {
	s := sample(pipeline.Published)
	ids := func(events []Event) map[string]string {
		all := map[string]string{}
		for _, e := range events {
			if all[e.Job.Name] != "" {
				t.Errorf("%s is there twice", e.Job.Name)
			}
			all[e.Job.Name] = e.Run.RunID
		}
		return all
	}
	if diff := cmp.Diff(ids(s.Start()), ids(s.End())); diff != "" {
		t.Error(diff)
	}
	if got := ids(s.Start())["orders"]; got != runID("20261124T092402-4f2a9c") || got[14] != '5' {
		t.Error(got)
	}
}

func TestWhatIsSaidOfAnOutput(t *testing.T) {
	events := sample(pipeline.Published).End()
	e := find(t, events, "orders.clean")
	out := e.Outputs[0]
	if out.DatasetID != (DatasetID{"file", "/srv/etl/out/clean"}) || out.Facets.Version.Version != "month=2001-07/v3" || *out.OutputFacets.Statistics.Rows != 5 || *out.OutputFacets.Statistics.Bytes != 70 {
		t.Errorf("%+v", out)
	}
	if p := out.OutputFacets.Subset.Condition.Partitions; len(p) != 1 || p[0].Dimensions["month"] != "2001-07" {
		t.Errorf("%+v", p)
	}
	in := DatasetID{"file", "/srv/etl/in"}
	if e.Inputs[0].DatasetID != in || *e.Inputs[0].InputFacets.Statistics.Rows != 6 {
		t.Errorf("%+v", e.Inputs)
	}
	lineage := out.Facets.ColumnLineage
	want := map[string]InputFields{
		"id":  {[]InputField{{in, "id", []Transformation{{Type: "DIRECT", Subtype: "IDENTITY"}}}}},
		"who": {[]InputField{{in, "email", []Transformation{{Type: "DIRECT", Subtype: "TRANSFORMATION", Masking: true}}}}},
		"amount": {[]InputField{
			{in, "price", []Transformation{{Type: "DIRECT", Subtype: "TRANSFORMATION"}, {Type: "INDIRECT", Subtype: "CONDITIONAL"}}},
			{in, "n", []Transformation{{Type: "DIRECT", Subtype: "AGGREGATION"}}},
		}},
	}
	if diff := cmp.Diff(want, lineage.Fields); diff != "" {
		t.Error(diff)
	}
	rows := []InputField{{in, "day", []Transformation{{Type: "INDIRECT", Subtype: "FILTER"}}}, {in, "id", []Transformation{{Type: "INDIRECT", Subtype: "SORT"}}}}
	if diff := cmp.Diff(rows, lineage.Dataset); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Tag{{"pii", "true", "PENSTOCK", "id"}}, out.Facets.Tags.Tags); diff != "" {
		t.Error(diff)
	}
	m := out.Facets.Metrics
	if m.Rows != 5 || len(m.Columns) != 1 || *m.Columns["amount"].Sum != 2 || m.Columns["amount"].Quantiles["0.99"] != 2 {
		t.Errorf("%+v", m)
	}
	if out.Facets.Ownership.Owners[0].Name != "team:sales" || e.Job.Facets.Ownership.Owners[0].Name != "team:sales" || e.Job.Facets.Documentation.Description != "clean orders" || e.Job.Facets.Tags.Tags[0].Key != "core" {
		t.Errorf("%+v", e.Job.Facets)
	}
	code := e.Job.Facets.SourceCodeLocation
	if code.RepoURL != "ssh://github.com/acme/etl.git" || code.Version != "abc+dirty" || code.Path != "pipelines/orders.yaml" {
		t.Errorf("%+v", code)
	}
	if sql := find(t, events, "orders.sums").Job.Facets.SQL.Query; sql != "SELECT sum(amount) AS amount \nFROM clean WHERE who = '…''…'" {
		t.Errorf("%q", sql)
	}
}

func TestWhatGatesSay(t *testing.T) {
	e := find(t, sample(pipeline.Published).End(), "orders.clean.gates")
	var got []string
	for _, x := range e.Run.Facets.Test.Tests {
		got = append(got, fmt.Sprintf("%s %s %s %s: %s", x.Name, x.Status, x.Severity, x.Type, x.Actual))
	}
	want := []string{"filled pass error not_null: 0 of 5 rows failed, 0 null", "total pass error expect: sum(amount) = 2", "new fail warn expect: "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	a := e.Inputs[0].InputFacets.Assertions.Assertions
	if len(a) != 3 || a[0].Column != "id" || !a[0].Success || a[1].Content != `sum(amount) > 1 && mode(name) != "…"` || a[2].Success {
		t.Errorf("%+v", a)
	}
	// What could not be decided is a test that was skipped, and no assertion.
	check := find(t, sample(pipeline.Published).End(), "orders.check")
	if check.Run.Facets.Test.Tests[0].Status != "skip" || len(check.Inputs[0].InputFacets.Assertions.Assertions) != 0 {
		t.Errorf("%+v", check)
	}
	// Values are shown to those who asked for them.
	s := sample(pipeline.Published)
	s.ShowValues = true
	if x := find(t, s.End(), "orders.clean.gates").Run.Facets.Test.Tests[1]; x.Actual != "Jane Doe" {
		t.Errorf("%+v", x)
	}
}

// A run of a backfill is part of it, and so are its stages.
func TestParents(t *testing.T) {
	s := sample(pipeline.Published)
	parent := func(job string) string {
		p := find(t, s.End(), job).Run.Facets.Parent
		if p == nil {
			return "none"
		}
		return p.Job.Name + " of " + p.Root.Job.Name
	}
	if a, b := parent("orders"), parent("orders.clean"); a != "none" || b != "orders of orders" {
		t.Error(a, b)
	}
	s.Record.Backfill = "b20261124T092400-aaaaaa"
	if a, b := parent("orders"), parent("orders.clean"); a != "orders.backfill of orders.backfill" || b != "orders of orders.backfill" {
		t.Error(a, b)
	}
	// What a scheduler started is part of its run.
	c := readConfig(t, `{"transport": {"type": "console"}}`, "OPENLINEAGE_PARENT_ID=air/dag.task/01941f29-7c00-7087-8906-40e512c257bd", "OPENLINEAGE_ROOT_PARENT_ID=air/dag/01941f29-7c00-7743-aaaa-40e512c257bd")
	s.Parent = c.Parent
	if a, b := parent("orders"), parent("orders.clean"); a != "orders.backfill of dag.task" || b != "orders of dag.task" {
		t.Error(a, b)
	}
	s.Record.Backfill, s.Root = "", c.Root
	if a, b := parent("orders"), parent("orders.clean"); a != "dag.task of dag" || b != "orders of dag" {
		t.Error(a, b)
	}
	valid(t, s.End())
	s.Record.Backfill = "b20261124T092400-aaaaaa"
	fill := &Story{Intent: BackfillIntent("prod", "b20261124T092400-aaaaaa", "orders", began), Record: &pipeline.RunRecord{Status: pipeline.Published, Started: began}}
	events := slices.Concat(fill.Start(), fill.End())
	valid(t, events)
	if events[0].Run.RunID != find(t, s.End(), "orders").Run.Facets.Parent.Run.RunID || events[0].Job.Name != "orders.backfill" {
		t.Errorf("%+v", events[0])
	}
}
