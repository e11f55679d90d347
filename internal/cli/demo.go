package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/pipeline"
)

// demoDir is where the demo is laid out; demoMark is the file that says it is ours.
const (
	demoDir  = "penstock-demo"
	demoMark = ".penstock-demo"
)

func (a *app) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Lay out ./penstock-demo and backfill seven months of real flights in it",
		Long: `Lays out a project with a pipeline file and real data in ./penstock-demo and
backfills its seven months. Six are published. The seventh is a partial one of six
rows, and a gate keeps it back: that is what the demo shows, and why it exits with
status 0 all the same.

It can be run again: what you have edited stays as it is.`,
		Example: "  penstock demo",
		Args:    arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir := demoDir
			if a.dir != "" {
				dir = filepath.Join(a.dir, demoDir)
			}
			if err := layDemo(dir); err != nil {
				return err
			}
			a.dir = dir
			return a.demo(cmd, dir)
		},
	}
}

// layDemo writes the demo's files. A folder that is not the demo's own is left alone.
func layDemo(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return usage("%s is in the way: %w", dir, err)
	case len(entries) > 0:
		if _, err := os.Stat(filepath.Join(dir, demoMark)); err != nil {
			return usage("%s is there already and is not a demo of penstock's; it was left alone", dir).
				With("move it away, or run the demo in another directory")
		}
	}
	files, err := laid("flights")
	if err != nil {
		return err
	}
	files[demoMark] = []byte("This folder was made by `penstock demo`. It may be edited, and deleted.\n")
	_, err = lay(dir, files)
	return err
}

func (a *app) demo(cmd *cobra.Command, dir string) error {
	p := a.newProgress()
	file := filepath.Join(dir, "pipeline.yaml")
	f := pipelineFlags{keep: 2, tells: true}
	project, pl, err := a.load(cmd, file, &f, p.listener())
	if err != nil {
		return err
	}
	defer project.Close()
	parts, err := pl.Partitions.Range("", "")
	if err != nil {
		return err
	}
	a.say("backfilling %s of %s in %s", plural(int64(len(parts)), "month", "months"), pl.Name, dir)
	p.pipeline = pl.Name
	var records []*pipeline.RunRecord
	all := penstock.PlanOptions{Force: true} // what is shown is the same each time
	if _, err := project.Backfill(cmd.Context(), pl, parts, penstock.BackfillOptions{PlanOptions: all, Listener: &penstock.BackfillListener{
		Done: func(rec *pipeline.RunRecord, err error) {
			p.end()
			if records = append(records, rec); err != nil {
				a.complain(err)
			}
		},
	}}); err != nil {
		return err
	}
	if a.output == "json" {
		for _, r := range records {
			if err := a.printJSON(summary(r)); err != nil {
				return err
			}
		}
		return demoError(records)
	}
	a.demoReport(project, pl, records, dir)
	return demoError(records)
}

// demoError is not nil where a run failed: a blocked month is what the demo shows.
func demoError(records []*pipeline.RunRecord) error {
	for _, r := range records {
		if r.Status == pipeline.Failed {
			return errReported
		}
	}
	return nil
}

func (a *app) demoReport(project *penstock.Project, pl *pipeline.Pipeline, records []*pipeline.RunRecord, dir string) {
	rows := [][]string{{"MONTH", "STATUS", "ROWS IN", "CLEAN", "QUARANTINED", "AIRPORTS", "TOOK"}}
	var blocked *pipeline.RunRecord
	for _, r := range records {
		row := []string{r.Partition, string(r.Status), "", "", "", "", seconds(r.Seconds)}
		for _, s := range r.Stages {
			switch s.Name {
			case "clean":
				row[2], row[3], row[4] = count(s.RowsIn), count(s.RowsOut), count(s.RowsQuarantined)
			case "airports_monthly":
				row[5] = count(s.RowsOut)
			}
		}
		if r.Status == pipeline.Blocked {
			blocked = r
		}
		rows = append(rows, row)
	}
	a.print("\n%s\n", table("llrrrrr", rows))
	if blocked != nil {
		a.print("%s was kept back:\n\n", blocked.Partition)
		kept := keptBack(project, pl, blocked)
		for _, f := range blocked.Gates {
			if f.Blocks() {
				a.print("  %s\n", strings.Join(append(found(blocked, f), kept...), "\n  \t"))
			}
		}
	}
	a.print("\npublished, for any tool that reads Parquet:\n  %s\n  %s\n",
		filepath.Join(dir, "warehouse/clean/month=*/part-0.parquet"), filepath.Join(dir, "warehouse/airports/month=*/part-0.parquet"))
	penstockCommand := invocation()
	var next []string
	for _, line := range [][2]string{
		{"show warehouse/airports@2001-03", "what is known of a partition"},
		{"lineage warehouse/airports@2001-03", "what it was made of"},
		{`trace warehouse/clean@2001-03 --where "delay > 300"`, "which rows of which file"},
		{"runs --status blocked", "what was kept back, and when"},
		{"quarantine show warehouse/clean --partition 2001-03 --show-values", "the rows that were put aside"},
		{"gate backtest pipeline.yaml --gate volume --stop 20%", "which months the gate stops, and which limit would"},
		{"profile warehouse/clean", "what is in the data"},
		{"verify", "every byte against its manifest"},
		{"run pipeline.yaml --partition 2001-07; echo $?", "the gate once more: exit status 1"},
	} {
		next = append(next, fmt.Sprintf("  %-72s # %s", penstockCommand+" "+line[0], line[1]))
	}
	a.print("\nnext, try:\n  cd %s\n%s\n", dir, strings.Join(next, "\n"))
	a.print("then edit pipeline.yaml: lower the limit of the gate `volume`, and run 2001-07 again.\n")
}

// invocation is how the user can call this program from the demo's directory.
func invocation() string {
	exe, err := os.Executable()
	if err != nil || !strings.Contains(exe, "go-build") {
		return "penstock"
	}
	return "go run ../cmd/penstock"
}
