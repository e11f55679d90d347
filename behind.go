package penstock

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/internal/publish"
	"github.com/penstock-data/penstock/internal/store"
	"github.com/penstock-data/penstock/pipeline"
)

// catchUp gives an index what it lacks. One that was restored from an old backup, or was lost,
// or whose last changes were torn, is behind the records of runs; and it may hold runs for
// running that have long ended.
func (p *Project) catchUp(ctx context.Context) error {
	names, err := p.recordNames()
	if err != nil {
		return err
	}
	known, err := p.store.CountRuns(ctx)
	if err != nil {
		return err
	}
	running, err := p.store.Running(ctx)
	if err != nil {
		return err
	}
	switch {
	case known == 0 && len(names) > 0: // it is new
		_, _, err := p.Rebuild(ctx)
		return err
	case known-len(running) == len(names):
		return p.readRevised(ctx)
	}
	return errors.Join(p.readAgain(ctx, names), p.readRevised(ctx))
}

// maxRevised bounds how many blocked runs are looked at, the latest.
const maxRevised = 1000

// readRevised reads the records of blocked runs again that are not as the index has them: of all
// that have ended, only those are written once more, by an approval.
func (p *Project) readRevised(ctx context.Context) error {
	blocked, err := p.Runs(ctx, RunFilter{Status: pipeline.Blocked, Limit: maxRevised})
	if err != nil {
		return err
	}
	var revised []*pipeline.RunRecord
	for _, was := range blocked {
		if len(was.Held) == 0 {
			continue
		}
		now, err := readRun(p.state("runs", was.Run+".json"))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return err
		}
		a, aerr := recordText(was)
		b, berr := recordText(now)
		if err := errors.Join(aerr, berr); err != nil {
			return err
		}
		if !bytes.Equal(a, b) {
			revised = append(revised, now)
		}
	}
	if len(revised) == 0 {
		return nil
	}
	return p.recall(ctx, revised)
}

// recordNames lists the ids of the runs that have a record, in no order.
func (p *Project) recordNames() ([]string, error) {
	dir, err := os.Open(p.state("runs"))
	if err != nil {
		return nil, err
	}
	names, err := dir.Readdirnames(-1)
	if err := errors.Join(err, dir.Close()); err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasSuffix(name, ".json") })
	for i, name := range names {
		names[i] = strings.TrimSuffix(name, ".json")
	}
	return names, nil
}

// readAgain reads the records of runs that the index lacks.
func (p *Project) readAgain(ctx context.Context, names []string) error {
	ended, running, err := p.store.Finished(ctx)
	if err != nil {
		return err
	}
	var lost []*pipeline.RunRecord
	for _, run := range names {
		if ended[run] || slices.Contains(running, run) { // what runs writes its own
			continue
		}
		rec, err := readRun(p.state("runs", run+".json"))
		if err != nil {
			return err
		}
		lost = append(lost, rec)
	}
	if len(lost) == 0 {
		return nil
	}
	slices.SortFunc(lost, func(a, b *pipeline.RunRecord) int {
		return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.Run, b.Run))
	})
	return p.recall(ctx, lost)
}

// recall puts records of runs into the index, and the versions of the partitions that they
// published.
func (p *Project) recall(ctx context.Context, lost []*pipeline.RunRecord) error {
	return p.store.Change(ctx, func(c *store.Changes) error {
		places := map[string]bool{}
		for _, rec := range lost {
			if err := c.PutRun(rec); err != nil {
				return err
			}
			for _, out := range rec.Outputs {
				if places[out.Path] {
					continue
				}
				places[out.Path] = true
				kept, err := p.publish.Versions(out.Dataset, partitionDir(out))
				if err != nil {
					return err
				}
				for i := range kept {
					if err := p.putVersion(c, out.Dataset, kept[:i+1]); err != nil {
						return err
					}
				}
			}
		}
		return nil
	})
}

// partitionDir is the directory of an output's partition below its dataset; empty if it has
// none.
func partitionDir(out pipeline.OutputRecord) string {
	if out.Path == out.Dataset {
		return ""
	}
	return path.Base(out.Path)
}

// putVersion puts the last of some versions of a dataset into the index, and what it rests on where
// the record of its run is lost: what was released or rolled back rests on what the version before
// did.
func (p *Project) putVersion(c *store.Changes, dataset string, upTo []publish.Kept) error {
	v := upTo[len(upTo)-1]
	m := v.Manifest
	if v.Current {
		known, err := c.Base(m.Pipeline, m.Stage, m.Partition)
		if err != nil {
			return err
		}
		if known == nil || known.Version != m.Version {
			if err := c.PutBases(&pipeline.RunRecord{
				Run: runOf(m), Pipeline: m.Pipeline, Partition: m.Partition, Status: pipeline.Published, Started: m.Published,
				Bases: []pipeline.Basis{restsOn(m, upTo)},
			}); err != nil {
				return err
			}
		}
	}
	return c.PutVersion(store.Version{Manifest: m, Digest: v.Digest, Stamp: p.stamp(path.Join(dataset, v.Dir))}, v.Current)
}

// restsOn is what a version rests on, one of some of its dataset, by their number. What was
// released or rolled back rests on what the version did of which it was made, as long as that is
// kept.
func restsOn(m *pipeline.Manifest, kept []publish.Kept) pipeline.Basis {
	b := basisOf(m)
	if b.Code != nil {
		return b
	}
	for _, v := range slices.Backward(kept) {
		if w := v.Manifest; w.Partition != m.Partition || w.Version >= m.Version {
			continue
		} else if before := basisOf(w); before.Code != nil {
			before.Settle(m)
			return before
		}
	}
	return b
}

// restsOn is what the current version of a partition rests on.
func (p *Project) restsOn(m *pipeline.Manifest, partitionDir string) pipeline.Basis {
	if m.Release == nil && m.Rollback == nil {
		return basisOf(m)
	}
	kept, err := p.publish.Versions(m.Dataset, partitionDir)
	if err != nil {
		return basisOf(m) // what it rests on is not on record then
	}
	return restsOn(m, kept)
}

// putMade puts a version into the index that a run made current. Another run may have made another
// current since, and have said so already: what readers see is asked when nobody else can write to
// the index. What its manifest looks like is asked before, for no version comes back once it is
// replaced.
func (p *Project) putMade(c *store.Changes, rec *pipeline.RunRecord, v published) error {
	now, current := store.Version{Manifest: v.manifest, Digest: v.digest}, false
	for _, out := range rec.Outputs {
		if out.Dataset == v.manifest.Dataset {
			now.Stamp = p.stamp(out.Path)
			_, digest, err := p.publish.Current(out.Dataset, partitionDir(out))
			current = err == nil && digest == v.digest
		}
	}
	return c.PutVersion(now, current)
}

// stamp says what the manifest of a visible directory looks like from outside; empty if there is
// none. Its file never changes: another version has another.
func (p *Project) stamp(visible string) string {
	info, err := os.Lstat(filepath.Join(p.abs(visible), publish.VisibleName))
	if err != nil {
		return ""
	}
	return stampOf(info)
}

func stampOf(info fs.FileInfo) string {
	return fmt.Sprintf("%d bytes at %d", info.Size(), info.ModTime().UnixNano())
}
