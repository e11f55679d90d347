package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

const lineageFile = "benchmarks/lineage.md"

// lineageOptions are the flags of the lineage page.
type lineageOptions struct {
	runs int
	rows int64
	data string
	only string
	out  string
	dir  string // for the time of the runs
	prog programs
}

// lineageSection measures one thing and gives its part of the page.
type lineageSection struct {
	name string
	do   func(o *lineageOptions) (string, error)
}

var lineageSections = []lineageSection{
	{"record", recordSection},
	{"rows", rowsSection},
	{"openlineage", toldSection},
	{"audit", auditSection},
	{"graph", graphSection},
	{"diff", diffSection},
}

// lineagePage measures what lineage and audit cost, and how fast they answer.
func lineagePage(args []string) error {
	o := &lineageOptions{}
	f := flag.NewFlagSet("lineage", flag.ContinueOnError)
	f.IntVar(&o.runs, "runs", 5, "counted runs of each side")
	f.Int64Var(&o.rows, "rows", lineitemRows, "rows of the generated file")
	f.StringVar(&o.data, "data", filepath.Join(os.TempDir(), "penstock-bench"), "where the generated file is kept")
	f.StringVar(&o.only, "only", "", "names of sections, with commas between: "+sectionNames())
	f.StringVar(&o.out, "out", "", "where the results are written (default: "+lineageFile+" where all sections are run in full, else nowhere)")
	if err := f.Parse(args); err != nil {
		return err
	}
	if o.out == "" && o.only == "" && o.rows == lineitemRows {
		o.out = lineageFile
	}
	var err error
	if o.dir, err = os.MkdirTemp("", "penstock-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(o.dir)
	if o.prog, err = findPrograms(o.dir, false); err != nil {
		return err
	}
	text, err := o.page()
	if err != nil {
		return err
	}
	fmt.Print(text)
	if o.out == "" {
		return nil
	}
	return os.WriteFile(o.out, []byte(text), 0o644)
}

func sectionNames() string {
	var names []string
	for _, s := range lineageSections {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
}

func (o *lineageOptions) page() (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "# Lineage and audit\n\nWritten by `go run ./benchmarks lineage`: what recording costs, and how fast questions are answered. Medians of %d runs of each\n"+
		"side, in turn, after one that is not counted, each in a process of its own. The ratios are what to believe.\n\n", o.runs)
	fmt.Fprintf(&b, "%s/%s, %d processors, %s, %s\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), time.Now().Format(time.DateOnly))
	ran := false
	for _, s := range lineageSections {
		if o.only != "" && !slices.Contains(strings.Split(o.only, ","), s.name) {
			continue
		}
		ran = true
		fmt.Println(s.name)
		text, err := s.do(o)
		if err != nil {
			return "", fmt.Errorf("%s: %w", s.name, err)
		}
		b.WriteString("\n" + text)
	}
	if !ran {
		return "", fmt.Errorf("no section is called %q; there are %s", o.only, sectionNames())
	}
	return b.String(), nil
}

// inTurn runs jobs in turn, once uncounted. What they find must be the same in all.
func (o *lineageOptions) inTurn(fresh bool, jobs ...job) ([][]sample, error) {
	all := make([][]sample, len(jobs))
	for run := range o.runs + 1 {
		for i, j := range jobs {
			if fresh {
				if err := errors.Join(os.RemoveAll(j.Dir), os.MkdirAll(j.Dir, 0o755)); err != nil {
					return nil, err
				}
			}
			s, err := spawn(o.prog.self, j)
			if err != nil {
				return nil, err
			}
			if run > 0 {
				all[i] = append(all[i], s)
			}
		}
	}
	return all, nil
}

// medianOf is the median of something of samples.
func medianOf(samples []sample, of func(sample) float64) float64 {
	var values []float64
	for _, s := range samples {
		values = append(values, of(s))
	}
	return median(values)
}

func wallOfWork(s sample) float64 { return s.Work.Wall }

func peakOfWork(s sample) float64 { return s.Work.Peak }

// diffSection compares two versions of lineitem, and the same by a full outer join.
func diffSection(o *lineageOptions) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "## `penstock diff`\n\nTwo versions of %d rows and 16 columns, by key, with the rows that changed in each column, beside a full outer join in DuckDB over\n"+
		"the same files (without a key: two `EXCEPT ALL` over a tenth of the rows). The counts are compared before a time is believed. Two threads each.\n\n", o.rows)
	b.WriteString("| what differs | Penstock wall | DuckDB wall | ratio | Penstock CPU | DuckDB CPU | ratio | peak MiB, each | rows read |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, c := range diffCases {
		line, err := o.diffLine(c, o.rows, "")
		if err != nil {
			return "", err
		}
		b.WriteString(line)
	}
	line, err := o.diffLine(diffCases[0], o.rows/10, wholeRows)
	if err != nil {
		return "", err
	}
	b.WriteString(line)
	return b.String(), nil
}

// diffLine publishes two versions and compares them; set is wholeRows for no key.
func (o *lineageOptions) diffLine(c diffCase, rows int64, set string) (string, error) {
	file, err := lineitemFile(o.prog.self, o.data, rows)
	if err != nil {
		return "", err
	}
	if file, err = filepath.Abs(file); err != nil {
		return "", err
	}
	dir := filepath.Join(o.dir, "versions")
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return "", err
	}
	if _, err := spawn(o.prog.self, job{Do: "diff-versions", Variant: c.name, Path: file, Dir: dir, Rows: rows}); err != nil {
		return "", err
	}
	all, err := o.inTurn(false, job{Do: "diff", Variant: c.name, Dir: dir, Set: set}, job{Do: "duckdb-diff", Variant: c.name, Dir: dir, Set: set})
	if err != nil {
		return "", err
	}
	ours, theirs := all[0][0].Failed, all[1][0].Failed
	label := c.label
	if set == wholeRows {
		label += "; without a key"
		ours = ours[1:3]
	}
	if !slices.Equal(ours, theirs) {
		return "", fmt.Errorf("%s: penstock counts %v, DuckDB %v", label, ours, theirs)
	}
	w, dw := medianOf(all[0], wallOfWork), medianOf(all[1], wallOfWork)
	cpu, dcpu := medianOf(all[0], cpuOfWork), medianOf(all[1], cpuOfWork)
	return fmt.Sprintf("| %s | %.2f s | %.2f s | %.2f | %.2f s | %.2f s | %.2f | %.0f, %.0f | %s |\n", label, w, dw, w/dw, cpu, dcpu, cpu/dcpu,
		medianOf(all[0], peakOfWork), medianOf(all[1], peakOfWork), strings.TrimSuffix(all[0][0].Note, " rows read")), nil
}
