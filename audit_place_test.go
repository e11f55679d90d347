package penstock_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/lineage/audit"
	"github.com/penstock-data/penstock/pipeline"
)

// sound fails if either way of verifying finds something, and gives the audit's report.
func (x *past) sound(t *testing.T) *audit.Report {
	t.Helper()
	r := x.holds(t, audit.Options{})
	if len(r.Chains) != 3 || r.Versions == 0 {
		t.Fatalf("%d chains and %d versions were found", len(r.Chains), r.Versions)
	}
	x.with(t, func(p *penstock.Project) {
		v, err := p.Verify(t.Context())
		if err != nil || len(v.Problems) > 0 || v.Datasets != 2 {
			t.Fatal(v, err)
		}
		_, versions, err := p.Rebuild(t.Context())
		if err != nil || versions != r.Versions {
			t.Fatalf("rebuild found %d versions of %d: %v", versions, r.Versions, err)
		}
		if v, err := p.Verify(t.Context()); err != nil || len(v.Problems) > 0 {
			t.Fatal("after rebuild:", v, err)
		}
	})
	return r
}

func copyAll(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// A project, and what it publishes to, may be behind symbolic links.
func TestVerifyBehindLinks(t *testing.T) {
	x := newPast(t, penstock.Options{})
	real, links := x.dir, t.TempDir()
	x.dir = filepath.Join(links, "project")
	if err := os.Symlink(real, x.dir); err != nil {
		t.Fatal(err)
	}
	x.sound(t)
	if err := os.Rename(filepath.Join(real, "out"), filepath.Join(links, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(links, "elsewhere"), filepath.Join(real, "out")); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"up": "..", "again": "out", "none": "nowhere"} {
		if err := os.Symlink(to, filepath.Join(real, name)); err != nil {
			t.Fatal(err)
		}
	}
	x.sound(t)
}

// What lies in a project and is not of it is left alone: another project, and a copy of what was
// published. Of a copy it is said once that it is one.
func TestVerifyWithOthersInside(t *testing.T) {
	x := newPast(t, penstock.Options{})
	whole := filepath.Join(t.TempDir(), "whole")
	copyAll(t, x.dir, whole)
	if err := os.Rename(whole, filepath.Join(x.dir, "inner")); err != nil {
		t.Fatal(err)
	}
	if r := x.sound(t); len(r.Notes) > 0 {
		t.Error("of another project:", r.Notes)
	}
	copyAll(t, filepath.Join(x.dir, "out"), filepath.Join(x.dir, "out.bak"))
	x.with(t, func(p *penstock.Project) { // the copy is older than what it is of
		x.write(t, "a", 1, 2)
		x.run(t, p, "a", pipeline.Published)
	})
	r := x.sound(t)
	if len(r.Notes) != 2 || r.Notes[0] != "out.bak/clean is a copy of out/clean, and was not looked at" {
		t.Error(r.Notes)
	}
	// A chain put in the place of another is one problem, not one a line.
	if err := os.Rename(audit.Path(x.dir, "out/sums"), audit.Path(x.dir, "out/clean")); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, p := range x.verify(t, audit.Options{}) {
		if strings.Contains(p.What, "is of the chain of") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d problems say that the chain is another's", n)
	}
}
