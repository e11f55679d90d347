package cli

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
)

func (a *app) diffCommand() *cobra.Command {
	var (
		o      penstock.DiffOptions
		status bool
		memory byteSize
	)
	cmd := &cobra.Command{
		Use:   "diff DATASET@PARTITION [VERSION] [VERSION] | DATASET@PARTITION DATASET@PARTITION",
		Short: "Show how two versions of a partition differ, and why",
		Long: `Shows how two versions of a partition differ: rows that were added, removed and changed,
columns, metrics, verdicts; and what differs between what they were made of: input files, versions
of published inputs and what those were made of, code, gates, parameters.

By default the current version is compared with the one before it; with one version named, that
one with the current. Rows are told apart by the key of the manifest, or by --key; where there is
none, whole rows are compared. Values are the same if they are equal: null is null, NaN is NaN, -0
is 0. Row values are shown only with --show-values; the key always is.

Exit status: 0 compared (with --exit-code: and the same); 1 they differ, with --exit-code;
2 anything else.`,
		Example: "  penstock diff warehouse/clean@2001-07\n" +
			"  penstock diff warehouse/clean@2001-07 2 5 --key origin,departure --limit 5\n" +
			"  penstock diff warehouse/clean@2001-07 warehouse/clean@2001-08",
		Args: arguments(1, 3, "a partition and at most two versions, or two partitions"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := diffed(&o, args); err != nil {
				return err
			}
			project, err := a.openWith(cmd.Context(), penstock.Options{Memory: int64(memory)})
			if err != nil {
				return err
			}
			defer project.Close()
			d, err := project.Diff(cmd.Context(), o)
			if err != nil {
				return err
			}
			if d.Unexplained {
				d.Unsure = a.unsure(cmd, project, d)
			}
			if a.output == "json" {
				err = a.printJSON(d)
			} else {
				a.showDiff(d, o.ShowValues)
			}
			if err == nil && status && !d.Same {
				return errBlocked
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&o.Key, "key", nil, "the `columns` that name a row, like id or origin,departure (default: those of the manifest)")
	flags.BoolVar(&o.WholeRows, "whole-rows", false, "compare whole rows, without a key")
	flags.StringSliceVar(&o.Columns, "columns", nil, "compare only these `columns`, beside the key")
	flags.IntVar(&o.Limit, "limit", shownRows, "rows of each sort that are listed")
	flags.BoolVar(&o.ShowValues, "show-values", false, "show the values of rows that differ, beside their keys")
	flags.BoolVar(&status, "exit-code", false, "exit with 1 if the versions differ")
	flags.Var(&memory, "memory", "memory budget, like 2GiB (default: half of what the machine or control group has)")
	return cmd
}

// diffed reads the arguments: a partition and versions, or two partitions, each perhaps with the
// version behind it, as penstock prints it.
func diffed(o *penstock.DiffOptions, args []string) error {
	r, err := parseRef(args[0])
	if err != nil {
		return err
	}
	o.Dataset, o.Partition, o.From = r.dataset, firstOf(r.partition, "all"), r.version
	if o.Limit < 0 {
		return usage("--limit %d: it is how many rows are listed, 0 or more", o.Limit)
	}
	if o.WholeRows && len(o.Key) > 0 {
		return usage("--key and --whole-rows exclude each other")
	}
	rest := args[1:]
	if len(rest) == 1 && strings.Contains(rest[0], "@") {
		return diffedWith(o, rest[0])
	}
	if o.From != 0 {
		rest = append([]string{strconv.FormatInt(o.From, 10)}, rest...)
	}
	if len(rest) > 2 {
		return usage("%q names a version already, and %d more are given", args[0], len(args)-1)
	}
	for i, to := range []*int64{&o.From, &o.To}[:len(rest)] {
		if *to, err = strconv.ParseInt(strings.TrimPrefix(rest[i], "v"), 10, 64); err != nil || *to < 1 {
			return usage("%q is not a version; they count from 1", rest[i])
		}
	}
	if o.From != 0 && o.From == o.To {
		return usage("version %d is compared with itself", o.From)
	}
	return nil
}

// diffedWith takes the second of two partitions.
func diffedWith(o *penstock.DiffOptions, name string) error {
	r, err := parseRef(name)
	if err != nil {
		return err
	}
	if r.dataset != o.Dataset {
		return usage("%s and %s are two datasets", o.Dataset, r.dataset).With("compare two versions of a partition, or two partitions of a dataset")
	}
	o.OtherPartition, o.To = firstOf(r.partition, "all"), r.version
	return nil
}

// unsure says why the stages of a version can't promise the same twice, as far as the pipeline
// that made it is at hand.
func (a *app) unsure(cmd *cobra.Command, project *penstock.Project, d *penstock.Diff) []string {
	pl, err := a.madeBy(cmd, project, ref{dataset: d.Dataset, partition: d.After.Partition}, "")
	if err != nil {
		return nil
	}
	return pl.Unsure(d.Stage)
}
