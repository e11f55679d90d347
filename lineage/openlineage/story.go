package openlineage

import (
	"strconv"
	"strings"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// Story is what is told of one run.
type Story struct {
	*Intent
	Record *pipeline.RunRecord
	// Dir is the root of the project.
	Dir string
	// Manifest gives that of a version, or nil where it isn't kept any more; nil gives none.
	Manifest func(dataset, partitionDir string, version int64) *pipeline.Manifest
	// PartitionDir gives the directory of a partition of a dataset, unless nothing is kept of it;
	// nil knows none.
	PartitionDir func(dataset, partition string) (dir string, known bool)
}

// Start is told when a run begins.
func (s *Story) Start() []Event {
	at := s.Started
	all := []Event{s.event(Start, at, s.pipelineJob(), runID(s.Run))}
	for i := range s.Stages {
		j := &s.Stages[i]
		e := s.event(Start, at, s.stageJob(j), runID(s.Run, j.Stage))
		if j.Dataset != "" {
			e.Outputs = []OutputDataset{s.outputOf(j)}
		}
		all = append(all, e)
		if j.Dataset != "" && j.Gates {
			all = append(all, s.event(Start, at, s.gatesJob(j), runID(s.Run, j.Stage, "gates")))
		}
	}
	return s.scrubbed(all)
}

// Running is told of a run that takes long.
func (s *Story) Running(at time.Time) []Event {
	return s.scrubbed([]Event{s.event(Running, at, s.pipelineJob(), runID(s.Run))})
}

// scrubbed takes out of events what may be a secret: whoever tells something need not think of it.
func (s *Story) scrubbed(all []Event) []Event {
	var params map[string]string
	if s.Record != nil {
		params = s.Record.Params
	}
	return scrubbed(all, scrubber(params))
}

// End is told when a run has ended, of the stages first.
func (s *Story) End() (all []Event) {
	at := s.ended()
	for i := range s.Record.Bases {
		u := s.unit(&s.Record.Bases[i])
		e := s.event(u.end, at, s.stageJob(&u.StageJob), runID(s.Run, u.Stage))
		e.Run.Facets.ErrorMessage = errorMessage(u.why)
		e.Inputs = u.inputs()
		if u.Dataset == "" {
			u.judge(&e, e.Inputs)
		} else {
			e.Outputs = []OutputDataset{u.output()}
		}
		all = append(all, e)
		if u.Dataset != "" && u.Gates {
			all = append(all, u.gates(at))
		}
	}
	e := s.event(s.end(), at, s.pipelineJob(), runID(s.Run))
	e.Run.Facets.ErrorMessage = errorMessage(s.why())
	return s.scrubbed(append(all, e))
}

// ended is when the run came to its end, or when it was approved of.
func (s *Story) ended() time.Time {
	at := s.Record.Started.Add(time.Duration(s.Record.Seconds * float64(time.Second)))
	for _, a := range s.Record.Approvals {
		if a.At.After(at) && s.end() == Complete {
			at = a.At
		}
	}
	return at
}

// end is what the run came to.
func (s *Story) end() Type {
	switch s.Record.Status {
	case pipeline.Published, pipeline.Unchanged:
		return Complete
	case pipeline.Cancelled:
		return Abort
	}
	return Fail
}

// why says what kept the run from publishing; empty if nothing did.
func (s *Story) why() string {
	if s.Record.Status != pipeline.Blocked {
		return s.Record.Error
	}
	var gates []string
	for i := range s.Record.Gates {
		if f := &s.Record.Gates[i]; blocks(f) {
			gates = append(gates, "stage "+strconv.Quote(f.Stage)+": gate "+strconv.Quote(f.Name))
		}
	}
	published := "nothing was published"
	if len(s.Record.Outputs) > 0 {
		published = "nothing was published but what is a record"
	}
	return "blocked, and " + published + ": " + strings.Join(gates, ", ")
}

func errorMessage(text string) *ErrorMessage {
	if text == "" {
		return nil
	}
	return &ErrorMessage{facet("1-0-1", "ErrorMessageRunFacet"), firstLine(text), "Go"}
}

// event is what all events of the run have in common.
func (s *Story) event(t Type, at time.Time, job Job, id string) Event {
	return Event{
		EventType: t, EventTime: timestamp(at), Run: Run{RunID: id, Facets: s.runFacets(id)}, Job: job,
		Inputs: []InputDataset{}, Outputs: []OutputDataset{}, Producer: Producer, SchemaURL: eventSchema,
	}
}

func (s *Story) runFacets(id string) (f RunFacets) {
	if !s.NominalStart.IsZero() {
		f.NominalTime = &NominalTime{facet("1-0-1", "NominalTimeRunFacet"), timestamp(s.NominalStart), timestamp(s.NominalEnd)}
	}
	if s.Record != nil {
		f.Engine = &ProcessingEngine{facet("1-1-1", "ProcessingEngineRunFacet"), s.Record.Penstock, "Penstock"}
	}
	f.Tags = &Tags{Base: facet("1-0-0", "TagsRunFacet"), Tags: s.tags()}
	f.Parent = s.parent(id)
	return f
}

// tags say what the run is called here.
func (s *Story) tags() []Tag {
	tag := func(key, value string) Tag { return Tag{Key: key, Value: value, Source: "PENSTOCK"} }
	all := []Tag{tag("penstock_run", s.Run)}
	if s.Partition != "" {
		all = append(all, tag("partition", s.Partition))
	}
	if s.Record != nil && s.Record.Actor != "" {
		all = append(all, tag("actor", s.Record.Actor))
	}
	if s.Record != nil && s.Record.Status != pipeline.Running {
		all = append(all, tag("status", string(s.Record.Status)))
	}
	return all
}

// parent is the run that one is part of: of a stage's the pipeline's, of that the backfill's, of
// that what started the command.
func (s *Story) parent(id string) *Parent {
	above := []*Of{s.of(runID(s.Run), s.Intent.name())}
	if s.Record != nil && s.Record.Backfill != "" {
		above = append(above, s.of(runID(s.Record.Backfill), s.Pipeline+".backfill"))
	}
	if s.Parent != nil {
		above = append(above, s.Parent)
	}
	root := above[len(above)-1]
	if s.Root != nil {
		root = s.Root
	}
	if id == above[0].Run.RunID {
		above = above[1:]
	}
	if len(above) == 0 {
		return nil
	}
	return &Parent{facet("1-2-0", "ParentRunFacet"), *above[0], root}
}

func (s *Story) of(id, job string) *Of {
	o := &Of{}
	o.Run.RunID, o.Job.Namespace, o.Job.Name = id, s.Namespace, job
	return o
}

// name is that of the job of the whole.
func (in *Intent) name() string {
	if in.Type == backfillType {
		return in.Pipeline + ".backfill"
	}
	return in.Pipeline
}

func (s *Story) pipelineJob() Job { return Job{s.Namespace, s.Intent.name(), s.Intent.Job} }

func (s *Story) stageJob(j *StageJob) Job {
	return Job{s.Namespace, s.Pipeline + "." + j.Stage, j.Job}
}

func (s *Story) gatesJob(j *StageJob) Job {
	f := j.Job
	f.JobType, f.SQL = jobType(gatesType), nil
	return Job{s.Namespace, s.Pipeline + "." + j.Stage + ".gates", f}
}
