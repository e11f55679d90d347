package penstock

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/operators"
	"github.com/penstock-data/penstock/pipeline"
)

// start finds the version whose rows are traced.
func (t *tracing) start(ctx context.Context) (*tracedVersion, error) {
	o := &t.opts
	datasets, err := t.p.Datasets(ctx)
	if err != nil {
		return nil, err
	}
	dir := ""
	if !slices.Contains(datasets, o.Dataset) && slices.Contains(datasets, path.Dir(o.Dataset)) && o.Partition == "" {
		o.Dataset, dir = path.Dir(o.Dataset), path.Base(o.Dataset)
	}
	v, err := t.p.one(o.Dataset, o.Partition, dir, datasets)
	if err != nil {
		return nil, err
	}
	if _, err := t.readings.take(ctx, v.manifest.Dataset, v.partitionDir()); err != nil {
		return nil, err
	}
	if o.Version != 0 && o.Version != v.manifest.Version {
		if v, err = t.p.keptVersion(v.manifest.Dataset, v.partitionDir(), o.Version); err != nil {
			return nil, err
		}
	}
	tv, err := t.open(ctx, v)
	if err != nil {
		return nil, err
	}
	t.versions[v.key()] = tv
	if tv.untraced != "" {
		return nil, pipeline.Errorf(pipeline.Invalid, "%s", tv.untraced).
			With(fmt.Sprintf("write `lineage: rows` at stage %q of pipeline %s, and run the partition again", v.manifest.Stage, v.manifest.Pipeline))
	}
	return tv, nil
}

// key names a version.
func (v *versionAt) key() string { return fmt.Sprint(v.visible, " ", v.manifest.Version) }

// partitionDir is the directory of its partition below the dataset.
func (v *versionAt) partitionDir() string {
	if v.visible == v.manifest.Dataset {
		return ""
	}
	return path.Base(v.visible)
}

// one gives the version readers see of one partition, named by its value or its directory.
func (p *Project) one(dataset, partition, dir string, datasets []string) (*versionAt, error) {
	if !slices.Contains(datasets, dataset) {
		err := pipeline.Errorf(pipeline.Invalid, "%s", pipeline.Unknown("dataset", dataset, datasets))
		return nil, err
	}
	versions, err := p.visible(dataset)
	if err != nil {
		return nil, err
	}
	var names []string
	var found []*versionAt
	for _, v := range versions {
		names = append(names, v.manifest.Partition)
		if (partition == "" || v.manifest.Partition == partition) && (dir == "" || v.partitionDir() == dir) {
			found = append(found, v)
		}
	}
	slices.Sort(names)
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, pipeline.Errorf(pipeline.Invalid, "which partition of %s? %d are published", dataset, len(found)).
			With("name one, like " + dataset + "@" + names[len(names)-1])
	}
	return nil, pipeline.Errorf(pipeline.Invalid, "%s@%s is not published", dataset, partition+dir).With("published are " + pipeline.Several(names))
}

// keptVersion gives a version of a partition, current or not.
func (p *Project) keptVersion(dataset, dir string, version int64) (*versionAt, error) {
	kept, err := p.publish.Versions(dataset, dir)
	if err != nil {
		return nil, err
	}
	var numbers []string
	for _, k := range kept {
		if k.Manifest.Version == version {
			return &versionAt{published{k.Manifest, k.Digest}, path.Join(dataset, dir)}, nil
		}
		numbers = append(numbers, fmt.Sprint(k.Manifest.Version))
	}
	return nil, pipeline.Errorf(pipeline.Invalid, "version %d of %s is not kept any more", version, path.Join(dataset, dir)).
		With("kept are " + strings.Join(numbers, ", "))
}

// choose calls f with the rows of a version for which the condition holds, up to the limit, and
// counts all.
func (t *tracing) choose(ctx context.Context, v *tracedVersion, f func(*TracedRow) error) (chosen int64, err error) {
	if len(v.manifest.Files) == 0 {
		return 0, nil
	}
	where := t.opts.Where
	if where == "" {
		where = "true"
	}
	for _, file := range v.kept(v.manifest.Files) {
		in, err := t.p.written(ctx, v.versionAt, []pipeline.File{file}, false, t.formatOf(v.manifest))
		if err != nil {
			return 0, err
		}
		bound, err := operators.Filter(where).Bind(in.Schema)
		if err != nil {
			return 0, err
		}
		s := scanned{t: t, v: v, bound: bound, in: in, chosen: &chosen, f: f}
		for i := range in.Splits {
			if err := s.split(ctx, &in.Splits[i]); err != nil {
				return 0, err
			}
		}
	}
	return chosen, nil
}

// scanned is a file of a version whose rows are chosen.
type scanned struct {
	t      *tracing
	v      *tracedVersion
	bound  *pipeline.Bound
	in     *pipeline.Input
	row    int64 // of the file
	chosen *int64
	f      func(*TracedRow) error
}

func (s *scanned) split(ctx context.Context, split *pipeline.Split) error {
	if split.Facts != nil && split.Rows >= 0 {
		none, _, _ := s.bound.Proves(split.Rows, func(c int) pipeline.Facts { return split.Facts(s.in.Schema.Field(c).Name) })
		if none {
			s.row += split.Rows
			return nil
		}
	}
	keep, err := s.bound.Keep(pipeline.Unit{Name: split.Name, First: -1, Env: s.t.env})
	if err != nil {
		return err
	}
	r, err := split.Open(ctx, s.t.env, nil)
	if err != nil {
		return err
	}
	return pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
		first := s.row
		s.row += b.NumRows()
		marks, err := keep(ctx, b)
		if err != nil {
			return err
		}
		for i := range int(b.NumRows()) {
			if marks == nil || marks[i] {
				if err := s.tell(split, first+int64(i)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (s *scanned) tell(split *pipeline.Split, row int64) error {
	*s.chosen++
	if s.t.opts.Limit > 0 && *s.chosen > s.t.opts.Limit {
		return nil
	}
	return s.f(s.t.rowOf(s.v, s.in.Files[split.File].Path, row))
}

// rowOf is a row of a file of a version.
func (t *tracing) rowOf(v *tracedVersion, file string, row int64) *TracedRow {
	m := v.manifest
	r := &TracedRow{Dataset: m.Dataset, Partition: m.Partition, Version: m.Version, File: file, RowGroup: -1, Row: row, index: row, version: v}
	for _, f := range m.Files {
		if path.Base(f.Path) == path.Base(file) {
			break
		}
		r.index += f.Rows
	}
	return r
}

// formatOf is the format that the pipeline writes a version in, where it is known.
func (t *tracing) formatOf(m *pipeline.Manifest) pipeline.Format {
	pl, err := t.pipeline(m)
	if err != nil || pl == nil {
		return nil
	}
	if s := stageOf(pl, m.Stage); s != nil && s.Output != nil {
		return s.Output.Format
	}
	return nil
}

var errNoPipeline = errors.New("its pipeline is not at hand")

func (t *tracing) pipeline(m *pipeline.Manifest) (*pipeline.Pipeline, error) {
	if t.opts.Pipeline == nil {
		return nil, errNoPipeline
	}
	return t.opts.Pipeline(m)
}
