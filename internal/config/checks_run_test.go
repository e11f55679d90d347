package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/operators/parquet"
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

// sample is the rows of all sources on a day.
type sample struct {
	day     int
	columns map[string][]string
	rows    map[string][]map[string]any
	// late is how much later than usual the files of countries were written, more how many
	// further files of it there are.
	late time.Duration
	more int
	// torn is whether a row of the file with a trailer is lost.
	torn bool
}

func sampleOf(day int) *sample {
	s := &sample{day: day, columns: map[string][]string{}, rows: map[string][]map[string]any{}}
	for _, name := range []string{"orders", "ledger"} {
		s.columns[name], s.rows[name] = orderColumns(), ordersOf(day)
	}
	for name, in := range sampleInputs {
		s.columns[name], s.rows[name] = in.columns, in.rows(day)
	}
	return s
}

// spoil changes the sample as a line says: see testdata/checks/README.md.
func (s *sample) spoil(bad *node) error { return s.spoilSource("orders", bad) }

func (s *sample) spoilSource(name string, bad *node) error {
	rows := s.rows[name]
	switch bad.text {
	case "":
	case "empty":
		s.rows[name] = rows[:0]
	case "few":
		s.rows[name] = rows[:5]
	case "twice":
		s.rows[name] = append(slices.Clone(rows), rows...)
	case "reversed":
		slices.Reverse(rows)
	default:
		return fmt.Errorf("how is %q bad?", bad.text)
	}
	for i, key := range bad.keys {
		if err := s.change(name, key.text, bad.values[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *sample) change(source, what string, v *node) error {
	rows := s.rows[source]
	switch what {
	case "in":
		for i, key := range v.keys {
			if err := s.spoilSource(key.text, v.values[i]); err != nil {
				return err
			}
		}
	case "all":
		for i, key := range v.keys {
			for _, r := range rows {
				r[key.text] = s.valued(source, key.text, v.values[i])
			}
		}
	case "drop", "retype", "add", "first":
		return s.reshape(source, what, v)
	case "late":
		late, err := time.ParseDuration(v.text)
		s.late = late
		return err
	case "more":
		s.more = 1
	case "torn":
		s.torn = true
	case "day":
	case "stale":
		s.rows[source] = ordersOf(s.day - 1)
	default:
		if _, known := rows[0][what]; !known {
			return fmt.Errorf("no column %q", what)
		}
		if v.kind != sequence {
			rows[min(3, len(rows)-1)][what] = s.valued(source, what, v)
			return nil
		}
		for i, one := range v.values {
			rows[i][what] = s.valued(source, what, one)
		}
	}
	return nil
}

// valued is a value as JSON has it for a column.
func (s *sample) valued(source, column string, v *node) any {
	if v.kind != nothing && !slices.Contains([]string{"int64", "int64 not null", "float64", "bool"}, s.typeOf(source, column)) {
		return v.text
	}
	return plain(v)
}

func (s *sample) typeOf(source, column string) string {
	for _, c := range s.columns[source] {
		if name, typ, _ := strings.Cut(c, " "); name == column {
			return typ
		}
	}
	return ""
}

// reshape changes the columns.
func (s *sample) reshape(source, what string, v *node) error {
	columns := slices.Clone(s.columns[source])
	named := func(name string) int {
		return slices.IndexFunc(columns, func(c string) bool { return strings.HasPrefix(c, name+" ") })
	}
	switch what {
	case "drop":
		columns = slices.Delete(columns, named(v.text), named(v.text)+1)
	case "first":
		i := named(v.text)
		first := columns[i]
		columns = append([]string{first}, slices.Delete(columns, i, i+1)...)
	case "add":
		columns = append(columns, v.text+" string")
	case "retype":
		for i, key := range v.keys {
			columns[named(key.text)] = key.text + " " + v.values[i].text
			for _, r := range s.rows[source] {
				if text, ok := r[key.text].(string); ok && v.values[i].text == "binary" {
					r[key.text] = []byte(text)
				}
			}
		}
	}
	for _, r := range s.rows[source] {
		if what == "drop" {
			delete(r, v.text)
		}
	}
	s.columns[source] = columns
	return nil
}

// write writes the files of all sources.
func (s *sample) write(b *bench, day int) {
	b.Helper()
	in := filepath.Join(b.dir, "in", sampleDay(day).Format(time.DateOnly))
	second := filepath.Join(in, "countries-2.parquet")
	if s.more == 0 && b.written[second] != "" {
		delete(b.written, second)
		if err := os.Remove(second); err != nil {
			b.Fatal(err)
		}
	}
	if err := os.MkdirAll(in, 0o755); err != nil {
		b.Fatal(err)
	}
	b.writeFeed(filepath.Join(in, "feed.csv"), s.torn)
	written := sampleDay(day + 1).Add(2 * time.Hour)
	for name, rows := range s.rows {
		at := written
		if name == "countries" {
			at = at.Add(s.late)
		}
		b.writeParquet(filepath.Join(in, name+".parquet"), s.columns[name], rows, at)
		if name == "countries" && s.more > 0 {
			b.writeParquet(second, s.columns[name], rows, at)
		}
	}
}

// writeFeed writes a file whose last line tells how many rows it has.
func (b *bench) writeFeed(path string, torn bool) {
	b.Helper()
	text := "id,amount\n"
	for row := range sampleRows {
		if !torn || row != 3 {
			text += fmt.Sprintf("%d,%g\n", row, amountOf(row, 0))
		}
	}
	if err := os.WriteFile(path, fmt.Appendf(nil, "%sTRL,%d\n", text, sampleRows), 0o644); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) writeParquet(path string, columns []string, rows []map[string]any, at time.Time) {
	b.Helper()
	var fields []arrow.Field
	for _, c := range columns {
		name, typ, _ := strings.Cut(c, " ")
		typ, required := strings.CutSuffix(typ, " not null")
		parsed, err := pipeline.ParseType(typ)
		if err != nil {
			b.Fatal(err)
		}
		fields = append(fields, arrow.Field{Name: name, Type: parsed, Nullable: !required})
	}
	if rows == nil {
		rows = []map[string]any{}
	}
	text, err := json.Marshal(rows)
	if err != nil {
		b.Fatal(err)
	}
	same := fmt.Sprint(columns, at, string(text))
	if b.written[path] == same {
		return
	}
	b.written[path] = same
	schema := arrow.NewSchema(fields, nil)
	batch, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, bytes.NewReader(text))
	if err != nil {
		b.Fatalf("%s: %v", path, err)
	}
	defer batch.Release()
	var out bytes.Buffer
	e, err := parquet.Format{}.Create(&out, schema)
	if err != nil {
		b.Fatal(err)
	}
	if batch.NumRows() > 0 {
		chunk, err := e.Encode(b.Context(), []arrow.RecordBatch{batch})
		if err == nil {
			err = e.Append(chunk)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		b.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		b.Fatal(err)
	}
}
