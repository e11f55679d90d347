package openlineage

import (
	"slices"
	"strings"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// Intent says that a run is told of. It is kept in the outbox from before the run begins until
// every event of it has arrived, and has what the record of the run lacks.
type Intent struct {
	// Run is the run's id, or a backfill's.
	Run       string    `json:"run"`
	Pipeline  string    `json:"pipeline"`
	Partition string    `json:"partition,omitempty"`
	Started   time.Time `json:"started"`
	Namespace string    `json:"namespace"`
	// Type is PIPELINE, or BACKFILL.
	Type string    `json:"type"`
	Job  JobFacets `json:"job"`
	// Stages are the jobs of those that publish or judge.
	Stages []StageJob `json:"stages,omitempty"`
	// NominalStart and NominalEnd bound the window of the partition.
	NominalStart time.Time `json:"nominal_start,omitzero"`
	NominalEnd   time.Time `json:"nominal_end,omitzero"`
	// Parent is the run that started the command, and Root the one that all are part of; nil
	// where nobody says.
	Parent *Of `json:"parent,omitempty"`
	Root   *Of `json:"root,omitempty"`
	// Approvals is how many the run had when it was put here, after a person approved of it.
	Approvals int `json:"approvals,omitempty"`
	// ShowValues lets what gates observed be told as they say it, with values of rows in it.
	ShowValues bool `json:"show_values,omitempty"`
}

// StageJob is a stage as a job.
type StageJob struct {
	Stage   string `json:"stage"`
	Dataset string `json:"dataset,omitempty"`
	// Gates says that what it makes is judged: by conservation at least, unless nothing is made.
	Gates bool      `json:"gates,omitempty"`
	Owner string    `json:"owner,omitempty"`
	Job   JobFacets `json:"job"`
}

// The types of jobs.
const (
	pipelineType = "PIPELINE"
	backfillType = "BACKFILL"
	stageType    = "STAGE"
	gatesType    = "GATES"
)

// Code is where the code of a project is kept: the address of its git repository, the directory of
// the project in it, and the path of the pipeline file there; empty where there is none.
type Code struct{ Repository, Prefix, Path string }

// NewIntent describes a run that is about to begin. The record says which of the pipeline's
// stages it runs.
func NewIntent(namespace string, pl *pipeline.Pipeline, part pipeline.Partition, rec *pipeline.RunRecord, code Code) *Intent {
	in := &Intent{
		Run: rec.Run, Pipeline: rec.Pipeline, Partition: rec.Partition, Started: rec.Started, Namespace: namespace, Type: pipelineType,
		NominalStart: part.Start, NominalEnd: part.End,
	}
	in.Job = JobFacets{JobType: jobType(pipelineType), SourceCodeLocation: code.at(rec.Commit)}
	for _, unit := range rec.Bases {
		for i := range pl.Stages {
			if s := &pl.Stages[i]; s.Name == unit.Stage {
				in.Stages = append(in.Stages, stageJob(pl, s, unit.Dataset, in.Job.SourceCodeLocation))
			}
		}
	}
	hide := scrubber(rec.Params) // it is kept in a file
	in.Job = scrubbed(in.Job, hide)
	for i := range in.Stages {
		in.Stages[i].Job, in.Stages[i].Owner = scrubbed(in.Stages[i].Job, hide), hide(in.Stages[i].Owner)
	}
	return in
}

// BackfillIntent describes a backfill that is about to begin.
func BackfillIntent(namespace, id, pl string, started time.Time) *Intent {
	return &Intent{Run: id, Pipeline: pl, Started: started, Namespace: namespace, Type: backfillType, Job: JobFacets{JobType: jobType(backfillType)}}
}

// PastIntent describes a run that is on record, and may have been told of before. It takes
// over what is still in the outbox of it; known may be nil.
func PastIntent(namespace string, rec *pipeline.RunRecord, known *Intent) *Intent {
	in := &Intent{
		Run: rec.Run, Pipeline: rec.Pipeline, Partition: rec.Partition, Started: rec.Started, Namespace: namespace,
		Type: pipelineType, Job: JobFacets{JobType: jobType(pipelineType)},
	}
	if known != nil {
		*in = *known
	}
	in.Approvals = len(rec.Approvals)
	for i := range rec.Bases {
		if b := &rec.Bases[i]; known == nil {
			in.Stages = append(in.Stages, StageJob{
				Stage: b.Stage, Dataset: b.Dataset, Gates: rec.Rollback == nil, Job: JobFacets{JobType: jobType(stageType)},
			})
		}
	}
	return in
}

func jobType(t string) *JobType {
	return &JobType{facet("2-0-4", "JobTypeJobFacet"), "BATCH", "PENSTOCK", t}
}

// at is the place of the code at a commit.
func (c Code) at(commit string) *SourceCodeLocation {
	if c.Repository == "" {
		return nil
	}
	repo := repository(c.Repository)
	l := &SourceCodeLocation{Base: facet("1-1-0", "SourceCodeLocationJobFacet"), Type: "git", URL: repo, RepoURL: repo, Path: c.Path, Version: commit}
	if web, sha := strings.TrimSuffix(repo, ".git"), strings.TrimSuffix(commit, "+dirty"); strings.HasPrefix(web, "https://github.com/") && sha != "" && c.Path != "" {
		l.URL = web + "/blob/" + sha + "/" + c.Path
	}
	return l
}

// repository is the address of one without secrets. One that is written as for scp is a URI, too.
func repository(remote string) string {
	remote = scrub(remote)
	if !strings.Contains(remote, "://") {
		before, _, _ := strings.Cut(remote, "/")
		remote = remote[strings.LastIndex(before, "@")+1:]
		host, path, ok := strings.Cut(remote, ":")
		if !ok {
			return (&DatasetID{Namespace: files, Name: remote}).uri()
		}
		remote = "ssh://" + host + "/" + strings.TrimPrefix(path, "/")
	}
	return cutURI(remote)
}

func (id *DatasetID) uri() string { return address(*id) }

// stageJob describes a stage and those without output that it is made of.
func stageJob(pl *pipeline.Pipeline, s *pipeline.Stage, dataset string, at *SourceCodeLocation) StageJob {
	kind := stageType
	if dataset == "" {
		kind = gatesType
	}
	j := StageJob{Stage: s.Name, Dataset: dataset, Gates: len(s.From) > 0, Owner: s.Owner, Job: JobFacets{JobType: jobType(kind), SourceCodeLocation: at}}
	if s.Description != "" {
		j.Job.Documentation = &Documentation{facet("1-1-0", "DocumentationJobFacet"), s.Description}
	}
	if s.Owner != "" {
		j.Job.Ownership = &Ownership{facet("1-0-1", "OwnershipJobFacet"), []Owner{{Name: s.Owner}}}
	}
	if len(s.Tags) > 0 {
		j.Job.Tags = &Tags{Base: facet("1-0-0", "TagsJobFacet"), Tags: named(s.Tags, "")}
	}
	if query := queryOf(pl, s, map[string]bool{}); query != "" {
		j.Job.SQL = &SQL{facet("1-1-0", "SQLJobFacet"), query, "duckdb"}
	}
	return j
}

// named are tags without a value.
func named(names []string, field string) (all []Tag) {
	for _, name := range names {
		all = append(all, Tag{Key: name, Value: "true", Source: "PENSTOCK", Field: field})
	}
	return all
}

// queryOf is the SQL of a stage and of those without output that it is made of, the first first.
func queryOf(pl *pipeline.Pipeline, s *pipeline.Stage, seen map[string]bool) string {
	var all []string
	for _, name := range s.From {
		i := slices.IndexFunc(pl.Stages, func(up pipeline.Stage) bool { return up.Name == name && up.Output == nil })
		if i < 0 || seen[name] {
			continue
		}
		seen[name] = true
		if q := queryOf(pl, &pl.Stages[i], seen); q != "" {
			all = append(all, q)
		}
	}
	for _, op := range s.Operators {
		text := op.String()
		if head, query, ok := strings.Cut(text, ":\n"); ok && strings.HasPrefix(head, "sql over ") {
			all = append(all, sqlText(query))
		}
	}
	return strings.Join(all, ";\n\n")
}
