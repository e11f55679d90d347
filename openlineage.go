package penstock

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/penstock-data/penstock/internal/host"
	"github.com/penstock-data/penstock/lineage/openlineage"
	"github.com/penstock-data/penstock/pipeline"
)

// teller tells OpenLineage what runs do. One that is nil tells nothing.
type teller struct {
	p      *Project
	config *openlineage.Config
	outbox *openlineage.Outbox
	sender func() *openlineage.Sender // begins at the first run
	begun  bool
	code   func() openlineage.Code
}

// How it is told, unless the config says otherwise.
const (
	tellWait  = 2 * time.Second
	tellEvery = time.Minute
)

// newTeller is the one of a project; nil where nothing is to be told.
func newTeller(p *Project, c *openlineage.Config) *teller {
	if c == nil || len(c.Transports) == 0 {
		return nil
	}
	t := &teller{p: p, config: c, outbox: &openlineage.Outbox{FS: p.fs, Dir: p.state("outbox")}}
	t.sender = sync.OnceValue(func() *openlineage.Sender {
		t.begun = true
		past := openlineage.Past{Dir: p.dir, Run: p.toldOf, Manifest: p.keptManifest, PartitionDir: p.keptDir}
		return openlineage.NewSender(c, t.outbox, past, p.clock.Now, p.sleep)
	})
	t.code = sync.OnceValue(func() openlineage.Code {
		repository, prefix := host.Repository(context.Background(), p.dir)
		return openlineage.Code{Repository: repository, Prefix: prefix}
	})
	return t
}

// close sends what is left, for a short while, and says what did not arrive.
func (t *teller) close() {
	if t == nil || !t.begun {
		return
	}
	wait := t.config.Wait
	if wait == 0 {
		wait = tellWait
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), wait, fmt.Errorf("no answer within %v", wait))
	defer cancel()
	t.begun = false
	t.sender().Close(ctx)
	for _, d := range t.sender().Deliveries() {
		if d.Left > 0 {
			t.warn(fmt.Sprintf("%s not told of by %s yet: %s; the next run tells it, or `penstock openlineage flush`",
				runsAre(d.Left), d.Transport, cmp.Or(d.Error, "there was no time left")))
		}
		if d.Refused > 1 {
			t.warn(fmt.Sprintf("%s refused by %s; `penstock openlineage status` says why", runsAre(d.Refused), d.Transport))
		}
	}
}

func runsAre(n int) string {
	if n == 1 {
		return "1 run is"
	}
	return strconv.Itoa(n) + " runs are"
}

// flush sends what is left until the context ends, and tells how it went.
func (t *teller) flush(ctx context.Context) []openlineage.Delivery {
	s := t.sender()
	t.begun = false
	s.Flush(ctx)
	return s.Deliveries()
}

func (t *teller) warn(text string) {
	if t.config.Warn != nil {
		t.config.Warn("openlineage: " + text)
	}
}

// begins puts down that a run is to be told of, before it is on record, and tells that it begins.
func (t *teller) begins(a *attempt) {
	if t == nil {
		return
	}
	code := t.code()
	if code.Repository != "" && a.pl.File != "" {
		code.Path = path.Join(code.Prefix, t.p.relative(a.pl.File))
	}
	in := openlineage.NewIntent(t.config.Namespace, a.pl, a.env.Partition, a.rec, code)
	in.ShowValues, in.Parent, in.Root = t.p.opts.ShowValues, t.config.Parent, t.config.Root
	a.story = &openlineage.Story{Intent: in, Record: a.rec, Dir: t.p.dir}
	t.put(in, t.outbox.Put)
	t.sender().Began(a.story)
}

// put keeps an intent. A disk that does not take it fails no run.
func (t *teller) put(in *openlineage.Intent, put func(*openlineage.Intent) error) {
	if err := put(in); err != nil {
		t.warn("run " + in.Run + " may not be told of: " + err.Error())
	}
}

// ended tells that a run has its record.
func (t *teller) ended(run string) {
	if t != nil && run != "" {
		t.sender().Ended(run)
	}
}

// listener is the project's, and tells now and then that the run still runs.
func (a *attempt) listener() *pipeline.Listener {
	l, t := a.p.opts.Listener, a.p.teller
	if t == nil {
		return l
	}
	every := t.config.RunningEvery
	if every == 0 {
		every = tellEvery
	}
	var with pipeline.Listener
	if l != nil {
		with = *l
	}
	told, progress := a.rec.Started, with.Progress
	with.Progress = func(e pipeline.Progress) {
		if now := a.p.clock.Now(); now.Sub(told) >= every {
			told = now
			t.sender().Runs(a.story, now)
		}
		if progress != nil {
			progress(e)
		}
	}
	return &with
}

// fillBegins puts down that a backfill is to be told of.
func (t *teller) fillBegins(r *BackfillRecord) {
	if t == nil {
		return
	}
	in := openlineage.BackfillIntent(t.config.Namespace, r.ID, r.Pipeline, r.Started)
	in.Parent, in.Root = t.config.Parent, t.config.Root
	t.put(in, t.outbox.PutAgain) // it may be gone on with
	t.sender().Began(&openlineage.Story{Intent: in, Record: r.asRun(), Dir: t.p.dir})
}

// approves puts down that a run is told of once more, before what it held is published.
func (t *teller) approves(rec *pipeline.RunRecord) {
	if t == nil {
		return
	}
	known, err := t.outbox.Intent(rec.Run)
	if err != nil {
		known = nil // it is told anew
	}
	t.put(openlineage.PastIntent(t.config.Namespace, rec, known), t.outbox.PutAgain)
}

// asRun is a backfill as a run that computes nothing itself.
func (r *BackfillRecord) asRun() *pipeline.RunRecord {
	rec := &pipeline.RunRecord{
		Run: r.ID, Pipeline: r.Pipeline, Started: r.Started, Seconds: r.Seconds, Actor: r.Actor, Penstock: Version(), Status: pipeline.Published,
	}
	c := &r.Counts
	switch {
	case r.Status == BackfillRunning:
		rec.Status = pipeline.Running
	case r.Status == BackfillCancelled:
		rec.Status, rec.Error = pipeline.Cancelled, fmt.Sprintf("stopped: of %d partitions %d are left", c.ToRun, c.Left)
	case r.Status == BackfillDied:
		rec.Status, rec.Error = pipeline.Failed, "the process ended in the middle of the backfill"
	case c.Failed > 0 || c.Blocked > 0:
		rec.Status, rec.Error = pipeline.Failed, fmt.Sprintf("of %d partitions %d failed, and %d were blocked", c.ToRun, c.Failed, c.Blocked)
	}
	return rec
}

// toldOf is what is on record of a run, or a backfill. What a living process holds still runs.
func (p *Project) toldOf(ctx context.Context, id string) (*pipeline.RunRecord, error) {
	if held, err := p.fs.Held(p.state("live", id+".lock")); err == nil && held {
		return &pipeline.RunRecord{Run: id, Status: pipeline.Running}, nil
	}
	if strings.HasPrefix(id, backfillMark) {
		r, err := p.readBackfill(id)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return r.asRun(), nil
	}
	return p.lastWords(ctx, id)
}

// keptManifest is that of a version, if it is kept.
func (p *Project) keptManifest(dataset, partitionDir string, version int64) *pipeline.Manifest {
	m, _, err := p.publish.Version(dataset, filepath.FromSlash(partitionDir), version)
	if err != nil {
		return nil
	}
	return m
}

// keptDir is the directory of a partition of a dataset, named by its value, if a version is kept.
func (p *Project) keptDir(dataset, partition string) (dir string, known bool) {
	dirs, err := p.publish.Partitions(dataset)
	if err != nil {
		return "", false
	}
	for _, dir := range dirs {
		if _, value, _ := strings.Cut(dir, "="); value == partition {
			return dir, true
		}
	}
	return "", false
}
