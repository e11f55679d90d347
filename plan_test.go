package penstock

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/pipeline"
)

// planned is a project with a pipeline of two stages over a file a day.
type planned struct {
	t    *testing.T
	dir  string
	text string
	p    *Project
}

const plannedText = `name: days
partitions: {by: day, from: 2001-01-01, to: 2001-01-04}
params: {least: "1"}
sources:
  raw: {csv: 'raw/{partition}.csv', schema: {id: int64, v: int64}}
stages:
  clean:
    from: raw
    operators: [{filter: 'v >= 0'}]
    gates:
      - {name: enough, expect: 'rows() >= ${least}'}
    output: {parquet: out/clean}
  sums:
    from: clean
    tags: [report]
    operators: [{aggregate: {columns: {total: sum(v)}}}]
    gates:
      - {name: one, expect: 'rows() == 1'}
    output: {parquet: out/sums}
`

func newPlanned(t *testing.T) *planned {
	x := &planned{t: t, dir: t.TempDir(), text: plannedText}
	if err := os.Mkdir(filepath.Join(x.dir, "raw"), 0o755); err != nil {
		t.Fatal(err)
	}
	for day := 1; day <= 4; day++ {
		x.write(day, "1,10", "2,20")
	}
	x.open()
	return x
}

func (x *planned) open() {
	x.t.Helper()
	p, err := Open(context.Background(), x.dir, Options{Workers: 1, Actor: "test"})
	if err != nil {
		x.t.Fatal(err)
	}
	x.p = p
	x.t.Cleanup(func() { p.Close() })
}

// write writes the rows of a day; a lone row is too little for nothing.
func (x *planned) write(day int, rows ...string) {
	x.t.Helper()
	text := "id,v\n" + strings.Join(rows, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(x.dir, "raw", fmt.Sprintf("2001-01-%02d.csv", day)), []byte(text), 0o644); err != nil {
		x.t.Fatal(err)
	}
}

func (x *planned) pipeline(params ...string) *pipeline.Pipeline {
	x.t.Helper()
	o := config.Options{Params: map[string]string{}}
	for i := 0; i < len(params); i += 2 {
		o.Params[params[i]] = params[i+1]
	}
	pl, err := config.Parse("days.yaml", []byte(x.text), o)
	if err != nil {
		x.t.Fatal(err)
	}
	return pl
}

func (x *planned) plan(pl *pipeline.Pipeline, o PlanOptions) *Plan {
	x.t.Helper()
	parts, err := pl.Partitions.Range("", "")
	if err != nil {
		x.t.Fatal(err)
	}
	plan, err := x.p.Plan(context.Background(), pl, parts, o)
	if err != nil {
		x.t.Fatal(err)
	}
	return plan
}

// runAll runs every partition.
func (x *planned) runAll(pl *pipeline.Pipeline) {
	x.t.Helper()
	parts, err := pl.Partitions.Range("", "")
	if err != nil {
		x.t.Fatal(err)
	}
	for _, part := range parts {
		if _, err := x.p.Run(context.Background(), pl, part.String()); err != nil {
			x.t.Fatal(err)
		}
	}
}

// text is a plan in lines: "2001-01-01 clean missing run; …".
func text(plan *Plan) string {
	var lines []string
	for _, part := range plan.Partitions {
		line := part.Name
		for _, s := range part.Stages {
			line += fmt.Sprintf(" | %s %s", s.Stage, s.State)
			if s.Run {
				line += " run"
			}
			if s.JudgeOnly {
				line += " judge"
			}
			for _, r := range s.Reasons {
				line += fmt.Sprintf(" (%s: %s)", r.Cause, r.What)
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func (x *planned) want(plan *Plan, lines ...string) {
	x.t.Helper()
	if got := text(plan); got != strings.Join(lines, "\n") {
		x.t.Errorf("plan is\n%s\nwant\n%s", got, strings.Join(lines, "\n"))
	}
}

func TestPlanTellsWhatIsStaleAndWhy(t *testing.T) {
	x := newPlanned(t)
	pl := x.pipeline()
	missing := " | clean missing run | sums missing run (upstream: clean runs)"
	x.want(x.plan(pl, PlanOptions{}), "2001-01-01"+missing, "2001-01-02"+missing, "2001-01-03"+missing, "2001-01-04"+missing)

	x.write(3)
	x.runAll(pl)
	current := " | clean current | sums current"
	blocked := " | clean blocked (run: clean/enough) | sums waiting (needs: clean is blocked)"
	x.want(x.plan(pl, PlanOptions{}), "2001-01-01"+current, "2001-01-02"+current, "2001-01-03"+blocked, "2001-01-04"+current)

	// Late data, a file that was only touched, one that is gone, and one that is no more empty.
	x.write(1, "1,10", "2,20", "3,30")
	x.write(2, "1,10", "2,20")
	x.write(3, "1,1")
	if err := os.Remove(filepath.Join(x.dir, "raw", "2001-01-04.csv")); err != nil {
		t.Fatal(err)
	}
	x.want(x.plan(pl, PlanOptions{}),
		"2001-01-01 | clean stale run (late: raw/2001-01-01.csv had 15 bytes, and has 20) | sums stale run (upstream: clean runs)",
		"2001-01-02"+current,
		"2001-01-03 | clean missing run (late: raw/2001-01-03.csv had 6 bytes, and has 9) | sums missing run (upstream: clean runs)",
		"2001-01-04 | clean stale run (late: raw/2001-01-04.csv is gone) | sums stale run (upstream: clean runs)",
	)
}

func TestPlanTellsWhatWasChangedInThePipeline(t *testing.T) {
	x := newPlanned(t)
	x.runAll(x.pipeline())
	four := func(line string) (all []string) {
		for day := 1; day <= 4; day++ {
			all = append(all, fmt.Sprintf("2001-01-%02d", day)+line)
		}
		return all
	}
	x.want(x.plan(x.pipeline("least", "2"), PlanOptions{}),
		four(` | clean stale run judge (param: parameter least is "2", and was "1") | sums current`)...)
	for _, test := range []struct{ old, now, want string }{
		{"v >= 0", "v > 0", " | clean stale run (code: stage clean was changed) | sums stale run (upstream: clean runs)"},
		{"sum(v)", "max(v)", " | clean current | sums stale run (code: stage sums was changed)"},
		{"'rows() == 1'", "'rows() < 2'", " | clean current | sums stale run judge (gates: the gates of stage sums were changed)"},
		{"out/clean", "out/other", " | clean missing run | sums stale run (upstream: clean runs)"},
		{"v: int64}", "v: float64}", " | clean stale run (code: source raw reads something else) | sums stale run (upstream: clean runs)"},
	} {
		x.text = strings.Replace(plannedText, test.old, test.now, 1)
		x.want(x.plan(x.pipeline(), PlanOptions{}), four(test.want)...)
	}
}

func TestPlanSelects(t *testing.T) {
	x := newPlanned(t)
	x.runAll(x.pipeline())
	x.write(2, "1,1")
	x.text = strings.Replace(plannedText, "sum(v)", "max(v)", 1)
	pl := x.pipeline()
	sums := " (code: stage sums was changed)"
	late := "(late: raw/2001-01-02.csv had 15 bytes, and has 9)"
	for _, test := range []struct {
		options PlanOptions
		second  string // of the partition that has late data
	}{
		{PlanOptions{}, " | clean stale run " + late + " | sums stale run" + sums + " (upstream: clean runs)"},
		{PlanOptions{Select: []string{"sums"}}, " | clean stale " + late + " | sums stale run" + sums},
		{PlanOptions{Select: []string{"clean"}}, " | clean stale run " + late + " | sums stale" + sums + " (upstream: clean runs)"},
		{PlanOptions{Select: []string{"clean+"}, Exclude: []string{"tag:report"}}, " | clean stale run " + late + " | sums stale" + sums + " (upstream: clean runs)"},
		{PlanOptions{Select: []string{"clean,state:stale"}}, " | clean stale run " + late + " | sums stale" + sums + " (upstream: clean runs)"},
		{PlanOptions{Missing: true}, " | clean stale " + late + " | sums stale" + sums},
		{PlanOptions{Force: true, Select: []string{"clean"}}, " | clean stale run " + late + " (forced: asked for) | sums stale" + sums + " (upstream: clean runs)"},
	} {
		plan := x.plan(pl, test.options)
		if got := strings.Split(text(plan), "\n")[1]; got != "2001-01-02"+test.second {
			t.Errorf("%+v: %s\nwant 2001-01-02%s", test.options, got, test.second)
		}
	}
	_, err := x.p.Plan(context.Background(), pl, nil, PlanOptions{Select: []string{"clear"}})
	if err == nil || !strings.Contains(err.Error(), `unknown stage "clear"; did you mean "clean"?`) {
		t.Errorf("an unknown stage is selected: %v", err)
	}
}

func TestLateDataOutsideTheLookback(t *testing.T) {
	x := newPlanned(t)
	x.runAll(x.pipeline())
	x.write(1, "1,1")
	x.write(3, "1,1")
	pl := x.pipeline()
	pl.Lookback = 2
	late := " | clean stale run (late: raw/2001-01-03.csv had 15 bytes, and has 9) | sums stale run (upstream: clean runs)"
	current := " | clean current | sums current"
	x.want(x.plan(pl, PlanOptions{}), "2001-01-01"+current, "2001-01-02"+current, "2001-01-03"+late, "2001-01-04"+current)
}

// What the index forgot is made anew of manifests and records, and of manifests alone.
func TestPlanAfterRebuild(t *testing.T) {
	for _, lost := range []string{"state.db*", "*"} {
		x := newPlanned(t)
		pl := x.pipeline()
		x.write(4)
		x.runAll(pl)
		x.write(2, "7,1")
		want := text(x.plan(pl, PlanOptions{}))
		if lost == "*" { // and that a gate blocked it
			want = strings.Replace(want, "clean blocked (run: clean/enough) | sums waiting (needs: clean is blocked)", "clean missing run | sums missing run (upstream: clean runs)", 1)
		}
		if err := x.p.Close(); err != nil {
			t.Fatal(err)
		}
		found, err := filepath.Glob(filepath.Join(x.dir, StateDir, lost))
		if err != nil || len(found) == 0 {
			t.Fatal(found, err)
		}
		for _, path := range found {
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
		}
		x.open()
		x.want(x.plan(pl, PlanOptions{}), strings.Split(want, "\n")...)
		if _, _, err := x.p.Rebuild(context.Background()); err != nil {
			t.Fatal(err)
		}
		x.want(x.plan(pl, PlanOptions{}), strings.Split(want, "\n")...)
	}
}
