package audit

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// columns are those of the CSV file, and how a row has them.
var columns = []struct {
	name string
	of   func(*Row) string
}{
	{"time", func(r *Row) string { return moment(r.Time) }},
	{"act", func(r *Row) string { return string(r.Act) }},
	{"run", func(r *Row) string { return r.Run }},
	{"pipeline", func(r *Row) string { return r.Pipeline }},
	{"partition", func(r *Row) string { return r.Partition }},
	{"status", func(r *Row) string { return r.Status }},
	{"actor", func(r *Row) string { return r.Actor }},
	{"reason", func(r *Row) string { return r.Reason }},
	{"until", func(r *Row) string { return moment(r.Until) }},
	{"command", func(r *Row) string { return r.Command }},
	{"commit", func(r *Row) string { return r.Commit }},
	{"penstock", func(r *Row) string { return r.Penstock }},
	{"code", func(r *Row) string { return lines(r.Code) }},
	{"params", func(r *Row) string { return lines(r.Params) }},
	{"inputs", func(r *Row) string { return lines(r.Inputs) }},
	{"outputs", func(r *Row) string { return lines(r.Outputs) }},
	{"passed", func(r *Row) string { return strconv.Itoa(r.Passed) }},
	{"verdicts", func(r *Row) string { return lines(r.Verdicts) }},
	{"overridden", func(r *Row) string { return lines(r.Overridden) }},
	{"error", func(r *Row) string { return r.Error }},
	{"details", func(r *Row) string { return lines(r.Details) }},
	{"entry", func(r *Row) string { return strconv.FormatInt(r.Entry, 10) }},
	{"digest", func(r *Row) string { return r.Digest }},
}

func lines(all []string) string { return strings.Join(all, "\n") }

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// WriteCSV writes the rows, a line of names first. Lists have a line for each thing. What a
// spreadsheet would take for a formula begins with an apostrophe.
func (l *Ledger) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	var names []string
	for _, c := range columns {
		names = append(names, c.name)
	}
	if err := out.Write(names); err != nil {
		return err
	}
	for i := range l.Rows {
		cells := make([]string, len(columns))
		for j, c := range columns {
			cells[j] = cell(c.of(&l.Rows[i]))
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// cell keeps a text from being a formula, in each of its lines: some programs cut cells there.
func cell(text string) string {
	all := strings.Split(strings.ReplaceAll(text, "\r", " "), "\n")
	for i, line := range all {
		if line != "" && slices.Contains([]byte("=+-@\t|%"), line[0]) {
			all[i] = "'" + line
		}
	}
	return strings.Join(all, "\n")
}

// WriteJSON writes the report as one object.
func (l *Ledger) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(l)
}
