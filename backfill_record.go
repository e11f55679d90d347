package penstock

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/internal/store"
	"github.com/penstock-data/penstock/pipeline"
)

// BackfillStatus says how a backfill ended.
type BackfillStatus string

// The statuses of backfills.
const (
	BackfillRunning   BackfillStatus = "running"
	BackfillEnded     BackfillStatus = "ended"     // every partition has its verdict, or waits
	BackfillCancelled BackfillStatus = "cancelled" // somebody stopped it
	BackfillDied      BackfillStatus = "died"      // its process ended in the middle of it
)

// BackfillRecord is what is remembered of a backfill.
type BackfillRecord struct {
	ID       string `json:"backfill"`
	Pipeline string `json:"pipeline"`
	// File is the pipeline file, relative to the project; empty if it was read from none.
	File string `json:"file,omitempty"`
	// Partitions are those it is about, as names and ranges: "2001-01..2001-07".
	Partitions []string          `json:"partitions"`
	Options    BackfillOptions   `json:"options"`
	Params     map[string]string `json:"params,omitempty"`
	Status     BackfillStatus    `json:"status"`
	Started    time.Time         `json:"started"`
	Seconds    float64           `json:"seconds"`
	Actor      string            `json:"actor"`
	Command    []string          `json:"command,omitempty"`
	Counts     BackfillCounts    `json:"counts"`
	// Blocked, Failed and Waiting name the first thousand partitions of each sort; Waiting are
	// those of which something was not run because what it rests on was not published.
	Blocked []string `json:"blocked,omitempty"`
	Failed  []string `json:"failed,omitempty"`
	Waiting []string `json:"waiting,omitempty"`
	// Awaiting name those that a gate had blocked before, and of which nothing has changed since:
	// they are not run again, and a person must look.
	Awaiting []string `json:"awaiting,omitempty"`
}

// BackfillCounts count partitions. Of a backfill that was gone on with they are those of the last
// time.
type BackfillCounts struct {
	// Partitions are all that it is about, ToRun those that were not up to date.
	Partitions int `json:"partitions"`
	ToRun      int `json:"to_run"`
	Published  int `json:"published"`
	Unchanged  int `json:"unchanged"`
	Blocked    int `json:"blocked"`
	Failed     int `json:"failed"`
	Cancelled  int `json:"cancelled"`
	// NotRun are those that had nothing left to run when their turn came, Left those that were
	// not begun. Waiting may be among the others: a stage of theirs was not run.
	NotRun  int `json:"not_run"`
	Left    int `json:"left"`
	Waiting int `json:"waiting"`
	// Awaiting are not to run, for they are blocked, and nothing has changed since.
	Awaiting int `json:"awaiting"`
	// Retries is how often a partition was tried again.
	Retries int `json:"retries"`
}

// Ended is how many partitions have come to an end.
func (c *BackfillCounts) Ended() int {
	return c.Published + c.Unchanged + c.Blocked + c.Failed + c.Cancelled + c.NotRun
}

// maxNamed is how many partitions of a sort are named.
const maxNamed = 1000

func (r *BackfillRecord) count(run *pipeline.RunRecord) {
	c := &r.Counts
	switch run.Status {
	case pipeline.Published:
		c.Published++
	case pipeline.Unchanged:
		c.Unchanged++
	case pipeline.Blocked:
		c.Blocked++
		r.Blocked = named(r.Blocked, run.Partition)
	case pipeline.Cancelled:
		c.Cancelled++
	default:
		c.Failed++
		r.Failed = named(r.Failed, run.Partition)
	}
}

func (r *BackfillRecord) wait(partition string) {
	r.Counts.Waiting++
	r.Waiting = named(r.Waiting, partition)
}

func named(names []string, name string) []string {
	if len(names) < maxNamed {
		names = append(names, name)
	}
	return names
}

func (r *BackfillRecord) finish(now time.Time, err error) {
	r.Status, r.Seconds = BackfillEnded, now.Sub(r.Started).Seconds()
	if pipeline.KindOf(err) == pipeline.Canceled && err != nil {
		r.Status = BackfillCancelled
	}
	for _, names := range [][]string{r.Blocked, r.Failed, r.Waiting} {
		slices.Sort(names)
	}
}

// Names writes partitions as people do: those that follow each other as a range.
func Names(parts []pipeline.Partition) (names []string) {
	for i := 0; i < len(parts); {
		j := i + 1
		for j < len(parts) && !parts[j].Start.IsZero() && parts[j].Start.Equal(parts[j-1].End) {
			j++
		}
		if name := parts[i].String(); j-i > 1 {
			names = append(names, name+".."+parts[j-1].String())
		} else {
			names = append(names, name)
		}
		i = j
	}
	return names
}

// backfillMark begins the ids of backfills, and of nothing else.
const backfillMark = "b"

// record is that of a new backfill, or of the one that is gone on with.
func (b *backfill) record(ctx context.Context) (*BackfillRecord, error) {
	rec := &BackfillRecord{ID: backfillMark + b.p.ids.New()}
	if id := b.opts.Resume; id != "" {
		was, err := b.p.BackfillByID(id)
		if err != nil {
			return nil, err
		}
		if was.Pipeline != b.pl.Name {
			return nil, pipeline.Errorf(pipeline.Invalid, "backfill %s is of pipeline %s, not of %s", was.ID, was.Pipeline, b.pl.Name)
		}
		rec.ID = was.ID
		if err := b.judged(ctx, was.ID); err != nil {
			return nil, err
		}
	}
	rec.Pipeline, rec.File, rec.Params, rec.Options = b.pl.Name, b.p.relative(b.pl.File), b.pl.Params, b.opts
	rec.Status, rec.Started, rec.Actor, rec.Command = BackfillRunning, b.p.clock.Now(), b.p.opts.Actor, b.p.opts.Command
	return rec, nil
}

// judged finds what a backfill has given a verdict of before, where all was asked for: else it
// would run again.
func (b *backfill) judged(ctx context.Context, id string) error {
	if !b.opts.Force {
		return nil
	}
	b.done = map[string]bool{}
	return b.p.store.Ended(ctx, id, func(partition string, s pipeline.Status) {
		if s == pipeline.Published || s == pipeline.Unchanged || s == pipeline.Blocked {
			b.done[partition] = true
		}
	})
}

func lockedBackfill(id string, err error) error {
	var held *faults.LockedError
	if !errors.As(err, &held) {
		return err
	}
	return pipeline.Errorf(pipeline.Conflict, "backfill %s is running", id).
		With("see `penstock runs --backfill " + id + "`; it can be gone on with when it has ended")
}

func (p *Project) writeBackfill(r *BackfillRecord) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	path := p.state("backfills", r.ID+".json")
	if err := p.intendBackfill(r.ID, text); err != nil {
		return err
	}
	if r.Status == BackfillRunning {
		return faults.WriteFile(p.fs, path, text)
	}
	return p.audit.Record(context.Background(), path, text, backfillEntry(r, text))
}

// BackfillByID finds the record of a backfill by its id, or by the beginning of it if only one
// has it.
func (p *Project) BackfillByID(id string) (*BackfillRecord, error) {
	all, err := p.backfills()
	if err != nil {
		return nil, err
	}
	found := slices.DeleteFunc(slices.Clone(all), func(known string) bool { return id == "" || !strings.HasPrefix(known, id) })
	switch {
	case len(found) > 1:
		return nil, pipeline.Errorf(pipeline.Invalid, "more than one backfill begins with %q: %s, %s, …", id, found[0], found[1])
	case len(found) == 1:
		return p.readBackfill(found[0])
	}
	problem := pipeline.Errorf(pipeline.Invalid, "no backfill %q is known", id)
	if len(all) > 0 {
		return nil, problem.With("the last one is " + all[len(all)-1])
	}
	return nil, problem.With("none was run in " + p.dir)
}

// LastBackfill is the record of the latest one; nil if there was none.
func (p *Project) LastBackfill() (*BackfillRecord, error) {
	all, err := p.backfills()
	if err != nil || len(all) == 0 {
		return nil, err
	}
	var last *BackfillRecord
	for _, id := range slices.Backward(all) {
		if last != nil && !strings.HasPrefix(id, last.ID[:idSecond]) {
			break
		}
		r, err := p.readBackfill(id)
		if err != nil {
			return nil, err
		}
		if last == nil || r.Started.After(last.Started) {
			last = r
		}
	}
	return last, nil
}

// idSecond is how many letters of an id are the second in which it was made.
const idSecond = len(backfillMark + "20060102T150405")

// backfills are the ids of all, the oldest first.
func (p *Project) backfills() (ids []string, err error) {
	files, err := filepath.Glob(p.state("backfills", backfillMark+"*.json"))
	for _, f := range files {
		ids = append(ids, strings.TrimSuffix(filepath.Base(f), ".json"))
	}
	slices.Sort(ids)
	return ids, err
}

func (p *Project) readBackfill(id string) (*BackfillRecord, error) {
	path := p.state("backfills", id+".json")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &BackfillRecord{}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, pipeline.Errorf(pipeline.IO, "%s is not the record of a backfill: %w", path, err).
			With("run the backfill again without its id: what is published is not run again")
	}
	return r, nil
}

// buryBackfill ends the record of a backfill whose process has died.
func (p *Project) buryBackfill(_ context.Context, id string) error {
	r, err := p.readBackfill(id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it died before it was on record
	}
	if err != nil {
		return err
	}
	if changed, err := p.changedBackfill(id); err != nil || changed {
		return err
	}
	if r.Status == BackfillRunning {
		r.Status = BackfillDied
		return p.writeBackfill(r)
	}
	return p.lateBackfill(r)
}

// relative is the path of a file as seen from the project.
func (p *Project) relative(file string) string {
	abs, err := filepath.Abs(file)
	if file == "" || err != nil {
		return file
	}
	if rel, err := filepath.Rel(p.dir, abs); err == nil {
		return filepath.ToSlash(rel)
	}
	return abs
}

// Unfinished are the partitions of a pipeline whose last run failed or was cancelled, and, if
// blocked is set, those that a gate blocked.
func (p *Project) Unfinished(ctx context.Context, pl *pipeline.Pipeline, blocked bool) (parts []pipeline.Partition, err error) {
	err = p.store.Bases(ctx, pl.Name, func(b *store.Base) {
		if s := stageOf(pl, b.Stage); s == nil || !isUnit(pl, s) {
			return // it is no more
		}
		if b.Status == pipeline.Failed || b.Status == pipeline.Cancelled || blocked && b.Status == pipeline.Blocked {
			if part, err := pl.Partitions.Parse(b.Partition); err == nil { // else it is of another scheme, of the past
				parts = append(parts, part)
			}
		}
	})
	slices.SortFunc(parts, func(a, b pipeline.Partition) int { return strings.Compare(a.Value, b.Value) })
	return InOrder(parts), err
}
