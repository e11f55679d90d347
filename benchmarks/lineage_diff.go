package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/operators"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

// diffCase is what differs between two versions of lineitem.
type diffCase struct {
	name, label string
	// before and after are the operators that make each.
	before, after []pipeline.Operator
}

var diffCases = []diffCase{
	{
		"few", "some rows here and there: 0.1% added, 0.1% removed, 0.1% changed",
		[]pipeline.Operator{operators.Filter("l_orderkey % 1013 != 0")},
		[]pipeline.Operator{
			operators.Filter("l_orderkey % 1019 != 0"),
			operators.Derive(operators.Column{Name: "l_tax", Expr: "l_orderkey % 1009 == 0 ? l_tax + 0.01 : l_tax"}),
		},
	},
	{
		"column", "one column, in every row",
		[]pipeline.Operator{operators.Derive(operators.Column{Name: "l_tax", Expr: "l_tax + 0.0"})},
		[]pipeline.Operator{operators.Derive(operators.Column{Name: "l_tax", Expr: "l_tax + 0.01"})},
	},
	{
		"late", "one column, in the last 5% of the rows",
		[]pipeline.Operator{operators.Derive(operators.Column{Name: "l_tax", Expr: "l_tax + 0.0"})},
		nil, // it goes by the number of rows
	},
}

func diffCaseOf(name string) (diffCase, error) {
	for _, c := range diffCases {
		if c.name == name {
			return c, nil
		}
	}
	return diffCase{}, fmt.Errorf("there is no diff %q", name)
}

// diffVersions publishes the two versions in a project.
func diffVersions(j job) (outcome, error) {
	c, err := diffCaseOf(j.Variant)
	if err != nil {
		return outcome{}, err
	}
	for _, ops := range [][]pipeline.Operator{c.before, c.after} {
		if ops == nil {
			cut := j.Rows * 8 * 95 / 100 // keys go up to eight times the rows
			ops = []pipeline.Operator{operators.Derive(operators.Column{Name: "l_tax", Expr: fmt.Sprintf("l_orderkey > %d ? l_tax + 0.01 : l_tax", cut)})}
		}
		_, err := runInProject(j, &pipeline.Pipeline{
			Name:    "versions",
			Sources: []pipeline.NamedSource{{Name: "data", Source: parquet.Files(j.Path)}},
			Stages: []pipeline.Stage{{
				Name: "out", From: []string{"data"}, Operators: ops,
				Output: &pipeline.Output{Path: "warehouse/out", Format: parquet.Format{}},
			}},
		})
		if err != nil {
			return outcome{}, err
		}
	}
	return outcome{}, nil
}

// diffKey names a row of lineitem.
var diffKey = []string{"l_orderkey"}

// oursDiff compares the versions as `penstock diff` does; without a key where the set says so.
func oursDiff(j job) (outcome, error) {
	ctx := context.Background()
	project, err := penstock.Open(ctx, j.Dir, penstock.Options{Workers: j.workers(), Memory: j.Memory})
	if err != nil {
		return outcome{}, err
	}
	defer project.Close()
	o := penstock.DiffOptions{Dataset: "warehouse/out", Partition: "all", Key: diffKey}
	if j.Set == wholeRows {
		o.Key, o.WholeRows = nil, true
	}
	m := begin()
	d, err := project.Diff(ctx, o)
	if err != nil {
		return outcome{}, err
	}
	out := outcome{Work: m.end(), Rows: d.Before.Rows + d.After.Rows, Note: fmt.Sprintf("%d rows read", d.Rows.Read)}
	out.Failed = []int64{d.Rows.Same, d.Rows.Added, d.Rows.Removed, d.Rows.Changed}
	tax := int64(0)
	for _, c := range d.Columns {
		if c.Column == "l_tax" {
			tax = c.Rows
		} else if c.Rows != 0 {
			return out, fmt.Errorf("%s changed in %d rows", c.Column, c.Rows)
		}
	}
	out.Failed = append(out.Failed, tax)
	return out, nil
}

// wholeRows is a job's set: rows are compared without a key.
const wholeRows = "whole-rows"

// lineitemColumns are those beside the key.
var lineitemColumns = []string{
	"l_partkey", "l_suppkey", "l_linenumber", "l_quantity", "l_extendedprice", "l_discount", "l_tax", "l_returnflag", "l_linestatus",
	"l_shipdate", "l_commitdate", "l_receiptdate", "l_shipinstruct", "l_shipmode", "l_comment",
}

// diffQuery is the full outer join by hand: rows that are the same, added, removed, changed, and
// changed by column.
func diffQuery(was, now string) string {
	var same, columns []string
	for _, c := range lineitemColumns {
		same = append(same, fmt.Sprintf("a.%[1]s IS NOT DISTINCT FROM b.%[1]s", c))
		columns = append(columns, fmt.Sprintf("count_if(both_sides AND d_%s)", c))
	}
	var differ []string
	for i, c := range lineitemColumns {
		differ = append(differ, fmt.Sprintf("NOT (%s) AS d_%s", same[i], c))
	}
	return fmt.Sprintf(`SELECT count_if(both_sides AND same), count_if(added), count_if(removed), count_if(both_sides AND NOT same), %s
	FROM (SELECT a.l_orderkey IS NOT NULL AND b.l_orderkey IS NOT NULL AS both_sides, a.l_orderkey IS NULL AS added, b.l_orderkey IS NULL AS removed,
		%s AS same, %s
		FROM read_parquet('%s') a FULL OUTER JOIN read_parquet('%s') b ON a.l_orderkey = b.l_orderkey)`,
		strings.Join(columns, ", "), strings.Join(same, " AND "), strings.Join(differ, ", "), was, now)
}

// duckdbDiff compares the same files by SQL.
func duckdbDiff(j job) (outcome, error) {
	db, err := connect(j)
	if err != nil {
		return outcome{}, err
	}
	defer db.Close()
	at := func(version int) string {
		return filepath.Join(j.Dir, "warehouse", ".penstock", "datasets", "out", "versions", "all", fmt.Sprintf("%06d", version), "data", "*.parquet")
	}
	out := outcome{Failed: make([]int64, 4+len(lineitemColumns))}
	m := begin()
	if j.Set == wholeRows {
		out.Failed = make([]int64, 2)
		text := "SELECT (SELECT count(*) FROM (FROM '%[2]s' EXCEPT ALL FROM '%[1]s')), (SELECT count(*) FROM (FROM '%[1]s' EXCEPT ALL FROM '%[2]s'))"
		err = db.QueryRow(fmt.Sprintf(text, at(1), at(2))).Scan(&out.Failed[0], &out.Failed[1])
	} else {
		var into []any
		for i := range out.Failed {
			into = append(into, &out.Failed[i])
		}
		err = db.QueryRow(diffQuery(at(1), at(2))).Scan(into...)
	}
	if err != nil {
		return out, err
	}
	out.Work = m.end()
	if j.Set != wholeRows {
		for i, c := range lineitemColumns {
			if c == "l_tax" {
				out.Failed = append(out.Failed[:4], out.Failed[4+i])
				break
			}
		}
	}
	return out, nil
}
