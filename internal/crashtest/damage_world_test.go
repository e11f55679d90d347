package crashtest_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/operators/csv"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

// lived is a project in which something of everything has happened, as it was when its process
// was killed, with backups of its state from before.
type lived struct {
	dir     string
	backups []string // of its state, the oldest first; the last is of the end, with the log
	days    []pipeline.Partition
	truth   answers
}

// answers are what a project says of itself.
type answers struct {
	runs     map[string]string // records, by id
	versions []string
	plan     []string
}

func daily() *pipeline.Pipeline {
	return &pipeline.Pipeline{
		Name: "daily", Partitions: pipeline.Scheme{By: pipeline.Day},
		Sources: []pipeline.NamedSource{{Name: "in", Source: csv.Files("in-{partition}.csv")}},
		Stages: []pipeline.Stage{
			{
				Name: "clean", From: []string{"in"}, Key: []string{"id"}, Output: &pipeline.Output{Path: "out/clean", Format: parquet.Format{}},
				Gates: gates.Of(
					gates.Rule{Name: "positive", Check: gates.Rows("amount > 0"), Else: gates.Quarantine},
					gates.Rule{Name: "enough", Check: gates.Expect("rows() > 1")},
				),
			},
			{Name: "copy", From: []string{"clean"}, Output: &pipeline.Output{Path: "out/copy", Format: csv.Format{}}},
			{Name: "found", From: []string{"in"}, Output: &pipeline.Output{Path: "out/found", Format: csv.Format{}, Always: true}},
		},
	}
}

func openProject(t *testing.T, dir string, anew bool) (*penstock.Project, error) {
	t.Helper()
	return penstock.Open(t.Context(), dir, penstock.Options{Actor: "tester", Workers: 1, Memory: 256 << 20, Anew: anew})
}

// live makes a project in which partitions were published once and again, blocked and held,
// approved of, and released from quarantine.
func live(t *testing.T) *lived {
	t.Helper()
	x := &lived{dir: t.TempDir()}
	p, err := openProject(t, x.dir, false)
	must(t, err)
	for d := 1; d <= 6; d++ {
		part, err := daily().Partitions.Parse(fmt.Sprintf("2026-01-0%d", d))
		must(t, err)
		x.days = append(x.days, part)
	}
	for _, step := range []struct{ day, rows string }{
		{"2026-01-01", "1,5\n2,6\n"},
		{"2026-01-02", "1,5\n2,6\n"},
		{"2026-01-03", "1,5\n2,6\n3,7\n"},
		{"", ""},
		{"2026-01-02", "1,5\n2,7\n"},
		{"2026-01-02", "1,5\n2,8\n"},
		{"2026-01-03", "1,9\n"},
		{"", ""},
		{"2026-01-04", "1,5\n"},
		{"2026-01-05", "1,5\n2,-1\n3,-2\n4,8\n"},
		{"2026-01-01", "1,5\n2,6\n"},
		{"2026-01-04", "1,5\n"}, // what was approved of goes on downstream
	} {
		if step.day == "" {
			x.backups = append(x.backups, backup(t, x.dir))
			continue
		}
		must(t, os.WriteFile(filepath.Join(x.dir, "in-"+step.day+".csv"), []byte("id,amount\n"+step.rows), 0o644))
		rec, err := p.Run(t.Context(), daily(), step.day)
		must(t, err)
		switch {
		case rec.Status == pipeline.Blocked && step.day == "2026-01-04":
			_, err = p.Approve(t.Context(), rec.Run, penstock.Approve{Gates: []string{"clean/enough"}, Reason: "a holiday"})
		case step.day == "2026-01-05":
			_, err = p.Release(t.Context(), daily(), penstock.ReleaseOptions{Stage: "clean", Partition: step.day, Waive: []string{"positive"}, Reason: "refunds"})
		}
		must(t, err)
	}
	x.backups = append(x.backups, backup(t, x.dir))
	x.truth = x.ask(t, p)
	must(t, p.Close())
	return x
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// backup copies the state of a project, as it is while somebody uses it.
func backup(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	must(t, copyTree(filepath.Join(dir, penstock.StateDir), to, copyFile))
	return to
}

// copyTree makes the directories of a tree anew, and each file by put.
func copyTree(from, to string, put func(from, to string) error) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		return put(path, filepath.Join(to, rel))
	})
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o644)
}

// again gives a copy of the project with the state of one of the backups. Its other files are
// never written to, so they are the same files.
func (x *lived) again(t *testing.T, state string) string {
	t.Helper()
	dir := t.TempDir()
	must(t, copyTree(x.dir, dir, func(from, to string) error {
		if strings.HasPrefix(from, filepath.Join(x.dir, penstock.StateDir)) {
			return nil
		}
		return os.Link(from, to)
	}))
	must(t, os.RemoveAll(filepath.Join(dir, penstock.StateDir)))
	must(t, copyTree(state, filepath.Join(dir, penstock.StateDir), copyFile))
	return dir
}

// ask asks all that the index is asked. An error ends the test.
func (x *lived) ask(t *testing.T, p *penstock.Project) answers {
	t.Helper()
	a, err := x.tryAsk(t, p)
	must(t, err)
	return a
}

func (x *lived) tryAsk(t *testing.T, p *penstock.Project) (a answers, err error) {
	t.Helper()
	runs, err := p.Runs(t.Context(), penstock.RunFilter{Limit: 1000})
	if err != nil {
		return a, err
	}
	a.runs = map[string]string{}
	for _, r := range runs {
		a.runs[r.Run] = text(t, r)
	}
	versions, err := p.Versions(t.Context(), "", "")
	if err != nil {
		return a, err
	}
	for _, m := range versions {
		a.versions = append(a.versions, text(t, m))
	}
	plan, err := p.Plan(t.Context(), daily(), x.days, penstock.PlanOptions{})
	if err != nil {
		return a, err
	}
	for _, part := range plan.Partitions {
		a.plan = append(a.plan, part.Name+" "+text(t, part.Stages))
	}
	return a, nil
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	must(t, err)
	return string(b)
}
