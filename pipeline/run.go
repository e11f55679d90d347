package pipeline

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// A Stager gives a run places to write to. What is staged is not visible.
type Stager interface {
	// Create begins a file of a stage's output, or of its quarantine.
	Create(ctx context.Context, s *Stage, quarantine bool, name string) (StagedFile, error)
	// Adopt makes a file that is there already, byte for byte, one of a stage's output. What
	// it returns is closed, and its digest that of the bytes that were taken.
	Adopt(ctx context.Context, s *Stage, name, from string) (StagedFile, error)
	// Trace begins a file that says where the rows of a stage's output came from.
	Trace(ctx context.Context, s *Stage, name string) (StagedFile, error)
}

// A StagedFile is being written. Close makes it durable.
type StagedFile interface {
	io.WriteCloser
	// File describes the file, once closed; Rows is left to the run.
	File() File
	// Path is the absolute path under which the closed file can be read.
	Path() string
}

// Outcome is what came of a run: staged files and findings. Publishing is up to
// the caller, and only where Blocked is false.
type Outcome struct {
	// Inputs are the sources that were read, with digests.
	Inputs []InputRecord
	// Stages are in the order in which they ended. A stage that only lost its
	// input, because one before it was blocked, is not among them.
	Stages []*StageOutcome
	// Blocked says that some blocking rule did not pass.
	Blocked bool
	// RowsIn counts the rows that stages took from sources; what gates looked up is
	// not among them.
	RowsIn int64
}

// StageOutcome is what came of one stage.
type StageOutcome struct {
	Stage      *Stage
	Record     StageRecord
	Findings   []Finding
	Metrics    map[string]json.RawMessage
	Measures   []Measure
	Schema     *arrow.Schema
	Files      []File
	Quarantine []File
	// Lineage is the file that says where the rows came from, if the stage asks for it.
	Lineage []File
	// Key are the columns that name a row, as far as that is known.
	Key []string
	// Origins says where its columns come from.
	Origins Lineage
}

// run is the state of Plan.Run.
type run struct {
	plan     *Plan
	env      *Env
	stager   Stager
	listener *Listener
	out      *Outcome
	staged   map[string]*Input  // what finished stages left for those that follow
	blocked  map[string]bool    // stages whose rows may not be used
	courts   []Court            // all that were opened
	hashed   map[*File]bool     // inputs whose digest was computed in this run
	spools   map[string]*tracer // of stages that were spooled with where their rows came from
	numbers  *numbering
	gathers  []*gathered
	telling  sync.Mutex // held while the listener is told of progress
	counting sync.Mutex // held while rows are counted that an operator with Scan reads

	kept         []*spooled // the rows of stages that were spooled
	spooledFiles atomic.Int64
}

// Run carries the partition through all stages. An error means that the run
// failed and nothing it staged is of use; a gate that blocks is no error, but is
// said in the outcome. Stages after a blocked one are not run, others are.
func (p *Plan) Run(ctx context.Context, stager Stager, listener *Listener) (*Outcome, error) {
	r := &run{
		plan: p, env: p.Env, stager: stager, listener: listener, out: &Outcome{},
		staged: map[string]*Input{}, blocked: map[string]bool{}, hashed: map[*File]bool{},
		spools: map[string]*tracer{},
	}
	defer r.dropSpools()
	defer r.dropGathered()
	defer r.closeCourts()
	if p.Env.Past != nil {
		if err := r.hashInputs(ctx); err != nil {
			return nil, err
		}
	}
	r.out.Inputs = r.inputs()
	for _, s := range p.Stages {
		if s.streams() || r.lostInput(s) {
			continue
		}
		if err := r.stage(ctx, s); err != nil {
			err = inStage(err, s.Name, s.At)
			listener.done(StageDone{Partition: p.Env.Partition.String(), Record: StageRecord{Name: s.Name}, Err: err})
			return nil, err
		}
	}
	if err := r.hashInputs(ctx); err != nil {
		return nil, err
	}
	r.out.Inputs = r.inputs()
	if err := r.checkInputs(); err != nil {
		return nil, err
	}
	return r.out, nil
}

// closeCourts lets go of what courts hold that did not come to judge.
func (r *run) closeCourts() {
	for _, c := range r.courts {
		if c, ok := c.(io.Closer); ok {
			_ = closeCourt(c) // its files go with Temp
		}
	}
}

func closeCourt(c io.Closer) (err error) {
	defer recovered(&err)
	return c.Close()
}

// lostInput reports whether a stage before s, at any distance, was blocked.
func (r *run) lostInput(s *StagePlan) bool {
	if r.blocked[s.Name] {
		return true
	}
	for _, name := range s.Inputs() {
		if up := r.plan.byName[name]; up != nil && r.lostInput(up) {
			r.blocked[s.Name] = true
			return true
		}
	}
	return false
}

// chain is a stage on its way: those it streams from come first in stages.
type chain struct {
	f      *fragment
	schema *arrow.Schema
	stages []*stageRun
}

// stageRun gathers what one stage of a chain did.
type stageRun struct {
	plan       *StagePlan
	started    time.Time
	rowsIn     int64
	rowsOut    int64
	rowsAside  int64
	rowsKept   int64 // of rowsAside: they did not come to the gates
	schema     *arrow.Schema
	court      Court
	around     Surroundings
	again      bool // the rows that stay are in files
	files      []File
	written    []File // files, by their absolute paths
	quarantine *fileWriter
	lineage    []File
	account    account
	finders    []*finding
	reports    []json.RawMessage
}

// stage runs one stage that writes or only judges, with those that stream into it.
func (r *run) stage(ctx context.Context, s *StagePlan) (err error) {
	r.listener.started(StageStarted{Partition: r.env.Partition.String(), Stage: s.Name, Rows: r.expected(s)})
	tr := r.tracer(s)
	c, err := r.compile(ctx, s, tr)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := c.f.close(); err == nil {
			err = cerr
		}
		for _, sr := range c.stages {
			if sr.quarantine != nil {
				sr.quarantine.abandon()
			}
		}
	}()
	if err := r.drain(ctx, s, c, tr); err != nil {
		return err
	}
	var outcomes []*StageOutcome
	for _, sr := range c.stages {
		out, err := r.conclude(ctx, sr)
		if err != nil {
			return inStage(err, sr.plan.Name, sr.plan.At)
		}
		outcomes = append(outcomes, out)
	}
	r.approve(outcomes)
	for _, out := range outcomes {
		r.settle(out)
	}
	return nil
}

// drain sends the rows of the chain to where its last stage wants them.
func (r *run) drain(ctx context.Context, s *StagePlan, c *chain, tr *tracer) error {
	last := c.stages[len(c.stages)-1]
	if c.f.check = adopts(s, c); c.f.check != nil {
		return errWith(r.adopt(ctx, c, last), r.traceAdopted(ctx, c, last, tr))
	}
	switch {
	case s.Output != nil:
		return r.traced(ctx, c, last, tr)
	case s.consumers > 0 || s.looked:
		in, err := r.spool(ctx, c, s.Name, &last.account, tr)
		r.staged[s.Name] = in
		return err
	default:
		c.f.discards = true
		return Each(ctx, c.f.reader(), func(arrow.RecordBatch) error { return nil })
	}
}

// expected is how many rows will enter a stage, as far as that is known before; -1 if
// nothing is.
func (r *run) expected(s *StagePlan) (rows int64) {
	known := false
	for _, name := range s.From {
		in := r.plan.Inputs[name]
		if in == nil {
			in = r.staged[name]
		}
		var n int64
		if in != nil {
			n = in.rows()
		} else {
			n = r.expected(r.plan.byName[name])
		}
		if n >= 0 {
			rows, known = rows+n, true
		}
	}
	if !known {
		return -1
	}
	return rows
}

// progress tells how far a stage is. Fragments that stream into each other are merged
// by several goroutines.
func (r *run) progress(stage string, rowsIn int64) {
	r.telling.Lock()
	defer r.telling.Unlock()
	r.listener.progress(Progress{Partition: r.env.Partition.String(), Stage: stage, RowsIn: rowsIn})
}

// conclude judges a stage whose rows have all passed.
func (r *run) conclude(ctx context.Context, sr *stageRun) (out *StageOutcome, err error) {
	defer recovered(&err)
	if err := r.keepAside(ctx, sr); err != nil {
		return nil, err
	}
	out = &StageOutcome{
		Stage: sr.plan.Stage, Schema: sr.schema, Files: sr.files, Lineage: sr.lineage, Key: sr.plan.key(), Origins: sr.plan.Origins,
		Record: StageRecord{
			Name: sr.plan.Name, RowsIn: sr.rowsIn, RowsOut: sr.rowsOut, RowsQuarantined: sr.rowsAside, RowsKeptAside: sr.rowsKept,
			Seconds: r.env.Now().Sub(sr.started).Seconds(),
		},
	}
	if sr.quarantine != nil {
		f, err := sr.quarantine.close()
		if err != nil {
			return nil, err
		}
		out.Quarantine = []File{f}
		r.openAgain(ctx, sr, QuarantineSchema(sr.schema), f, sr.quarantine.file.Path())
	}
	if sr.court != nil {
		j, err := sr.court.Judge(ctx, r.again(sr))
		if err != nil {
			return nil, err
		}
		out.Findings, out.Metrics, out.Measures = j.Findings, j.States, j.Measures
		for i := range out.Measures {
			out.Measures[i].Stage = sr.plan.Name
		}
		for i := range out.Findings {
			if r.env.WarnError {
				out.Findings[i].harden()
			}
		}
	}
	out.Findings = append(out.Findings, sr.findings()...)
	out.Record.Operators, out.Record.RowsFiltered = sr.account.records()
	out.Record.Reports = sr.reports
	out.Findings = append(out.Findings, sr.account.conservation(out.Record, out.Files, out.Quarantine))
	out.Findings[len(out.Findings)-1].At = sr.plan.At
	for i := range out.Findings {
		out.Findings[i].Stage = sr.plan.Name
		out.Findings[i].Approved = nil // that is not for a judge to say
	}
	return out, nil
}

// approve asks for approvals of what blocks the stages of a chain. They are bound to the
// bytes that were staged: of a chain without output there are none.
func (r *run) approve(chain []*StageOutcome) {
	last := chain[len(chain)-1]
	if r.env.Approves == nil || last.Stage.Output == nil {
		return
	}
	files := slices.Concat(last.Files, last.Quarantine)
	for _, out := range chain {
		for i := range out.Findings {
			if f := &out.Findings[i]; f.Blocks() {
				f.Approved = r.env.Approves(last.Stage, *f, files)
			}
		}
	}
}

// settle puts the outcome of a stage among those of the run.
func (r *run) settle(out *StageOutcome) {
	for _, f := range out.Findings {
		if f.Blocks() && f.Approved == nil {
			r.blocked[out.Stage.Name] = true
			r.out.Blocked = true
		}
	}
	r.out.Stages = append(r.out.Stages, out)
	r.listener.done(StageDone{Partition: r.env.Partition.String(), Record: out.Record, Findings: out.Findings})
}

// again reads the rows that stay of a stage from the files it wrote; nil where it wrote
// none.
func (r *run) again(sr *stageRun) func(context.Context, []int) (Reader, error) {
	if !sr.again {
		return nil
	}
	return func(ctx context.Context, columns []int) (Reader, error) {
		var names []string
		for _, c := range columns {
			names = append(names, sr.schema.Field(c).Name)
		}
		in, err := sr.plan.Output.Format.Source(sr.schema, sr.written...).Resolve(ctx, r.env)
		if err != nil {
			return nil, err
		}
		return widened{splitUnits(r.env, in, names).reader(), sr.schema}, nil
	}
}

// harden makes a finding block that would only warn. What the user lets through by a policy,
// too little history or no rows, stays let through.
func (f *Finding) harden() {
	switch f.Verdict {
	case Pass, Skipped, InsufficientHistory:
		return
	case Warn:
		f.Verdict = Fail
	}
	f.Severity = Block
}
