package crashtest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/internal/publish"
	"github.com/penstock-data/penstock/pipeline"
)

const (
	root = "/project"
	keep = 2
)

// world is a project in a file system in memory, and what was acknowledged of it. What
// happens in it depends on its seed alone.
type world struct {
	disk   *faults.Mem
	clock  faults.Clock
	rng    *rand.Rand
	places []*place
	runs   int
}

// place is a partition of a dataset with what was acknowledged of it.
type place struct {
	dataset string
	part    pipeline.Partition
	// current is what readers see; nil: nothing.
	current *shown
	// seen has the digest of every version that ever was current, by its number, and texts what
	// is in it.
	seen  map[int64]string
	texts map[int64]map[string]string
	held  *holding
	// approved are the digests of the bytes that were approved of.
	approved []string
	// torn says that what is current was damaged, and not mended yet.
	torn bool
}

// shown is a version that is current.
type shown struct {
	number int64
	digest string
	texts  map[string]string // by path in the version
}

// holding is a version that waits for a decision.
type holding struct {
	record pipeline.HeldRecord
	texts  map[string]string
}

func newWorld(seed uint64) *world {
	w := &world{
		disk: faults.NewMem(), clock: faults.NewStepClock(time.Unix(1e9, 0), time.Second), rng: rand.New(rand.NewPCG(seed, 6)),
	}
	// The project's directory is durable: it was there before.
	if err := errors.Join(w.disk.MkdirAll(root), w.disk.SyncDir("/")); err != nil {
		panic(err) // no fault is on
	}
	for _, dataset := range []string{"warehouse/clean", "marts/daily"} {
		for _, month := range []string{"2001-07", "2001-08"} {
			w.add(dataset, pipeline.Partition{By: pipeline.Month, Value: month})
		}
	}
	w.add("whole", pipeline.Partition{})
	return w
}

func (w *world) add(dataset string, part pipeline.Partition) {
	w.places = append(w.places, &place{dataset: dataset, part: part, seen: map[int64]string{}, texts: map[int64]map[string]string{}})
}

// store is the publisher over a disk.
func (w *world) store(disk faults.FS) *publish.Store {
	return &publish.Store{FS: disk, Clock: w.clock, Root: root, Keep: keep, HoldFor: 24 * time.Hour}
}

func (w *world) run() string {
	w.runs++
	return fmt.Sprintf("run-%06d", w.runs)
}

// visible is the directory that readers look at.
func (p *place) visible() string { return filepath.Join(root, p.dataset, p.part.Dir()) }

// name is what the place is called in the store of its dataset.
func (p *place) name() string {
	if dir := p.part.Dir(); dir != "" {
		return dir
	}
	return "all"
}

// kept is the directory of the store of its dataset.
func (p *place) kept(elem ...string) string {
	dir := filepath.Join(root, path.Dir(p.dataset), ".penstock/datasets", path.Base(p.dataset))
	return filepath.Join(append([]string{dir}, elem...)...)
}

func (p *place) String() string { return path.Join(p.dataset, p.part.Dir()) }

// clone is what was acknowledged, to learn on.
func (p *place) clone() *place {
	c := *p
	c.seen, c.texts, c.approved = maps.Clone(p.seen), maps.Clone(p.texts), slices.Clone(p.approved)
	return &c
}

// kind is what a command does.
type kind string

const (
	publishNew  kind = "publish"
	publishSame kind = "publish the same"
	rollback    kind = "rollback"
	collect     kind = "gc"
	hold        kind = "hold"
	approve     kind = "approve"
	discard     kind = "discard"
	abort       kind = "abort"
)

// command is one thing that somebody asks of the publisher for a place. It can be asked
// again: then it is another run that does the same.
type command struct {
	kind  kind
	at    *place
	run   string
	texts map[string]string // what it stages, by path in the version
	to    int64             // of a rollback: the version
}

func (c *command) String() string { return fmt.Sprintf("%s of %s by %s", c.kind, c.at, c.run) }

// again is the same command by another run.
func (w *world) again(c *command) *command {
	next := *c
	next.run = w.run()
	return &next
}

// choose makes up the next command.
func (w *world) choose() *command {
	c := &command{at: w.places[w.rng.IntN(len(w.places))], run: w.run(), texts: map[string]string{}}
	kinds := []kind{publishNew, publishNew, publishNew, hold, hold, discard, abort, collect}
	if c.at.current != nil {
		kinds = append(kinds, publishSame, publishSame)
		if w.rng.IntN(6) == 0 {
			w.damage(c.at)
			kinds = []kind{publishSame}
		}
	}
	if c.to = c.at.earlier(w.rng); c.to > 0 {
		kinds = append(kinds, rollback, rollback)
	}
	if c.at.held != nil {
		kinds = append(kinds, approve, approve, approve, approve)
	}
	switch c.kind = kinds[w.rng.IntN(len(kinds))]; c.kind {
	case publishSame:
		c.texts = c.at.current.texts
	case approve:
		c.texts = c.at.held.texts
	case rollback:
		c.texts = c.at.texts[c.to]
	case collect:
	default:
		w.write(c)
	}
	return c
}

// earlier is one of the versions before the current that are kept; 0 if none is.
func (p *place) earlier(rng *rand.Rand) int64 {
	if p.current == nil || p.current.number == 1 {
		return 0
	}
	n := p.current.number - 1 - rng.Int64N(min(keep, p.current.number-1))
	if p.seen[n] == "" {
		return 0
	}
	return n
}

// damage changes a file of the current version, in all its names.
func (w *world) damage(p *place) {
	p.torn = true
	dir := p.kept("versions", p.name(), fmt.Sprintf("%06d", p.current.number))
	for name := range p.current.texts {
		paths := []string{filepath.Join(dir, name)}
		if path.Dir(name) == string(publish.Data) {
			paths = append(paths, filepath.Join(p.visible(), path.Base(name)))
		}
		for _, path := range paths {
			if err := errors.Join(w.disk.RemoveAll(path), faults.WriteFile(w.disk, path, []byte("damaged"))); err != nil {
				panic(err) // no fault is on
			}
		}
	}
}

// write makes up one to three files of data, and perhaps one of quarantine and one of lineage.
func (w *world) write(c *command) {
	for i := range 1 + w.rng.IntN(3) {
		c.texts[fmt.Sprintf("data/part-%d.txt", i)] = fmt.Sprintf("%d rows of %s, by %s", w.rng.IntN(9), c.at, c.run)
	}
	if w.rng.IntN(2) == 0 {
		c.texts["quarantine/part-0.txt"] = "bad rows of " + c.run
	}
	if w.rng.IntN(2) == 0 {
		c.texts["lineage/rows.trace"] = "where rows are from, by " + c.run
	}
}

// outcome is what a command acknowledged.
type outcome struct {
	version *publish.Version
	held    *pipeline.HeldRecord
}

// do does the command.
func (c *command) do(ctx context.Context, s *publish.Store) (o outcome, err error) {
	switch c.kind {
	case approve:
		o.version, err = c.release(ctx, s)
		return o, err
	case rollback:
		o.version, err = s.Rollback(ctx, c.at.dataset, c.at.part, c.to, pipeline.Rollback{Run: c.run, Reason: "because", Actor: "boss"})
		return o, err
	case collect:
		_, err = s.GC(ctx, c.at.dataset, false)
		return o, err
	}
	st, m, err := c.stage(ctx, s)
	if err != nil {
		return o, err
	}
	switch c.kind {
	case hold:
		m.Findings[0].Verdict = pipeline.Fail
		o.held, err = st.Hold(m)
	case discard:
		err = st.Discard()
	case abort:
		err = st.Abort()
	default:
		o.version, err = st.Commit(ctx, m)
	}
	return o, err
}

// stage writes the files of the command.
func (c *command) stage(ctx context.Context, s *publish.Store) (*publish.Staging, *pipeline.Manifest, error) {
	st, err := s.Begin(ctx, c.at.dataset, c.at.part, c.run)
	if err != nil {
		return nil, nil, err
	}
	m := &pipeline.Manifest{
		Format: pipeline.ManifestFormat, Dataset: c.at.dataset, Partition: c.at.part.String(), Run: c.run, Actor: "maker", Gates: "g",
		Findings: []pipeline.Finding{{Stage: "clean", Name: "volume", Verdict: pipeline.Pass, Rule: "rows() > 9"}},
	}
	for _, name := range slices.Sorted(maps.Keys(c.texts)) {
		f, err := write(st, name, c.texts[name])
		if err != nil {
			return nil, nil, errors.Join(err, st.Abort())
		}
		switch publish.Kind(path.Dir(name)) {
		case publish.Data:
			m.Files = append(m.Files, f)
		case publish.Quarantine:
			m.Quarantine = append(m.Quarantine, f)
		default:
			m.Lineage = append(m.Lineage, f)
		}
	}
	return st, m, nil
}

// write stages one file, in two parts.
func write(st *publish.Staging, name, text string) (pipeline.File, error) {
	w, err := st.Create(publish.Kind(path.Dir(name)), path.Base(name))
	if err != nil {
		return pipeline.File{}, err
	}
	for _, part := range []string{text[:3], text[3:]} {
		if _, err := w.Write([]byte(part)); err != nil {
			return pipeline.File{}, errors.Join(err, w.Close())
		}
	}
	return w.File(), w.Close()
}

// release approves of what is held and publishes it.
func (c *command) release(ctx context.Context, s *publish.Store) (*publish.Version, error) {
	r, err := s.Resume(ctx, c.at.held.record)
	if err != nil {
		return nil, err
	}
	if r.Done != nil {
		return r.Done, nil
	}
	f := r.Manifest.Findings[0]
	all, err := r.Staging.Approve(ctx, []pipeline.Approval{{
		Run: r.Manifest.Run, Dataset: c.at.dataset, Partition: c.at.part.String(), Stage: f.Stage, Gate: f.Name, Verdict: f.Verdict,
		Bytes: r.Manifest.BytesDigest(), Rules: pipeline.RulesDigest(r.Manifest.Gates, f), Reason: "because", Actor: "boss",
	}})
	if err != nil {
		return nil, errors.Join(err, r.Staging.Abort())
	}
	r.Manifest.Endorse(all, s.Clock.Now(), s.FourEyes)
	return r.Staging.Commit(ctx, r.Manifest)
}

// learn notes what the command acknowledged.
func (p *place) learn(c *command, o outcome) {
	switch {
	case o.version != nil:
		if p.torn && c.kind != publishSame {
			delete(p.seen, p.current.number) // nobody mended it
		}
		p.current = &shown{number: o.version.Manifest.Version, digest: o.version.Digest, texts: c.texts}
		p.seen[p.current.number], p.texts[p.current.number] = p.current.digest, c.texts
		if c.kind == approve {
			p.approved = append(p.approved, p.held.record.Bytes)
		}
		p.held, p.torn = nil, false
	case o.held != nil:
		p.held = &holding{*o.held, c.texts}
	case c.kind == discard:
		p.held = nil
	}
}
