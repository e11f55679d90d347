package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/lineage"
	"github.com/penstock-data/penstock/pipeline"
)

func (a *app) blameCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "blame DATASET[@PARTITION].COLUMN",
		Short: "Where a column comes from, up to files, and since when it is made so",
		Example: "  penstock blame warehouse/airports.mean_delay\n" +
			"  penstock blame warehouse/airports@2001-03.mean_delay",
		Args: arguments(1, 1, "a column of a dataset"),
		RunE: func(cmd *cobra.Command, args []string) error {
			project, err := a.open(cmd.Context())
			if err != nil {
				return err
			}
			defer project.Close()
			b, err := a.blamed(cmd, project, args[0])
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(b)
			}
			a.printBlame(b)
			return nil
		},
	}
}

// blamed finds the column that an argument names. Datasets, partitions and columns may have
// points in their names: what is published decides where to cut.
func (a *app) blamed(cmd *cobra.Command, project *penstock.Project, name string) (*lineage.ColumnBlame, error) {
	known, err := project.Datasets(cmd.Context())
	if err != nil {
		return nil, err
	}
	var last error
	for i := range name {
		if name[i] != '.' || i == 0 {
			continue
		}
		ref, err := parseRef(name[:i])
		if err != nil || !slices.Contains(known, ref.dataset) {
			continue
		}
		b, err := project.Blame(cmd.Context(), ref.dataset, ref.partition, ref.version, name[i+1:])
		if err == nil {
			return b, nil
		}
		last = err
	}
	if last != nil {
		return nil, last
	}
	if ref, err := parseRef(name); err == nil && slices.Contains(known, ref.dataset) {
		return nil, usage("%q names no column; write it like \"%s.COLUMN\"", name, name)
	}
	dataset, _, ok := strings.Cut(name, ".")
	if !ok {
		dataset = name
	}
	return nil, a.notPublished(cmd, project, dataset)
}

func (a *app) printBlame(b *lineage.ColumnBlame) {
	a.print("%s@%s.%s version %d\n", b.Dataset, b.Partition, b.Column, b.Version)
	a.printDefinition(b, "  ")
	a.printOrigins(b.From, "  ")
}

// printDefinition says how a column is made, and since when.
func (a *app) printDefinition(b *lineage.ColumnBlame, indent string) {
	say := func(what, format string, args ...any) {
		a.print("%s%-7s %s\n", indent, what, fmt.Sprintf(format, args...))
	}
	say("made", "%s", madeText(b))
	if len(b.Tags) > 0 {
		say("tags", "%s", strings.Join(b.Tags, ", "))
	}
	for _, u := range b.Untagged {
		say("untag", "%s, by %s: %s", u.Tag, u.By, u.Reason)
	}
	if len(b.RowsBy) > 0 || b.RowsUnknown != "" {
		say("rows", "%s", rowsText(b))
	}
	s := b.Since
	when := fmt.Sprintf("version %d", s.Version)
	if s.Oldest {
		when += ", the oldest on record"
	}
	commit := ""
	if s.Commit != "" {
		commit = fmt.Sprintf(", commit %.12s", s.Commit)
	}
	say("since", "%s: %s by %s, run %s, code %.12s%s", when, s.Published.Local().Format(time.DateTime), s.Actor, s.Run, s.Code, commit)
}

func madeText(b *lineage.ColumnBlame) string {
	switch {
	case b.Unknown != "":
		return "unknown: " + b.Unknown
	case len(b.By) == 0:
		return fmt.Sprintf("by stage %s of pipeline %s, which hands it on", b.Stage, b.Pipeline)
	}
	var steps []string
	for _, step := range b.By {
		steps = append(steps, fmt.Sprintf("%s (stage %s)", step.How, step.Stage))
	}
	return fmt.Sprintf("by %s of pipeline %s", strings.Join(steps, ", then "), b.Pipeline)
}

func (a *app) printOrigins(all []lineage.BlamedOrigin, indent string) {
	for i, o := range all {
		branch, below := "├─ ", "│  "
		if i == len(all)-1 {
			branch, below = "└─ ", "   "
		}
		a.print("%s%s%s.%s (%s)%s\n", indent, branch, o.Input, o.Column, o.How, whereFrom(o))
		if o.Blame != nil {
			a.printDefinition(o.Blame, indent+below)
			a.printOrigins(o.Blame.From, indent+below)
		}
	}
}

// whereFrom says which version, or which files, an input is.
func whereFrom(o lineage.BlamedOrigin) string {
	switch {
	case o.Dataset != "":
		text := fmt.Sprintf("  %s@%s version %d", o.Dataset, o.Partition, o.Version)
		if o.Partitions > 1 {
			text += fmt.Sprintf(", the last of %d partitions", o.Partitions)
		}
		if o.Seen {
			return text + " (see above)"
		}
		if o.Blame == nil {
			return text + ", whose manifest is gone"
		}
		return text
	case len(o.Files) > 0:
		return "  " + pipeline.Several(o.Files)
	}
	return "  " + o.Source
}

// rowsText names the columns that decide the rows, by what they do.
func rowsText(b *lineage.ColumnBlame) string {
	var parts []string
	for _, how := range []pipeline.Way{
		pipeline.Filtered, pipeline.Joined, pipeline.GroupedBy, pipeline.SortedBy, pipeline.Windowed, pipeline.Conditional,
	} {
		var names []string
		for _, o := range b.RowsBy {
			if o.How == how {
				names = append(names, o.Input+"."+o.Column)
			}
		}
		if len(names) > 0 {
			parts = append(parts, fmt.Sprintf("%s by %s", wayText[how], strings.Join(names, ", ")))
		}
	}
	if b.RowsUnknown != "" {
		parts = append(parts, "not all is known: "+b.RowsUnknown)
	}
	return strings.Join(parts, "; ")
}

var wayText = map[pipeline.Way]string{
	pipeline.Filtered: "filtered", pipeline.Joined: "joined", pipeline.GroupedBy: "grouped", pipeline.SortedBy: "sorted",
	pipeline.Windowed: "windowed", pipeline.Conditional: "chosen",
}

// tagsOf are the tags of a column in brackets; empty if there are none.
func tagsOf(m *pipeline.Manifest, column string) string {
	for _, c := range m.Columns {
		if c.Column == column && len(c.Tags) > 0 {
			return " [" + strings.Join(c.Tags, ", ") + "]"
		}
	}
	return ""
}
