package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
)

func (a *app) planCommand() *cobra.Command {
	var (
		f      pipelineFlags
		c      choice
		newest bool
	)
	cmd := &cobra.Command{
		Use:   "plan FILE",
		Short: "Say what is missing, stale, failed or blocked, why, and what would run",
		Long: `Says of every partition what there is of it and why: it is missing; it failed; a gate
blocked it, and nothing has changed since; it is stale, because an input has a new version,
data came late, or the code of a stage, its gates or a parameter changed; it waits for a
partition that is not there; or it is current. Then what would run, in which order, how much
it would read, and how long it takes going by the past. No data is read, and nothing changes.

` + "`penstock backfill`" + ` takes the same flags and runs it.`,
		Example: "  penstock plan pipeline.yaml --from 2001-01 --to 2001-07\n" +
			"  penstock plan pipeline.yaml --select state:stale -o jsonl",
		Args: arguments(1, 1, "a pipeline file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.settle(); err != nil {
				return err
			}
			project, pl, err := a.load(cmd, args[0], &f, nil)
			if err != nil {
				return err
			}
			defer project.Close()
			plan, err := c.planned(cmd.Context(), project, pl)
			if err != nil {
				return err
			}
			return a.showPlan(plan, newest, 0)
		},
	}
	f.add(cmd.Flags())
	c.add(cmd.Flags())
	cmd.Flags().BoolVar(&newest, "newest-first", false, "what would begin with the latest partition")
	return cmd
}

// plannedLine is what `plan -o json` prints of a partition. Programs rely on its fields.
type plannedLine struct {
	*penstock.PartitionPlan
	// Order is 1 for what would begin first; 0 for what would not run.
	Order int `json:"order,omitempty"`
	// After names the partitions that have to end first.
	After []string `json:"after,omitempty"`
}

// showPlan prints a plan; of what would run, only limit partitions, if that is not 0.
func (a *app) showPlan(plan *penstock.Plan, newest bool, limit int) error {
	order := plan.Order(newest)
	if limit > 0 && len(order) > limit {
		order = order[:limit]
	}
	if a.output == "json" {
		return a.planLines(plan, order)
	}
	rows := [][]string{{"PARTITIONS", "STATE", "RUNS", "WHY"}}
	groups := groupsOf(plan)
	for _, g := range groups[:min(len(groups), maxGroups)] {
		rows = append(rows, []string{g.name(), string(g.first.State), runsText(g.first), g.why()})
	}
	a.print("%s", table("llll", rows))
	if left := len(groups) - maxGroups; left > 0 {
		a.print("and %s; -o jsonl has each partition\n", plural(int64(left), "line more", "lines more"))
	}
	a.print("\n")
	a.planSummary(plan, order, newest)
	return nil
}

func (a *app) planLines(plan *penstock.Plan, order []int) error {
	turn := make(map[int]int, len(order))
	for n, i := range order {
		turn[i] = n + 1
	}
	for i := range plan.Partitions {
		line := plannedLine{PartitionPlan: &plan.Partitions[i], Order: turn[i]}
		for _, j := range plan.Partitions[i].After {
			line.After = append(line.After, plan.Partitions[j].Name)
		}
		if err := a.printJSON(line); err != nil {
			return err
		}
	}
	return nil
}

// maxGroups bounds how many lines a plan has for people.
const maxGroups = 200

// group is partitions that follow each other and are in the same state for the same causes.
type group struct {
	first, last *penstock.PartitionPlan
	key, text   string
	differ      bool // their reasons have other texts
}

func groupsOf(plan *penstock.Plan) (groups []*group) {
	for i := range plan.Partitions {
		p := &plan.Partitions[i]
		key, text := causes(p), reasons(p)
		if n := len(groups); n > 0 && groups[n-1].key == key {
			g := groups[n-1]
			g.last = p
			g.differ = g.differ || g.text != text
			continue
		}
		groups = append(groups, &group{first: p, last: p, key: key, text: text})
	}
	return groups
}

func (g *group) name() string {
	if g.first == g.last {
		return g.first.Name
	}
	return g.first.Name + ".." + g.last.Name
}

func (g *group) why() string {
	if g.differ {
		return g.text + ", …"
	}
	return g.text
}

// causes is alike for partitions that stand on one line.
func causes(p *penstock.PartitionPlan) string {
	var b strings.Builder
	for _, s := range p.Stages {
		fmt.Fprintf(&b, "%s %v %v", s.State, s.Run, s.JudgeOnly)
		for _, r := range s.Reasons {
			b.WriteString(string(r.Cause))
			if r.Cause == penstock.CauseRun {
				b.WriteString(r.What) // which gate it was
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// reasons is why a partition is in its state. That a stage runs because one before it does goes
// without saying.
func reasons(p *penstock.PartitionPlan) string {
	var texts, told []string
	for _, s := range p.Stages {
		var whats []string
		for _, r := range s.Reasons {
			what := r.What
			if r.Cause == penstock.CauseRun && s.State == penstock.StateBlocked {
				what = "gate " + what
			}
			if !slices.Contains(told, what) && (r.Cause != penstock.CauseUpstream || len(s.Reasons) == 1 && !runsIn(p, what)) {
				whats, told = append(whats, what), append(told, what)
			}
		}
		if len(whats) == 0 {
			continue
		}
		text := strings.Join(whats, "; ")
		if len(p.Stages) > 1 {
			text = s.Stage + ": " + text
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 && p.State == penstock.StateMissing {
		return "never published"
	}
	return strings.Join(texts, "; ")
}

// runsIn reports whether a reason says that a stage of the same partition runs.
func runsIn(p *penstock.PartitionPlan, what string) bool {
	return slices.ContainsFunc(p.Stages, func(s penstock.StagePlan) bool { return what == s.Stage+" runs" })
}

// runsText names what would run of a partition.
func runsText(p *penstock.PartitionPlan) string {
	var names []string
	for _, s := range p.Stages {
		switch {
		case s.JudgeOnly && s.Run:
			names = append(names, "gates of "+s.Stage)
		case s.Run:
			names = append(names, s.Stage)
		}
	}
	if len(names) == 0 {
		return "-"
	}
	return strings.Join(names, ", ")
}

// planSummary says what would run, and what there is.
func (a *app) planSummary(plan *penstock.Plan, order []int, newest bool) {
	n := map[penstock.State]int{}
	for i := range plan.Partitions {
		n[plan.Partitions[i].State]++
	}
	var states []string
	for _, s := range []penstock.State{
		penstock.StateMissing, penstock.StateStale, penstock.StateFailed, penstock.StateBlocked, penstock.StateWaiting, penstock.StateCurrent,
	} {
		if n[s] > 0 {
			states = append(states, count(int64(n[s]))+" "+string(s))
		}
	}
	a.print("%s of %s: %s\n", plural(int64(len(plan.Partitions)), "partition", "partitions"), plan.Pipeline, strings.Join(states, ", "))
	if len(order) == 0 {
		a.print("nothing would run\n")
		return
	}
	first := "the oldest first"
	if newest {
		first = "the newest first"
	}
	a.print("%s would run, %s: %s\n", count(int64(len(order))), first, estimateText(plan, order))
}

// estimateText says what would be read and how long it takes, going by the past.
func estimateText(plan *penstock.Plan, order []int) string {
	var rows, bytes int64
	var took float64
	unknown := 0
	for _, i := range order {
		p := &plan.Partitions[i]
		if p.Seconds < 0 {
			unknown++
			continue
		}
		rows, bytes, took = rows+p.Rows, bytes+p.Bytes, took+p.Seconds
	}
	if unknown == len(order) {
		return "how much and how long is not known, for nothing like it was run before"
	}
	text := fmt.Sprintf("about %s, %s read, %s one after the other", plural(rows, "row", "rows"), sizeText(bytes), seconds(took))
	if unknown > 0 {
		text += fmt.Sprintf("; of %s nothing is known", plural(int64(unknown), "more", "more"))
	}
	return text
}

// sizeText writes a number of bytes for people.
func sizeText(n int64) string {
	for i := len(sizeNames) - 1; i > 0; i-- {
		if size := int64(1) << (10 * i); n >= size {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(size), sizeNames[i])
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

var sizeNames = []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
