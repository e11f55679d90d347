package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

const gatesFile = "benchmarks/gates.md"

// manyRule is a rule, and the aggregate of SQL that says the same: how many rows break it,
// or the value of its metric.
type manyRule struct {
	check gates.Check
	sql   string
}

// modes are values of l_shipmode.
var modes = []string{"REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"}

// manyRules are n different rules on nine columns, as a table that many people care for has
// them: ranges, sets, dates, pairs of columns, arithmetic, counts and statistics.
func manyRules(n int) []manyRule {
	rows := func(cel, text string) manyRule {
		return manyRule{gates.Rows(cel), "count_if(NOT (" + text + "))"}
	}
	var all []manyRule
	for i := range n {
		k := i / 10
		switch i % 10 {
		case 0:
			all = append(all, rows(fmt.Sprintf("l_quantity >= %d.0", k+1), fmt.Sprintf("l_quantity >= %d.0::DOUBLE", k+1)))
		case 1:
			all = append(all, rows(fmt.Sprintf("l_extendedprice < %d.0", 5000+1000*k), fmt.Sprintf("l_extendedprice < %d.0::DOUBLE", 5000+1000*k)))
		case 2:
			all = append(all, rows(fmt.Sprintf("l_discount <= 0.0%d", k+10), fmt.Sprintf("l_discount <= 0.0%d::DOUBLE", k+10)))
		case 3:
			a, b := modes[k%7], modes[(k/7+1+k)%7]
			all = append(all, rows(fmt.Sprintf("l_shipmode in [%q, %q] || l_quantity > %d.5", a, b, k),
				fmt.Sprintf("l_shipmode IN ('%s', '%s') OR l_quantity > %d.5::DOUBLE", a, b, k)))
		case 4:
			day := time.Date(1992, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, k, 0).Format(time.DateOnly)
			all = append(all, rows(fmt.Sprintf("l_shipdate >= %q", day), fmt.Sprintf("l_shipdate >= DATE '%s'", day)))
		case 5:
			all = append(all, rows(fmt.Sprintf(`l_receiptdate - l_shipdate <= duration("%dh")`, 24*(k+1)), fmt.Sprintf("l_receiptdate - l_shipdate <= %d", k+1)))
		case 6:
			flag := []string{"A", "N", "R"}[k%3]
			all = append(all, manyRule{
				gates.Expect(fmt.Sprintf(`count_if(l_tax > 0.0%d && l_returnflag == %q) >= 0`, k, flag)),
				fmt.Sprintf("count_if(l_tax > 0.0%d::DOUBLE AND l_returnflag = '%s')", k, flag),
			})
		case 7:
			f := []string{"sum", "mean", "min", "max", "stddev"}[k%5]
			column := []string{"l_quantity", "l_extendedprice", "l_discount", "l_tax"}[k/5%4]
			all = append(all, manyRule{
				gates.Expect(fmt.Sprintf("%s(%s) > %d.0", f, column, -1-k)),
				fmt.Sprintf("%s(%s)::DOUBLE", strings.Replace(f, "mean", "avg", 1), column),
			})
		case 8:
			all = append(all, rows(fmt.Sprintf("l_orderkey > %d", k*1000), fmt.Sprintf("l_orderkey > %d", k*1000)))
		default:
			all = append(all, rows(fmt.Sprintf("l_extendedprice * (1.0 - l_discount) > %d.0", 1000*k), fmt.Sprintf("l_extendedprice * (1.0::DOUBLE - l_discount) > %d.0::DOUBLE", 1000*k)))
		}
	}
	return all
}

// gatesPage measures many rules beside the same as one query and as one query a rule, and
// the uniqueness of a key beside count(distinct).
func gatesPage(args []string) error {
	f := flag.NewFlagSet("gates", flag.ContinueOnError)
	runs := f.Int("runs", 3, "counted runs of each side")
	rows := f.Int64("rows", lineitemRows, "rows of the generated file")
	data := f.String("data", filepath.Join(os.TempDir(), "penstock-bench"), "where the generated file is kept")
	out := f.String("out", gatesFile, "where the results are written; empty: nowhere")
	single := f.Int("single", 500, "up to how many rules one query a rule is measured")
	if err := f.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "penstock-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	prog, err := findPrograms(dir, false)
	if err != nil {
		return err
	}
	path, err := lineitemFile(prog.self, *data, *rows)
	if err != nil {
		return err
	}
	db, err := connect(job{})
	if err != nil {
		return err
	}
	defer db.Close()
	var b strings.Builder
	fmt.Fprintf(&b, "# Gates\n\nWritten by `go run ./benchmarks gates`: CPU seconds, medians of %d runs in turn, over %d rows of generated lineitem, two threads.\n"+
		"Penstock scans (`--evidence scan`); the peer is DuckDB over the same file. The rows that break each rule, and the values of the\n"+
		"metrics, are compared before a time is believed. The aims: half of the one query; growth far below that of the rules.\n\n", *runs, *rows)
	fmt.Fprintf(&b, "%s/%s, %d processors, %s, %s\n\n| rules | Penstock | one query | ratio | a query a rule | ratio | Penstock, with evidence |\n|---|---|---|---|---|---|---|\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), time.Now().Format(time.DateOnly))
	for _, n := range []int{20, 100, 500} {
		line, err := measureMany(db, path, n, *runs, n <= *single)
		if err != nil {
			return fmt.Errorf("%d rules: %w", n, err)
		}
		fmt.Print(line)
		b.WriteString(line)
	}
	line, err := measureUnique(db, path, *runs)
	if err != nil {
		return err
	}
	fmt.Print(line)
	b.WriteString(line)
	if *out == "" {
		return nil
	}
	return os.WriteFile(*out, []byte(b.String()), 0o644)
}

func measureMany(db *sql.DB, path string, n, runs int, single bool) (string, error) {
	rules := manyRules(n)
	var ours, evidence, one, each []float64
	for range runs {
		var got, want, again []float64
		for _, side := range []struct {
			took *[]float64
			do   func() ([]float64, error)
			to   *[]float64
		}{
			{&ours, func() ([]float64, error) { return judgeMany(path, rules, true) }, &got},
			{&one, func() ([]float64, error) { return queryMany(db, path, rules) }, &want},
			{&evidence, func() ([]float64, error) { return judgeMany(path, rules, false) }, &again},
		} {
			before := cpuSeconds()
			values, err := side.do()
			if err != nil {
				return "", err
			}
			*side.took = append(*side.took, cpuSeconds()-before)
			*side.to = values
		}
		for i := range want {
			if !near(got[i], want[i]) || !near(again[i], want[i]) {
				return "", fmt.Errorf("%s: ours %v, %v with evidence, the peer %v", rules[i].check, got[i], again[i], want[i])
			}
		}
	}
	singles := "| | |"
	if single {
		before := cpuSeconds()
		for _, r := range rules {
			if _, err := queryMany(db, path, []manyRule{r}); err != nil {
				return "", err
			}
		}
		each = append(each, cpuSeconds()-before)
		singles = fmt.Sprintf("| %.1f | %.3f |", median(each), median(ours)/median(each))
	}
	return fmt.Sprintf("| %d | %.2f | %.2f | %.2f %s %.2f |\n", n, median(ours), median(one), median(ours)/median(one), singles, median(evidence)), nil
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(math.Abs(a), math.Abs(b)) }

// judgeMany judges the file by the rules, and gives what broke each, or its metric.
func judgeMany(path string, rules []manyRule, scan bool) ([]float64, error) {
	var of []gates.Rule
	for i, r := range rules {
		rule := gates.Rule{Name: fmt.Sprintf("r%d", i), Check: r.check}
		if strings.HasPrefix(r.check.String(), "rows ") {
			rule.AtMost = gates.Share(1)
		}
		of = append(of, rule)
	}
	found, err := judgeFile(path, scan, defaultMemory, of...)
	if err != nil {
		return nil, err
	}
	var values []float64
	for i, f := range found.Findings[:len(rules)] { // conservation follows
		if f.Blocks() {
			return nil, fmt.Errorf("%s: %s: %s %v", f.Name, f.Verdict, f.Observed, f.Detail)
		}
		if strings.HasPrefix(rules[i].check.String(), "rows ") {
			values = append(values, float64(f.RowsFailed))
			continue
		}
		for _, m := range found.Measures {
			if m.Metric == f.Measures[0] {
				values = append(values, *m.Number)
			}
		}
	}
	return values, nil
}

// judgeFile runs a stage that only judges.
func judgeFile(path string, scan bool, budget int64, rules ...gates.Rule) (*pipeline.StageOutcome, error) {
	temp, err := os.MkdirTemp("", "penstock-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	env := &pipeline.Env{
		Dir: temp, Temp: temp, Workers: runtime.NumCPU(), Memory: pipeline.NewBudget(budget), Now: time.Now, Alloc: memory.DefaultAllocator, ForceScan: scan,
	}
	p := &pipeline.Pipeline{
		Name: "many", Sources: []pipeline.NamedSource{{Name: "data", Source: parquet.Files(path)}},
		Stages: []pipeline.Stage{{Name: "check", From: []string{"data"}, Gates: gates.Of(rules...)}},
	}
	plan, err := pipeline.Bind(context.Background(), p, env)
	if err != nil {
		return nil, err
	}
	out, err := plan.Run(context.Background(), nil, nil)
	if err != nil {
		return nil, err
	}
	return out.Stages[0], nil
}

// queryMany asks DuckDB the same in one query.
func queryMany(db *sql.DB, path string, rules []manyRule) ([]float64, error) {
	var columns []string
	for _, r := range rules {
		columns = append(columns, "("+r.sql+")::DOUBLE")
	}
	values := make([]float64, len(rules))
	into := make([]any, len(rules))
	for i := range values {
		into[i] = &values[i]
	}
	query := fmt.Sprintf("SELECT %s FROM read_parquet('%s')", strings.Join(columns, ", "), path)
	return values, db.QueryRow(query).Scan(into...)
}

// uniqueBudget is the memory that the uniqueness of a key gets.
const uniqueBudget = 512 << 20

// measureUnique asks whether a key is unique. Order keys repeat; that makes no difference
// to what has to be done.
func measureUnique(db *sql.DB, path string, runs int) (string, error) {
	var ours, peer []float64
	for range runs {
		before := cpuSeconds()
		found, err := judgeFile(path, true, uniqueBudget, gates.Rule{Name: "u", Check: gates.Unique("l_orderkey", "l_linenumber"), Severity: pipeline.SeverityWarn})
		if err != nil {
			return "", err
		}
		ours = append(ours, cpuSeconds()-before)
		before = cpuSeconds()
		var distinct, rows int64
		err = db.QueryRow(fmt.Sprintf("SELECT count(DISTINCT (l_orderkey, l_linenumber)), count(*) FROM read_parquet('%s')", path)).Scan(&distinct, &rows)
		if err != nil {
			return "", err
		}
		peer = append(peer, cpuSeconds()-before)
		if f := found.Findings[0]; (f.RowsFailed == 0) != (distinct == rows) || f.RowsTested != rows {
			return "", fmt.Errorf("unique: %d of %d rows share a key, the peer counts %d of %d", f.RowsFailed, f.RowsTested, distinct, rows)
		}
	}
	return fmt.Sprintf("\n| uniqueness of a key of two columns, %d MiB | Penstock | count(distinct) | ratio |\n|---|---|---|---|\n| CPU | %.2f s | %.2f s | %.2f |\n",
		uniqueBudget>>20, median(ours), median(peer), median(ours)/median(peer)), nil
}
