//go:build failpoints

package main

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/internal/crashtest"
	"github.com/penstock-data/penstock/operators"
	"github.com/penstock-data/penstock/operators/csv"
	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/operators/jsonl"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

// describe makes the pipeline of a spec.
func describe(s crashtest.Spec) *pipeline.Pipeline {
	pl := &pipeline.Pipeline{Name: "crash", Sources: []pipeline.NamedSource{{Name: "in", Source: source(s)}}}
	if len(s.Parts) > 0 {
		pl.Partitions = pipeline.Scheme{By: pipeline.Key, Keys: s.Parts}
	}
	if s.Hours > 0 {
		pl.Partitions = pipeline.Scheme{By: pipeline.Hour, From: crashtest.Hour(0), To: crashtest.Hour(s.Hours - 1)}
	}
	for _, st := range s.Stages {
		pl.Stages = append(pl.Stages, stage(st))
	}
	return pl
}

func source(s crashtest.Spec) pipeline.Source {
	set := files.Set{Paths: []string{"in/all." + s.Format}}
	if len(s.Parts) > 0 || s.Hours > 0 {
		set.Paths[0] = "in/{partition}." + s.Format
	}
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "v", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
	}, nil)
	if s.Format == "jsonl" {
		return jsonl.Source{Set: set, Schema: schema}
	}
	return csv.Source{Set: set, Schema: schema}
}

var formats = map[string]pipeline.Format{"csv": csv.Format{}, "jsonl": jsonl.Format{}, "parquet": parquet.Format{}}

func stage(s crashtest.Stage) pipeline.Stage {
	rules := []gates.Rule{
		{Name: "most", Check: gates.Rows(fmt.Sprintf("v <= %d", s.Most))},
		{Name: "named", Check: gates.NotNull("s")},
		{Name: "odd", Check: gates.Rows("v % 2 == 1"), Severity: pipeline.SeverityWarn},
	}
	if s.Low != 0 {
		rules = append(rules, gates.Rule{Name: "low", Check: gates.Rows(fmt.Sprintf("v >= %d", s.Low)), Else: gates.Quarantine})
	}
	st := pipeline.Stage{Name: s.Name, From: []string{s.From}, Gates: gates.Of(rules...)}
	if s.Mod != 0 {
		st.Operators = append(st.Operators, operators.Filter(fmt.Sprintf("v %% %d != %d", s.Mod, s.Rest)))
	}
	if s.Add != 0 {
		st.Operators = append(st.Operators, operators.Derive(operators.Column{Name: "v", Expr: fmt.Sprintf("v + %d", s.Add)}))
	}
	if s.Output != "" {
		st.Output = &pipeline.Output{Path: "out/" + s.Name, Format: formats[s.Output], Always: s.Always}
	}
	return st
}
