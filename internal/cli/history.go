package cli

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/internal/report"
	"github.com/penstock-data/penstock/pipeline"
)

func (a *app) runsCommand() *cobra.Command {
	var f penstock.RunFilter
	var status string
	cmd := &cobra.Command{
		Use:     "runs",
		Short:   "List runs, the latest first",
		Example: "  penstock runs --status blocked",
		Args:    arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			project, err := a.open(cmd.Context())
			if err != nil {
				return err
			}
			defer project.Close()
			f.Status = pipeline.Status(status)
			runs, err := project.Runs(cmd.Context(), f)
			if err != nil {
				return err
			}
			if a.output == "json" {
				for _, r := range runs {
					if err := a.printJSON(summary(r)); err != nil {
						return err
					}
				}
				return nil
			}
			if len(runs) == 0 {
				a.say("no runs in %s match", project.Dir())
				return nil
			}
			rows := [][]string{{"RUN", "PIPELINE", "PARTITION", "STATUS", "ROWS IN", "ROWS OUT", "STARTED", "TOOK", "BY"}}
			for _, r := range runs {
				rows = append(rows, []string{
					r.Run, r.Pipeline, r.Partition, statusText(project, r), count(r.RowsIn), count(r.RowsOut),
					r.Started.Local().Format(time.DateTime), seconds(r.Seconds), r.Actor,
				})
			}
			a.print("%s", table("llllrrlrl", rows))
			a.sayDied(project, runs)
			return nil
		},
	}
	cmd.Flags().StringVar(&f.Pipeline, "pipeline", "", "only runs of this pipeline")
	cmd.Flags().StringVarP(&f.Partition, "partition", "p", "", "only runs of this partition")
	cmd.Flags().StringVar(&f.Backfill, "backfill", "", "only runs of the backfill of this `id`")
	cmd.Flags().StringVar(&status, "status", "", "only runs that ended so: published, unchanged, blocked, failed, cancelled")
	cmd.Flags().IntVar(&f.Limit, "limit", 50, "at most so many")
	return cmd
}

// sayDied says what it takes to end the runs whose process has died, if that was not done by now.
func (a *app) sayDied(project *penstock.Project, runs []*pipeline.RunRecord) {
	for _, r := range runs {
		if died, err := project.Died(r); died && err != nil {
			a.say("%s says that it is running, and its process has died. Its end is put on record by the next command that has the signing key: "+
				"name the file in PENSTOCK_SIGNING_KEY (%v)", r.Run, err)
			return
		}
	}
}

func (a *app) showCommand() *cobra.Command {
	out := reports{app: a}
	cmd := &cobra.Command{
		Use:   "show RUN | DATASET@PARTITION",
		Short: "Show a run, or the manifest of a published partition",
		Example: "  penstock show warehouse/clean@2001-01\n" +
			"  penstock show 20261124T0924\n" +
			"  penstock show 20261124T0924 --report html=run.html",
		Args: arguments(1, 1, "a run, or a dataset's partition"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.settle(false); err != nil {
				return err
			}
			project, err := a.open(cmd.Context())
			if err != nil {
				return err
			}
			defer project.Close()
			if strings.Contains(args[0], "@") || strings.Contains(args[0], "/") {
				if len(out.texts) > 0 {
					return usage("--report is for runs, and %s is a partition", args[0]).With("`penstock show " + args[0] + "` names the run it is of")
				}
				return a.showVersion(cmd, project, args[0])
			}
			rec, err := project.RunByID(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if a.output == "json" {
				err = a.printJSON(rec)
			} else if !out.takeStdout() {
				a.showRun(rec)
				a.showHeld(project, rec)
			}
			return out.ended([]*pipeline.RunRecord{rec}, err)
		},
	}
	out.add(cmd.Flags())
	return cmd
}

func (a *app) showRun(rec *pipeline.RunRecord) {
	a.print("run %s of %s %s: %s\n", rec.Run, rec.Pipeline, rec.Partition, rec.Status)
	a.print("  started %s by %s, took %s\n", rec.Started.Local().Format(time.DateTime), rec.Actor, seconds(rec.Seconds))
	if len(rec.Command) > 0 {
		a.print("  command %s\n", strings.Join(rec.Command, " "))
	}
	if rec.Commit != "" {
		a.print("  commit  %s\n", rec.Commit)
	}
	if rec.Error != "" {
		a.print("  error   %s\n", strings.ReplaceAll(rec.Error, "\n", "\n  "))
	}
	a.showInputs(rec.Inputs)
	for _, s := range rec.Stages {
		a.print("  stage   %s: %s in, %s out, %s quarantined, %s filtered%s, %s\n", s.Name,
			plural(s.RowsIn, "row", "rows"), count(s.RowsOut), count(s.RowsQuarantined), count(s.RowsFiltered), changed(s), seconds(s.Seconds))
		for _, o := range s.Operators {
			if o.RowsIn != o.RowsOut {
				a.print("            %s: %s in, %s out\n", o.Name, plural(o.RowsIn, "row", "rows"), count(o.RowsOut))
			}
		}
	}
	a.showGates(rec, rec.Gates)
	a.showRelease(rec.Release, rec.Stages)
	a.showRollback(rec.Rollback)
	a.showUndone(rec)
	for _, o := range rec.Outputs {
		a.print("  output  %s: version %d, %s%s\n", o.Path, o.Version, plural(o.Rows, "row", "rows"), asRecord(rec))
	}
}

func (a *app) showInputs(inputs []pipeline.InputRecord) {
	for _, in := range inputs {
		switch {
		case in.Missing:
			a.print("  input   %s: %s@%s was not published\n", in.Name, in.Dataset, in.Partition)
		case in.Dataset != "":
			a.print("  input   %s: %s@%s version %d\n", in.Name, in.Dataset, in.Partition, in.Version)
		}
		for _, gate := range in.Approved {
			a.print("  input   %s: did not pass %s, which was approved of\n", in.Name, gate)
		}
		for _, f := range in.Files {
			a.print("  input   %s: %s, %s bytes, sha256 %.12s\n", in.Name, f.Path, count(f.Bytes), f.SHA256)
		}
	}
}

// showGates shows findings, with all there is to say of them, but for routine ones.
func (a *app) showGates(rec *pipeline.RunRecord, gates []pipeline.Finding) {
	for _, f := range gates {
		if routine(f) {
			continue
		}
		lines := report.Lines(rec, f)
		a.print("  gate    %s/%s: %s (%s); %s, %s expected; %s\n", f.Stage, f.Name, f.Verdict, f.Severity, f.Observed, f.Expected, lines[0])
		for _, line := range lines[1:] {
			a.print("            %s\n", line)
		}
	}
}

func (a *app) showVersion(cmd *cobra.Command, project *penstock.Project, name string) error {
	ref, err := parseRef(name)
	if err != nil {
		return err
	}
	found, err := project.Versions(cmd.Context(), ref.dataset, ref.partition)
	if err != nil {
		return err
	}
	var m *pipeline.Manifest
	for _, v := range found {
		if ref.version == 0 || v.Version == ref.version {
			m = v
		}
	}
	if m == nil {
		return a.notPublished(cmd, project, name)
	}
	if a.output == "json" {
		return a.printJSON(m)
	}
	a.print("%s@%s version %d: %s\n", m.Dataset, m.Partition, m.Version, plural(m.Rows, "row", "rows"))
	a.print("  published %s by %s, run %s\n", m.Published.Local().Format(time.DateTime), m.Actor, m.Run)
	for _, f := range slices.Concat(m.Files, m.Quarantine, m.Lineage) {
		a.print("  file    %s: %s, %s bytes, sha256 %.12s\n", f.Path, plural(f.Rows, "row", "rows"), count(f.Bytes), f.SHA256)
	}
	var columns []string
	for _, c := range m.Schema {
		columns = append(columns, c.Name+" "+c.Type+tagsOf(m, c.Name))
	}
	a.print("  columns %s\n", strings.Join(columns, ", "))
	a.showInputs(m.Inputs)
	a.showRelease(m.Release, m.Stages)
	a.showRollback(m.Rollback)
	if m.Judged != 0 {
		a.print("  judged  only the gates were run again, over the data of version %d\n", m.Judged)
	}
	a.showGates(&pipeline.RunRecord{}, m.Findings)
	return nil
}

// notPublished says what was looked for, and what there is.
func (a *app) notPublished(cmd *cobra.Command, project *penstock.Project, name string) error {
	err := usage("nothing published is called %q", name)
	datasets, derr := project.Datasets(cmd.Context())
	if derr != nil {
		return derr
	}
	if len(datasets) == 0 {
		return err.With("no dataset of " + project.Dir() + " has been published yet")
	}
	if near := pipeline.Nearest(strings.Split(name, "@")[0], datasets); near != "" {
		return err.With("did you mean " + near + "?")
	}
	return err.With("published are " + strings.Join(datasets, ", "))
}
