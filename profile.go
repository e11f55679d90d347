package penstock

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/operators/csv"
	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/operators/ipc"
	"github.com/penstock-data/penstock/operators/jsonl"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/profile"
)

// ProfileInput says what is profiled: a published dataset, or a source or stage of a
// pipeline.
type ProfileInput struct {
	// Dataset is the path of a published dataset, relative to the project.
	Dataset string
	// Pipeline has what Stage names: a source, or a stage, whose rows are looked at as they
	// leave its operators, before its gates. The gates of stages before it are left out.
	Pipeline *pipeline.Pipeline
	Stage    string
	// Partitions are those to look at, of a dataset also ranges like 2001-01..2001-03; empty:
	// all of the dataset, or of the pipeline.
	Partitions []string
	// Exact counts distinct values and duplicates exactly, whatever it costs.
	Exact bool
}

func (in ProfileInput) name() string {
	if in.Pipeline != nil {
		return in.Stage
	}
	return in.Dataset
}

// Profile looks at every row of a dataset, a source or a stage, and tells what is there.
func (p *Project) Profile(ctx context.Context, in ProfileInput) (*profile.Profile, error) {
	parts, done, err := p.ProfileParts(in)
	if err != nil {
		return nil, err
	}
	found, err := profile.Scan(ctx, in.name(), parts, profile.Options{Exact: in.Exact}, p.opts.Listener)
	return found, errors.Join(err, done())
}

// ProfileParts are the partitions that Profile scans, each described. They share a budget
// and a temporary directory; done, which is called once they were used, removes it.
func (p *Project) ProfileParts(in ProfileInput) (parts []profile.Part, done func() error, err error) {
	if in.Pipeline != nil {
		parts, err = p.partsOf(in)
	} else {
		parts, err = p.publishedParts(in)
	}
	if err != nil {
		return nil, nil, err
	}
	temp, done, err := p.private()
	if err != nil {
		return nil, nil, err
	}
	shared(parts, temp)
	return parts, done, nil
}

// shared gives parts the budget of the first, and a temporary directory.
func shared(parts []profile.Part, temp string) {
	for _, part := range parts {
		part.Env.Temp, part.Env.Memory = temp, parts[0].Env.Memory
	}
}

// partsOf are the partitions of a source or stage of a pipeline.
func (p *Project) partsOf(in ProfileInput) (parts []profile.Part, err error) {
	var sources, names []string
	for _, s := range in.Pipeline.Sources {
		sources = append(sources, s.Name)
	}
	for _, s := range in.Pipeline.Stages {
		names = append(names, s.Name)
	}
	if names = append(names, sources...); !slices.Contains(names, in.Stage) {
		return nil, pipeline.Errorf(pipeline.Invalid, "%s", pipeline.Unknown("source or stage", in.Stage, names))
	}
	var chosen []pipeline.Partition
	for _, name := range in.Partitions {
		part, err := in.Pipeline.Partitions.Parse(name)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, part)
	}
	switch {
	case chosen != nil:
	case in.Pipeline.Partitions.By == pipeline.Whole:
		chosen = []pipeline.Partition{{}}
	default:
		if chosen, err = in.Pipeline.Partitions.Range("", ""); err != nil {
			return nil, err
		}
	}
	if i := slices.Index(sources, in.Stage); i >= 0 && !partitioned(in.Pipeline.Sources[i].Source) {
		chosen = chosen[:1] // it has the same rows for each
	}
	for _, part := range chosen {
		parts = append(parts, profile.Part{Pipeline: in.Pipeline, Stage: in.Stage, Env: p.Env(in.Pipeline, part)})
	}
	return parts, nil
}

// partitioned reports whether a source has other rows for each partition.
func partitioned(s pipeline.Source) bool {
	text := s.String()
	_, depends := s.(pipeline.Depender)
	return depends || strings.Contains(text, "{") || strings.Contains(text, " partition_by ")
}

// publishedParts are the partitions of a published dataset, as readers see them now.
func (p *Project) publishedParts(in ProfileInput) (parts []profile.Part, err error) {
	dataset := path.Clean(strings.TrimSuffix(in.Dataset, "/"))
	dirs, err := p.publish.Partitions(dataset)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	slices.Sort(dirs)
	if len(dirs) == 0 {
		dirs = []string{""}
	}
	var known []string
	for _, dir := range dirs {
		part, err := pipeline.ParseDir(dir)
		if err != nil {
			continue // no partition of ours
		}
		if known = append(known, part.String()); len(in.Partitions) > 0 && !slices.ContainsFunc(in.Partitions, func(name string) bool { return covers(name, part) }) {
			continue
		}
		m, _, err := p.publish.Current(dataset, dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			known = known[:len(known)-1]
			continue
		case err != nil:
			return nil, err
		}
		if len(m.Files) == 0 {
			continue
		}
		pl, err := publishedPipeline(m, path.Join(dataset, dir))
		if err != nil {
			return nil, err
		}
		parts = append(parts, profile.Part{Pipeline: pl, Stage: sourceName, Env: p.Env(pl, part)})
	}
	for _, name := range in.Partitions {
		if !strings.Contains(name, "..") && !slices.Contains(known, name) {
			return nil, pipeline.Errorf(pipeline.Invalid, "%s", pipeline.Unknown("partition", name, known)).With("nothing else is published of " + dataset)
		}
	}
	if len(parts) == 0 && len(known) > 0 {
		return nil, pipeline.Errorf(pipeline.Invalid, "no rows of %s are published in %s", dataset, strings.Join(in.Partitions, ", ")).
			With("published are " + known[0] + " to " + known[len(known)-1])
	}
	if len(parts) == 0 {
		return nil, p.noDataset(dataset)
	}
	return parts, nil
}

// covers reports whether a name, of a partition or a range of them, has one.
func covers(name string, part pipeline.Partition) bool {
	from, to, ok := strings.Cut(name, "..")
	if !ok {
		return name == part.String()
	}
	return from <= part.String() && part.String() <= to
}

// noDataset says that nothing is published there, and what is.
func (p *Project) noDataset(dataset string) error {
	all, err := p.publish.Datasets()
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return pipeline.Errorf(pipeline.Invalid, "nothing is published in %s: no dataset %q", p.dir, dataset)
	}
	return pipeline.Errorf(pipeline.Invalid, "%s", pipeline.Unknown("dataset", dataset, all))
}

// sourceName is the name of the only source of a pipeline that reads what is published.
const sourceName = "data"

// publishedPipeline reads a version that readers see at dir.
func publishedPipeline(m *pipeline.Manifest, dir string) (*pipeline.Pipeline, error) {
	var paths []string
	for _, f := range m.Files {
		paths = append(paths, path.Join(dir, path.Base(f.Path)))
	}
	var fields []arrow.Field
	for _, f := range m.Schema {
		if t, err := pipeline.ParseType(f.Type); err == nil {
			fields = append(fields, arrow.Field{Name: f.Name, Type: t, Nullable: f.Nullable})
		}
	}
	return readsFiles(arrow.NewSchema(fields, nil), paths...)
}

// readsFiles is a pipeline that reads files. schema declares columns of those that don't
// say their types; nil: they are inferred.
func readsFiles(schema *arrow.Schema, paths ...string) (*pipeline.Pipeline, error) {
	source, err := fileSource(schema, paths...)
	if err != nil {
		return nil, err
	}
	return &pipeline.Pipeline{Name: "profile", Sources: []pipeline.NamedSource{{Name: sourceName, Source: source}}}, nil
}

// fileSource reads files by the ending of their names.
func fileSource(schema *arrow.Schema, paths ...string) (pipeline.Source, error) {
	set := files.Set{Paths: paths}
	name := paths[0]
	for _, packed := range []string{".gz", ".zst"} {
		name = strings.TrimSuffix(name, packed)
	}
	switch path.Ext(name) {
	case ".parquet":
		return parquet.Source{Set: set}, nil
	case ".csv":
		return csv.Source{Set: set, Schema: schema}, nil
	case ".jsonl", ".ndjson":
		return jsonl.Source{Set: set, Schema: schema}, nil
	case ".arrow", ".ipc", ".feather":
		return ipc.Source{Set: set}, nil
	}
	return nil, pipeline.Errorf(pipeline.Invalid, "%s: its name does not say its format", paths[0]).
		With("known are .parquet, .csv, .jsonl and .arrow")
}

// FileParts are files, by paths or globs relative to dir, as profile.Scan takes them: no
// project is needed. The ending of the first name says the format. done removes what was
// put into a temporary directory.
func FileParts(dir string, o Options, paths ...string) (parts []profile.Part, done func() error, err error) {
	pl, err := readsFiles(nil, paths...)
	if err != nil {
		return nil, nil, err
	}
	o = o.withDefaults()
	temp, err := os.MkdirTemp("", "penstock-profile-")
	if err != nil {
		return nil, nil, &pipeline.Error{Kind: pipeline.IO, Err: err}
	}
	env := &pipeline.Env{
		Dir: dir, Temp: temp, Workers: o.Workers, Memory: pipeline.NewBudget(o.Memory),
		Now: faults.SystemClock().Now, Alloc: memory.DefaultAllocator,
	}
	return []profile.Part{{Pipeline: pl, Stage: sourceName, Env: env}}, func() error { return os.RemoveAll(temp) }, nil
}
