package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// A job is one thing that one side does, in a process of its own: `benchmarks job` and
// this as JSON. The process prints an outcome.
type job struct {
	Do      string `json:"do"`                // a key of jobs
	Variant string `json:"variant,omitempty"` // which form of it
	Set     string `json:"set,omitempty"`     // a key of dataSets
	Path    string `json:"path,omitempty"`    // the file that is read
	Dir     string `json:"dir,omitempty"`     // where it may write
	Workers int    `json:"workers,omitempty"` // 0: two
	Memory  int64  `json:"memory,omitempty"`  // budget in bytes; 0: the default
	Rows    int64  `json:"rows,omitempty"`    // of what is generated
	Copies  int64  `json:"copies,omitempty"`  // of the row groups of what is enlarged
}

// outcome is what came of a job: what it took, and what must be equal on both sides.
type outcome struct {
	// Work is what was taken after set-up: our program started, DuckDB connected.
	Work usage `json:"work"`
	// Rows is how many were looked at, or written.
	Rows int64 `json:"rows"`
	// Failed has the rows that broke each row rule. Where Coarse is set it is only known
	// which rules were broken (1) or kept (0); in a single entry, whether any was.
	Failed []int64 `json:"failed,omitempty"`
	Coarse bool    `json:"coarse,omitempty"`
	// Sum is the metric; Digits to how many digits, where not to all.
	Sum    float64 `json:"sum,omitempty"`
	Digits int     `json:"digits,omitempty"`
	// Files were written; Bytes is their size.
	Files []string `json:"files,omitempty"`
	Bytes int64    `json:"bytes,omitempty"`
	// Digest is that of a file's rows, as a multiset, and of its schema.
	Digest string `json:"digest,omitempty"`
	// Note says how it was done.
	Note string `json:"note,omitempty"`
}

var jobs = map[string]func(job) (outcome, error){
	"checks": oursChecks, "again": oursAgain, "publish": oursPublish, "read": oursRead,
	"duckdb-checks": duckdbChecks, "duckdb-copy": duckdbCopy, "duckdb-read": duckdbRead,
	"pqarrow": pqarrowRead, "digest": digest, "generate": generate, "enlarge": enlarge,
	"diff-versions": diffVersions, "diff": oursDiff, "duckdb-diff": duckdbDiff, "profiled-flights": profiledFlights,
	"generate-side": generateSide, "duckdb-sides": duckdbSides, "unequal-sides": unequalSides, "reconciled-sides": reconciledSides,
	"publish-traced": publishTraced, "told": told, "audited": audited,
}

// workers is how many the job may use.
func (j job) workers() int {
	if j.Workers > 0 {
		return j.Workers
	}
	return 2
}

// runJob does the job in text and prints what came of it.
func runJob(text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	do := jobs[j.Do]
	if do == nil {
		return fmt.Errorf("there is no job %q", j.Do)
	}
	out, err := do(j)
	if err != nil {
		return err
	}
	for _, path := range out.Files {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		out.Bytes += info.Size()
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

// sample is one run of a job: what it says of itself, and of its whole process the CPU
// and wall seconds that the parent sees.
type sample struct {
	outcome
	CPU, Wall float64
}

// spawn runs the job in a process of its own.
func spawn(program string, j job) (sample, error) {
	text, err := json.Marshal(j)
	if err != nil {
		return sample{}, err
	}
	var out, msg bytes.Buffer
	cmd := exec.Command(program, "job", string(text))
	cmd.Stdout, cmd.Stderr = &out, &msg
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return sample{}, fmt.Errorf("%s %s: %w: %s", j.Do, j.Variant, err, bytes.TrimSpace(msg.Bytes()))
	}
	s := sample{Wall: time.Since(start).Seconds()}
	s.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	if err := json.Unmarshal(out.Bytes(), &s.outcome); err != nil {
		return sample{}, fmt.Errorf("%s %s: %w", j.Do, j.Variant, err)
	}
	if s.Work.Peak == 0 {
		s.Work.Peak = peakMiB(cmd.ProcessState)
	}
	return s, nil
}

// programs are the executables that run jobs: this one, and the one that was built with
// DuckDB's Arrow interface.
type programs struct{ self, arrow string }

// findPrograms builds the second of them in dir, where this one does not do for it.
func findPrograms(dir string, wantArrow bool) (programs, error) {
	self, err := os.Executable()
	if err != nil {
		return programs{}, err
	}
	p := programs{self: self, arrow: self}
	if hasArrow || !wantArrow {
		return p, nil
	}
	p.arrow = filepath.Join(dir, "benchmarks-arrow")
	cmd := exec.Command("go", "build", "-tags", "duckdb_arrow", "-o", p.arrow, "./benchmarks")
	cmd.Stderr = os.Stderr
	return p, cmd.Run()
}
