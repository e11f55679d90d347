package publish

import (
	"testing"

	"github.com/penstock-data/penstock/pipeline"
)

// What rows are traced to is a part of a version that has a trace file, and of no other.
func TestSameTraced(t *testing.T) {
	at := func(version int64) []pipeline.InputRecord {
		return []pipeline.InputRecord{{Name: "clean", Dataset: "w/clean", Partition: "p", Version: version}}
	}
	file := func(digest string) []pipeline.InputRecord {
		return []pipeline.InputRecord{{Name: "raw", Source: "csv raw.csv", Files: []pipeline.File{{Path: "raw.csv", SHA256: digest}}}}
	}
	traced := []pipeline.File{{Path: "lineage/part-0.parquet"}}
	for _, test := range []struct {
		name     string
		was, now pipeline.Manifest
		want     bool
	}{
		{"the same version", pipeline.Manifest{Inputs: at(1)}, pipeline.Manifest{Inputs: at(1), Lineage: traced}, true},
		{"another version", pipeline.Manifest{Inputs: at(1)}, pipeline.Manifest{Inputs: at(2), Lineage: traced}, false},
		{"another, without a trace file", pipeline.Manifest{Inputs: at(1)}, pipeline.Manifest{Inputs: at(2)}, true},
		{"the same bytes", pipeline.Manifest{Inputs: file("aa")}, pipeline.Manifest{Inputs: file("aa"), Lineage: traced}, true},
		{"other bytes", pipeline.Manifest{Inputs: file("aa")}, pipeline.Manifest{Inputs: file("bb"), Lineage: traced}, false},
		{"a release", pipeline.Manifest{Inputs: at(1)}, pipeline.Manifest{Inputs: at(2), Lineage: traced, Release: &pipeline.Release{}}, true},
	} {
		if got := sameTraced(&test.was, &test.now); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}
