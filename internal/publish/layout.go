package publish

import (
	"fmt"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/penstock-data/penstock/pipeline"
)

const (
	storeDir     = ".penstock/datasets"
	manifestName = "manifest.json"
	whole        = "all" // names the partition of a dataset that has none
	// VisibleName is the name of the manifest in the directory that readers look at.
	VisibleName = "_manifest.json"
)

// layout knows the paths of one partition.
type layout struct {
	root      string // of the project, absolute
	dataset   string // slash-separated, relative
	partition string // "month=2001-07", or "all"
	visible   string
	store     string // of the dataset
}

func newLayout(root, dataset, partitionDir string) (layout, error) {
	if err := pipeline.CheckOutputPath(dataset); err != nil {
		return layout{}, err
	}
	clean := path.Clean(filepath.ToSlash(dataset))
	dir := filepath.Join(root, filepath.FromSlash(clean))
	l := layout{
		root: root, dataset: clean, partition: partitionDir, visible: filepath.Join(dir, partitionDir),
		store: filepath.Join(filepath.Dir(dir), filepath.FromSlash(storeDir), filepath.Base(dir)),
	}
	if partitionDir == "" {
		l.partition = whole
	}
	return l, nil
}

// beside is the directory in which both what is visible of the dataset and its store lie.
func (l layout) beside() string { return filepath.Dir(filepath.Dir(filepath.Dir(l.store))) }

// dir is the directory of the partition below its dataset; empty if it has none.
func (l layout) dir() string {
	if l.partition == whole {
		return ""
	}
	return l.partition
}

func (l layout) versions() string { return filepath.Join(l.store, "versions", l.partition) }

func (l layout) version(n int64) string {
	return filepath.Join(l.versions(), fmt.Sprintf("%06d", n))
}

// staging is where the partition is claimed and written: a file for each claim, with a number
// for a name, and a directory for what its holder writes.
func (l layout) staging() string { return filepath.Join(l.store, "staging", l.partition) }

func (l layout) claim(n int64) string { return filepath.Join(l.staging(), fmt.Sprintf("%06d", n)) }

// stagedBy is the directory of a claim. Numbers are never used twice, so no run that was
// fenced finds its path in use again.
func (l layout) stagedBy(n int64, run string) string { return l.claim(n) + "." + run }

// readers is where those who read a version of the partition say so.
func (l layout) readers() string { return filepath.Join(l.store, "readers", l.partition) }

func (l layout) held() string { return filepath.Join(l.store, "held") }

// heldBy is the directory of what a run holds of the partition.
func (l layout) heldBy(run string) string { return filepath.Join(l.held(), l.partition+"."+run) }

func (l layout) approvals() string { return filepath.Join(l.store, "approvals", l.partition+".json") }

// cutRun cuts the name of a staged or held directory into what is before the run, and the run.
func cutRun(name string) (partition, run string) {
	i := strings.LastIndexByte(name, '.') // no run has a dot in its id
	if i < 0 {
		return name, ""
	}
	return name[:i], name[i+1:]
}

// rel is a path as people see it: relative to the project.
func (l layout) rel(p string) string {
	if r, err := filepath.Rel(l.root, p); err == nil {
		return filepath.ToSlash(r)
	}
	return p
}

// VersionDir is the directory of a kept version, relative to the project; visible is that
// which readers look at.
func VersionDir(dataset, visible string, version int64) string {
	dir := ""
	if visible != dataset {
		dir = path.Base(visible)
	}
	l, err := newLayout("/", dataset, dir)
	if err != nil {
		return dataset
	}
	return l.rel(l.version(version))
}

// Located says of a file of a kept version, by its path relative to the project, of which
// dataset, directory of a partition and version it is. The version is 0 if it is none.
func Located(file string) (dataset, partitionDir string, version int64) {
	before, after, ok := strings.Cut(path.Clean(file), storeDir+"/")
	parts := strings.Split(after, "/")
	if !ok || len(parts) < 5 || parts[1] != "versions" {
		return "", "", 0
	}
	n, err := strconv.ParseInt(parts[3], 10, 64)
	if err != nil || n < 1 {
		return "", "", 0
	}
	if parts[2] == whole {
		parts[2] = ""
	}
	return path.Join(before, parts[0]), parts[2], n
}
