package penstock

import (
	"slices"
	"testing"

	"github.com/penstock-data/penstock/pipeline"
)

// Of a version that is not kept any more the data is compared by its digest, and of what it had in
// quarantine how many files there were.
func TestReproduceOfAVersionThatIsGone(t *testing.T) {
	files := []pipeline.File{{Path: "data/part-0.csv", SHA256: "a"}}
	for _, c := range []struct {
		what       string
		data       string
		quarantine int
		now        int
		want       []string
		notes      int
	}{
		{"the same", pipeline.FilesDigest(files), 0, 0, nil, 1},
		{"not compared", pipeline.FilesDigest(files), 1, 1, nil, 2},
		{"no quarantine now", pipeline.FilesDigest(files), 1, 0, []string{"0 files of quarantine came out, 1 are on record"}, 1},
		{"quarantine now", pipeline.FilesDigest(files), 0, 1, []string{"1 files of quarantine came out, 0 are on record"}, 1},
		{"other data", "b", 0, 0, []string{"the digest of the data is " + pipeline.FilesDigest(files) + ", and was b"}, 1},
		{"no digest", "", 0, 0, []string{"the version is not kept, and the run has no digest of its data"}, 0},
	} {
		r := &reproduction{Reproduction: &Reproduction{}, rec: &pipeline.RunRecord{Bases: []pipeline.Basis{{Dataset: "d", Data: c.data}}}}
		done := Reproduced{Dataset: "d", Version: 1}
		r.compareGone(&done, c.quarantine, &pipeline.Manifest{Files: files, Quarantine: make([]pipeline.File, c.now)})
		if !slices.Equal(done.Differ, c.want) || len(r.Notes) != c.notes {
			t.Errorf("%s: %q, notes %q", c.what, done.Differ, r.Notes)
		}
	}
}
