package cli

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/penstock-data/penstock/internal/figures"
	"github.com/penstock-data/penstock/internal/report"
	"github.com/penstock-data/penstock/pipeline"
)

// say prints a line for people on stderr, unless they asked for quiet.
func (a *app) say(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.stderr, format+"\n", args...)
	}
}

// complain prints an error on stderr.
func (a *app) complain(err error) {
	fmt.Fprintln(a.stderr, a.errorText(err))
}

func (a *app) errorText(err error) string {
	if a.logFormat == "json" {
		text, _ := json.Marshal(map[string]any{"level": "error", "kind": pipeline.KindOf(err), "error": err.Error()})
		return string(text)
	}
	return err.Error()
}

// print writes a result on stdout.
func (a *app) print(format string, args ...any) { fmt.Fprintf(a.stdout, format, args...) }

// printJSON writes a result as one line of JSON.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false) // a rule is to be read: rows() > 1000
	return enc.Encode(v)
}

// byteSize is a flag for sizes as people write them.
type byteSize int64

var units = []struct {
	name string
	size float64
}{
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"GiB", 1 << 30},
	{"TiB", 1 << 40},
	{"KB", 1e3},
	{"MB", 1e6},
	{"GB", 1e9},
	{"TB", 1e12},
	{"B", 1},
	{"", 1},
}

func (b *byteSize) Set(s string) error {
	for _, u := range units {
		num, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(num), 64)
		if err != nil || n <= 0 || n*u.size >= 1<<62 {
			break
		}
		*b = byteSize(n * u.size)
		return nil
	}
	return fmt.Errorf("%q is not a size; write it like 512MiB or 2GiB", s)
}

func (b *byteSize) Type() string { return "size" }

func (b *byteSize) String() string {
	switch {
	case *b == 0:
		return ""
	case *b >= 1<<30:
		return fmt.Sprintf("%.1fGiB", float64(*b)/(1<<30))
	default:
		return fmt.Sprintf("%.1fMiB", float64(*b)/(1<<20))
	}
}

// Numbers are written as reports have them.
var (
	count   = figures.Count
	plural  = figures.Plural
	seconds = report.Seconds
)

// table writes rows in columns; the cells of a column in right are set to the right.
func table(right string, rows [][]string) string {
	widths := make([]int, len(right))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			pad := strings.Repeat(" ", widths[i]-len([]rune(cell)))
			if right[i] == 'r' {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}
