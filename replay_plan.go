package penstock

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"path"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/internal/publish"
	"github.com/penstock-data/penstock/pipeline"
)

// scan judges rules by a run of a pipeline that only judges, on files of the partition. Where
// it fails for one of several rules, each is judged alone.
func (r *replayed) scan(ctx context.Context, rules []gates.Rule, files func(*atomic.Int64) (pipeline.Source, error)) []outcome {
	all := make([]outcome, len(rules))
	if len(rules) == 0 {
		return all
	}
	found, read, err := r.run(ctx, rules, files)
	if err != nil && len(rules) > 1 && ctx.Err() == nil {
		for i := range rules {
			all[i] = r.scan(ctx, rules[i:i+1], files)[0]
		}
		return all
	}
	for i := range rules {
		if err != nil {
			all[i].err = err
			continue
		}
		all[i] = outcome{finding: found.Findings[i], states: found.Metrics, measures: found.Measures}
		switch all[i].finding.DecidedBy {
		case "scan", "page index":
			all[i].rowsRead = read
		}
	}
	return all
}

// run binds and runs the pipeline. It gives the rows that were read of the files.
func (r *replayed) run(ctx context.Context, rules []gates.Rule, files func(*atomic.Int64) (pipeline.Source, error)) (*pipeline.StageOutcome, int64, error) {
	var read atomic.Int64
	src, err := files(&read)
	if err != nil {
		return nil, 0, err
	}
	pl, err := r.pipeline(gates.Of(rules...), src)
	if err != nil {
		return nil, 0, err
	}
	plan, err := pipeline.Bind(ctx, pl, r.env)
	if err != nil {
		return nil, 0, err
	}
	out, err := plan.Run(ctx, nil, nil)
	if err != nil {
		return nil, 0, err
	}
	for _, s := range out.Stages {
		if s.Stage.Name == r.stage.Name {
			return s, read.Load(), nil
		}
	}
	return nil, 0, pipeline.Errorf(pipeline.Internal, "stage %q was not judged", r.stage.Name)
}

// pipeline has the stage with the files for its rows and no output, and what its rules refer
// to.
func (r *replayed) pipeline(judge pipeline.Judge, files pipeline.Source) (*pipeline.Pipeline, error) {
	name := "published"
	for slices.ContainsFunc(r.pl.Sources, func(s pipeline.NamedSource) bool { return s.Name == name }) ||
		slices.ContainsFunc(r.pl.Stages, func(s pipeline.Stage) bool { return s.Name == name }) {
		name += "_"
	}
	pl := &pipeline.Pipeline{
		Name: r.pl.Name, Partitions: r.pl.Partitions, Params: r.pl.Params, File: r.pl.File,
		Sources: []pipeline.NamedSource{{Name: name, Source: files, At: r.stage.At}},
		Stages:  []pipeline.Stage{{Name: r.stage.Name, From: []string{name}, Gates: r.hear(judge), Key: r.stage.Key, At: r.stage.At}},
	}
	for _, in := range judge.Inputs() {
		if err := r.refer(pl, in); err != nil {
			return nil, err
		}
	}
	return pl, nil
}

// refer adds a source or stage that rules refer to: a stage with an output as what it
// published of this partition, another with all it is made of.
func (r *replayed) refer(pl *pipeline.Pipeline, name string) error {
	if slices.ContainsFunc(pl.Sources, func(s pipeline.NamedSource) bool { return s.Name == name }) ||
		slices.ContainsFunc(pl.Stages, func(s pipeline.Stage) bool { return s.Name == name }) {
		return nil
	}
	for _, s := range r.pl.Sources {
		if s.Name == name {
			pl.Sources = append(pl.Sources, s)
		}
	}
	for _, s := range r.pl.Stages {
		if s.Name != name {
			continue
		}
		if s.Output != nil {
			m, _, err := r.p.publish.Current(s.Output.Path, r.part.Dir())
			if err != nil {
				return &pipeline.Error{Kind: pipeline.BadInput, Where: fmt.Sprintf("stage %q", name), Msg: "what it published of " + r.part.String() + " can't be read: " + err.Error(), Err: err}
			}
			pl.Sources = append(pl.Sources, pipeline.NamedSource{Name: name, Source: r.written(s.Output, m, m.Files, publishedSchema(m)), At: s.At})
			return nil
		}
		s.Gates = nil
		pl.Stages = append(pl.Stages, s)
		for _, in := range s.From {
			if err := r.refer(pl, in); err != nil {
				return err
			}
		}
	}
	return nil
}

// written reads files of a version.
func (r *replayed) written(o *pipeline.Output, m *pipeline.Manifest, files []pipeline.File, schema *arrow.Schema) pipeline.Source {
	dir := filepath.Join(r.p.dir, filepath.FromSlash(publish.VersionDir(m.Dataset, path.Join(m.Dataset, r.part.Dir()), m.Version)))
	of := slices.Clone(files)
	for i, f := range of {
		of[i].Path = filepath.Join(dir, filepath.FromSlash(f.Path))
	}
	return o.Format.Source(schema, of...)
}

// published are the rows that stayed, with what is stored of them.
func (r *replayed) published(read *atomic.Int64) (pipeline.Source, error) {
	return countedSource{r.written(r.stage.Output, r.m, r.m.Files, r.schema), r.stored, read}, nil
}

// quarantined are the rows that were put aside.
func (r *replayed) quarantined(read *atomic.Int64) (pipeline.Source, error) {
	schema := r.schema
	if schema != nil {
		schema = arrow.NewSchema(append(schema.Fields(),
			arrow.Field{Name: "_rules", Type: arrow.BinaryTypes.String}, arrow.Field{Name: "_source", Type: arrow.BinaryTypes.String},
			arrow.Field{Name: "_row", Type: arrow.PrimitiveTypes.Int64, Nullable: true}), nil)
	}
	return countedSource{r.written(r.stage.Output, r.m, r.m.Quarantine, schema), nil, read}, nil
}

// hear tells a judge that it stands at the output of the stage, when the partition was
// published, and gives it the past of then.
func (r *replayed) hear(j pipeline.Judge) pipeline.Judge {
	return heard{Judge: j, at: r.m.Published, past: r.history(r.part, r.m.Version), accepted: r.accepted}
}

type heard struct {
	pipeline.Judge
	at       time.Time
	past     iter.Seq2[*pipeline.Manifest, error]
	accepted func() (*pipeline.Manifest, error)
}

// Bind implements pipeline.Judge.
func (h heard) Bind(schema *arrow.Schema, around pipeline.Surroundings) (*pipeline.BoundJudge, error) {
	around.Published, around.Now = true, h.at
	b, err := h.Judge.Bind(schema, around)
	if err != nil {
		return nil, err
	}
	open := b.Open
	b.Open = func(ctx context.Context, hearing pipeline.Hearing) (pipeline.Court, error) {
		hearing.Past = h.past
		hearing.Accepted = h.accepted
		return open(ctx, hearing)
	}
	return b, nil
}

// countedSource counts the rows that are read of a source whose states are known.
type countedSource struct {
	pipeline.Source
	states map[string]json.RawMessage
	read   *atomic.Int64
}

// Resolve implements pipeline.Source.
func (s countedSource) Resolve(ctx context.Context, env *pipeline.Env) (*pipeline.Input, error) {
	in, err := s.Source.Resolve(ctx, env)
	if err != nil {
		return nil, err
	}
	in.States = s.states
	for i := range in.Splits {
		s.count(&in.Splits[i])
	}
	return in, nil
}

func (s countedSource) count(split *pipeline.Split) {
	counted := func(r pipeline.Reader, err error) (pipeline.Reader, error) {
		if err != nil {
			return nil, err
		}
		return countedReader{r, s.read}, nil
	}
	open, some, coded := split.Open, split.OpenSome, split.OpenCoded
	split.Open = func(ctx context.Context, env *pipeline.Env, columns []string) (pipeline.Reader, error) {
		return counted(open(ctx, env, columns))
	}
	if some != nil {
		split.OpenSome = func(ctx context.Context, env *pipeline.Env, columns []string, keep []bool) (pipeline.Reader, error) {
			return counted(some(ctx, env, columns, keep))
		}
	}
	if coded != nil {
		split.OpenCoded = func(ctx context.Context, env *pipeline.Env, columns []string, keep []bool, as []string) (pipeline.Reader, error) {
			return counted(coded(ctx, env, columns, keep, as))
		}
	}
}

type countedReader struct {
	pipeline.Reader
	read *atomic.Int64
}

// Next implements pipeline.Reader.
func (r countedReader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	b, err := r.Reader.Next(ctx)
	if err == nil {
		r.read.Add(b.NumRows())
	}
	return b, err
}
