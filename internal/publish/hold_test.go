package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

const (
	storeOfClean = "/project/warehouse/.penstock/datasets/clean"
	heldDir      = storeOfClean + "/held"
)

func holdingStore(fsys faults.FS, root string) *Store {
	s := newStore(fsys, root)
	s.HoldFor = 24 * time.Hour
	return s
}

// holdText stages one file of data and one of quarantine, which a gate blocks, and holds
// them.
func holdText(s *Store, text string) (*pipeline.HeldRecord, error) {
	st, m, err := stageText(s, text)
	if err != nil {
		return nil, err
	}
	return st.Hold(m)
}

func stageText(s *Store, text string) (*Staging, *pipeline.Manifest, error) {
	run := "run-" + text
	st, err := s.Begin(context.Background(), dataset, july, run)
	if err != nil {
		return nil, nil, err
	}
	m := &pipeline.Manifest{
		Format: pipeline.ManifestFormat, Dataset: dataset, Partition: "2001-07", Run: run, Actor: "maker", Gates: "g",
		Findings: []pipeline.Finding{
			{Stage: "clean", Name: "volume", Verdict: pipeline.Fail, Rule: "rows() > 9"},
			{Stage: "clean", Name: "ids", Verdict: pipeline.Pass},
		},
	}
	for _, kind := range []Kind{Data, Quarantine, Lineage} {
		w, err := st.Create(kind, "part-0.txt")
		if err == nil {
			_, err = w.Write([]byte("the rows of " + text))
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			return nil, nil, errors.Join(err, st.Abort())
		}
		switch kind {
		case Data:
			m.Files = append(m.Files, w.File())
		case Quarantine:
			m.Quarantine = append(m.Quarantine, w.File())
		default:
			m.Lineage = append(m.Lineage, w.File())
		}
	}
	return st, m, nil
}

func mustHold(t *testing.T, s *Store, text string) *pipeline.HeldRecord {
	t.Helper()
	h, err := holdText(s, text)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// approvalOf is a decision on the first finding of a manifest.
func approvalOf(m *pipeline.Manifest) pipeline.Approval {
	f := m.Findings[0]
	return pipeline.Approval{
		Run: m.Run, Dataset: m.Dataset, Partition: m.Partition, Stage: f.Stage, Gate: f.Name, Verdict: f.Verdict,
		Bytes: m.BytesDigest(), Rules: pipeline.RulesDigest(m.Gates, f), Reason: "because", Actor: "boss",
	}
}

// release approves of what is held and publishes it.
func release(s *Store, h *pipeline.HeldRecord) (*Version, error) {
	r, err := s.Resume(context.Background(), *h)
	if err != nil {
		return nil, err
	}
	if r.Done != nil {
		return r.Done, nil
	}
	all, err := r.Staging.Approve(context.Background(), []pipeline.Approval{approvalOf(r.Manifest)})
	if err != nil {
		return nil, errors.Join(err, r.Staging.Abort())
	}
	r.Manifest.Endorse(all, s.Clock.Now(), s.FourEyes)
	return r.Staging.Commit(context.Background(), r.Manifest)
}

func heldNames(fsys faults.FS) (names []string) {
	entries, _ := fsys.ReadDir(heldDir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestHeldAndApproved(t *testing.T) {
	for name, fsys := range map[string]faults.FS{"memory": newMem(), "disk": faults.OS()} {
		t.Run(name, func(t *testing.T) {
			root := "/project"
			if name == "disk" {
				root = t.TempDir()
			}
			s := holdingStore(fsys, root)
			old := mustPublish(t, s, "old")
			h := mustHold(t, s, "new")
			if got := visible(t, fsys, root); got != "old" {
				t.Fatalf("a reader sees %q", got)
			}
			if !s.Holds(*h) || h.Previous != old.Digest || h.Path != "warehouse/clean/month=2001-07" {
				t.Errorf("held: %+v", h)
			}
			v, err := release(s, h)
			if err != nil {
				t.Fatal(err)
			}
			if got := visible(t, fsys, root); got != "new" || v.Manifest.Version != 2 || v.Manifest.Previous != old.Digest {
				t.Errorf("a reader sees %q, version %+v", got, v.Manifest)
			}
			if a := v.Manifest.Findings[0].Approved; a == nil || a.Actor != "boss" {
				t.Errorf("the manifest has the approval %+v", a)
			}
			if s.Holds(*h) {
				t.Error("what was published is still held")
			}
			again, err := release(s, h)
			if err != nil || again.Digest != v.Digest {
				t.Errorf("approved once more: %+v, %v", again, err)
			}
		})
	}
}

// At every operation of a hold, and of an approval, power is lost: a reader sees the old
// version or the new one, what was held is there or not, whole, and another try converges.
func TestPowerCutAtEveryOperationOfHoldAndApprove(t *testing.T) {
	mem := newMem()
	mustPublish(t, newStore(mem, "/project"), "old")
	s := holdingStore(mem, "/project")
	var h *pipeline.HeldRecord
	cuts := cutAll(mem, func() { h = mustHold(t, s, "new") })
	holding := len(cuts) - 2 - halves // the last are of what was acknowledged
	cuts = append(cuts, cutAll(mem, func() {
		if _, err := release(s, h); err != nil {
			t.Fatal(err)
		}
	})...)
	if holding < 15*(2+halves) || len(cuts)-holding < 25*(2+halves) {
		t.Fatalf("only %d and %d cuts were made", holding, len(cuts)-holding)
	}
	held, published := 0, 0
	for i, cut := range cuts {
		s := holdingStore(cut, "/project")
		got := visible(t, cut, "/project")
		if got != "old" && (got != "new" || i < holding) {
			t.Errorf("cut %d of %d: a reader sees %q", i, holding, got)
		}
		if s.Holds(*h) {
			held++
		} else if got != "new" && i >= holding {
			t.Errorf("cut %d: what was held is lost", i)
		}
		if got == "new" {
			published++
		}
		if _, err := release(s, h); err == nil {
			if got := visible(t, cut.Crash(faults.Lost), "/project"); got != "new" {
				t.Errorf("cut %d: after another approval and another cut a reader sees %q", i, got)
			}
		} else if i >= holding || pipeline.KindOf(err) != pipeline.Conflict || visible(t, cut, "/project") != "old" {
			t.Errorf("cut %d: %v", i, err)
		}
		mustPublish(t, s, "newer")
		if got := visible(t, cut, "/project"); got != "newer" || len(heldNames(cut)) > 0 {
			t.Errorf("cut %d: after the next run a reader sees %q, held are %v", i, got, heldNames(cut))
		}
	}
	if held == 0 || published == 0 {
		t.Errorf("%d cuts found it held, %d published", held, published)
	}
}

// Every sync is needed: without any one of them, some power cut after the hold, or the
// approval, was acknowledged loses or tears it.
func TestEverySyncOfHoldAndApproveIsNeeded(t *testing.T) {
	run := func(skip int) (mem *faults.Mem, h *pipeline.HeldRecord, before, after int) {
		mem = newMem()
		mem.Lazy = func(n int) bool { return n == skip }
		s := holdingStore(mem, "/project")
		h = mustHold(t, s, "new")
		before = mem.Syncs()
		r, err := s.Resume(t.Context(), *h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Staging.Approve(t.Context(), []pipeline.Approval{approvalOf(r.Manifest)}); err != nil {
			t.Fatal(err)
		}
		return mem, h, before, mem.Syncs()
	}
	first := newMem().Syncs()
	whole, _, before, after := run(-1)
	if all, err := holdingStore(whole.Crash(faults.Lost), "/project").Approvals(dataset, july.Dir()); err != nil || len(all) != 1 {
		t.Errorf("after a power cut %d approvals are on record, %v", len(all), err)
	}
	for skip := first + 1; skip <= after; skip++ {
		mem, h, _, _ := run(skip)
		s := holdingStore(mem.Crash(faults.Lost), "/project")
		if skip <= before {
			mem := newMem()
			mem.Lazy = func(n int) bool { return n == skip }
			h = mustHold(t, holdingStore(mem, "/project"), "new")
			s = holdingStore(mem.Crash(faults.Lost), "/project")
		}
		_, err := s.Resume(t.Context(), *h)
		approvals, aerr := s.Approvals(dataset, july.Dir())
		if err == nil && (skip <= before || aerr == nil && len(approvals) == 1) {
			t.Errorf("sync %d of %d (%d for the hold) can be left out", skip, after, before)
		}
	}
}

// The n-th operation fails, for every n: never a false success, never anything visible that
// was not approved of, and another try converges.
func TestEveryOperationOfHoldAndApproveFails(t *testing.T) {
	for n, done := 1, false; !done; n++ {
		mem := newMem()
		mustPublish(t, newStore(mem, "/project"), "old")
		fired, base := false, mem.Ops()
		mem.Before = func(op int, _, _ string) error {
			if op == base+n {
				fired = true
				return syscall.ENOSPC
			}
			return nil
		}
		s := holdingStore(mem, "/project")
		h, err := holdText(s, "new")
		if err == nil && !s.Holds(*h) && !fired {
			t.Errorf("operation %d: held, and not there", n)
		}
		approved := err == nil
		if approved {
			_, err = release(s, h)
		}
		mem.Before = nil
		if done = !fired; done {
			if n < 50 {
				t.Fatalf("only %d operations could fail", n)
			}
			break
		}
		got := visible(t, mem, "/project")
		if got != "old" && got != "new" || got == "new" && !approved || err == nil && got != "new" {
			t.Errorf("operation %d: a reader sees %q, %v", n, got, err)
		}
		if h == nil {
			h = mustHold(t, s, "new")
		}
		if _, err := release(s, h); err != nil && visible(t, mem, "/project") != "new" {
			t.Errorf("operation %d: another try: %v", n, err)
		}
	}
}

// Whatever is changed of what is held is refused, by name.
func TestHeldIsAsItWas(t *testing.T) {
	const dir = heldDir + "/month=2001-07.run-new/"
	rewrite := func(name string, change func(string) string) func(*testing.T, *faults.Mem, *pipeline.HeldRecord) {
		return func(t *testing.T, mem *faults.Mem, _ *pipeline.HeldRecord) {
			t.Helper()
			text, err := mem.ReadFile(dir + name)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(mem.RemoveAll(dir+name), faults.Write(mem, dir+name, []byte(change(string(text))))); err != nil {
				t.Fatal(err)
			}
		}
	}
	replace := func(old, now string) func(string) string {
		return func(s string) string {
			if !strings.Contains(s, old) {
				t.Fatalf("no %q in %s", old, s)
			}
			return strings.Replace(s, old, now, 1)
		}
	}
	for name, test := range map[string]struct {
		damage func(*testing.T, *faults.Mem, *pipeline.HeldRecord)
		want   string
	}{
		"a flipped byte":  {rewrite("version/data/part-0.txt", replace("rows", "rowz")), "version/data/part-0.txt: was changed since it was held: its sha256 is "},
		"a byte more":     {rewrite("version/quarantine/part-0.txt", func(s string) string { return s + "!" }), "version/quarantine/part-0.txt: was changed since it was held: it is 16 bytes, run run-new left 15"},
		"a verdict":       {rewrite("version/manifest.json", replace(`"fail"`, `"pass"`)), "version/manifest.json: was changed since it was held: its sha256 is "},
		"no findings":     {rewrite("version/manifest.json", replace(`"findings"`, `"findingz"`)), "version/manifest.json: was changed since it was held: its sha256 is "},
		"a torn manifest": {rewrite("version/manifest.json", func(s string) string { return s[:20] }), "version/manifest.json: was changed since it was held: "},
		"the digest":      {rewrite("held.json", replace(`"manifest": "`, `"manifest": "0`)), "held.json: was changed since it was held: it is not what the record of the run says"},
		"more time":       {rewrite("held.json", replace(`"until": "2001`, `"until": "2031`)), "held.json: was changed since it was held: it is not what the record of the run says"},
		"a torn note":     {rewrite("held.json", func(s string) string { return s[:20] }), "what run run-new held of warehouse/clean/month=2001-07 is gone"},
		"a file gone": {func(_ *testing.T, m *faults.Mem, _ *pipeline.HeldRecord) {
			_ = m.RemoveAll(dir + "version/data/part-0.txt")
		}, "version/data/part-0.txt: was changed since it was held: "},
		"all gone":             {func(_ *testing.T, m *faults.Mem, _ *pipeline.HeldRecord) { _ = m.RemoveAll(dir[:len(dir)-1]) }, "what run run-new held of warehouse/clean/month=2001-07 is gone: a later run"},
		"the record's bytes":   {func(_ *testing.T, _ *faults.Mem, h *pipeline.HeldRecord) { h.Bytes = "00" }, "held.json: was changed since it was held"},
		"the record's place":   {func(_ *testing.T, _ *faults.Mem, h *pipeline.HeldRecord) { h.Path = "elsewhere/x" }, "the record of run run-new is damaged"},
		"the record leads out": {func(_ *testing.T, _ *faults.Mem, h *pipeline.HeldRecord) { h.Run = "../../x" }, "the record of run ../../x is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			mem := newMem()
			s := holdingStore(mem, "/project")
			h := mustHold(t, s, "new")
			test.damage(t, mem, h)
			if _, err := release(s, h); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if got := visible(t, mem, "/project"); got != "" {
				t.Errorf("a reader sees %q", got)
			}
			if left := staged(mem, "/project"); len(left) > 0 {
				t.Errorf("staging holds %v", left)
			}
			mustPublish(t, s, "next") // the partition is free
		})
	}
}

// No approval but one of just this version lets it through.
func TestApprovalsThatDoNotHold(t *testing.T) {
	for name, spoil := range map[string]func(m *pipeline.Manifest, a *pipeline.Approval){
		"another dataset":     func(_ *pipeline.Manifest, a *pipeline.Approval) { a.Dataset = "warehouse/dirty" },
		"another partition":   func(_ *pipeline.Manifest, a *pipeline.Approval) { a.Partition = "2001-06" },
		"another stage":       func(_ *pipeline.Manifest, a *pipeline.Approval) { a.Stage = "other" },
		"another gate":        func(_ *pipeline.Manifest, a *pipeline.Approval) { a.Gate = "ids" },
		"another verdict":     func(_ *pipeline.Manifest, a *pipeline.Approval) { a.Verdict = pipeline.ErrorVerdict },
		"other bytes":         func(m *pipeline.Manifest, _ *pipeline.Approval) { m.Files[0].SHA256 = strings.Repeat("0", 64) },
		"other quarantine":    func(m *pipeline.Manifest, _ *pipeline.Approval) { m.Quarantine = nil },
		"another name":        func(m *pipeline.Manifest, _ *pipeline.Approval) { m.Files[0].Path = "data/part-1.txt" },
		"no bytes":            func(_ *pipeline.Manifest, a *pipeline.Approval) { a.Bytes = "" },
		"no digests":          func(m *pipeline.Manifest, a *pipeline.Approval) { m.Files[0].SHA256, a.Bytes = "", "" },
		"other rules":         func(m *pipeline.Manifest, _ *pipeline.Approval) { m.Gates = "h" },
		"another text":        func(m *pipeline.Manifest, _ *pipeline.Approval) { m.Findings[0].Rule = "rows() > 8" },
		"no rules":            func(_ *pipeline.Manifest, a *pipeline.Approval) { a.Rules = "" },
		"no reason":           func(_ *pipeline.Manifest, a *pipeline.Approval) { a.Reason = " " },
		"nobody":              func(_ *pipeline.Manifest, a *pipeline.Approval) { a.Actor = "" },
		"expired":             func(_ *pipeline.Manifest, a *pipeline.Approval) { a.Expires = time.Unix(1e9, 0) },
		"two eyes, four":      func(_ *pipeline.Manifest, a *pipeline.Approval) { a.Actor, a.FourEyes = "maker", true },
		"a second gate":       func(m *pipeline.Manifest, _ *pipeline.Approval) { m.Findings[1].Verdict = pipeline.NoData },
		"a verdict of nobody": func(m *pipeline.Manifest, _ *pipeline.Approval) { m.Findings[1].Verdict = "" },
	} {
		t.Run(name, func(t *testing.T) {
			s := holdingStore(newMem(), "/project")
			st, m, err := stageText(s, "new")
			if err != nil {
				t.Fatal(err)
			}
			a := approvalOf(m)
			spoil(m, &a)
			m.Endorse([]pipeline.Approval{a}, s.Clock.Now(), false)
			if m.Findings[0].Approved == nil {
				m.Findings[0].Approved = &a // what does not hold may still be written there
			}
			if _, err := st.Commit(t.Context(), m); pipeline.KindOf(err) != pipeline.Conflict {
				t.Errorf("got %v", err)
			}
			if got := visible(t, s.FS, s.Root); got != "" {
				t.Errorf("a reader sees %q", got)
			}
		})
	}
	s := holdingStore(newMem(), "/project")
	s.FourEyes = true
	st, m, err := stageText(s, "new")
	if err != nil {
		t.Fatal(err)
	}
	a := approvalOf(m)
	a.Actor = m.Actor
	m.Findings[0].Approved = &a
	if _, err := st.Commit(t.Context(), m); err == nil || !strings.Contains(err.Error(), "maker, who approved, made it: four eyes are needed") {
		t.Errorf("got %v", err)
	}
}

// What is held ends: with its time, with the next run, with too many.
func TestHeldEnds(t *testing.T) {
	mem := newMem()
	s := holdingStore(mem, "/project")
	s.HoldFor = 20 * time.Second // a step of the clock is a second
	h := mustHold(t, s, "new")
	for range 30 {
		s.Clock.Now()
	}
	if s.Holds(*h) {
		t.Error("held past its time")
	}
	if _, err := release(s, h); err == nil || !strings.HasPrefix(err.Error(), "what run run-new held of warehouse/clean/month=2001-07 is gone: it was held until ") {
		t.Errorf("got %v", err)
	}
	s.HoldFor = time.Hour
	first := mustHold(t, s, "a")
	second := mustHold(t, s, "b")
	if s.Holds(*first) || !s.Holds(*second) || len(heldNames(mem)) != 1 {
		t.Errorf("held are %v", heldNames(mem))
	}
	v := mustPublish(t, s, "c")
	if len(heldNames(mem)) != 0 {
		t.Errorf("after a publish %v is held", heldNames(mem))
	}
	third := mustHold(t, s, "d")
	if third.Previous != v.Digest {
		t.Errorf("%+v", third)
	}
	mustPublish(t, s, "c") // unchanged
	if len(heldNames(mem)) != 0 {
		t.Errorf("after an unchanged run %v is held", heldNames(mem))
	}
	s.HoldFor = 20 * time.Second
	mustHold(t, s, "e")
	if err := s.Sweep(dataset); err != nil || len(heldNames(mem)) != 1 {
		t.Errorf("swept before its time: %v, %v", heldNames(mem), err)
	}
	for range 30 {
		s.Clock.Now()
	}
	if err := s.Sweep(dataset); err != nil || len(heldNames(mem)) != 0 {
		t.Errorf("swept: %v, %v", heldNames(mem), err)
	}
}

func TestHeldIsBounded(t *testing.T) {
	mem := newMem()
	s := holdingStore(mem, "/project")
	for i := range maxHeld + 3 {
		st, err := s.Begin(t.Context(), dataset, pipeline.Partition{By: pipeline.Key, Value: fmt.Sprint("k", maxHeld+3-i)}, fmt.Sprintf("run-%04d", i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := st.Hold(&pipeline.Manifest{Dataset: dataset, Files: []pipeline.File{{Path: "data/x", SHA256: "x"}}}); err != nil {
			t.Fatal(err)
		}
	}
	names := heldNames(mem)
	if len(names) != maxHeld {
		t.Errorf("%d are held", len(names))
	}
	for _, name := range names {
		if _, run := cutRun(name); run < "run-0003" {
			t.Errorf("the old %s is held", name)
		}
	}
}

// A version that came in between, or a run that is going on, is a conflict.
func TestApprovalConflicts(t *testing.T) {
	mem := newMem()
	s := holdingStore(mem, "/project")
	mustPublish(t, s, "old")
	h := mustHold(t, s, "new")
	st, err := s.Begin(t.Context(), dataset, july, "going")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := release(s, h); pipeline.KindOf(err) != pipeline.Conflict || !strings.HasPrefix(err.Error(), "warehouse/clean/month=2001-07 is being written by run going") {
		t.Errorf("got %v", err)
	}
	if err := st.Abort(); err != nil {
		t.Fatal(err)
	}
	// What is held comes back, as if its removal had been lost in a power cut.
	text := map[string][]byte{}
	keep := func(name string) {
		b, err := mem.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text[name] = b
	}
	dir := heldDir + "/month=2001-07.run-new/"
	for _, name := range []string{"held.json", "version/manifest.json", "version/data/part-0.txt", "version/quarantine/part-0.txt"} {
		keep(dir + name)
	}
	mustPublish(t, s, "between")
	for name, b := range text {
		if err := errors.Join(mem.MkdirAll(filepath.Dir(name)), faults.Write(mem, name, b)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := release(s, h); pipeline.KindOf(err) != pipeline.Conflict ||
		!strings.HasPrefix(err.Error(), "warehouse/clean/month=2001-07 is not what it was when run run-new was blocked: version 2 is current now, by run run-between\n") {
		t.Errorf("got %v", err)
	}
	if got := visible(t, mem, "/project"); got != "between" {
		t.Errorf("a reader sees %q", got)
	}
}

func TestApprovalsOnRecord(t *testing.T) {
	mem := newMem()
	s := holdingStore(mem, "/project")
	if all, err := s.Approvals(dataset, july.Dir()); err != nil || all != nil {
		t.Errorf("%v, %v", all, err)
	}
	st, err := s.Begin(t.Context(), dataset, july, "run")
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxApprovals + 5 {
		a := pipeline.Approval{Gate: fmt.Sprint(i)}
		if i%10 == 0 {
			a.Expires = time.Unix(1e9+20, 0)
		}
		if _, err := st.Approve(t.Context(), []pipeline.Approval{a}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.Approvals(dataset, july.Dir())
	if err != nil || len(all) > maxApprovals || all[len(all)-1].Gate != fmt.Sprint(maxApprovals+4) {
		t.Errorf("%d approvals, %v", len(all), err)
	}
	for _, a := range all {
		if !a.Expires.IsZero() {
			t.Errorf("%+v is kept", a)
		}
	}
	name := storeOfClean + "/approvals/month=2001-07.json"
	if err := errors.Join(mem.RemoveAll(name), faults.Write(mem, name, []byte("[{"))); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Approvals(dataset, july.Dir()); err == nil || !strings.HasPrefix(err.Error(), "warehouse/.penstock/datasets/clean/approvals/month=2001-07.json can't be read") {
		t.Errorf("%v", err)
	}
	if _, err := st.Approve(t.Context(), []pipeline.Approval{{}}); err == nil {
		t.Error("a damaged file was written over")
	}
	if _, err := mem.ReadFile(name); errors.Is(err, fs.ErrNotExist) {
		t.Error("it is gone")
	}
	if text, err := json.Marshal(pipeline.Approval{}); err != nil || strings.Contains(string(text), "expires") {
		t.Errorf("%s, %v", text, err)
	}
}

// A first version that was kept and never became visible is followed by the next.
func TestChainAfterAFailedSwitch(t *testing.T) {
	mem := newMem()
	mem.Before = func(_ int, op, path string) error {
		if op == "rename" && strings.HasSuffix(path, "/visible") {
			return syscall.EIO
		}
		return nil
	}
	s := newStore(mem, "/project")
	if _, err := publishText(s, "a"); err == nil {
		t.Fatal("no error")
	}
	mem.Before = nil
	v := mustPublish(t, s, "b")
	kept, err := s.Manifests(dataset)
	if err != nil || len(kept) != 2 || v.Manifest.Version != 2 || v.Manifest.Previous != kept[0].Digest {
		t.Errorf("%+v, %v", v.Manifest, err)
	}
}
