package cli

import (
	"errors"
	"os"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/profile"
)

// subject is what a user wants to be profiled.
type subject struct {
	pipelineFlags
	partitions    []string
	source, stage string
	exact         bool
}

// subjectArgs says what a subject may be, for help and errors.
const subjectArgs = "a published dataset, a pipeline file, or data files"

func (s *subject) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVarP(&s.partitions, "partition", "p", nil, "a partition to look at, or a range `2001-01..2001-03`; may be repeated (default: all)")
	flags.StringVar(&s.stage, "stage", "", "of a pipeline file: the stage whose rows are looked at, before its gates")
	flags.StringArrayVar(&s.params, "param", nil, "sets a parameter of the pipeline, `name=value`; may be repeated")
	flags.IntVar(&s.workers, "workers", 0, "units of work carried at once (default: one a processor)")
	flags.Var(&s.memory, "memory", "memory budget, like 2GiB (default: half of what the machine or control group has)")
	flags.BoolVar(&s.exact, "exact", false, "count distinct values and duplicates exactly, however many there are")
}

// opened is a subject that was found.
type opened struct {
	name     string
	parts    []profile.Part
	project  *penstock.Project  // nil: of data files
	pipeline *pipeline.Pipeline // nil: of no pipeline file
	stage    string             // of the pipeline: a stage or source
	done     func() error
}

func (o *opened) close() error {
	err := o.done()
	if o.project != nil {
		err = errors.Join(err, o.project.Close())
	}
	return err
}

func isPipelineFile(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

// dataEndings are those of data files.
var dataEndings = []string{".parquet", ".csv", ".jsonl", ".ndjson", ".arrow", ".ipc", ".feather"}

func isDataFile(name string) bool {
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
	for _, ending := range dataEndings {
		if strings.HasSuffix(name, ending) {
			return true
		}
	}
	return false
}

// find opens what the arguments name.
func (a *app) find(cmd *cobra.Command, s *subject, args []string) (*opened, error) {
	switch {
	case len(args) == 1 && isPipelineFile(args[0]):
		return a.findStage(cmd, s, args[0])
	case s.stage != "" || s.source != "":
		return nil, usage("--stage and --source belong to a pipeline file, found %s", args[0])
	case isDataFile(args[0]):
		return a.findFiles(s, args)
	case len(args) > 1:
		return nil, usage("one dataset at a time, found %d", len(args))
	}
	return a.findDataset(cmd, s, args[0])
}

func (a *app) findFiles(s *subject, args []string) (*opened, error) {
	if len(s.partitions) > 0 {
		return nil, usage("--partition belongs to a dataset or a pipeline file, found the file %s", args[0])
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	parts, done, err := penstock.FileParts(dir, penstock.Options{Workers: s.workers, Memory: int64(s.memory)}, args...)
	if err != nil {
		return nil, err
	}
	name := args[0]
	if len(args) > 1 {
		name = plural(int64(len(args)), "file", "files")
	}
	return &opened{name: name, parts: parts, done: done}, nil
}

func (a *app) findStage(cmd *cobra.Command, s *subject, file string) (*opened, error) {
	s.keep = 2 // whatever; nothing is published
	project, pl, err := a.load(cmd, file, &s.pipelineFlags, nil)
	if err != nil {
		return nil, err
	}
	name, err := s.stageOf(pl, file)
	if err != nil {
		return nil, errors.Join(err, project.Close())
	}
	if err := s.expand(pl); err != nil {
		return nil, errors.Join(err, project.Close())
	}
	parts, done, err := project.ProfileParts(penstock.ProfileInput{Pipeline: pl, Stage: name, Partitions: s.partitions})
	if err != nil {
		return nil, errors.Join(err, project.Close())
	}
	return &opened{name: name, parts: parts, project: project, pipeline: pl, stage: name, done: done}, nil
}

// expand names the partitions of ranges one by one.
func (s *subject) expand(pl *pipeline.Pipeline) error {
	if len(s.partitions) == 0 {
		return nil
	}
	parts, err := partitionsOf(pl, s.partitions)
	s.partitions = nil
	for _, p := range parts {
		s.partitions = append(s.partitions, p.String())
	}
	return err
}

// stageOf is the stage or source that is wanted, or the only stage there is.
func (s *subject) stageOf(pl *pipeline.Pipeline, file string) (string, error) {
	var sources, stages []string
	for _, src := range pl.Sources {
		sources = append(sources, src.Name)
	}
	for _, st := range pl.Stages {
		stages = append(stages, st.Name)
	}
	switch {
	case s.stage != "" && s.source != "":
		return "", usage("--stage and --source exclude each other")
	case s.stage != "":
		return known("stage", s.stage, stages)
	case s.source != "":
		return known("source", s.source, sources)
	case len(stages) == 1:
		return stages[0], nil
	}
	return "", usage("which stage of %s?", file).With("give --stage: " + strings.Join(stages, ", "))
}

func known(what, name string, names []string) (string, error) {
	for _, n := range names {
		if n == name {
			return n, nil
		}
	}
	return "", usage("%s", pipeline.Unknown(what, name, names))
}

func (a *app) findDataset(cmd *cobra.Command, s *subject, arg string) (*opened, error) {
	if _, err := os.Stat(arg); err == nil && strings.Contains(path.Base(arg), ".") {
		return nil, usage("%s: its name does not say its format", arg).With("known are " + strings.Join(dataEndings, ", "))
	}
	r, err := parseRef(arg)
	if err != nil {
		return nil, err
	}
	if r.version != 0 {
		return nil, usage("%s: only what is published now is looked at, found version %d", r.dataset, r.version)
	}
	if r.partition != "" {
		s.partitions = append(s.partitions, r.partition)
	}
	project, err := a.openWith(cmd.Context(), penstock.Options{Workers: s.workers, Memory: int64(s.memory)})
	if err != nil {
		var e *pipeline.Error
		if errors.As(err, &e) {
			e.Evidence = append(e.Evidence, "data files are named with their ending: "+strings.Join(dataEndings, ", "))
		}
		return nil, err
	}
	parts, done, err := project.ProfileParts(penstock.ProfileInput{Dataset: r.dataset, Partitions: s.partitions})
	if err != nil {
		return nil, errors.Join(err, project.Close())
	}
	return &opened{name: r.dataset, parts: parts, project: project, done: done}, nil
}

func (a *app) profileCommand() *cobra.Command {
	var s subject
	var showValues bool
	cmd := &cobra.Command{
		Use:   "profile DATASET | FILE…",
		Short: "Tell what is in a dataset, a stage, a source or files",
		Long: `Looks at every row once and tells, of each column, how many are null and distinct,
where the values lie and how they are spread, and what texts look like. A dataset is
named by its path in the project; of a pipeline file --source or --stage says what is
looked at; files are Parquet, CSV, JSON lines or Arrow, by their ending.

Values of single rows are shown only of columns that have few, or with --show-values.`,
		Example: "  penstock profile warehouse/clean --partition 2001-01\n" +
			"  penstock profile pipeline.yaml --source flights\n" +
			"  penstock profile 'data/*.parquet'",
		Args: arguments(1, 1000, subjectArgs),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			progress := a.newProgress()
			o, err := a.find(cmd, &s, args)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, o.close()) }()
			p, err := a.scan(cmd, progress, o, s.exact)
			if err != nil {
				return err
			}
			if !showValues {
				p.Withhold()
			}
			if a.output == "json" {
				return a.printJSON(p)
			}
			a.print("%s", a.profileText(p))
			return nil
		},
	}
	s.addTo(cmd)
	cmd.Flags().StringVar(&s.source, "source", "", "of a pipeline file: the source that is looked at")
	cmd.Flags().BoolVar(&showValues, "show-values", false, "show values of single rows too")
	return cmd
}

// quietly is a listener that shows progress, and says nothing of stages that are done.
func quietly(l *pipeline.Listener) *pipeline.Listener {
	if l == nil || l.Progress == nil {
		return nil
	}
	return l
}

// scan profiles what was found.
func (a *app) scan(cmd *cobra.Command, p *progress, o *opened, exact bool) (*profile.Profile, error) {
	p.pipeline = o.name
	defer p.end()
	return profile.Scan(cmd.Context(), o.name, o.parts, profile.Options{Exact: exact}, quietly(p.listener()))
}
