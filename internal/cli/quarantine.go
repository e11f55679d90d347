package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/pipeline"
)

func (a *app) quarantineCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "quarantine",
		Short: "List, show and release the rows that gates put aside",
		Example: "  penstock quarantine ls\n" +
			"  penstock quarantine show warehouse/clean --partition 2001-03\n" +
			`  penstock quarantine release pipeline.yaml --stage clean --partition 2001-03 --reason "late flights, checked"`,
		Args: a.unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.quarantineListCommand(), a.quarantineShowCommand(), a.releaseCommand())
	return cmd
}

func (a *app) quarantineListCommand() *cobra.Command {
	var partition string
	cmd := &cobra.Command{
		Use:     "ls [DATASET]",
		Short:   "List the partitions that have quarantined rows",
		Example: "  penstock quarantine ls warehouse/clean",
		Args:    arguments(0, 1, "a dataset or nothing"),
		RunE: func(cmd *cobra.Command, args []string) error {
			project, err := a.open(cmd.Context())
			if err != nil {
				return err
			}
			defer project.Close()
			found, err := a.findQuarantined(cmd, project, args, partition)
			if err != nil {
				return err
			}
			if a.output == "json" {
				for _, q := range found {
					if err := a.printJSON(q); err != nil {
						return err
					}
				}
				return nil
			}
			if len(found) > 0 {
				a.print("%s", quarantineTable(found))
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&partition, "partition", "p", "", "only this partition")
	return cmd
}

// findQuarantined lists what is quarantined of a dataset, or of all, and says so if it is
// nothing.
func (a *app) findQuarantined(cmd *cobra.Command, project *penstock.Project, args []string, partition string) ([]penstock.Quarantined, error) {
	var r ref
	if len(args) > 0 {
		var err error
		if r, err = parseRef(args[0]); err != nil {
			return nil, err
		}
		known, err := project.Datasets(cmd.Context())
		if err != nil {
			return nil, err
		}
		if !slices.Contains(known, r.dataset) {
			return nil, a.notPublished(cmd, project, args[0])
		}
	}
	if partition == "" {
		partition = r.partition
	}
	found, err := project.Quarantined(cmd.Context(), r.dataset, partition)
	if err == nil && len(found) == 0 {
		a.say("nothing is quarantined of %s in %s: no current version has put rows aside", what(r.dataset, partition), project.Dir())
	}
	return found, err
}

// what is the data that was looked for, in words.
func what(dataset, partition string) string {
	if dataset == "" {
		dataset = "any dataset"
	}
	if partition == "" {
		return dataset
	}
	return dataset + "@" + partition
}

func quarantineTable(found []penstock.Quarantined) string {
	rows := [][]string{{"DATASET", "PARTITION", "VERSION", "ROWS", "RULES", "PUBLISHED", "FILE"}}
	for _, q := range found {
		rows = append(rows, []string{
			q.Dataset, q.Partition, fmt.Sprint(q.Version), count(q.Rows), brokenText(q.Rules),
			q.Published.Local().Format(time.DateTime), strings.Join(q.Files, " "),
		})
	}
	return table("llrrlll", rows)
}

func brokenText(rules []penstock.BrokenRule) string {
	var parts []string
	for _, r := range rules {
		parts = append(parts, oneLine(r.Rule)+" "+count(r.Rows))
	}
	return strings.Join(parts, ", ")
}

func (a *app) quarantineShowCommand() *cobra.Command {
	var (
		partition string
		o         penstock.QuarantinedRows
		values    bool
	)
	cmd := &cobra.Command{
		Use:   "show DATASET",
		Short: "Show the quarantined rows of a partition",
		Long: `Shows the rows that gates put aside when the current version of a partition was
made: the columns of its key, the rules each row broke, and where it came from.
With --show-values all columns; as JSON that is a file which can be corrected, and
given to ` + "`penstock quarantine release --rows`.",
		Example: "  penstock quarantine show warehouse/clean --partition 2001-03 --rule plausible_delay\n" +
			"  penstock quarantine show warehouse/clean --partition 2001-03 --show-values -o jsonl > fixed.jsonl",
		Args: arguments(1, 1, "a dataset"),
		RunE: func(cmd *cobra.Command, args []string) error {
			project, err := a.open(cmd.Context())
			if err != nil {
				return err
			}
			defer project.Close()
			found, err := a.findQuarantined(cmd, project, args, partition)
			if err != nil || len(found) == 0 {
				return err
			}
			if len(found) > 1 {
				return whichPartition(found)
			}
			if !values {
				o.Columns = append(slices.Clone(found[0].Key), pipeline.SourceColumn, pipeline.RowColumn)
			}
			return a.showQuarantined(cmd, project, found[0], o)
		},
	}
	cmd.Flags().StringVarP(&partition, "partition", "p", "", "the partition, like 2001-03 or eu")
	cmd.Flags().StringVar(&o.Rule, "rule", "", "only rows that broke this rule")
	cmd.Flags().Int64Var(&o.Limit, "limit", 0, "at most so many rows (default: 20 as text, all as json)")
	cmd.Flags().BoolVar(&values, "show-values", false, "show all columns")
	return cmd
}

// whichPartition asks for one of several.
func whichPartition(found []penstock.Quarantined) error {
	const most = 10
	var names []string
	for _, q := range found[:min(most, len(found))] {
		names = append(names, q.Partition)
	}
	if len(found) > most {
		names = append(names, fmt.Sprintf("and %d more", len(found)-most))
	}
	return usage("which partition of %s? %d have quarantined rows", found[0].Dataset, len(found)).
		With("give --partition, one of " + strings.Join(names, ", "))
}
