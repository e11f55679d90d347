package cli

import (
	"bytes"
	"cmp"
	"errors"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/night"
)

// breaksReportCommand makes the report of a night again.
func (a *app) breaksReportCommand() *cobra.Command {
	var (
		f         pipelineFlags
		o         penstock.NightOptions
		partition string
		files     nightFiles
	)
	cmd := &cobra.Command{
		Use:   "report [FILE | DATASET]",
		Short: "Make the report of a night",
		Long: `Makes the report of any night of a reconciliation: totals of both sides and how much of them
matched, breaks by cause and state, those that are new, aged, cleared and the biggest, and the
trend of the nights before. It is made of what is published of the ledger of breaks, or held, and
of the last run of the partition; nothing is computed. The ledger is that of a pipeline file, a
dataset, or the only one there is.

Exit status: 0 whatever the report says, 2 if it can't be made.`,
		Example: "  penstock breaks report\n" +
			"  penstock breaks report night.yaml --partition 2026-11-30 --html night.html --xlsx night.xlsx\n" +
			"  penstock breaks report warehouse/breaks -p 2026-11-30 -o csv",
		Annotations: map[string]string{moreOutputs: "csv"},
		Args:        arguments(0, 1, "a pipeline file, a ledger of breaks, or nothing"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := files.check(a.output); err != nil {
				return err
			}
			project, err := a.nightProject(cmd, args, &f, &o, partition)
			if err != nil {
				return err
			}
			defer project.Close()
			return project.Night(cmd.Context(), o, func(n *night.Night) error { return a.writeNight(n, &files) })
		},
	}
	cmd.Flags().StringArrayVar(&f.params, "param", nil, "sets a parameter of the pipeline, `name=value`; may be repeated")
	files.add(cmd)
	cmd.Flags().StringVarP(&partition, "partition", "p", "", "the night, like 2026-11-30 (default: the newest that is published)")
	cmd.Flags().IntVar(&o.AgedDays, "older-than", 0, "for more than how many `days` a break is open when it is listed as aged (default: as the pipeline file says, or 30)")
	cmd.Flags().IntVar(&o.Shown, "top", 0, "how many breaks each list names (default 20)")
	return cmd
}

// nightProject opens the project, and finds the ledger and the night that are meant.
func (a *app) nightProject(cmd *cobra.Command, args []string, f *pipelineFlags, o *penstock.NightOptions, partition string) (*penstock.Project, error) {
	if len(args) == 1 && isPipelineFile(args[0]) {
		return a.nightOfFile(cmd, args[0], f, o, partition)
	}
	p, err := a.open(cmd.Context())
	if err != nil {
		return nil, err
	}
	o.Dataset, err = ledgerOf(cmd, p, args)
	if err == nil {
		o.Partition, err = p.NightPartition(o.Dataset, partition)
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// ledgerOf is the ledger that is named, or the only one there is.
func ledgerOf(cmd *cobra.Command, p *penstock.Project, args []string) (string, error) {
	ledgers, err := p.Ledgers(cmd.Context())
	switch {
	case err != nil:
		return "", err
	case len(args) == 1:
		return known("ledger of breaks", path.Clean(filepath.ToSlash(args[0])), ledgers)
	case len(ledgers) == 1:
		return ledgers[0], nil
	case len(ledgers) == 0:
		return "", usage("no ledger of breaks is published here").With("a stage with the operator `breaks` makes one")
	}
	return "", usage("which ledger of breaks?").With("there are " + strings.Join(ledgers, ", "))
}

// nightOfFile finds them by a pipeline file.
func (a *app) nightOfFile(cmd *cobra.Command, file string, f *pipelineFlags, o *penstock.NightOptions, partition string) (*penstock.Project, error) {
	p, pl, err := a.load(cmd, file, f, nil)
	if err != nil {
		return nil, err
	}
	var ledger *pipeline.Stage
	for i := range pl.Stages {
		s := &pl.Stages[i]
		if s.Output != nil && pl.Night != nil && s.Name == pl.Night.Ledger {
			ledger = s
		}
	}
	if ledger == nil {
		err := usage("%s has no night, which would say where its ledger of breaks is", file).With("name the dataset of the ledger instead")
		return nil, errors.Join(err, p.Close())
	}
	o.Dataset, o.Pipeline, o.Compare = path.Clean(filepath.ToSlash(ledger.Output.Path)), pl.Name, pl.Night.Compare
	o.AgedDays = cmp.Or(o.AgedDays, pl.Night.AgedDays)
	if partition == "" && pl.Partitions.By != pipeline.Whole {
		o.Partition, err = p.NightPartition(o.Dataset, "")
	} else {
		o.Partition, err = pl.Partitions.Anyway(partition)
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// nightFiles are the files that a report of a night is written to, by format.
type nightFiles struct{ to [5]string }

func (f *nightFiles) add(cmd *cobra.Command) {
	for i, format := range pipeline.NightFormats {
		cmd.Flags().StringVar(&f.to[i], format, "", "writes the report as "+format+" to a `file`; - is stdout")
	}
}

// check finds two that go to one place.
func (f *nightFiles) check(output string) error {
	seen := map[string]string{}
	for i, format := range pipeline.NightFormats {
		to := f.to[i]
		if to == "" {
			continue
		}
		switch other := seen[filepath.Clean(to)]; {
		case other != "":
			return usage("--%s and --%s both go to %s", other, format, to)
		case to == "-" && output != "text":
			return usage("--%s - and -o %s both go to stdout", format, output)
		}
		seen[filepath.Clean(to)] = format
	}
	return nil
}

// writeNight writes the files that were asked for, and the result.
func (a *app) writeNight(n *night.Night, files *nightFiles) error {
	out := reports{app: a}
	taken := false
	for i, format := range pipeline.NightFormats {
		to := files.to[i]
		if to == "" {
			continue
		}
		taken = taken || to == "-"
		var b bytes.Buffer
		if err := penstock.NightWriter(format)(&b, n); err != nil {
			return err
		}
		if err := out.put(to, b.Bytes()); err != nil {
			return pipeline.Errorf(pipeline.IO, "the %s report %s can't be written: %w", format, to, err)
		}
		if to != "-" {
			a.say("report %s", to)
		}
	}
	switch {
	case taken:
		return nil
	case a.output == "json":
		return a.printJSON(n)
	case a.output == "csv":
		return night.CSV(a.stdout, n)
	}
	return night.Text(a.stdout, n, a.width())
}
