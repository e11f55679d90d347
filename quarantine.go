package penstock

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/penstock-data/penstock/internal/publish"
	"github.com/penstock-data/penstock/pipeline"
)

// Quarantined is what the current version of a partition has beside it: the rows that gates
// put aside when it was made.
type Quarantined struct {
	Dataset   string `json:"dataset"`
	Partition string `json:"partition"`
	Version   int64  `json:"version"`
	Rows      int64  `json:"rows"`
	// Rules are those that the rows broke, by name. A row that broke two counts for both.
	Rules []BrokenRule `json:"rules"`
	// Key are the columns that name a row, as far as that is known.
	Key       []string  `json:"key,omitempty"`
	Published time.Time `json:"published"`
	Run       string    `json:"run"`
	// Files hold the rows, relative to the project.
	Files []string `json:"files"`

	current *versionAt
}

// BrokenRule is how many quarantined rows broke a rule.
type BrokenRule struct {
	Rule string `json:"rule"`
	Rows int64  `json:"rows"`
}

// versionAt is a version that readers see, and where.
type versionAt struct {
	published
	visible string // the directory readers look at, relative to the project
}

// Quarantined lists the partitions whose current version has rows beside it that gates put
// aside, by dataset and partition; empty names stand for all. It reads why each row was.
func (p *Project) Quarantined(ctx context.Context, dataset, partition string) ([]Quarantined, error) {
	datasets, err := p.Datasets(ctx)
	if err != nil {
		return nil, err
	}
	var all []Quarantined
	for _, d := range datasets {
		if dataset != "" && d != dataset {
			continue
		}
		versions, err := p.visible(d)
		if err != nil {
			return nil, err
		}
		for _, v := range versions {
			if len(v.manifest.Quarantine) == 0 || partition != "" && v.manifest.Partition != partition {
				continue
			}
			q, err := p.quarantined(ctx, v)
			if err != nil {
				return nil, err
			}
			all = append(all, *q)
		}
	}
	slices.SortFunc(all, func(a, b Quarantined) int {
		return cmp.Or(strings.Compare(a.Dataset, b.Dataset), strings.Compare(a.Partition, b.Partition))
	})
	return all, nil
}

// visible gives the versions that readers see of a dataset.
func (p *Project) visible(dataset string) (all []*versionAt, err error) {
	dirs, err := p.publish.Partitions(dataset)
	if err != nil {
		return nil, err
	}
	for _, dir := range append(dirs, "") {
		m, digest, err := p.publish.Current(dataset, dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, &versionAt{published{m, digest}, path.Join(dataset, dir)})
	}
	return all, nil
}

func (p *Project) quarantined(ctx context.Context, v *versionAt) (*Quarantined, error) {
	m := v.manifest
	q := &Quarantined{
		Dataset: m.Dataset, Partition: m.Partition, Version: m.Version, Key: m.Key,
		Published: m.Published, Run: m.Run, current: v, Rules: []BrokenRule{},
	}
	for _, f := range v.quarantine() {
		q.Files, q.Rows = append(q.Files, f.Path), q.Rows+f.Rows
	}
	counts := map[string]int64{}
	err := p.eachAside(ctx, v, []string{pipeline.RulesColumn}, func(r asideRow) error {
		for _, rule := range r.rules() {
			counts[rule]++
		}
		return nil
	})
	for rule, rows := range counts {
		q.Rules = append(q.Rules, BrokenRule{rule, rows})
	}
	slices.SortFunc(q.Rules, func(a, b BrokenRule) int { return cmp.Or(cmp.Compare(b.Rows, a.Rows), strings.Compare(a.Rule, b.Rule)) })
	return q, err
}

// dir is the directory of the version as it is kept, relative to the project.
func (v *versionAt) dir() string {
	return publish.VersionDir(v.manifest.Dataset, v.visible, v.manifest.Version)
}

// files are the data files that readers see, by their paths relative to the project.
func (v *versionAt) files() (all []pipeline.File) {
	for _, f := range v.manifest.Files {
		f.Path = path.Join(v.visible, path.Base(f.Path))
		all = append(all, f)
	}
	return all
}

// quarantine are the files of quarantined rows, by their paths relative to the project.
func (v *versionAt) quarantine() []pipeline.File { return v.kept(v.manifest.Quarantine) }

// kept are files of the version where it is kept: they stay as long as it is.
func (v *versionAt) kept(files []pipeline.File) (all []pipeline.File) {
	dir := v.dir()
	for _, f := range files {
		f.Path = path.Join(dir, f.Path)
		all = append(all, f)
	}
	return all
}
