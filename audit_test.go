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

// holds verifies and fails if something doesn't hold.
func (x *past) holds(t *testing.T, o audit.Options) *audit.Report {
	t.Helper()
	r, err := audit.Verify(t.Context(), x.dir, o)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Holds() {
		t.Fatal(r.Problems)
	}
	return r
}

func (x *past) chains() []string {
	return []string{audit.Path(x.dir, ""), audit.Path(x.dir, "out/clean"), audit.Path(x.dir, "out/sums")}
}

// A project of a penstock that kept no chains gets them with its next run: what is there is
// adopted, as it is, and from then on can't be changed.
func TestChainsBeginInAProjectThatHadNone(t *testing.T) {
	x := newPast(t, penstock.Options{})
	x.keepNoTexts(t)
	for _, name := range x.chains() {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	wrong := x.verify(t, audit.Options{})
	if len(wrong) != 3 || !strings.Contains(wrong[2].What, "there is no chain of the project; the next run begins one") {
		t.Fatal(wrong)
	}
	x.with(t, func(p *penstock.Project) {
		x.write(t, "a", 1, 2)
		x.run(t, p, "a", pipeline.Published)
	})
	r := x.holds(t, audit.Options{})
	for _, c := range r.Chains {
		if c.Adopted == 0 {
			t.Errorf("nothing was adopted by the chain of %q", c.Dataset)
		}
	}
	manifest := filepath.Join(x.dir, "out/.penstock/datasets/clean/versions/key=b/000002/manifest.json")
	text, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	if err := replace(manifest, []byte(strings.Replace(string(text), "a short day", "a shorn day", 1))); err != nil {
		t.Fatal(err)
	}
	if wrong := x.verify(t, audit.Options{}); len(wrong) != 1 || wrong[0].Path != "out/.penstock/datasets/clean/versions/key=b/000002/manifest.json" {
		t.Error(wrong)
	}
}

// The state of a project that is lost, or is an old one again, is told from one that never was.
func TestChainOfTheProjectThatIsLostOrOld(t *testing.T) {
	x := newPast(t, penstock.Options{})
	own := audit.Path(x.dir, "")
	old, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	again := func(v int64) {
		x.with(t, func(p *penstock.Project) {
			x.write(t, "a", 1, 2, v)
			x.run(t, p, "a", pipeline.Published)
		})
	}
	again(3)
	if err := os.WriteFile(own, old, 0o644); err != nil { // as it was in an old backup
		t.Fatal(err)
	}
	if wrong := x.verify(t, audit.Options{}); len(wrong) != 1 || !strings.Contains(wrong[0].What, "no entry of the project's chain stands for it") {
		t.Error(wrong)
	}
	if err := os.Remove(own); err != nil {
		t.Fatal(err)
	}
	again(4)
	wrong := x.verify(t, audit.Options{})
	if len(wrong) == 0 || wrong[0].Path != ".penstock/audit.jsonl" || !strings.Contains(wrong[0].What, "the one before it is gone") {
		t.Error(wrong)
	}
}

// A project that is put back as a whole, with all its chains, to what it was, holds by itself: only
// who kept the head elsewhere finds it.
func TestHeadFindsAProjectThatWasPutBack(t *testing.T) {
	x := newPast(t, penstock.Options{})
	backup := t.TempDir()
	if err := os.CopyFS(backup, os.DirFS(x.dir)); err != nil {
		t.Fatal(err)
	}
	x.with(t, func(p *penstock.Project) {
		x.write(t, "a", 1, 2, 3)
		x.run(t, p, "a", pipeline.Published)
	})
	head := x.holds(t, audit.Options{}).Head()
	x.holds(t, audit.Options{Head: head})
	x.dir = backup
	x.holds(t, audit.Options{})
	if wrong := x.verify(t, audit.Options{Head: head}); len(wrong) != 1 || !strings.Contains(wrong[0].What, "has none of this number now") {
		t.Error(wrong)
	}
}

// What is signed is verified by its public key, also where runs are made by several processes.
func TestSignedProject(t *testing.T) {
	_, private, public, err := audit.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	key, pub := filepath.Join(dir, "key"), filepath.Join(dir, "pub")
	writeFile(t, key, private)
	writeFile(t, pub, public)
	x := newPast(t, penstock.Options{SigningKey: key, AuditSigned: true})
	keys, err := audit.ReadPublic(pub)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range x.holds(t, audit.Options{Keys: keys, Signed: true}).Chains {
		if c.Signed != c.Entries || c.Entries == 0 {
			t.Errorf("%q: %d of %d entries are signed", c.Dataset, c.Signed, c.Entries)
		}
	}
	x.opts.SigningKey = ""
	x.with(t, func(p *penstock.Project) {
		rec, err := p.Run(t.Context(), x.pl, "a")
		if pipeline.KindOf(err) != pipeline.Invalid || rec.Status != pipeline.Failed {
			t.Error(rec.Status, err)
		}
		if _, err := p.Approve(t.Context(), x.latest, penstock.Approve{Gates: []string{"enough"}, Reason: "x"}); pipeline.KindOf(err) != pipeline.Invalid {
			t.Error(err)
		}
	})
	x.holds(t, audit.Options{Keys: keys, Signed: true})
	for _, name := range x.record(t)["run"] {
		text, err := os.ReadFile(name)
		if err != nil || strings.Contains(string(text), "PRIVATE") {
			t.Error(name, err)
		}
	}
}

// While runs go on nothing looks as if somebody had changed it, however long one looks.
func TestVerifyWhileRunsGoOn(t *testing.T) {
	dir := t.TempDir()
	pl, parts := tiny(t, dir, 60)
	p, err := penstock.Open(t.Context(), dir, penstock.Options{Actor: "tester", Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	done := make(chan error, 1)
	go func() {
		_, err := p.Backfill(t.Context(), pl, parts, penstock.BackfillOptions{Parallel: 4})
		done <- err
	}()
	looks := 0
	for ; ; looks++ {
		r, verr := audit.Verify(t.Context(), dir, audit.Options{})
		if verr != nil || !r.Holds() {
			t.Errorf("look %d: %v, %v", looks, r.Problems, verr)
		}
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			r, err := audit.Verify(t.Context(), dir, audit.Options{})
			if err != nil || !r.Holds() || r.Runs != 60 || r.Versions != 60 {
				t.Fatalf("%+v, %v", r, err)
			}
			t.Logf("%d looks", looks)
			return
		default:
		}
	}
}
