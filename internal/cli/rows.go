package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/pipeline"
)

// shownRows is how many rows are shown as text if nothing else is asked for.
const shownRows = 20

// showQuarantined prints quarantined rows, for people or as objects.
func (a *app) showQuarantined(cmd *cobra.Command, project *penstock.Project, q penstock.Quarantined, o penstock.QuarantinedRows) error {
	if a.output == "json" {
		return project.ShowQuarantined(cmd.Context(), q, o, func(b arrow.RecordBatch, row int) error {
			text, err := rowJSON(b, row)
			if err == nil {
				a.print("%s\n", text)
			}
			return err
		})
	}
	if o.Limit == 0 {
		o.Limit = shownRows
	}
	var rows [][]string
	right := ""
	err := project.ShowQuarantined(cmd.Context(), q, o, func(b arrow.RecordBatch, row int) error {
		if rows == nil {
			rows = append(rows, pipeline.ColumnNames(b.Schema()))
			right = alignment(b.Schema())
		}
		rows = append(rows, rowText(b, row))
		return nil
	})
	if err != nil {
		return err
	}
	if len(o.Columns) == 2 {
		a.say("no columns name the rows of %s: no gate has a unique key; --show-values shows all", q.Dataset)
	}
	a.print("%s", fitted(table(right, rows), a.width()))
	if shown := int64(len(rows) - 1); shown == o.Limit && q.Rows > shown {
		a.say("shown are the first %d rows; %s@%s has %s in quarantine: %s", shown, q.Dataset, q.Partition, count(q.Rows), brokenText(q.Rules))
	}
	return nil
}

// rowJSON is a row as an object, as the jsonl format writes it.
func rowJSON(b arrow.RecordBatch, row int) ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, f := range b.Schema().Fields() {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(quotedJSON(f.Name) + ":")
		value, err := json.Marshal(b.Column(i).GetOneForMarshal(row))
		if err != nil {
			return nil, err
		}
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

func quotedJSON(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		return strconv.Quote(s)
	}
	return string(text)
}

// rowText is a row as cells of a table.
func rowText(b arrow.RecordBatch, row int) (cells []string) {
	for _, c := range b.Columns() {
		if c.IsNull(row) {
			cells = append(cells, "null")
			continue
		}
		cells = append(cells, oneLine(c.ValueStr(row)))
	}
	return cells
}

// alignment sets numbers to the right.
func alignment(schema *arrow.Schema) string {
	var right []byte
	for _, f := range schema.Fields() {
		side := byte('l')
		if t := f.Type.ID(); arrow.IsInteger(t) || arrow.IsFloating(t) || arrow.IsDecimal(t) {
			side = 'r'
		}
		right = append(right, side)
	}
	return string(right)
}

// width is how many letters go into a line of stdout; 0: any number.
func (a *app) width() int {
	f, ok := a.stdout.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// fitted cuts lines to a width; 0 cuts none.
func fitted(text string, width int) string {
	if width <= 1 {
		return text
	}
	lines := bytes.SplitAfter([]byte(text), []byte("\n"))
	for i, line := range lines {
		if letters := []rune(string(bytes.TrimSuffix(line, []byte("\n")))); len(letters) > width {
			lines[i] = []byte(string(letters[:width-1]) + "…" + string(line[len(bytes.TrimSuffix(line, []byte("\n"))):]))
		}
	}
	return string(slices.Concat(lines...))
}
