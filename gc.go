package penstock

import (
	"context"
	"os"
	"path/filepath"

	"github.com/penstock-data/penstock/pipeline"
)

// Collected is what GC removed, or would remove.
type Collected struct {
	Removed []Garbage `json:"removed"`
	Files   int64     `json:"files"`
	Bytes   int64     `json:"bytes"`
	// Busy are the partitions, as readers see them, that a run was writing: they are left to it.
	Busy []string `json:"busy,omitempty"`
}

// Garbage is a file or directory that nothing needs.
type Garbage struct {
	Path string `json:"path"` // relative to the project
	What string `json:"what"`
	// Bytes are those that are freed; a file with another name keeps its.
	Bytes int64 `json:"bytes"`
}

// GC removes what nothing needs: what dead runs were writing, versions that were never switched to
// or are past their keep, held versions past their time, leases of readers that are gone, private
// files. It leaves alone what a run is writing, versions that somebody reads, and whatever Penstock
// did not make. With dryRun it only says what it would remove.
func (p *Project) GC(ctx context.Context, dryRun bool) (*Collected, error) {
	all := &Collected{Removed: []Garbage{}}
	datasets, err := p.publish.Datasets()
	if err != nil {
		return all, err
	}
	for _, dataset := range datasets {
		found, err := p.publish.GC(ctx, dataset, dryRun)
		if found != nil {
			for _, g := range found.Removed {
				all.Removed = append(all.Removed, Garbage{g.Path, g.What, g.Bytes})
			}
			all.Files, all.Bytes, all.Busy = all.Files+found.Files, all.Bytes+found.Bytes, append(all.Busy, found.Busy...)
		}
		if err != nil {
			return all, err
		}
	}
	return all, p.collectTemp(all, dryRun)
}

// collectTemp removes private files of runs that don't live any more.
func (p *Project) collectTemp(all *Collected, dryRun bool) error {
	entries, err := os.ReadDir(p.state("tmp"))
	if err != nil {
		return &pipeline.Error{Kind: pipeline.IO, Msg: "can't look through " + p.state("tmp") + ": " + err.Error(), Err: err}
	}
	for _, e := range entries {
		if _, err := os.Stat(p.state("live", e.Name()+".lock")); err == nil {
			continue // whoever opens the project finds out whether it is alive
		}
		dir := p.state("tmp", e.Name())
		files, bytes := sizeOf(dir)
		if !dryRun {
			if err := os.RemoveAll(dir); err != nil {
				return &pipeline.Error{Kind: pipeline.IO, Msg: "can't remove " + dir + ": " + err.Error(), Err: err}
			}
		}
		all.Removed = append(all.Removed, Garbage{filepath.ToSlash(filepath.Join(StateDir, "tmp", e.Name())), "private files of a run that is over", bytes})
		all.Files, all.Bytes = all.Files+files, all.Bytes+bytes
	}
	return nil
}

func sizeOf(dir string) (files, bytes int64) {
	_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error { // what is gone has no size
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				files, bytes = files+1, bytes+info.Size()
			}
		}
		return nil
	})
	return files, bytes
}
