package penstock_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/lineage/audit"
)

// listing says of everything below a directory what it is, and of files what is in them.
func listing(t *testing.T, root string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintln(&all, name, info.Mode(), info.Size(), info.ModTime().UnixNano())
		if d.IsDir() {
			return nil
		}
		text, err := os.ReadFile(name)
		fmt.Fprintf(&all, "%x\n", sha256.Sum256(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// readOnly takes the right to write from everything below a directory.
func readOnly(t *testing.T, root string) {
	t.Helper()
	chmod := func(bits fs.FileMode) {
		_ = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			if info, ierr := os.Lstat(name); err == nil && ierr == nil {
				err = os.Chmod(name, info.Mode()&^0o222|bits)
			}
			return err
		})
	}
	chmod(0)
	t.Cleanup(func() { chmod(0o200) })
}

// An auditor verifies, and reports of, a copy that can only be read, whatever is the matter with
// its index, and of whoever died in it; and it is as before.
func TestVerifyAuditOnlyReads(t *testing.T) {
	x := newPast(t, penstock.Options{})
	for name, text := range map[string]string{
		"state.db": "no index", "state.db-wal": "", "live/20200101T000000-abcdef.lock": "", "live/" + x.latest + ".lock": "",
	} {
		writeFile(t, filepath.Join(x.dir, ".penstock", name), []byte(text))
	}
	readOnly(t, x.dir)
	before := listing(t, x.dir)
	r, err := penstock.VerifyAudit(t.Context(), x.dir, x.opts, audit.Options{})
	if err != nil || !r.Holds() || r.Versions == 0 {
		t.Error(r, err)
	}
	l, err := penstock.ReportAudit(t.Context(), x.dir, time.Time{}, time.Time{}, x.opts, audit.Options{})
	if err != nil || len(l.Rows) == 0 || !l.Verified.Holds() {
		t.Error(l, err)
	}
	if after := listing(t, x.dir); after != before {
		t.Errorf("it was\n%s\nand is\n%s", before, after)
	}
}

// What a run made whose process died is not on record until the next command: that is one
// problem, which says what to do.
func TestVerifyAuditOfWhatDied(t *testing.T) {
	x := newPast(t, penstock.Options{})
	own, clean, sums := audit.Path(x.dir, ""), audit.Path(x.dir, "out/clean"), audit.Path(x.dir, "out/sums")
	was := map[string][]byte{own: nil, clean: nil, sums: nil}
	for name := range was {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		was[name] = text
	}
	x.opts.Keep = 9 // nothing is removed
	run := x.again(t)
	for name, text := range was { // as if it had died before it wrote there
		if err := os.WriteFile(name, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, filepath.Join(x.dir, ".penstock/live", run+".lock"), nil)
	wrong := x.verify(t, audit.Options{})
	if len(wrong) != 1 || !strings.Contains(wrong[0].What, "what it did is not on record: its process died") || !strings.Contains(wrong[0].Path, run) {
		t.Error(wrong)
	}
	x.with(t, func(*penstock.Project) {})
	if r := x.holds(t, audit.Options{}); r.Chains[0].Late == 0 {
		t.Error("nothing was added late")
	}
}
