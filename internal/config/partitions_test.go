package config

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestCalendarFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("days.txt", "# what the exchange says\r\n2026-01-05\r\n\r\n2026-01-02 # half a day\n")
	write("bad.txt", "2026-01-05\n2026-01-5\n2026-02-30")
	write("none.txt", "# nothing\n")
	parse := func(name, file string) (string, error) {
		text := fmt.Sprintf("name: p\npartitions: {by: day, calendar: {file: %s}, from: 2026-01-01, to: 2026-01-31}\nsources:\n  s: {csv: a.csv}\nstages:\n  a: {from: s}\n", file)
		p, err := Parse(name, []byte(text), Options{Dir: dir})
		if err != nil {
			return "", err
		}
		parts, err := p.Partitions.Range("", "")
		return fmt.Sprint(parts), err
	}
	if got, err := parse("pipelines/p.yaml", "days.txt"); err != nil || got != "[2026-01-02 2026-01-05]" {
		t.Errorf("got %s, %v", got, err)
	}
	for file, want := range map[string]string{
		"bad.txt":  "bad.txt:2:1: calendar: partition \"2026-01-5\" is not a day; write it like 2026-01-05\nbad.txt:3:1: calendar: partition \"2026-02-30\" is not a day; write it like 2026-01-05",
		"none.txt": "p.yaml:2:14: partitions: calendar: the list is empty",
		".":        "p.yaml:2:40: calendar: .: is no regular file",
	} {
		if _, err := parse("p.yaml", file); fmt.Sprint(err) != want {
			t.Errorf("%s: got %v\nwant %s", file, err, want)
		}
	}
}

// What is written in short is the same as in full.
func TestWindowsOfThePast(t *testing.T) {
	text := `name: p
partitions: {by: day, timezone: America/New_York, lookback: 3}
sources:
  s: {csv: a.csv}
stages:
  clean: {from: s, output: {parquet: w/clean}}
  week: {from: {clean: {last: 7, missing: skip}}}
  again: {from: [{clean: {last: 7, missing: skip}}, {c: {stage: clean, last: 7}}]}
  totals:
    from: {clean: clean, before: {stage: totals, offset: -1, missing: skip, schema: {n: int64}}}
    operators: [{sql: 'SELECT 1 AS n FROM clean, before'}]
    output: {parquet: w/totals}
`
	p, err := Parse("p.yaml", []byte(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintln(p.Lookback, p.Partitions.Zone)
	for _, s := range p.Sources {
		got += fmt.Sprintf("%s: %s\n", s.Name, s.Source)
	}
	for _, s := range p.Stages {
		got += fmt.Sprintf("%s from %q %v\n", s.Name, s.From, s.Operators)
	}
	if want := `3 America/New_York
s: csv a.csv
clean-last-7-before: dataset w/clean last 6 offset -1 missing skip
clean-last-7-2-before: dataset w/clean last 6 offset -1
totals-offset-1: dataset w/totals offset -1 missing skip schema n int64
clean from ["s"] []
week from ["clean-last-7"] []
again from ["clean-last-7" "clean-last-7-2"] []
totals from ["clean" "totals-offset-1"] [sql over clean, before:
SELECT 1 AS n FROM clean, before]
clean-last-7 from ["clean-last-7-before" "clean"] [union]
clean-last-7-2 from ["clean-last-7-2-before" "clean"] [union]
`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
