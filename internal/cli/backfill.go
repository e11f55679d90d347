package cli

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/pipeline"
)

// backfillFlags are the flags of commands that run many partitions.
type backfillFlags struct {
	pipelineFlags
	parallel, limit, retries int
	newest, failFast         bool
}

func (f *backfillFlags) add(flags *pflag.FlagSet) {
	f.pipelineFlags.add(flags)
	flags.IntVarP(&f.parallel, "parallel", "j", 1, "partitions run at once; they share --workers and --memory")
	flags.BoolVar(&f.newest, "newest-first", false, "begin with the latest partition")
	flags.BoolVar(&f.failFast, "fail-fast", false, "begin no more once one was blocked or failed")
	flags.IntVar(&f.limit, "limit", 0, "run at most so many partitions (default: all)")
	flags.IntVar(&f.retries, "retries", 2, "how often a partition is tried again after an error of the disk or network")
}

// maxParallel bounds how many partitions run at once.
const maxParallel = 256

// options checks the flags.
func (f *backfillFlags) options(flags *pflag.FlagSet, plan penstock.PlanOptions) (penstock.BackfillOptions, error) {
	var errs pipeline.Errors
	if f.parallel < 1 || f.parallel > maxParallel {
		errs = append(errs, usage("--parallel %d: how many partitions run at once is between 1 and %d", f.parallel, maxParallel))
	}
	if f.limit < 0 || f.limit == 0 && flags.Changed("limit") {
		errs = append(errs, usage("--limit %d: at least 1 partition; leave it out to run all", f.limit))
	}
	if f.retries < 0 {
		errs = append(errs, usage("--retries %d: 0 is never", f.retries))
	}
	o := penstock.BackfillOptions{
		PlanOptions: plan, Parallel: f.parallel, NewestFirst: f.newest, FailFast: f.failFast, Limit: f.limit, Retries: f.retries,
	}
	if o.Retries == 0 {
		o.Retries = -1
	}
	return o, errs.Err()
}

func (a *app) backfillCommand() *cobra.Command {
	var (
		f      backfillFlags
		c      choice
		dry    bool
		resume string
	)
	out := reports{app: a}
	cmd := &cobra.Command{
		Use:   "backfill FILE | --resume ID",
		Short: "Run what is missing, stale or failed of a range of partitions",
		Long: `Runs the partitions of the range that are not up to date, as ` + "`penstock plan`" + ` says, each
after those it reads from. Each has its own verdict: good ones are published, and one that is
blocked or fails keeps back only what depends on it. What failed by an error of the disk or
the network is tried again; what a gate said is not.

Ctrl-C lets no more begin and waits 10 s for those that run; once more stops them. The same
command again goes on with what is left, and runs nothing twice; with --force, which runs
everything, --resume ID does.

Exit status: 0 all published or unchanged, 1 a gate blocked, now or before and nothing has
changed since, 2 a run failed, whatever else was blocked, 130 stopped.`,
		Example: "  penstock backfill pipeline.yaml --from 2001-01 --to 2001-07 --parallel 4\n" +
			"  penstock backfill pipeline.yaml --missing --dry-run\n" +
			"  penstock backfill --resume b20261124T092402-4f2a9c",
		Args: arguments(0, 1, "a pipeline file, or --resume ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.settle(); err != nil {
				return err
			}
			o, err := f.options(cmd.Flags(), c.plan)
			if err != nil {
				return err
			}
			if err := out.settle(true); err != nil {
				return err
			}
			r := &filling{app: a, out: &out, options: o, flags: &f, dry: dry}
			if resume != "" {
				return a.resume(cmd, r, resume, args)
			}
			if len(args) == 0 {
				return arguments(1, 1, "a pipeline file, or --resume ID")(cmd, args)
			}
			return r.run(cmd, args[0], c.partitions)
		},
	}
	f.add(cmd.Flags())
	c.add(cmd.Flags())
	out.add(cmd.Flags())
	cmd.Flags().BoolVar(&dry, "dry-run", false, "say what would run, and run nothing")
	cmd.Flags().StringVar(&resume, "resume", "", "go on with the backfill of this `id`: its file, partitions, stages and parameters")
	return cmd
}

// resume goes on with a backfill, as it was asked for.
func (a *app) resume(cmd *cobra.Command, r *filling, id string, args []string) error {
	for _, name := range []string{"from", "to", "partition", "select", "exclude", "missing", "failed", "blocked", "force", "all", "param"} {
		if cmd.Flags().Changed(name) || len(args) > 0 {
			if len(args) > 0 {
				name = args[0]
			} else {
				name = "--" + name
			}
			return usage("--resume takes the pipeline file, partitions, stages and parameters from the backfill: leave out %s", name)
		}
	}
	was, dir, err := a.backfillRecord(cmd.Context(), id)
	if err != nil {
		return err
	}
	r.options.PlanOptions, r.options.Resume = was.Options.PlanOptions, was.ID
	for _, same := range []struct {
		flag string
		take func()
	}{
		{"parallel", func() { r.options.Parallel = was.Options.Parallel }},
		{"newest-first", func() { r.options.NewestFirst = was.Options.NewestFirst }},
		{"fail-fast", func() { r.options.FailFast = was.Options.FailFast }},
		{"retries", func() { r.options.Retries = was.Options.Retries }},
	} {
		if !cmd.Flags().Changed(same.flag) {
			same.take()
		}
	}
	return r.again(cmd, was, dir)
}

// backfillRecord finds a backfill of the project here, the last one without an id, and says where
// the project is.
func (a *app) backfillRecord(ctx context.Context, id string) (rec *penstock.BackfillRecord, dir string, err error) {
	project, err := a.open(ctx)
	if err != nil {
		return nil, "", err
	}
	defer project.Close()
	if id != "" {
		rec, err = project.BackfillByID(id)
		return rec, project.Dir(), err
	}
	rec, err = project.LastBackfill()
	if err == nil && rec == nil {
		err = usage("no backfill was run in %s", project.Dir()).With("name the pipeline file whose failed partitions are to be run again")
	}
	return rec, project.Dir(), err
}

// filling is a backfill that a command runs.
type filling struct {
	*app
	out     *reports
	options penstock.BackfillOptions
	flags   *backfillFlags
	dry     bool
}

// again runs a pipeline as a backfill did, on its partitions.
func (r *filling) again(cmd *cobra.Command, was *penstock.BackfillRecord, dir string) error {
	if was.File == "" {
		return usage("backfill %s was not run from a pipeline file", was.ID)
	}
	file := filepath.Join(dir, filepath.FromSlash(was.File))
	if here, err := filepath.Abs("."); err == nil {
		if short, err := filepath.Rel(here, file); err == nil {
			file = short // as people would write it
		}
	}
	r.dir, r.flags.params = dir, nil
	for name, value := range was.Params {
		r.flags.params = append(r.flags.params, name+"="+value)
	}
	return r.run(cmd, file, func(_ *penstock.Project, pl *pipeline.Pipeline) ([]pipeline.Partition, error) {
		return partitionsOf(pl, was.Partitions)
	})
}

// run runs the partitions of a pipeline file, or says what would run.
func (r *filling) run(cmd *cobra.Command, file string, partitions func(*penstock.Project, *pipeline.Pipeline) ([]pipeline.Partition, error)) error {
	p := r.newFillProgress()
	r.flags.tells = !r.dry
	project, pl, err := r.load(cmd, file, &r.flags.pipelineFlags, p.listener())
	if err != nil {
		return r.out.unread(file, "", err)
	}
	defer project.Close()
	parts, err := partitions(project, pl)
	if err != nil {
		return err
	}
	if len(parts) == 0 {
		r.print("%s: nothing failed, so there is nothing to run again\n", pl.Name)
		return nil
	}
	if r.dry {
		plan, err := project.Plan(cmd.Context(), pl, penstock.InOrder(parts), r.options.PlanOptions)
		if err != nil {
			return err
		}
		return r.showPlan(plan, r.options.NewestFirst, r.options.Limit)
	}
	return r.fill(cmd.Context(), project, pl, parts, p)
}

// fill runs the partitions and tells of each.
func (r *filling) fill(ctx context.Context, project *penstock.Project, pl *pipeline.Pipeline, parts []pipeline.Partition, p *fillProgress) error {
	var records []*pipeline.RunRecord
	told := 0
	r.options.Drain = r.signals.drain(p.draining)
	r.options.Listener = &penstock.BackfillListener{
		Planned: p.planned, Begun: p.begun, Retried: p.retried, NotRun: p.notRun,
		Done: func(rec *pipeline.RunRecord, err error) {
			if r.out.wanted() {
				records = append(records, rec)
			}
			if err != nil || rec.Status == pipeline.Blocked {
				told++
			}
			r.ended(project, pl, rec, err, p, told <= maxTold)
			p.done(rec)
		},
	}
	rec, err := project.Backfill(ctx, pl, parts, r.options)
	p.end()
	if rec == nil {
		return r.out.ended(nil, err)
	}
	if r.output == "text" && !r.out.takeStdout() {
		r.tally(pl, rec)
	}
	if err == nil {
		err = verdict(rec)
	}
	return r.app.nights.status(r.out.ended(records, err))
}

// maxTold bounds of how many partitions that were blocked or failed all is told.
const maxTold = 100

// ended tells of a run that has ended; in full of those that did not go well, but for their
// number.
func (r *filling) ended(project *penstock.Project, pl *pipeline.Pipeline, rec *pipeline.RunRecord, err error, p *fillProgress, full bool) {
	if r.output == "text" && p.many() && rec.Status != pipeline.Blocked && err == nil {
		return // it is counted
	}
	if !full && r.output == "text" {
		return // it is named in the end
	}
	p.end()
	if err := r.app.ended(project, pl, rec, err, r.out.takeStdout()); err != nil && !errors.Is(err, errBlocked) && pipeline.KindOf(err) != pipeline.Canceled {
		r.complain(pipeline.Errorf(pipeline.KindOf(err), "%s %s: %w", rec.Pipeline, rec.Partition, err))
	}
}

// verdict is the error that stands for a backfill that came to its end.
func verdict(rec *penstock.BackfillRecord) error {
	switch {
	case rec.Counts.Failed > 0:
		return errReported
	case rec.Counts.Blocked+rec.Counts.Awaiting > 0:
		return errBlocked
	}
	return nil
}
