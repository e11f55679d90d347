package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// options are the flags of the parquet page.
type options struct {
	runs      int
	rows      int64
	data      string
	flights   string
	only      string
	out       string
	gb        float64
	uncounted bool // one run before those that count
	arrow     bool // DuckDB's Arrow interface too, which may have to be built
	flush     bool // disks before every run, so that it doesn't pay for what others wrote
}

func (o *options) parse(args []string) error {
	f := flag.NewFlagSet("parquet", flag.ContinueOnError)
	f.IntVar(&o.runs, "runs", 5, "counted runs of each side")
	f.Int64Var(&o.rows, "rows", lineitemRows, "rows of the generated file")
	f.StringVar(&o.data, "data", filepath.Join(os.TempDir(), "penstock-bench"), "where the generated files are kept")
	f.StringVar(&o.flights, "flights", fullFlights, "the real flights")
	f.StringVar(&o.only, "only", "", "names of scenarios or data sets, with commas between; \"large\" is run by its name only")
	f.StringVar(&o.out, "out", parquetFile, "where the results are written; empty: nowhere. Results of some scenarios only, or of\nanother number of rows, are written only where this is given; those of large to "+largeFileName)
	f.Float64Var(&o.gb, "gb", 20, "size of the large file in gigabytes")
	if err := f.Parse(args); err != nil {
		return err
	}
	o.flush = true
	o.uncounted, o.arrow = o.only != "large", o.only != "large"
	given := false
	f.Visit(func(f *flag.Flag) { given = given || f.Name == "out" })
	switch {
	case given:
	case o.only == "large":
		o.out = largeFileName
	case o.only != "" || o.rows != lineitemRows:
		o.out = ""
	}
	return nil
}

// where the results are written.
const (
	parquetFile   = "benchmarks/parquet.md"
	largeFileName = "benchmarks/large.md"
)

// wants says whether -only names the scenario, or its data set, or is not given.
func (o *options) wants(s *scenario) bool {
	if o.only == "" {
		return true
	}
	names := strings.Split(o.only, ",")
	return slices.ContainsFunc([]string{s.name, s.set, s.set + "/" + s.name}, func(n string) bool { return slices.Contains(names, n) })
}

// parquetPage runs the scenarios and writes the page.
func parquetPage(o options) error {
	dir, err := os.MkdirTemp(o.scratch(), "penstock-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	prog, err := findPrograms(dir, o.arrow)
	if err != nil {
		return err
	}
	scenarios, err := o.scenarios(prog)
	if err != nil {
		return err
	}
	for _, s := range scenarios {
		fmt.Printf("%s, %s\n", s.name, dataSets[s.set].label)
		if err := s.run(prog, filepath.Join(dir, s.set+"-"+s.name), o); err != nil {
			return fmt.Errorf("%s, %s: %w", s.name, s.set, err)
		}
	}
	text, err := page(scenarios, o)
	if err != nil {
		return err
	}
	fmt.Print(text)
	if o.out == "" {
		return nil
	}
	return os.WriteFile(o.out, []byte(text), 0o644)
}

// scratch is where outputs are written for the time of the runs: where there is room for
// large ones.
func (o *options) scratch() string {
	if o.only != "large" {
		return ""
	}
	if err := os.MkdirAll(o.data, 0o755); err != nil {
		return ""
	}
	return o.data
}

// scenarios makes the inputs, and the scenarios that were asked for.
func (o *options) scenarios(prog programs) ([]*scenario, error) {
	var in inputs
	var err error
	if in.lineitem, err = lineitemFile(prog.self, o.data, o.rows); err != nil {
		return nil, err
	}
	if in.lineitem, err = filepath.Abs(in.lineitem); err != nil {
		return nil, err
	}
	if o.only == "large" {
		return o.large(prog, in.lineitem)
	}
	if in.flights, err = filepath.Abs(o.flights); err != nil {
		return nil, err
	}
	if _, err := os.Stat(in.flights); errors.Is(err, fs.ErrNotExist) {
		fmt.Println("skipped: the full flights file is not there:", in.flights)
		in.flights = ""
	}
	all := allScenarios(in, o.arrow)
	all = slices.DeleteFunc(all, func(s *scenario) bool { return !o.wants(s) })
	if len(all) == 0 {
		return nil, fmt.Errorf("no scenario is called %q", o.only)
	}
	return all, nil
}

// large makes the large files, and the scenarios over them.
func (o *options) large(prog programs, base string) ([]*scenario, error) {
	full, quarter, err := largeFiles(prog.self, base, int64(o.gb*1e9))
	if err != nil {
		return nil, err
	}
	return large(quarter, full), nil
}

// run runs the ways in turn, and makes sure that they did the same.
func (s *scenario) run(prog programs, dir string, o options) error {
	first := 0
	if !o.uncounted {
		first = 1
	}
	for run := first; run <= o.runs; run++ {
		for i, w := range s.ways {
			if o.flush {
				flushDisks()
			}
			if err := w.run(prog, filepath.Join(dir, fmt.Sprint(i)), run > 0, run == o.runs); err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
		}
		fmt.Print(".")
	}
	fmt.Println()
	return errors.Join(s.check(), os.RemoveAll(dir))
}

// run does the job once, in an empty directory unless something was laid out there before.
// What the last run wrote is read for its digest. Nothing that was written is left.
func (w *way) run(prog programs, dir string, counted, last bool) error {
	if err := w.layOut(prog, dir); err != nil {
		return err
	}
	j := w.job
	j.Dir = dir
	program := prog.self
	if w.arrow {
		program = prog.arrow
	}
	s, err := spawn(program, j)
	if err != nil {
		return err
	}
	if counted {
		w.samples = append(w.samples, s)
	}
	if last && len(s.Files) > 0 {
		if w.digest, err = w.digestOf(prog, s.Files); err != nil {
			return err
		}
	}
	if w.before != nil {
		return nil
	}
	return os.RemoveAll(dir)
}

func (w *way) layOut(prog programs, dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil || w.before == nil {
		return err
	}
	j := *w.before
	j.Dir = dir
	_, err := spawn(prog.self, j)
	return err
}

// digestOf is the digest of the rows of a file.
func (w *way) digestOf(prog programs, files []string) (string, error) {
	if len(files) != 1 {
		return "", fmt.Errorf("%d files were written, not one", len(files))
	}
	j := job{Do: "digest", Set: w.job.Set, Path: files[0]}
	if w.light {
		j.Variant = "light"
	}
	s, err := spawn(prog.self, j)
	return s.Digest, err
}

// check makes sure that the ways that are compared came to the same result in every run.
func (s *scenario) check() error {
	for _, l := range s.lines {
		ours := s.way(l.ours)
		for _, name := range l.peers {
			peer := s.way(name)
			if ours.job.Path != peer.job.Path && ours.job.Path != "" {
				continue // two sizes of one job
			}
			for i := range ours.samples {
				if err := agree(ours.samples[i].outcome, peer.samples[i].outcome); err != nil {
					return fmt.Errorf("%s and %s differ: %w", l.ours, name, err)
				}
			}
			if ours.digest != peer.digest {
				return fmt.Errorf("the files of %s and %s differ: %s; %s", l.ours, name, ours.digest, peer.digest)
			}
		}
	}
	return nil
}

// agree says whether both found the same. Where the peer wrote and did not count, its
// digest says how many rows there are.
func agree(ours, peer outcome) error {
	if ours.Rows != peer.Rows && len(peer.Files) == 0 {
		return fmt.Errorf("rows: %d, %d", ours.Rows, peer.Rows)
	}
	digits := 9
	if ours.Digits > 0 {
		digits = ours.Digits
	}
	if len(peer.Failed) > 0 && math.Abs(ours.Sum-peer.Sum) > math.Pow10(-digits)*math.Abs(peer.Sum) {
		return fmt.Errorf("sum: %v, %v", ours.Sum, peer.Sum)
	}
	mine := ours.Failed
	if peer.Coarse {
		mine = coarse(mine, len(peer.Failed) == 1)
		peer.Failed = coarse(peer.Failed, false)
	}
	if !slices.Equal(mine, peer.Failed) {
		return fmt.Errorf("rows that failed each rule: %v, %v", mine, peer.Failed)
	}
	return nil
}

// coarse is which rules were broken, or whether any was.
func coarse(failed []int64, any bool) []int64 {
	out := make([]int64, len(failed))
	for i, n := range failed {
		out[i] = min(n, 1)
	}
	if any {
		return []int64{slices.Max(out)}
	}
	return out
}
