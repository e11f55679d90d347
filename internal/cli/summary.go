package cli

import (
	"strings"

	"github.com/penstock-data/penstock/pipeline"
)

// runSummary is what `run -o json` prints. Programs rely on its fields.
type runSummary struct {
	Run             string                  `json:"run"`
	Pipeline        string                  `json:"pipeline"`
	Partition       string                  `json:"partition"`
	Status          pipeline.Status         `json:"status"`
	Outputs         []pipeline.OutputRecord `json:"outputs"`
	Gates           []pipeline.Finding      `json:"gates"`
	RowsIn          int64                   `json:"rows_in"`
	RowsOut         int64                   `json:"rows_out"`
	RowsQuarantined int64                   `json:"rows_quarantined"`
	Seconds         float64                 `json:"seconds"`
	Error           string                  `json:"error,omitempty"`
	Held            []pipeline.HeldRecord   `json:"held,omitempty"`
	NotRun          []string                `json:"not_run,omitempty"`
	Approvals       []pipeline.Approval     `json:"approvals,omitempty"`
	Release         *pipeline.Release       `json:"release,omitempty"`
	Rollback        *pipeline.Rollback      `json:"rollback,omitempty"`
	Undone          []pipeline.Undone       `json:"undone,omitempty"`
}

func summary(r *pipeline.RunRecord) runSummary {
	s := runSummary{
		Run: r.Run, Pipeline: r.Pipeline, Partition: r.Partition, Status: r.Status, Outputs: r.Outputs, Gates: r.Gates,
		RowsIn: r.RowsIn, RowsOut: r.RowsOut, RowsQuarantined: r.RowsQuarantined, Seconds: r.Seconds, Error: r.Error,
		Held: r.Held, NotRun: r.NotRun, Approvals: r.Approvals, Release: r.Release, Rollback: r.Rollback, Undone: r.Undone,
	}
	if s.Outputs == nil {
		s.Outputs = []pipeline.OutputRecord{}
	}
	if s.Gates == nil {
		s.Gates = []pipeline.Finding{}
	}
	return s
}

// cutRange splits "2001-01..2001-03"; both ends are needed.
func cutRange(s string) (from, to string, ok bool) {
	from, to, ok = strings.Cut(s, "..")
	return from, to, ok && from != "" && to != "" && !strings.ContainsAny(s, `/\`)
}
