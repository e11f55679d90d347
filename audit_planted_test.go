package penstock_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/lineage/audit"
	"github.com/penstock-data/penstock/pipeline"
)

// What is put where readers look, without a run, is found by both ways of verifying; what tools
// leave, and readers don't look at, is no problem.
func TestVerifyFindsWhatIsPlanted(t *testing.T) {
	x := newPast(t, penstock.Options{})
	data := filepath.Join(x.dir, "out/clean/key=a/part-0.jsonl")
	text, err := os.ReadFile(data)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(x.dir, "out/clean/.DS_Store"), text)
	x.sound(t)
	for _, name := range []string{"out/clean/key=z/part-0.jsonl", "out/clean/part-0.jsonl", "out/sums/key=a.copy/_manifest.json"} {
		writeFile(t, filepath.Join(x.dir, name), text)
	}
	held := filepath.Join(x.dir, "out/.penstock/datasets/clean/held")
	copyAll(t, filepath.Join(held, "key=c."+x.latest), filepath.Join(held, "key=c.20200101T000000-abcdef"))
	all := []string{"out/.penstock/datasets/clean/held/key=c.20200101T000000-abcdef", "out/clean/key=z", "out/clean/part-0.jsonl", "out/sums/key=a.copy"}
	var found []string
	for _, p := range x.verify(t, audit.Options{}) {
		found = append(found, p.Path)
	}
	slices.Sort(found)
	if !slices.Equal(found, all) {
		t.Errorf("audit verify found %q, want %q", found, all)
	}
	x.with(t, func(p *penstock.Project) {
		r, err := p.Verify(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		found = nil
		for _, p := range r.Problems {
			found = append(found, p.Path)
		}
		if !slices.Equal(found, all) {
			t.Errorf("verify found %q, want %q", found, all)
		}
	})
}

// archive runs another pipeline of the project.
func (x *past) archive(t *testing.T) {
	t.Helper()
	text := strings.NewReplacer("name: past", "name: archive", "out/", "arch/").Replace(pastText)
	pl, err := config.Parse("archive.yaml", []byte(text), config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	x.write(t, "a", 1, 2)
	x.with(t, func(p *penstock.Project) {
		if rec, err := p.Run(t.Context(), pl, "a"); err != nil || rec.Status != pipeline.Published {
			t.Fatal(rec, err)
		}
	})
}

// again runs the pipeline of the project, and gives the run's id.
func (x *past) again(t *testing.T) (run string) {
	t.Helper()
	x.with(t, func(p *penstock.Project) {
		x.write(t, "a", 1, 2)
		run = x.run(t, p, "a", pipeline.Published).Run
	})
	return run
}

// unchain makes the project one of a penstock that kept no chains.
func (x *past) unchain(t *testing.T, more ...string) {
	t.Helper()
	x.keepNoTexts(t)
	for _, name := range append(x.chains(), more...) {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

// A project that is older than its chains holds once anything was run in it, also if some
// datasets never are again.
func TestChainsBeginOfDatasetsThatAreNotRunAgain(t *testing.T) {
	x := newPast(t, penstock.Options{})
	x.archive(t)
	x.keepNoTexts(t)
	x.unchain(t, audit.Path(x.dir, "arch/clean"), audit.Path(x.dir, "arch/sums"))
	x.again(t)
	r := x.holds(t, audit.Options{})
	if len(r.Chains) != 5 {
		t.Errorf("there are %d chains", len(r.Chains))
	}
	if err := os.Remove(audit.Path(x.dir, "arch/clean")); err != nil {
		t.Fatal(err)
	}
	if wrong := x.verify(t, audit.Options{}); len(wrong) == 0 || !strings.Contains(wrong[0].What, "is gone") {
		t.Error("a chain that began with the project's is gone:", wrong)
	}
}

// Where the chains began and left some datasets out, that is said, and is no problem. In a
// project that always had chains it is one.
func TestDatasetsThatNoChainWasBegunOf(t *testing.T) {
	x := newPast(t, penstock.Options{})
	x.archive(t)
	away := filepath.Join(t.TempDir(), "arch")
	if err := os.Rename(filepath.Join(x.dir, "arch"), away); err != nil {
		t.Fatal(err)
	}
	for _, dataset := range []string{"clean", "sums"} {
		if err := os.Remove(filepath.Join(away, ".penstock/datasets", dataset, audit.FileName)); err != nil {
			t.Fatal(err)
		}
	}
	x.keepNoTexts(t)
	x.unchain(t)
	x.again(t)
	if err := os.Rename(away, filepath.Join(x.dir, "arch")); err != nil {
		t.Fatal(err)
	}
	if r := x.holds(t, audit.Options{}); len(r.Notes) != 2 || !strings.HasPrefix(r.Notes[0], "there is no chain of arch/clean") {
		t.Error(r.Notes)
	}
}
