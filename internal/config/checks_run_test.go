package config

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/pipeline"
)

// Every line that the reference of checks shows, and every example of the vocabulary, holds
// of good rows, and does not of rows that are bad for it: so none of them is vacuous. They
// are read as a pipeline file, and run by a project, after days that were published before.
func TestChecksHold(t *testing.T) {
	lines := allCheckLines(t)
	b := newBench(t)
	b.publishPast(lines)
	groups := map[string][]int{}
	for i, l := range lines {
		key := fmt.Sprint(plain(l.bad))
		if !l.alone() {
			key = "+" + key
		}
		groups[key] = append(groups[key], i)
	}
	var together [][]int
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		if strings.HasPrefix(key, "+") {
			together = append(together, groups[key])
			continue
		}
		b.expectBad(lines, groups[key])
	}
	for some := range slices.Chunk(together, 50) {
		b.expectAllBad(lines, some)
	}
	b.expectGood(lines)
}

// bench is where lines are tried.
type bench struct {
	*testing.T
	dir     string
	project *penstock.Project
	// written is what stands in the files of the sample, so that they are not written again.
	written map[string]string
}

// ofHistory says that a line asks for past partitions.
func (l checkLine) ofHistory() bool {
	for _, word := range []string{"history", "change", "band", "forecast", "no_new_values", "no_lost_values", "distribution", "drift", "files_seen"} {
		if strings.Contains(l.gate, word) {
			return true
		}
	}
	return false
}

// alone says that a line wants a run of its own for rows that are bad: because they are more
// than other rows of orders, because it names orders, or because its stage has to have an output.
func (l checkLine) alone() bool {
	if l.stages != "" || l.ofHistory() || strings.Contains(l.gate, "quarantine") {
		return true
	}
	for _, key := range l.bad.keys {
		if slices.Contains([]string{"in", "late", "more", "day", "stale", "torn"}, key.text) {
			return true
		}
	}
	for _, word := range []string{`"orders"`, "quantile", "median", "iqr", "outliers", "ks", "top", "most_common", "approx", "newest_file"} {
		if strings.Contains(l.gate, word) {
			return true
		}
	}
	return false
}

func (b *bench) publishPast(lines []checkLine) {
	b.Helper()
	var some []int
	for i, l := range lines {
		if l.ofHistory() && !strings.Contains(l.gate, "on_short_history") {
			some = append(some, i)
		}
	}
	for day := range sampleDays {
		sampleOf(day).write(b, day)
		rec := b.run(lines, some, day)
		if rec.Status != pipeline.Published {
			for _, f := range rec.Gates {
				if f.Blocks() {
					b.Errorf("day %d: %s is %s: %s, %s expected %v", day, f.Rule, f.Verdict, f.Observed, f.Expected, f.Detail)
				}
			}
			b.FailNow()
		}
	}
}

func (b *bench) expectGood(lines []checkLine) {
	b.Helper()
	var all []int
	for i := range lines {
		all = append(all, i)
	}
	sampleOf(sampleDays).write(b, sampleDays)
	rec := b.run(lines, all, sampleDays)
	for i, l := range lines {
		found := l.findings(rec, i)
		if len(found) == 0 {
			b.Errorf("%s: %s: no finding", l.at, l.name)
		}
		for _, f := range found {
			if f.Verdict != pipeline.Pass || f.RowsQuarantined > 0 {
				b.Errorf("%s: %s: on good rows it is %s: %s, %s expected %v", l.at, l.name, f.Verdict, f.Observed, f.Expected, f.Detail)
			}
		}
	}
}

func (b *bench) expectBad(lines []checkLine, some []int) {
	b.Helper()
	day := sampleDays
	if on := lines[some[0]].bad.get("day"); on != nil {
		day, _ = strconv.Atoi(on.text)
	}
	s := sampleOf(day)
	if err := s.spoil(lines[some[0]].bad); err != nil {
		b.Fatalf("%s: %v", lines[some[0]].at, err)
	}
	s.write(b, day)
	b.judgeBad(lines, some, b.run(lines, some, day))
}

// expectAllBad tries groups of lines in one run, each in a stage of its own, of orders that
// are bad for it.
func (b *bench) expectAllBad(lines []checkLine, groups [][]int) {
	b.Helper()
	sampleOf(sampleDays).write(b, sampleDays)
	sources, stages := sourcesText(), "stages:\n"
	for i, some := range groups {
		s := sampleOf(sampleDays)
		if err := s.spoil(lines[some[0]].bad); err != nil {
			b.Fatalf("%s: %v", lines[some[0]].at, err)
		}
		name := fmt.Sprintf("bad%d", i)
		b.writeParquet(filepath.Join(b.dir, name+".parquet"), s.columns["orders"], s.rows["orders"], sampleDay(sampleDays))
		sources += fmt.Sprintf("  %s: {parquet: %s.parquet}\n", name, name)
		stages += fmt.Sprintf("  in_%s:\n    from: %s\n    gates:\n", name, name)
		for _, i := range some {
			stages += lines[i].item(i)
		}
	}
	rec := b.runText(sources+stages, sampleDays)
	for _, some := range groups {
		b.judgeBad(lines, some, rec)
	}
}

// judgeBad looks at what a run says of lines whose rows are bad.
func (b *bench) judgeBad(lines []checkLine, some []int, rec *pipeline.RunRecord) {
	b.Helper()
	for _, i := range some {
		l := lines[i]
		ok := false
		var said []string
		for _, f := range l.findings(rec, i) {
			ok = ok || string(f.Verdict) == l.gives || l.gives == "quarantine" && f.RowsQuarantined > 0
			said = append(said, fmt.Sprintf("%s: %s, %s expected %v", f.Verdict, f.Observed, f.Expected, f.Detail))
		}
		if !ok {
			b.Errorf("%s: %s: bad rows (%v) should give %s: %s", l.at, l.name, plain(l.bad), l.gives, strings.Join(said, "; "))
		}
	}
}

// findings are those of a line.
func (l checkLine) findings(rec *pipeline.RunRecord, i int) (all []pipeline.Finding) {
	name := fmt.Sprintf("l%d", i)
	for _, f := range rec.Gates {
		if f.Name == name || strings.HasPrefix(f.Name, name+"_") || slices.Contains(l.stagesNamed, f.Stage) {
			all = append(all, f)
		}
	}
	return all
}

// run runs a pipeline file that has some of the lines.
func (b *bench) run(lines []checkLine, some []int, day int) *pipeline.RunRecord {
	b.Helper()
	return b.runText(pipelineOf(lines, some), day)
}

func (b *bench) runText(text string, day int) *pipeline.RunRecord {
	b.Helper()
	p, err := Parse("checks.yaml", []byte(text), Options{})
	if err != nil {
		b.Fatalf("%v\n%s", err, numbered(text))
	}
	rec, err := b.project.Run(b.Context(), p, sampleDay(day).Format(time.DateOnly))
	if err != nil {
		b.Fatalf("day %d: %v\n%s", day, err, numbered(text))
	}
	return rec
}

func numbered(text string) string {
	var out strings.Builder
	for i, line := range strings.Split(text, "\n") {
		fmt.Fprintf(&out, "%4d %s\n", i+1, line)
	}
	return out.String()
}

// pipelineOf is a pipeline file: a stage of all lines that are gates of the orders, another
// of those that put rows aside, and the stages of others.
func pipelineOf(lines []checkLine, some []int) string {
	var judged, sifted, stages strings.Builder
	for _, i := range some {
		l := lines[i]
		if l.stages != "" {
			for _, line := range strings.Split(strings.TrimRight(l.stages, "\n"), "\n") {
				stages.WriteString("  " + line + "\n")
			}
			continue
		}
		to := &judged
		if strings.Contains(l.gate, "else: quarantine") {
			to = &sifted
		}
		to.WriteString(l.item(i))
	}
	var out strings.Builder
	out.WriteString(sourcesText() + "stages:\n")
	for name, gates := range map[string]string{"judged": judged.String(), "sifted": sifted.String()} {
		if gates != "" {
			fmt.Fprintf(&out, "  %s:\n    from: orders\n    gates:\n%s    output: {parquet: out/%s}\n", name, gates, name)
		}
	}
	return out.String() + stages.String()
}

// item is a line as an item of gates, with a name by which it is found again.
func (l checkLine) item(i int) string {
	return fmt.Sprintf("      - {name: l%d, %s\n", i, strings.TrimPrefix(l.gate, "{"))
}

// sourcesText is the pipeline file up to its stages.
func sourcesText() string {
	text := "name: checks\npartitions: {by: day, from: 2025-02-16, to: 2025-03-31}\nsources:\n"
	for _, name := range sourceNames() {
		text += fmt.Sprintf("  %s: {parquet: 'in/{partition}/%s*.parquet'}\n", name, name)
	}
	return text + "  feed: {csv: 'in/{partition}/feed.csv', lines: {except: '^TRL'}, schema: {id: int64, amount: float64}}\n" +
		"  trailer: {csv: 'in/{partition}/feed.csv', header: false, lines: {only: '^TRL'}, schema: {kind: string, orders: int64}}\n"
}

func sourceNames() []string {
	return append([]string{"orders", "ledger"}, slices.Sorted(maps.Keys(sampleInputs))...)
}
