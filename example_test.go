package penstock_test

import (
	"context"
	"fmt"
	"os"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/operators"
	"github.com/penstock-data/penstock/operators/csv"
	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/operators/sql"
	"github.com/penstock-data/penstock/pipeline"
)

// The pipeline of the README, in Go.
func Example() {
	flights := &pipeline.Pipeline{
		Name:       "flights",
		Partitions: pipeline.Scheme{By: pipeline.Month, From: "2001-01", To: "2001-07"},
		Sources: []pipeline.NamedSource{
			{Name: "flights", Source: parquet.Source{Set: files.Set{Paths: []string{"flights/{partition}.parquet"}, PartitionBy: "date"}}},
			{Name: "airports", Source: csv.Files("airports.csv")},
		},
		Stages: []pipeline.Stage{{
			Name: "clean",
			From: []string{"flights"},
			Operators: []pipeline.Operator{
				operators.Filter("distance > 0"),
				sql.Dedupe(sql.DedupeOptions{Keys: []string{"date", "delay", "distance", "origin", "destination"}}),
				operators.Derive(operators.Column{Name: "late", Expr: "delay > 15"}),
			},
			Gates: gates.Of(
				gates.Rule{Name: "volume", Check: gates.Expect("rows() > 1000")},
				gates.Rule{Check: gates.References("origin", "airports", "iata")},
				gates.Rule{Name: "plausible_delay", Check: gates.Rows("delay >= -60 && delay <= 720"), Else: gates.Quarantine, AtMost: gates.Share(0.01)},
			),
			Output: &pipeline.Output{Path: "warehouse/clean", Format: parquet.Format{}},
		}, {
			Name: "airports_monthly",
			From: []string{"clean", "airports"},
			Operators: []pipeline.Operator{sql.Query(`
				SELECT a.iata, a.name, count(*) AS departures, avg(c.delay) AS mean_delay
				FROM clean c JOIN airports a ON c.origin = a.iata
				GROUP BY ALL ORDER BY departures DESC, a.iata`, "clean", "airports")},
			Gates:  gates.Of(gates.Rule{Name: "nothing_lost", Check: gates.Expect(`sum(departures) == rows("clean")`)}),
			Output: &pipeline.Output{Path: "warehouse/airports", Format: parquet.Format{}},
		}},
	}

	ctx := context.Background()
	dir := exampleProject()
	defer os.RemoveAll(dir)
	project, err := penstock.Open(ctx, dir, penstock.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer project.Close()
	for _, month := range []string{"2001-06", "2001-07"} {
		run, err := project.Run(ctx, flights, month)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(run.Partition, run.Status, run.RowsOut)
		for _, g := range run.Gates {
			if g.Blocks() {
				fmt.Printf("  %s: %s, %s expected\n", g.Name, g.Observed, g.Expected)
			}
		}
	}
	// Output:
	// 2001-06 published 50467
	// 2001-07 blocked 6
	//   volume: 6 rows, more than 1,000 expected
}

// exampleProject is a directory with the test data in it.
func exampleProject() string {
	dir, err := os.MkdirTemp("", "penstock-example-")
	if err != nil {
		panic(err)
	}
	if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil {
		panic(err)
	}
	return dir
}
