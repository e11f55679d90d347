package penstock

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// maxReasons is how many files are named of a source.
const maxReasons = 3

// compareFiles says which files came late. A file of the same size and another time is read: if
// its digest is the same it has not changed.
func (e *evaluation) compareFiles(was, now []pipeline.File) error {
	before := map[string]pipeline.File{}
	for _, f := range was {
		before[f.Path] = f
	}
	var late []string
	for _, f := range now {
		w, ok := before[f.Path]
		delete(before, f.Path)
		switch {
		case !ok:
			late = append(late, f.Path+" is new")
		case w.Bytes != f.Bytes:
			late = append(late, fmt.Sprintf("%s had %d bytes, and has %d", f.Path, w.Bytes, f.Bytes))
		case !w.Modified.Equal(f.Modified):
			sum, err := pipeline.HashFile(e.ctx, e.p.abs(f.Path))
			if err != nil {
				return err
			}
			if sum != w.SHA256 {
				late = append(late, fmt.Sprintf("%s was changed %s", f.Path, f.Modified.Local().Format(time.DateTime)))
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(before)) {
		late = append(late, path+" is gone")
	}
	if len(late) > 0 && e.closed() {
		return nil
	}
	for i, text := range late {
		if i == maxReasons {
			e.because(CauseLate, "and %d more files", len(late)-maxReasons)
			break
		}
		e.because(CauseLate, "%s", text)
	}
	return nil
}

// closed reports whether late data don't open the partition again: it is published, and lies
// before those that the pipeline looks back at.
func (e *evaluation) closed() bool {
	n, start := e.pl.Lookback, e.plan.Partition.Start
	if n <= 0 || start.IsZero() || e.base.Status == pipeline.Blocked {
		return false
	}
	at, _ := slices.BinarySearchFunc(e.starts, start, time.Time.Compare)
	return len(e.starts)-at > n
}
