package penstock_test

import (
	"context"
	"fmt"
	"os"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/profile"
)

// A published dataset is profiled by its path, all partitions or some.
func ExampleProject_Profile() {
	ctx := context.Background()
	dir := exampleProject()
	defer os.RemoveAll(dir)
	project, err := penstock.Open(ctx, dir, penstock.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer project.Close()
	flights := &pipeline.Pipeline{
		Name: "flights", Partitions: pipeline.Scheme{By: pipeline.Month, From: "2001-05", To: "2001-06"},
		Sources: []pipeline.NamedSource{{Name: "flights", Source: parquet.Files("flights/{partition}.parquet")}},
		Stages:  []pipeline.Stage{{Name: "all", From: []string{"flights"}, Output: &pipeline.Output{Path: "warehouse/all", Format: parquet.Format{}}}},
	}
	for _, month := range []string{"2001-05", "2001-06"} {
		if _, err := project.Run(ctx, flights, month); err != nil {
			fmt.Println(err)
			return
		}
	}
	p, err := project.Profile(ctx, penstock.ProfileInput{Dataset: "warehouse/all"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Rows, "rows in", len(p.Partitions), "partitions")
	delay, origin := p.Column("delay"), p.Column("origin")
	fmt.Println("delay from", delay.Numbers.Min, "to", delay.Numbers.Max)
	fmt.Println("origin:", origin.Distinct.N, "airports, like", origin.Texts.Shape, origin.Unique() == profile.Unique)
	// Output:
	// 102308 rows in 2 partitions
	// delay from -84 to 1367
	// origin: 222 airports, like ^[A-Z]{3}$ false
}

// Files are profiled without a project.
func ExampleFileParts() {
	parts, done, err := penstock.FileParts("testdata", penstock.Options{}, "airports.csv")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = done() }()
	p, err := profile.Scan(context.Background(), "airports.csv", parts, profile.Options{}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	iata := p.Column("iata")
	fmt.Println(p.Rows, "airports,", iata.Distinct.N, "codes:", iata.Unique())
	// Output:
	// 3376 airports, 3376 codes: unique
}
