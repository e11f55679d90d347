package cli

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/lineage"
	"github.com/penstock-data/penstock/pipeline"
)

// lineageFlags are those of `penstock lineage`.
type lineageFlags struct {
	up, down      bool
	depth         int
	files, stages bool
	columns       bool
	asOf          string
	at            time.Time
}

func (a *app) lineageCommand() *cobra.Command {
	var f lineageFlags
	cmd := &cobra.Command{
		Use:   "lineage DATASET[@PARTITION] | FILE | PIPELINE.yaml",
		Short: "What something was made of, and what was made from it",
		Long: `Shows what a dataset, a version of a partition or a file was made of, and what was made from
it, at any distance.

DATASET@PARTITION and FILE show partitions and files: exact versions, and whether each is current
or was replaced since. FILE is a path as manifests have it, with all contents that it ever had, or
path#digest with the beginning of one. DATASET alone shows datasets, of all pipelines, unless it has
no partitions; with --files it shows every partition. A pipeline file shows its stages, whether they
were run or not, and what else in the project they have to do with.

With --as-of it shows what was current then: a time like "2026-01-31 12:00", a date, which is
included, or a span like 7d before now. Times are of the clock of this machine.

-o dot, mermaid, svg and html draw it: html is one page that can be moved, zoomed and searched, and
asks nothing of the network. Beyond 500 things, partitions of a dataset are drawn together.`,
		Example: "  penstock lineage warehouse/airports@2001-03\n" +
			"  penstock lineage data/airports.csv --down\n" +
			"  penstock lineage warehouse/airports --stages -o html > lineage.html",
		Args:        arguments(1, 1, "a dataset, a partition of it, an input file, or a pipeline file"),
		Annotations: map[string]string{moreOutputs: "dot mermaid svg html"},
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if f.at, err = parseMoment("--as-of", f.asOf); err != nil {
				return err
			}
			if isYAML(args[0]) {
				return a.lineageOfPipeline(cmd, args[0], &f)
			}
			r, err := parseRef(args[0])
			if err != nil {
				return err
			}
			project, err := a.open(cmd.Context())
			if err != nil {
				return err
			}
			defer project.Close()
			return a.lineage(cmd, project, r.below(project.Dir()), &f)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.up, "up", false, "only what it was made of")
	flags.BoolVar(&f.down, "down", false, "only what was made from it")
	flags.IntVar(&f.depth, "depth", -1, "at most so many steps away (default: no end)")
	flags.BoolVar(&f.files, "files", false, "with the files of each version, and their digests")
	flags.BoolVar(&f.stages, "stages", false, "with the stages in between")
	flags.BoolVar(&f.columns, "columns", false, "columns instead, and how each comes from others")
	flags.StringVar(&f.asOf, "as-of", "", "as it was at a `time`, a date, or so long ago (7d)")
	return cmd
}

// view is what is shown: a graph, and where in it to begin.
type view struct {
	*lineageFlags
	graph *lineage.Graph
	roots []lineage.Node

	// Of the tree that is printed: how many lines it has so far, which way it goes, and whose
	// branches were printed.
	lines int
	dir   lineage.Direction
	shown map[lineage.Node]bool
}

// directions are those that are shown.
func (f *lineageFlags) directions() (up, down bool) { return f.up || !f.down, f.down || !f.up }

func (a *app) lineage(cmd *cobra.Command, project *penstock.Project, r ref, f *lineageFlags) error {
	v, err := chooseView(cmd, project, r, f)
	if err != nil {
		return err
	}
	return a.showView(cmd, project, v)
}

// showView prints or draws a view.
func (a *app) showView(cmd *cobra.Command, project *penstock.Project, v *view) error {
	if len(v.roots) == 0 {
		return a.noLineage(cmd, project, v)
	}
	if v.columns {
		return a.lineageOfColumns(cmd, project, v)
	}
	if write := drawings[a.output]; write != nil {
		p, err := picture(v, cmd.Flags().Arg(0))
		if err != nil {
			return err
		}
		return write(a.stdout, p)
	}
	return a.showTrees(v)
}

// noLineage says what was looked for, and what there is.
func (a *app) noLineage(cmd *cobra.Command, project *penstock.Project, v *view) error {
	name := cmd.Flags().Arg(0)
	if !v.at.IsZero() {
		return usage("nothing that was published by %s is called %q, or was made of a file of that name", v.at.Local().Format(time.DateTime), name).
			With("without --as-of what is on record now is shown")
	}
	flows, err := project.Flows(cmd.Context(), v.at)
	if err != nil {
		return err
	}
	dataset, _, of := strings.Cut(name, "@")
	var names []string
	for _, f := range flows {
		names = append(names, f.Dataset)
		if of && f.Dataset == dataset {
			return usage("nothing published is called %q", name).With("there is " + dataset + ": " + holdText(f.Held))
		}
	}
	e := usage("nothing published is called %q, or was made of a file of that name", name)
	if near := pipeline.Nearest(dataset, names); near != "" {
		return e.With("did you mean " + near + "?")
	}
	return e.With("files are named as `penstock show DATASET@PARTITION` has them", "published are "+strings.Join(slices.Compact(names), ", "))
}

// chooseView looks for what a name means: partitions and files, or a dataset of many partitions.
func chooseView(cmd *cobra.Command, project *penstock.Project, r ref, f *lineageFlags) (*view, error) {
	q := penstock.LineageQuery{Name: r.dataset, Partition: r.partition, Version: r.version, Depth: f.depth}
	q.Up, q.Down = f.directions()
	if r.partition == "" && !f.files {
		flows, err := project.Flows(cmd.Context(), f.at)
		if err != nil {
			return nil, err
		}
		g := lineage.Datasets(flows, f.stages)
		n := lineage.Node{Dataset: r.dataset}
		if held := g.Flow(n); held != nil && (held.Partitions > 1 || held.Last != wholeDataset) {
			return &view{lineageFlags: f, graph: g, roots: []lineage.Node{n}}, nil
		}
	}
	g, err := project.LineageOf(cmd.Context(), q)
	if err != nil {
		return nil, err
	}
	g = g.AsOf(f.at)
	return &view{lineageFlags: f, graph: g, roots: lineage.Latest(g.Find(r.dataset, r.partition, r.version))}, nil
}

// lineageOfPipeline shows the stages of a pipeline file: what its last ones are made of, and what
// other pipelines make of them.
func (a *app) lineageOfPipeline(cmd *cobra.Command, file string, f *lineageFlags) error {
	if f.columns {
		return usage("--columns is for what was published: name a dataset that %s publishes", file)
	}
	if !f.at.IsZero() {
		return usage("--as-of is for what was published, and %s is a pipeline file as it is now", file)
	}
	project, pl, err := a.load(cmd, file, &pipelineFlags{}, nil)
	if err != nil {
		return err
	}
	defer project.Close()
	flows, err := project.FlowsWith(cmd.Context(), append(a.otherPipelines(project.Dir(), file, pl.Name), pl))
	if err != nil {
		return err
	}
	v := &view{lineageFlags: f, graph: lineage.Datasets(flows, true)}
	for _, own := range penstock.FlowsOf(pl) {
		n := own.Node()
		if drawings[a.output] != nil || !leadsOn(v.graph, n, pl.Name) {
			v.roots = append(v.roots, n)
		}
	}
	return a.showView(cmd, project, v)
}

// leadsOn reports whether another stage of the pipeline reads what a stage makes.
func leadsOn(g *lineage.Graph, n lineage.Node, name string) bool {
	for _, next := range g.Reach([]lineage.Node{n}, lineage.Down, 2) {
		if next.Kind() == lineage.StageKind && next != n && next.Pipeline == name {
			return true
		}
	}
	return false
}

// wholeDataset is the name of the partition of a dataset that is not cut.
const wholeDataset = "all"

// parseMoment reads a time, a date, which is included, or how long ago; empty is the zero time.
func parseMoment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return day.AddDate(0, 0, 1).Add(-1), nil
	}
	if ago, ok := parseSpan(text); ok && ago >= 0 {
		return faults.SystemClock().Now().Add(-ago), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if at, err := time.ParseInLocation(layout, strings.TrimSpace(text), time.Local); err == nil {
			return at, nil
		}
	}
	return time.Time{}, usage("%s %q is neither a time nor a span", flag, text).
		With(`write it like 2026-01-31, "2026-01-31 12:00", 2026-01-31T12:00:00Z or 7d`)
}
