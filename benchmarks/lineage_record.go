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
type recorded struct {
	what      string
	functions []string // each a regular expression
}

var recordings = []recorded{
	{"digests of the files that are read", []string{`pipeline\.\(\*run\)\.hashInput`}},
	{"inputs, stages and findings of each manifest", []string{`penstock\.\(\*manifests\)\.`}},
	{"columns: from CEL, from the parse of the SQL, through operators and stages", []string{
		`pipeline\.\(\*(Plan|StagePlan|Bound)\)\.traceColumns`, `internal/sqltree\.`, `expr\.\(\*Program\)\.Origins`,
	}},
	{"edges in the index", []string{`store\.\(\*Changes\)\.(putLineage|flow|node)$`}},
}

// recorders are the packages that the functions are in.
var recorders = []string{"", "/pipeline", "/internal/sqltree", "/internal/expr", "/internal/store"}

// moved is an error if one of the functions is not in the program any more: of it the profile would
// say that it takes nothing.
func moved(all []recorded) error {
	const module = "github.com/penstock-data/penstock"
	list := []string{"list", "-export", "-f", "{{.Export}}"}
	for _, dir := range recorders {
		list = append(list, module+dir)
	}
	archives, err := exec.Command("go", list...).Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	symbols, err := exec.Command("go", append([]string{"tool", "nm"}, strings.Fields(string(archives))...)...).Output()
	if err != nil {
		return fmt.Errorf("go tool nm: %w", err)
	}
	for _, r := range all {
		for _, f := range r.functions {
			if !regexp.MustCompile(`(?m) T \S*` + f).Match(symbols) {
				return fmt.Errorf("%s: no function is called %s: name the one that does it now in benchmarks/lineage_record.go", r.what, f)
			}
		}
	}
	return nil
}

// profileRate is how often a second of CPU time it is to be looked at what runs. Many systems look
// no more than 250 times.
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
	if err := moved(recordings); err != nil {
		return "", err
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
	var rows strings.Builder
	var all []string
	for _, r := range recordings {
		s, err := o.share(r.functions, files)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&rows, "| %s | %s |\n", r.what, s.text(cpu))
		all = append(all, r.functions...)
	}
	s, err := o.share(all, files)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&rows, "| together | %s |\n", s.text(cpu))
	fmt.Fprintf(&b, "## Recording\n\nWhat recording lineage at the depth of partitions, files and columns takes of the flights job (3,000,000 rows, seven months, %.2f s of CPU):\n"+
		"the share of its functions, and all they call, in %d profiles with %d samples; what no sample has takes less than one of them. The digests are counted although it would not be known\n"+
		"without them either what is stale. The aim is 1%%.\n\n| | share of CPU | of a run |\n|---|---|---|\n", cpu, len(files), s.of)
	b.WriteString(rows.String())
	return b.String(), nil
}

// profiled is how many samples of a profile have some functions on their stack.
type profiled struct{ samples, of int64 }

// text are two cells of a table: the share of the CPU time, and how much that is of so many seconds.
// Of what no sample has it is said what it is below.
func (p profiled) text(cpu float64) string {
	below, share := "", float64(p.samples)/float64(p.of)
	if p.samples == 0 {
		below, share = "< ", 1/float64(p.of)
	}
	return fmt.Sprintf("%s%.2f%% | %s%.1f ms", below, share*100, below, share*cpu*1000)
}

var profileShare = regexp.MustCompile(`Showing nodes accounting for ([0-9]+), [0-9.]+% of ([0-9]+) total`)

// share counts the samples that have one of some functions on their stack.
func (o *lineageOptions) share(functions, profiles []string) (profiled, error) {
	args := append([]string{"tool", "pprof", "-top", "-sample_index=samples", "-nodefraction=0", "-focus=" + strings.Join(functions, "|"), o.prog.self}, profiles...)
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		return profiled{}, fmt.Errorf("go tool pprof: %w", err)
	}
	return shareIn(out)
}

// shareIn reads what pprof prints.
func shareIn(out []byte) (p profiled, err error) {
	m := profileShare.FindSubmatch(out)
	if m == nil {
		return p, fmt.Errorf("go tool pprof does not say how many samples there are: %s", out)
	}
	p.samples, err = strconv.ParseInt(string(m[1]), 10, 64)
	if err == nil {
		p.of, err = strconv.ParseInt(string(m[2]), 10, 64)
	}
	if err == nil && p.of == 0 {
		err = errors.New("the profile has no sample")
	}
	return p, err
}
