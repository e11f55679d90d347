package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

const (
	reconcileFile = "benchmarks/reconcile.md"
	reconcileRows = 10_000_000
	// little is the budget of what is measured in little memory.
	little = 512 * mib
)

// reconcileCase is how many rows of the right differ, and in how much memory both sides work.
type reconcileCase struct {
	name, label string
	every       func(rows int64) int64
	memory      int64
	aim         float64 // of the ratio of CPU; 0: none
}

var reconcileCases = []reconcileCase{
	{"few", "100 differences", func(rows int64) int64 { return rows / 100 }, 0, 0.5},
	{"tenth", "10% of the rows differ", func(int64) int64 { return 10 }, 0, 1.1},
	{"little", "10% of the rows differ, in 512 MiB", func(int64) int64 { return 10 }, little, 0},
}

// reconcileWays are what is measured beside DuckDB.
var reconcileWays = []struct{ do, label string }{
	{"unequal-sides", "the proof alone: rows without a counterpart found, read again and put together"},
	{"reconciled-sides", "the operator: all of it, with causes, balanced"},
}

// reconcilePage measures how two sides are reconciled, beside a full outer join.
func reconcilePage(args []string) error {
	o := &lineageOptions{}
	f := flag.NewFlagSet("reconcile", flag.ContinueOnError)
	f.IntVar(&o.runs, "runs", 3, "counted runs of each side")
	f.Int64Var(&o.rows, "rows", reconcileRows, "rows of each side")
	f.StringVar(&o.data, "data", filepath.Join(os.TempDir(), "penstock-bench"), "where the generated files are kept")
	f.StringVar(&o.only, "only", "", "names of cases, with commas between: few, tenth, little")
	f.StringVar(&o.out, "out", "", "where the results are written (default: "+reconcileFile+" where all cases are run in full, else nowhere)")
	if err := f.Parse(args); err != nil {
		return err
	}
	if o.out == "" && o.only == "" && o.rows == reconcileRows {
		o.out = reconcileFile
	}
	var err error
	if o.dir, err = os.MkdirTemp("", "penstock-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(o.dir)
	if o.prog, err = findPrograms(o.dir, false); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Reconciling\n\nWritten by `go run ./benchmarks reconcile`: two Parquet files of %d rows each, in different orders; an id, an account of 100,000, a date,\n"+
		"a decimal amount, a currency, a status and a memo. Beside it a full outer join written by hand for DuckDB: it writes the rows that differ, and counts what\n"+
		"matches, is on one side alone, or differs, by column. Both sides must find the same. Medians of %d runs of each side, in turn, after one that is not counted,\n"+
		"each in a process of its own, with two threads. The ratios are what to believe.\n\n", o.rows, o.runs)
	fmt.Fprintf(&b, "%s/%s, %d processors, %s, %s\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), time.Now().Format(time.DateOnly))
	for _, c := range reconcileCases {
		if o.only != "" && !slices.Contains(strings.Split(o.only, ","), c.name) {
			continue
		}
		text, err := o.reconcile(c)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		b.WriteString(text)
	}
	fmt.Print(b.String())
	if o.out == "" {
		return nil
	}
	return os.WriteFile(o.out, []byte(b.String()), 0o644)
}

// reconcile measures a case and gives its part of the page.
func (o *lineageOptions) reconcile(c reconcileCase) (string, error) {
	dir := filepath.Join(o.data, fmt.Sprintf("reconcile-%d", o.rows))
	every := c.every(o.rows)
	if _, err := sideFile(o.prog.self, dir, "left.parquet", job{Do: "generate-side", Variant: "0", Rows: o.rows, Copies: every}); err != nil {
		return "", err
	}
	right, err := sideFile(o.prog.self, dir, fmt.Sprintf("right-%d.parquet", every), job{Do: "generate-side", Variant: "1", Rows: o.rows, Copies: every})
	if err != nil {
		return "", err
	}
	jobs := []job{{Do: "duckdb-sides", Path: dir, Set: right, Memory: c.memory, Dir: filepath.Join(o.dir, "duckdb")}}
	for _, w := range reconcileWays {
		jobs = append(jobs, job{Do: w.do, Path: dir, Set: right, Memory: c.memory, Dir: filepath.Join(o.dir, w.do)})
	}
	all, err := o.inTurn(true, jobs...)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	peer := all[0]
	for i, w := range reconcileWays {
		ours := all[1+i]
		for _, s := range slices.Concat(peer, ours) {
			if !slices.Equal(s.Failed, peer[0].Failed) {
				return "", fmt.Errorf("%s found %v, DuckDB %v", w.do, s.Failed, peer[0].Failed)
			}
		}
		found := peer[0].Failed
		fmt.Fprintf(&b, "\n## %s\n\n%s. %d match, %d are on the left alone, %d on the right alone, %d differ.\n\n", c.label, strings.ToUpper(w.label[:1])+w.label[1:],
			found[0], found[1], found[2], found[3])
		b.WriteString("| | Penstock | DuckDB | ratio | aim |\n|---|---|---|---|---|\n")
		for _, q := range []struct {
			what, unit, aim string
			of              func(sample) float64
		}{
			{"CPU", "s", aimed(c.aim), cpuOfWork},
			{"wall", "s", "", wallOfWork},
			{"peak memory, resident", "MiB", "", func(s sample) float64 { return s.Work.Peak }},
		} {
			a, p := medianOf(ours, q.of), medianOf(peer, q.of)
			aim := q.aim
			if aim != "" {
				aim += ": " + verdict(a/p <= c.aim)
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", q.what, figure(a, q.unit), figure(p, q.unit), ratio(a, p), aim)
		}
	}
	return b.String(), nil
}

func aimed(ratio float64) string {
	if ratio == 0 {
		return ""
	}
	return fmt.Sprintf("≤ %.2g", ratio)
}

// sideFile is a generated side, made where it is not there.
func sideFile(program, dir, name string, j job) (string, error) {
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	fmt.Println("making", path)
	j.Path = path + ".part"
	if _, err := spawn(program, j); err != nil {
		return "", err
	}
	return path, os.Rename(j.Path, path)
}
