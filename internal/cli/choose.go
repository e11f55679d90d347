package cli

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/pipeline"
)

// choice is what flags say of which partitions and stages are meant.
type choice struct {
	from, to string
	names    []string
	plan     penstock.PlanOptions
	all      bool
}

func (c *choice) add(flags *pflag.FlagSet) {
	flags.StringVar(&c.from, "from", "", "the first partition (default: partitions.from of the file)")
	flags.StringVar(&c.to, "to", "", "the last partition, included (default: partitions.to of the file)")
	flags.StringArrayVarP(&c.names, "partition", "p", nil, "a partition, or a range `2001-01..2001-03`; may be repeated")
	c.addStages(flags)
	flags.BoolVar(&c.plan.Missing, "missing", false, "only what was never published; with --failed: either")
	flags.BoolVar(&c.plan.Failed, "failed", false, "only what failed")
	flags.BoolVar(&c.plan.Blocked, "blocked", false, "what a gate blocked, too, though nothing has changed since")
	flags.BoolVar(&c.plan.Force, "force", false, "everything, also what is up to date")
	flags.BoolVar(&c.all, "all", false, "the same as --force")
}

func (c *choice) addStages(flags *pflag.FlagSet) {
	flags.StringArrayVarP(&c.plan.Select, "select", "s", nil, "only these stages, like `clean+`, tag:nightly, state:stale; a space is or, a comma and; may be repeated")
	flags.StringArrayVar(&c.plan.Exclude, "exclude", nil, "not these stages, written like --select")
}

// settle checks what goes together.
func (c *choice) settle() error {
	c.plan.Force = c.plan.Force || c.all
	if c.plan.Force && (c.plan.Missing || c.plan.Failed || c.plan.Blocked) {
		return usage("--force runs everything; --missing, --failed and --blocked less: give one or the other")
	}
	return nil
}

// partitions are those that flags name: one by one, by ranges, or from … to.
func (c *choice) partitions(_ *penstock.Project, pl *pipeline.Pipeline) ([]pipeline.Partition, error) {
	if len(c.names) == 0 {
		return pl.Partitions.Range(c.from, c.to)
	}
	if c.from != "" || c.to != "" {
		return nil, usage("--partition and --from, --to exclude each other")
	}
	return partitionsOf(pl, c.names)
}

// partitionsOf reads names and ranges of partitions.
func partitionsOf(pl *pipeline.Pipeline, names []string) (parts []pipeline.Partition, err error) {
	for _, name := range names {
		first, last, isRange := cutRange(name)
		if isRange {
			some, err := pl.Partitions.Range(first, last)
			if err != nil {
				return nil, err
			}
			parts = append(parts, some...)
			continue
		}
		part, err := pl.Partitions.Parse(name)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// planned plans what flags name.
func (c *choice) planned(ctx context.Context, project *penstock.Project, pl *pipeline.Pipeline) (*penstock.Plan, error) {
	parts, err := c.partitions(project, pl)
	if err != nil {
		return nil, err
	}
	return project.Plan(ctx, pl, penstock.InOrder(parts), c.plan)
}
