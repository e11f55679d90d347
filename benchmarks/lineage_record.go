package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
)

// recorded is a part of what recording lineage is, by the functions that do it.
type recorded struct{ what, functions string }

var recordings = []recorded{
	{"digests of the files that are read", `pipeline\.\(\*run\)\.hashInput`},
	{"inputs, stages and findings of each manifest", `penstock\.\(\*manifests\)\.`},
	{"columns: from CEL, from the parse of the SQL, through operators and stages", `traceColumns|internal/sqltree\.|expr\.\(\*Program\)\.Origins`},
	{"edges in the index", `store\.\(\*Changes\)\.(putLineage|flow|node)`},
}

// profileRate is how often a second the CPU is looked at.
const profileRate = 1000

// profiledFlights does the flights job and writes a profile of it to Path.
func profiledFlights(j job) (_ outcome, err error) {
	f, err := os.Create(j.Path)
	if err != nil {
		return outcome{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	// The rate is set first: what StartCPUProfile then says of its own rate is without effect.
	runtime.SetCPUProfileRate(profileRate)
	m := begin()
	if err := pprof.StartCPUProfile(f); err != nil {
		return outcome{}, err
	}
	data, err := filepath.Abs(fullFlights)
	if err == nil {
		err = ours(j.Dir, data)
	}
	pprof.StopCPUProfile()
	return outcome{Work: m.end()}, err
}

// recordSection says which share of the CPU time of the flights job recording takes.
func recordSection(o *lineageOptions) (string, error) {
	if _, err := os.Stat(fullFlights); err != nil {
		return "skipped: the full flights file is not there: " + fullFlights + "\n", nil
	}
	var files []string
	var samples []sample
	for run := range o.runs + 1 {
		j := job{Do: "profiled-flights", Dir: filepath.Join(o.dir, "flights"), Path: filepath.Join(o.dir, fmt.Sprintf("cpu-%d.pprof", run))}
		if err := os.RemoveAll(j.Dir); err != nil {
			return "", err
		}
		s, err := spawn(o.prog.self, j)
		if err != nil {
			return "", err
		}
		if run > 0 {
			files, samples = append(files, j.Path), append(samples, s)
		}
	}
	var b strings.Builder
	cpu := medianOf(samples, cpuOfWork)
	fmt.Fprintf(&b, "## Recording\n\nWhat recording lineage at the depth of partitions, files and columns takes of the flights job (3,000,000 rows, seven months, %.2f s of CPU):\n"+
		"the share of its functions, and all they call, in %d profiles that look %d times a second. The digests are counted although it would not be known\n"+
		"without them either what is stale. The aim is 1%%.\n\n| | share of CPU | of a run |\n|---|---|---|\n", cpu, len(files), profileRate)
	var all []string
	for _, r := range recordings {
		share, err := o.share(r.functions, files)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "| %s | %.2f%% | %.1f ms |\n", r.what, share, share*cpu*10)
		all = append(all, r.functions)
	}
	share, err := o.share(strings.Join(all, "|"), files)
	fmt.Fprintf(&b, "| together | %.2f%% | %.1f ms |\n", share, share*cpu*10)
	return b.String(), err
}

var profileShare = regexp.MustCompile(`Showing nodes accounting for [^,]+, ([0-9.]+)% of`)

// share is the share of samples, in percent, that have one of some functions on their stack.
func (o *lineageOptions) share(functions string, profiles []string) (float64, error) {
	args := append([]string{"tool", "pprof", "-top", "-nodefraction=0", "-focus=" + functions, o.prog.self}, profiles...)
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		return 0, fmt.Errorf("go tool pprof: %w", err)
	}
	m := profileShare.FindSubmatch(out)
	if m == nil {
		return 0, nil // no sample has any of them
	}
	return strconv.ParseFloat(string(m[1]), 64)
}
