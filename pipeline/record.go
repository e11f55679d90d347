package pipeline

import (
	"slices"
	"time"
)

// Status says how a run ended.
type Status string

// The statuses of runs.
const (
	Running   Status = "running"
	Published Status = "published" // something new became visible
	Unchanged Status = "unchanged" // every output came out as it was
	Blocked   Status = "blocked"   // a gate kept the partition back
	Failed    Status = "failed"    // the run could not finish
	Cancelled Status = "cancelled" // someone stopped it
)

// RunRecord is what is remembered of a run: one pipeline, one partition, one
// attempt. The first fields, up to Error, are what `penstock run -o json` prints;
// programs rely on them.
type RunRecord struct {
	Run             string         `json:"run"`
	Pipeline        string         `json:"pipeline"`
	Partition       string         `json:"partition"`
	Status          Status         `json:"status"`
	Outputs         []OutputRecord `json:"outputs"`
	Gates           []Finding      `json:"gates"`
	RowsIn          int64          `json:"rows_in"`
	RowsOut         int64          `json:"rows_out"`
	RowsQuarantined int64          `json:"rows_quarantined"`
	Seconds         float64        `json:"seconds"`
	Error           string         `json:"error,omitempty"`

	// Backfill is the id of the one that the run is part of.
	Backfill string            `json:"backfill,omitempty"`
	File     string            `json:"file,omitempty"`
	Dir      string            `json:"dir,omitempty"` // Partition.Dir
	Started  time.Time         `json:"started"`
	Actor    string            `json:"actor"`
	Command  []string          `json:"command,omitempty"`
	Commit   string            `json:"commit,omitempty"`
	Penstock string            `json:"penstock"`
	Params   map[string]string `json:"params,omitempty"`
	Inputs   []InputRecord     `json:"inputs,omitempty"`
	Stages   []StageRecord     `json:"stages,omitempty"`
	// Definition are the texts that the pipeline was read from, the pipeline file first.
	Definition []TextRecord `json:"definition,omitempty"`
	// Measures are the metrics of the gates, by stage and text.
	Measures []Measure `json:"measures,omitempty"`
	// Held are the versions that a blocked run left for a decision, upstream first; NotRun
	// names the stages that lost their input to a blocked one.
	Held   []HeldRecord `json:"held,omitempty"`
	NotRun []string     `json:"not_run,omitempty"`
	// Approvals are the decisions that were made of it since, in their order.
	Approvals []Approval `json:"approvals,omitempty"`
	// Release is set where the run released quarantined rows, and computed nothing.
	Release *Release `json:"release,omitempty"`
	// Rollback is set where the run made an earlier version current again, and computed nothing.
	Rollback *Rollback `json:"rollback,omitempty"`
	// Bases are what each output rests on, and each stage that only judges.
	Bases []Basis `json:"bases,omitempty"`
	// Undone are the releases that the run took back, computing their partitions again.
	Undone []Undone `json:"undone,omitempty"`
}

// StatusOf is how the run ended for one of its datasets: what a blocked run published, as a record
// of what was found, is published. Of a stage that only judges the name is empty.
func (r *RunRecord) StatusOf(dataset string) Status {
	made := func(o OutputRecord) bool { return o.Dataset == dataset }
	if r.Status == Blocked && dataset != "" && slices.ContainsFunc(r.Outputs, made) {
		return Published
	}
	return r.Status
}

// TextRecord is a file that a pipeline was read from: its path, as it is named, and the hex
// SHA-256 of its text, by which the project keeps it.
type TextRecord struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

// OutputRecord is a dataset a run wrote, or found unchanged.
type OutputRecord struct {
	Dataset string `json:"dataset"`
	// Path is the directory readers look at, relative to the project.
	Path    string `json:"path"`
	Version int64  `json:"version"`
	Rows    int64  `json:"rows"`
	// Files are the paths of the data files, relative to the project.
	Files []string `json:"files"`
	// Quarantine are those of the rows that were put aside.
	Quarantine []string `json:"quarantine,omitempty"`
}
