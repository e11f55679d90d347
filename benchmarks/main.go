// Command benchmarks runs scenarios end to end beside their peers, in one run, each in a
// process of its own, and writes what the operating system says of them to
// benchmarks/results.md.
//
//	go run ./benchmarks              # all scenarios, five runs of each side
//	go run ./benchmarks -runs 3
//	go run ./benchmarks expressions  # CEL over columns, beside cel-go and DuckDB
//	go run ./benchmarks parquet      # checks, reading and publishing of Parquet files
//	go run ./benchmarks parquet -only checks-scan,flights -runs 3
//	go run ./benchmarks parquet -only large -gb 20
//	go run ./benchmarks gates        # 20, 100 and 500 rules, and the uniqueness of a key
//	go run ./benchmarks lineage      # what lineage and audit cost, and how fast they answer
//	go run ./benchmarks lineage -only diff -runs 3
//	go run ./benchmarks reconcile    # two sides of ten million rows, beside a full outer join
//	go run ./benchmarks backfill     # a year of daily partitions, beside a shell loop over DuckDB
//
// The flights job is the demo's pipeline over three million flights, beside the same job
// written by hand as DuckDB SQL: the same rows filtered, made unique, checked, put aside
// and written, the same aggregate per airport. Both read the same file and write zstd
// Parquet; the results are compared before a time is believed.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// side is one of two ways to do the same job.
type side struct {
	name string
	cpu  []float64 // seconds, user and system
	wall []float64
	peak []float64 // MiB, resident
}

const (
	fullFlights = "../shared/data/flights-3m.parquet"
	airports    = "testdata/airports.csv"
	resultsFile = "benchmarks/results.md"

	expressionsFile = "benchmarks/expressions.md"
)

func main() {
	runs := flag.Int("runs", 5, "counted runs of each side")
	out := flag.String("out", resultsFile, "where the results are written; empty: nowhere")
	flag.Parse()
	var err error
	switch flag.Arg(0) {
	case "ours":
		err = ours(flag.Arg(1), flag.Arg(2))
	case "peer":
		err = peer(flag.Arg(1), flag.Arg(2))
	case "lineitem":
		err = lineitem(flag.Arg(1), lineitemRows)
	case "parquet":
		var o options
		if err = o.parse(flag.Args()[1:]); err == nil {
			err = parquetPage(o)
		}
	case "backfill":
		err = backfillPage(flag.Args()[1:])
	case "backfill-ours":
		err = backfillOurs(flag.Arg(1), flag.Arg(2), flag.Arg(3))
	case "backfill-peer":
		err = backfillPeer(flag.Arg(1), flag.Arg(2), flag.Arg(3))
	case "lineage":
		err = lineagePage(flag.Args()[1:])
	case "reconcile":
		err = reconcilePage(flag.Args()[1:])
	case "job":
		err = runJob(flag.Arg(1))
	case "gates":
		err = gatesPage(flag.Args()[1:])
	case "expressions":
		err = expressions(expressionsFile)
	default:
		err = compareFlights(*runs, *out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// compareFlights runs the two sides in turn and writes the results.
func compareFlights(runs int, out string) error {
	data, err := filepath.Abs(fullFlights)
	if err != nil {
		return err
	}
	if _, err := os.Stat(data); err != nil {
		fmt.Println("skipped: the full flights file is not there:", data)
		return nil
	}
	dir, err := os.MkdirTemp("", "penstock-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	sides := []*side{{name: "ours"}, {name: "peer"}}
	for run := range runs + 1 {
		for _, s := range sides {
			if err := s.run(filepath.Join(dir, s.name), data, run > 0); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	if err := sameResults(filepath.Join(dir, "ours"), filepath.Join(dir, "peer")); err != nil {
		return err
	}
	text := report(sides[0], sides[1], runs)
	fmt.Print(text)
	if out == "" {
		return nil
	}
	return os.WriteFile(out, []byte(text), 0o644)
}

// run does the job once, in a process of its own and an empty directory.
func (s *side) run(dir, data string, counted bool) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, s.name, dir, data)
	cmd.Stderr = os.Stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return err
	}
	wall := time.Since(start)
	if counted {
		s.cpu = append(s.cpu, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds())
		s.wall = append(s.wall, wall.Seconds())
		s.peak = append(s.peak, peakMiB(cmd.ProcessState))
	}
	return nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// report is the results page.
func report(ours, peer *side, runs int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Results\n\nWritten by `go run ./benchmarks`: medians of %d runs of each side, in turn, after one that is not counted;\n"+
		"whole processes, as the operating system accounts for them. The ratios are what to believe.\n\n", runs)
	fmt.Fprintf(&b, "%s/%s, %d processors, %s, %s\n\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), time.Now().Format(time.DateOnly))
	b.WriteString("| the flights job, 3,000,000 rows, seven months | Penstock | DuckDB SQL by hand | ratio | aim |\n|---|---|---|---|---|\n")
	row := func(what, unit, aim string, a, p []float64) {
		fmt.Fprintf(&b, "| %s | %.2f %s | %.2f %s | %.2f | %s |\n", what, median(a), unit, median(p), unit, median(a)/median(p), aim)
	}
	row("CPU", "s", "≤ 1.5", ours.cpu, peer.cpu)
	row("wall", "s", "≤ 1.5", ours.wall, peer.wall)
	row("peak memory", "MiB", "", ours.peak, peer.peak)
	b.WriteString("\nPenstock does more in that time: it hashes what it reads and writes, syncs to disk, keeps manifests and an index,\n" +
		"and switches each month atomically; the SQL does none of it.\n")
	return b.String()
}
