package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/pipeline"
)

// tracedSources is how many rows that one came from are shown if nothing else is asked for, as
// text and as JSON.
const tracedSources, tracedSourcesJSON = 20, 1000

func (a *app) traceCommand() *cobra.Command {
	var o penstock.TraceOptions
	cmd := &cobra.Command{
		Use:   "trace DATASET@PARTITION",
		Short: "Which rows of the inputs the rows of a partition came from",
		Long: `Shows, for each row of a partition that is chosen, which rows of which files it came
from: file, row group, row, and the columns as they stand there. The stage that
publishes the dataset must say ` + "`lineage: rows`" + `. Where an input is a dataset that was
traced as well, it goes on to what that came from. Rows are counted from 0.

A file is read only if it is still what was read then; else what can be told without
it is told, and why its columns can't.`,
		Example: `  penstock trace warehouse/clean/month=2001-03 --where "origin == 'ORD' && delay > 700"` + "\n" +
			"  penstock trace warehouse/airports@2001-03 --where \"iata == 'BOS'\" --depth 1 -o json",
		Args: arguments(1, 1, "a dataset's partition"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := parseRef(args[0])
			if err != nil {
				return err
			}
			o.Dataset, o.Partition, o.Version = r.dataset, r.partition, r.version
			project, err := a.open(cmd.Context())
			if err != nil {
				return err
			}
			defer project.Close()
			o.Pipeline = func(m *pipeline.Manifest) (*pipeline.Pipeline, error) { return pipelineOf(cmd, project, m) }
			return a.trace(cmd, project, o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Where, "where", "", "a condition on the rows, in CEL")
	flags.Int64Var(&o.Limit, "limit", 0, "at most so many rows (default: 20 as text, all as json)")
	flags.Int64Var(&o.Sources, "sources", 0, "at most so many rows that one came from (default: 20 as text, 1000 as json)")
	flags.IntVar(&o.Depth, "depth", 0, "at most so many steps upstream (default: as far as rows were traced)")
	return cmd
}

// pipelineOf reads the pipeline file of the run that made a version, as it is now.
func pipelineOf(cmd *cobra.Command, project *penstock.Project, m *pipeline.Manifest) (*pipeline.Pipeline, error) {
	rec, err := project.RunByID(cmd.Context(), m.Run)
	if err != nil {
		return nil, err
	}
	file := findFile(project.Dir(), rec.File)
	if file == "" {
		return nil, usage("the pipeline file %q of run %s is not there", rec.File, m.Run)
	}
	return config.Load(file, config.Options{Params: m.Params, Dir: project.Dir(), Env: os.LookupEnv})
}

func (a *app) trace(cmd *cobra.Command, project *penstock.Project, o penstock.TraceOptions) error {
	asJSON := a.output == "json"
	if !asJSON && o.Limit == 0 {
		o.Limit = shownRows
	}
	if o.Sources == 0 {
		o.Sources = tracedSources
		if asJSON {
			o.Sources = tracedSourcesJSON
		}
	}
	shown := int64(0)
	chosen, err := project.Trace(cmd.Context(), o, func(r *penstock.TracedRow) error {
		shown++
		if !asJSON {
			a.print("%s", tracedText(r))
			return nil
		}
		text, err := json.Marshal(tracedJSON{r})
		if err == nil {
			a.print("%s\n", text)
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case chosen == 0:
		a.say("no row of %s meets the condition", what(o.Dataset, o.Partition))
	case shown < chosen:
		a.say("shown are the first %s of %s rows; --limit shows more", count(shown), count(chosen))
	}
	return nil
}

// tracedText is a row, and indented below it what it came from.
func tracedText(r *penstock.TracedRow) string {
	var b strings.Builder
	b.WriteString(tracedName(r) + "\n" + indented(tracedValues([]*penstock.TracedRow{r}, false), "  "))
	b.WriteString(indented(tracedFrom(r), "  "))
	return b.String()
}

// tracedFrom tells what a row came from, rows of one file together.
func tracedFrom(r *penstock.TracedRow) string {
	var b strings.Builder
	for rest := r.From; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].File == rest[0].File && rest[n].Input == rest[0].Input && leaf(rest[n]) && leaf(rest[0]) {
			n++
		}
		if n > 1 {
			b.WriteString("← " + rest[0].Input + ": " + count(int64(n)) + " rows of " + tracedFile(rest[0]) + "\n" + indented(tracedValues(rest[:n], true), "    "))
		} else {
			b.WriteString("← " + tracedName(rest[0]) + "\n" + indented(tracedValues(rest[:1], false), "    ") + indented(tracedFrom(rest[0]), "    "))
		}
		rest = rest[n:]
	}
	if r.More > 0 {
		b.WriteString("and " + count(r.More) + " more\n")
	}
	if r.Untraced != "" {
		b.WriteString("not further: " + r.Untraced + "\n")
	}
	return b.String()
}

func leaf(r *penstock.TracedRow) bool { return len(r.From) == 0 && r.Untraced == "" && r.Problem == "" }

// tracedFile is the file of a row, with the version that it is of.
func tracedFile(r *penstock.TracedRow) string {
	if r.Dataset == "" {
		return r.File
	}
	return fmt.Sprintf("%s@%s v%d %s", r.Dataset, r.Partition, r.Version, r.File[strings.LastIndexByte(r.File, '/')+1:])
}

// tracedName says where a row is.
func tracedName(r *penstock.TracedRow) string {
	name := tracedFile(r) + ": "
	if r.Input != "" {
		name = r.Input + ": " + name
	}
	if r.RowGroup >= 0 {
		name += fmt.Sprintf("row group %d, ", r.RowGroup)
	}
	if r.Row < 0 {
		return name + "a row of unknown place"
	}
	return name + "row " + count(r.Row)
}

// tracedValues is a table of the columns of rows, or why there is none.
func tracedValues(rows []*penstock.TracedRow, places bool) string {
	if rows[0].Problem != "" {
		return rows[0].Problem + "\n"
	}
	if rows[0].Values == nil {
		return ""
	}
	schema := rows[0].Values.Schema()
	head, right := pipeline.ColumnNames(schema), alignment(schema)
	var cells [][]string
	for _, r := range rows {
		row := rowText(r.Values, 0)
		if places {
			row = append([]string{tracedGroup(r), count(r.Row)}, row...)
		}
		cells = append(cells, row)
	}
	if places {
		head, right = append([]string{"row group", "row"}, head...), "rr"+right
	}
	return table(right, append([][]string{head}, cells...))
}

func tracedGroup(r *penstock.TracedRow) string {
	if r.RowGroup < 0 {
		return ""
	}
	return fmt.Sprint(r.RowGroup)
}

func indented(text, by string) string {
	if text == "" {
		return ""
	}
	return by + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+by) + "\n"
}

// tracedJSON is a row as an object.
type tracedJSON struct{ *penstock.TracedRow }

// MarshalJSON implements json.Marshaler.
func (t tracedJSON) MarshalJSON() ([]byte, error) {
	o := struct {
		Input     string          `json:"input,omitempty"`
		Dataset   string          `json:"dataset,omitempty"`
		Partition string          `json:"partition,omitempty"`
		Version   int64           `json:"version,omitempty"`
		File      string          `json:"file"`
		RowGroup  *int            `json:"row_group,omitempty"`
		Row       *int64          `json:"row,omitempty"`
		Values    json.RawMessage `json:"values,omitempty"`
		Problem   string          `json:"problem,omitempty"`
		From      []tracedJSON    `json:"from,omitempty"`
		More      int64           `json:"more,omitempty"`
		Untraced  string          `json:"untraced,omitempty"`
	}{
		Input: t.Input, Dataset: t.Dataset, Partition: t.Partition, Version: t.Version, File: t.File,
		Problem: t.Problem, More: t.More, Untraced: t.Untraced,
	}
	if t.RowGroup >= 0 {
		o.RowGroup = &t.RowGroup
	}
	if t.Row >= 0 {
		o.Row = &t.Row
	}
	var err error
	if t.Values != nil {
		o.Values, err = rowJSON(t.Values, 0)
	}
	for _, f := range t.From {
		o.From = append(o.From, tracedJSON{f})
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(o)
}
