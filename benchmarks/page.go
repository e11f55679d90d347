package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"time"
)

// of is the median of something of the samples.
func (w *way) of(f func(sample) float64) float64 {
	var all []float64
	for _, s := range w.samples {
		all = append(all, f(s))
	}
	return median(all)
}

// fastest is the peer with the least of something: CPU decides who is compared, but the
// time is held against the one with the least time.
func (s *scenario) fastest(l line, of func(sample) float64) *way {
	var best *way
	for _, name := range l.peers {
		if w := s.way(name); best == nil || w.of(of) < best.of(of) {
			best = w
		}
	}
	return best
}

// peer is who a quantity of a line is held against.
func (s *scenario) peer(l line, q quantity) *way {
	if q.best {
		return s.fastest(l, q.of)
	}
	return s.fastest(l, cpuOfWork)
}

func cpuOfWork(s sample) float64 { return s.Work.CPU }

// quantity is something measured of both sides.
type quantity struct {
	name, unit string
	of         func(sample) float64
	aim        func(aim) float64
	// best says that it is held against the best peer in this, whoever that is.
	best bool
	// fixed says that the aim is of our figure, not of the ratio.
	fixed bool
}

const mib = 1 << 20

var quantities = []quantity{
	{"CPU of the work", "s", cpuOfWork, func(a aim) float64 { return a.cpu }, true, false},
	{"wall time of the work", "s", func(s sample) float64 { return s.Work.Wall }, func(a aim) float64 { return a.wall }, true, false},
	{"CPU of the whole process", "s", func(s sample) float64 { return s.CPU }, nil, false, false},
	{"wall time of the whole process", "s", func(s sample) float64 { return s.Wall }, nil, false, false},
	{"peak memory, resident", "MiB", func(s sample) float64 { return s.Work.Peak }, func(a aim) float64 { return a.peak }, false, true},
	{"bytes asked of files", "MiB", func(s sample) float64 { return float64(s.Work.Read) / mib }, nil, false, false},
	{"bytes from the disk", "MiB", func(s sample) float64 { return float64(s.Work.Disk) / mib }, nil, false, false},
	{"written file", "MiB", func(s sample) float64 { return float64(s.Bytes) / mib }, func(a aim) float64 { return a.size }, false, false},
}

// row is one quantity of a line as a row of a table; empty where there is none.
func (s *scenario) row(l line, q quantity) string {
	ours, peer, a := s.way(l.ours), s.peer(l, q), l.aim
	o, p := ours.of(q.of), peer.of(q.of)
	if q.name == "written file" && o == 0 && p == 0 || o < 0 || p < 0 {
		return ""
	}
	theirs := figure(p, q.unit)
	if peer != s.fastest(l, cpuOfWork) {
		theirs += " (" + peer.name + ")"
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s |\n", q.name, figure(o, q.unit), theirs, ratio(o, p), q.goal(o, p, a))
}

// goal says what was aimed at, if anything, and whether it was met.
func (q quantity) goal(ours, peer float64, a aim) string {
	if q.aim == nil || q.aim(a) == 0 {
		return ""
	}
	if q.fixed {
		return fmt.Sprintf("≤ %.0f %s: %s", q.aim(a), q.unit, verdict(ours <= q.aim(a)))
	}
	return fmt.Sprintf("≤ %.2g: %s", q.aim(a), verdict(ours/peer <= q.aim(a)))
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "missed"
}

func figure(v float64, unit string) string {
	if unit == "s" && v < 0.1 {
		return fmt.Sprintf("%.4f s", v)
	}
	if unit == "s" {
		return fmt.Sprintf("%.3f s", v)
	}
	return fmt.Sprintf("%.1f %s", v, unit)
}

func ratio(ours, peer float64) string {
	r := ours / peer
	switch {
	case math.IsNaN(r) || math.IsInf(r, 0):
		return ""
	case r < 0.1:
		return fmt.Sprintf("%.4f", r)
	}
	return fmt.Sprintf("%.2f", r)
}

// page is the results page.
func page(all []*scenario, o options) (string, error) {
	version, err := duckdbVersion()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, pageHead, command(o), counted(o))
	fmt.Fprintf(&b, "%s/%s, %s, %d processors, %s, DuckDB %s, %s\n\n", runtime.GOOS, runtime.GOARCH, processor(), runtime.NumCPU(), runtime.Version(), version, time.Now().Format(time.DateOnly))
	b.WriteString(summary(all))
	for _, s := range all {
		b.WriteString(s.section())
	}
	b.WriteString(pageFoot)
	return b.String(), nil
}

const pageHead = `# Parquet

Written by ` + "`go run ./benchmarks %s`" + `: %s Each run is a process of its own, the sides in turn, the input in the page
cache if it fits. Figures of the work are taken inside that process after set-up (our program started; DuckDB connected), on both sides
alike, and the ratios are of these; the whole process is beside them. All sides came to the same result: the same rows, the same
count of rows that break each rule, the same sum; written files have the same schema and the same multiset of rows by DuckDB's hash.

`

const pageFoot = `## What to bear in mind

- Penstock does more in its time: it hashes inputs and outputs, syncs to disk, and keeps a manifest and an index. DuckDB's COPY does
  none of it, and is not asked to. The wall time of what publishes has the sync in it.
- CPU is user and system seconds of all threads, garbage collection included. DuckDB has two threads, Penstock two workers.
- Peak memory is VmHWM of the process at the end of the work, with the program itself: both sides are one binary with DuckDB in it.
- Bytes asked of files are rchar, bytes from the disk read_bytes of /proc/self/io; what is read through a mapping is in neither or in
  the second alone. Where a system has no such file, the rows are missing.
- Where a peer has several forms, the one with the least CPU is compared, and our time with the least time of any. "bool_and" and
  "one count for all nine" say less than Penstock does: they don't count the rows that break each rule.
- DuckDB keeps the order of rows in what it writes unless it is told otherwise; Penstock always does. Both are beside it.
- The generated file suits what works on dictionaries and on footers: its columns have few values or narrow ranges, and no rule is
  broken. The real flights are beside it.
- One machine, whose absolute figures drift; the ratios are what to believe.
`

// command is how the page was asked for.
func command(o options) string {
	text := "parquet"
	if o.rows != lineitemRows {
		text += fmt.Sprintf(" -rows %d", o.rows)
	}
	if o.only != "" {
		text += " -only " + o.only
	}
	if o.only == "large" {
		text += fmt.Sprintf(" -gb %g -runs %d", o.gb, o.runs)
	}
	return text
}

func counted(o options) string {
	if !o.uncounted {
		return fmt.Sprintf("medians of %d runs of each side.", o.runs)
	}
	return fmt.Sprintf("medians of %d runs of each side after one that is not counted.", o.runs)
}

// summary has a line for every aim.
func summary(all []*scenario) string {
	var b strings.Builder
	b.WriteString("| scenario | data | | Penstock | peer | ratio | aim |\n|---|---|---|---|---|---|---|\n")
	for _, s := range all {
		for _, l := range s.lines {
			for _, q := range quantities {
				if q.aim == nil || q.aim(l.aim) == 0 {
					continue
				}
				o, p := s.way(l.ours).of(q.of), s.peer(l, q).of(q.of)
				fmt.Fprintf(&b, "| %s: %s | %s | %s | %s | %s | %s | %s |\n", s.name, l.title, s.set, q.name,
					figure(o, q.unit), figure(p, q.unit), ratio(o, p), q.goal(o, p, l.aim))
			}
		}
	}
	return b.String() + "\n"
}

// section is a scenario in full.
func (s *scenario) section() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s, %s\n\n", s.name, dataSets[s.set].label)
	for _, text := range s.what {
		fmt.Fprintf(&b, "- %s\n", text)
	}
	for _, l := range s.lines {
		ours, peer := s.way(l.ours), s.fastest(l, cpuOfWork)
		fmt.Fprintf(&b, "\n| %s | %s | %s | ratio | aim |\n|---|---|---|---|---|\n", l.title, ours.name, peer.name)
		for _, q := range quantities {
			b.WriteString(s.row(l, q))
		}
		if note := ours.samples[len(ours.samples)-1].Note; strings.Contains(note, " by ") {
			fmt.Fprintf(&b, "\nPenstock %s.\n", note)
		}
	}
	if len(s.ways) > 2 {
		var each []string
		for _, w := range s.ways {
			each = append(each, fmt.Sprintf("%s %s, %s", w.name, figure(w.of(cpuOfWork), "s"), figure(w.of(quantities[1].of), "s")))
		}
		fmt.Fprintf(&b, "\nAll that was run, CPU and wall time of the work: %s.\n", strings.Join(each, "; "))
	}
	b.WriteString("\n")
	return b.String()
}

// processor is what the machine calls its processor.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	_, rest, found := strings.Cut(string(text), "model name")
	if !found {
		return "processor not known"
	}
	name, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(strings.TrimLeft(name, "\t: "))
}

func duckdbVersion() (version string, err error) {
	db, err := connect(job{})
	if err != nil {
		return "", err
	}
	defer db.Close()
	return version, db.QueryRow("SELECT version()").Scan(&version)
}
