package crashtest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// secret is in every row: no error and no record of a run may show it.
const secret = "sekret"

// world is a project, and what should be in it.
type world struct {
	dir  string
	spec Spec
	rng  *rand.Rand
	made int

	inputs map[string]given           // by partition
	now    map[string]cell            // by output and partition: "one@a"
	held   map[string]map[string]cell // by partition: what a blocked run left
	// damaged are visible directories in which we have put something wrong.
	damaged map[string]bool
	harm    atomic.Bool // there are any
	// versions are those that were seen to be current, by output and partition, and number.
	versions map[string]map[int64]cell
	// told is what happened, for who has to find out what went wrong.
	told []string
}

// tell notes what happens.
func (w *world) tell(format string, args ...any) {
	w.told = append(w.told, fmt.Sprintf(format, args...))
}

// given is the input of a partition; a torn one can't be read.
type given struct {
	rows table
	torn bool
	sha  string
}

// cell is a version of an output: its rows, those beside it in quarantine, and the digests
// of the inputs that it may be made of.
type cell struct {
	rows, aside table
	shas        []string
	overruled   bool // by an approval
	released    bool
}

// step is a command and what comes of it, for each cell that changes.
type step struct {
	Command
	next   map[string]cell
	status string // of a run that isn't a backfill
	heals  bool   // something was damaged before
}

// kind tells commands apart that do other things.
func (s step) kind() string {
	if s.heals {
		return s.Op + ", damaged"
	}
	return s.Op + ", " + s.status
}

func newWorld(dir string, rng *rand.Rand) (*world, error) {
	w := emptyWorld(dir, randomSpec(rng), rng)
	if err := w.write(); err != nil {
		return nil, err
	}
	for _, p := range w.parts() {
		if err := w.give(p); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func emptyWorld(dir string, spec Spec, rng *rand.Rand) *world {
	return &world{
		dir: dir, rng: rng, spec: spec, inputs: map[string]given{}, now: map[string]cell{},
		held: map[string]map[string]cell{}, damaged: map[string]bool{}, versions: map[string]map[int64]cell{},
	}
}

// write writes what the child reads.
func (w *world) write() error {
	text, err := json.Marshal(w.spec)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(w.dir, "in"), 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(w.dir, "spec.json"), text, 0o644)
}

func randomSpec(rng *rand.Rand) Spec {
	pick := func(of ...string) string { return of[rng.IntN(len(of))] }
	s := Spec{Format: pick("csv", "jsonl"), Keep: rng.IntN(3)}
	if rng.IntN(4) > 0 {
		s.Parts = []string{"a", "b", "c", "d"}[:2+rng.IntN(3)]
	}
	for i := range 1 + rng.IntN(4) {
		st := Stage{Name: fmt.Sprintf("s%d", i), From: "in", Most: 1e9, Output: pick("csv", "jsonl", "parquet", "parquet", "")}
		if i > 0 && rng.IntN(4) > 0 {
			st.From = s.Stages[rng.IntN(i)].Name
		}
		if rng.IntN(2) == 0 {
			st.Mod = 2 + rng.Int64N(5)
			st.Rest = rng.Int64N(st.Mod)
		}
		if rng.IntN(2) == 0 {
			st.Add = 1 + rng.Int64N(9)
		}
		if rng.IntN(2) == 0 && st.Output != "" {
			st.Low = 50 + rng.Int64N(300)
		}
		if rng.IntN(2) == 0 || i == 0 {
			st.Most = 2000
		}
		s.Stages = append(s.Stages, st)
	}
	if last := &s.Stages[len(s.Stages)-1]; last.Output == "" {
		last.Output = "parquet"
	}
	for i := range s.Stages {
		st := &s.Stages[i]
		st.Always = st.Output != "" && rng.IntN(2) == 0 && !s.made(*st, func(up Stage) bool { return up.Name != st.Name && up.Output != "" && !up.Always })
	}
	return s
}

// made reports whether a stage is one, or made of one at any distance, of which something holds.
func (s Spec) made(st Stage, is func(Stage) bool) bool {
	if is(st) {
		return true
	}
	i := slices.IndexFunc(s.Stages, func(up Stage) bool { return up.Name == st.From })
	return i >= 0 && s.made(s.Stages[i], is)
}

func (w *world) parts() []string {
	if len(w.spec.Parts) == 0 {
		return []string{""}
	}
	return w.spec.Parts
}

// give writes a new input of a partition: of some, a gate blocks, and some are torn.
func (w *world) give(part string) error {
	var g given
	w.made++
	for i := range 5 + w.rng.IntN(60) {
		g.rows = append(g.rows, row{int64(i), w.rng.Int64N(1000), fmt.Sprintf("%s-%d-%d", secret, w.made, w.rng.IntN(1e6))})
	}
	switch w.rng.IntN(10) {
	case 0, 1:
		g.rows = append(g.rows, row{999, 5000 + w.rng.Int64N(100), secret + " of a bad row"})
	case 2:
		g.torn = true
	}
	return w.put(part, g)
}

// put makes rows the input of a partition.
func (w *world) put(part string, g given) error {
	text := encode(w.spec.Format, g)
	sum := sha256.Sum256([]byte(text))
	g.sha = hex.EncodeToString(sum[:])
	w.inputs[part] = g
	w.tell("input %q: %d rows, torn %t", part, len(g.rows), g.torn)
	return os.WriteFile(filepath.Join(w.dir, "in", name(part)+"."+w.spec.Format), []byte(text), 0o644)
}

func name(part string) string {
	if part == "" {
		return "all"
	}
	return part
}

func encode(format string, g given) string {
	var b strings.Builder
	if format == "csv" {
		b.WriteString("id,v,s\n")
	}
	for _, r := range g.rows {
		if format == "csv" {
			fmt.Fprintf(&b, "%d,%d,%s\n", r.ID, r.V, r.S)
		} else {
			fmt.Fprintf(&b, `{"id": %d, "v": %d, "s": %q}`+"\n", r.ID, r.V, r.S)
		}
	}
	if g.torn && format == "csv" {
		fmt.Fprintf(&b, "7,%s,x\n", secret)
	} else if g.torn {
		fmt.Fprintf(&b, `{"id": 7, "v": "%s"`, secret)
	}
	return b.String()
}

func (w *world) outputs() (all []Stage) {
	for _, st := range w.spec.Stages {
		if st.Output != "" {
			all = append(all, st)
		}
	}
	return all
}

// dir is what readers look at of an output.
func visibleDir(stage, part string) string {
	if part == "" {
		return path.Join("out", stage)
	}
	return path.Join("out", stage, "key="+part)
}

// choose gives the commands that make sense now.
func (w *world) choose() (all []step) {
	for _, p := range w.parts() {
		all = append(all, w.run(p))
		if len(w.held[p]) > 0 {
			all = append(all, w.approve(p))
		}
		for _, st := range w.outputs() {
			if c, ok := w.now[st.Name+"@"+p]; ok && len(c.aside) > 0 && !c.overruled && st.Low != 0 {
				all = append(all, w.release(st.Name, p))
			}
			all = append(all, w.rollbacks(st.Name, p)...)
		}
	}
	// Where a gate blocks one of its stages, a backfill makes the others of what is published, of
	// which the oracle knows nothing: TestFill has those.
	blocks := slices.ContainsFunc(w.spec.Parts, func(p string) bool { return w.run(p).status == "blocked" })
	if len(w.spec.Parts) > 0 && !w.released() && !blocks {
		all = append(all, w.backfill())
	}
	return append(all, step{Command: Command{Op: "gc"}})
}

func (w *world) run(part string) step {
	s := step{Command: Command{Op: "run", Partition: part}, next: map[string]cell{}, status: "published or unchanged"}
	g := w.inputs[part]
	if g.torn {
		s.status = "failed"
		return s
	}
	out, aside, blocked := w.spec.oracle(g.rows)
	if len(blocked) > 0 {
		s.status = "blocked"
	}
	for _, st := range w.outputs() {
		if len(blocked) > 0 && (!st.Always || w.spec.made(st, func(up Stage) bool { return blocked[up.Name] })) {
			continue
		}
		s.next[st.Name+"@"+part] = w.mayStay(st.Name+"@"+part, cell{rows: out[st.Name], aside: aside[st.Name], shas: []string{g.sha}})
	}
	return s
}

// latest is the number of the current version, as it was seen.
func (w *world) latest(key string) (n int64) {
	for v := range w.versions[key] {
		n = max(n, v)
	}
	return n
}

// mayStay is a cell that may come out as it was: then it stays what it was made of.
func (w *world) mayStay(key string, c cell) cell {
	if was, ok := w.now[key]; ok && was.rows.text() == c.rows.text() && was.aside.text() == c.aside.text() {
		c.shas = append(c.shas, was.shas...)
	}
	return c
}

// released reports whether there is something that a backfill leaves alone, although the
// same input gives something else.
func (w *world) released() bool {
	for _, c := range w.now {
		if c.released {
			return true
		}
	}
	return false
}

// backfill runs what is not up to date.
func (w *world) backfill() step {
	s := step{Command: Command{Op: "backfill"}, next: map[string]cell{}}
	for _, p := range w.parts() {
		maps.Copy(s.next, w.run(p).next)
	}
	return s
}

func (w *world) approve(part string) step {
	return step{Command: Command{Op: "approve", Partition: part}, next: w.held[part]}
}

func (w *world) release(stage, part string) step {
	key := stage + "@" + part
	was := w.now[key]
	c := cell{rows: slices.Concat(was.rows, was.aside), released: true}
	return step{Command: Command{Op: "release", Stage: stage, Partition: part}, next: map[string]cell{key: c}}
}

// rollbacks go to the versions that are kept.
func (w *world) rollbacks(stage, part string) (all []step) {
	key, dir := stage+"@"+part, "key="+part
	if part == "" {
		dir = "all"
	}
	for _, name := range list(filepath.Join(w.dir, "out/.penstock/datasets", stage, "versions", dir)) {
		n, err := strconv.ParseInt(name, 10, 64)
		was, seen := w.versions[key][n]
		if err != nil || !seen || n == w.latest(key) {
			continue
		}
		was.released = true // what the partition rests on did not change, so a backfill leaves it
		s := step{Command: Command{Op: "rollback", Stage: stage, Partition: part, Version: n}, next: map[string]cell{key: was}}
		s.status = "published or unchanged"
		all = append(all, s)
	}
	return all
}

// damage puts something wrong where readers look, of which the same input comes out again.
func (w *world) damage(part string) (step, error) {
	s := w.run(part)
	if s.status == "blocked" {
		return s, nil
	}
	for _, st := range w.outputs() {
		key, dir := st.Name+"@"+part, visibleDir(st.Name, part)
		was, ok := w.now[key]
		c := s.next[key]
		files, _ := filepath.Glob(filepath.Join(w.dir, dir, "part-*"))
		if !ok || was.released || was.overruled || was.rows.text() != c.rows.text() || len(files) == 0 {
			continue
		}
		s.heals, w.damaged[dir] = true, true
		w.harm.Store(true)
		w.tell("damage in %s", dir)
		// Another file of the name: that which is kept may have more.
		if err := os.WriteFile(w.dir+"/damage", []byte("damage"), 0o644); err != nil {
			return s, err
		}
		return s, os.Rename(w.dir+"/damage", files[0])
	}
	return s, nil
}

// done takes what was acknowledged for what is there now.
func (w *world) done(s step, r Reply) error {
	for key, c := range s.next {
		if _, of, _ := strings.Cut(key, "@"); r.Op != "part" || of == r.Partition {
			w.now[key] = c
		}
	}
	part := r.Partition
	if s.Op == "run" && r.Status != "failed" && r.Status != "blocked" {
		clear(w.damaged)
		w.harm.Store(false)
	}
	switch {
	case s.Op == "gc":
	case s.Op == "backfill" && r.Op != "part":
		return nil
	case s.Op == "approve":
		delete(w.held, part)
		return w.give(part) // the same bytes would pass now
	case r.Status == "blocked":
		w.hold(part, r.Held)
	case r.Status != "failed":
		delete(w.held, part)
	}
	return nil
}

// hold notes what a blocked run left.
func (w *world) hold(part string, stages []string) {
	g := w.inputs[part]
	out, aside, _ := w.spec.oracle(g.rows)
	w.held[part] = map[string]cell{}
	for _, name := range stages {
		key := name + "@" + part
		w.held[part][key] = w.mayStay(key, cell{rows: out[name], aside: aside[name], shas: []string{g.sha}, overruled: true})
	}
}
