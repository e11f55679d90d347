package penstock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/penstock-data/penstock/internal/publish"
	"github.com/penstock-data/penstock/lineage"
	"github.com/penstock-data/penstock/pipeline"
)

// DiffOptions choose what is compared.
type DiffOptions struct {
	Dataset, Partition string
	// From and To are versions. To is that which is current where it is 0, From the one before To.
	From, To int64
	// OtherPartition is that of To, if it is another.
	OtherPartition string
	// Key are the columns that name a row; empty: those that the manifest has.
	Key []string
	// WholeRows compares rows without a key, whatever the manifest has.
	WholeRows bool
	// Columns are those to compare, beside the key; empty: all that both versions have.
	Columns []string
	// Limit is how many rows of each sort are named; 0: none.
	Limit int
	// ShowValues names also what the rows hold, beside their key.
	ShowValues bool
}

// Diff is how two versions differ, and why.
type Diff struct {
	Dataset string     `json:"dataset"`
	Before  DiffedSide `json:"before"`
	After   DiffedSide `json:"after"`
	// Same says that no reader can tell the two apart: their rows and columns are the same, and
	// in the same order or not.
	Same bool `json:"same"`
	// Identical says that the files are the same in every byte; then nothing was read.
	Identical bool `json:"identical"`
	// Key are the columns by which rows were told apart; where there are none, NoKey says why.
	Key     []string        `json:"key,omitempty"`
	NoKey   string          `json:"no_key,omitempty"`
	Rows    DiffedRows      `json:"rows"`
	Columns []DiffedColumn  `json:"columns,omitempty"`
	Metrics []DiffedMetric  `json:"metrics,omitempty"`
	Gates   []DiffedGate    `json:"gates,omitempty"`
	Causes  []lineage.Cause `json:"causes,omitempty"`
	// Unexplained says that the data differs and nothing that it was made of does. Unsure are
	// the reasons for which its stages can't promise the same twice, as far as they are known.
	Unexplained bool     `json:"unexplained,omitempty"`
	Unsure      []string `json:"unsure,omitempty"`
	// Stage is the one that made it.
	Stage string `json:"stage"`

	AddedRows   []DiffedRow `json:"added_rows,omitempty"`
	RemovedRows []DiffedRow `json:"removed_rows,omitempty"`
	ChangedRows []DiffedRow `json:"changed_rows,omitempty"`
}

// DiffedSide is one of the two versions.
type DiffedSide struct {
	Partition string    `json:"partition"`
	Version   int64     `json:"version"`
	Rows      int64     `json:"rows"`
	Published time.Time `json:"published"`
	Run       string    `json:"run"`
	Actor     string    `json:"actor"`
}

// diffing is what Diff does.
type diffing struct {
	*Diff
	p        *Project
	opts     DiffOptions
	was, now *versionAt
}

// Diff compares two versions of a partition, or of two partitions of a dataset.
func (p *Project) Diff(ctx context.Context, o DiffOptions) (_ *Diff, err error) {
	d := &diffing{Diff: &Diff{}, p: p, opts: o}
	leases, err := d.find(ctx)
	defer func() {
		for _, l := range leases {
			err = errors.Join(err, l.Close())
		}
	}()
	if err != nil {
		return nil, err
	}
	was, now := d.was.manifest, d.now.manifest
	d.Dataset, d.Stage = now.Dataset, now.Stage
	d.Before, d.After = sideOf(was), sideOf(now)
	d.Identical = was.DataDigest() == now.DataDigest()
	if err := d.rows(ctx); err != nil {
		return nil, err
	}
	if err := d.metrics(ctx); err != nil {
		return nil, err
	}
	d.gates()
	d.Causes = lineage.Explain(was, now, p.wasRead)
	for i := range d.Columns {
		if c := &d.Columns[i]; c.Rows > 0 {
			c.Why = lineage.ExplainColumn(was, now, c.Column, d.Causes)
		}
	}
	d.Unexplained = !d.Identical && was.Partition == now.Partition &&
		!slices.ContainsFunc(d.Causes, func(c lineage.Cause) bool { return c.Explains })
	return d.Diff, nil
}

func sideOf(m *pipeline.Manifest) DiffedSide {
	return DiffedSide{m.Partition, m.Version, m.Rows, m.Published, m.Run, m.Actor}
}

// wasRead is a lineage.Find.
func (p *Project) wasRead(in pipeline.InputRecord) *pipeline.Manifest {
	all, err := p.store.Versions(context.Background(), in.Dataset, in.Partition)
	if err != nil {
		return nil
	}
	for _, m := range all {
		if m.Version == in.Version {
			return m
		}
	}
	return nil
}

// find finds both versions, and takes leases on them.
func (d *diffing) find(ctx context.Context) (leases []*publish.Reading, err error) {
	o := d.opts
	dir, kept, err := d.kept(o.Partition)
	if err != nil {
		return nil, err
	}
	from, to := o.From, o.To
	otherDir, others := dir, kept
	if o.OtherPartition != "" && o.OtherPartition != o.Partition {
		if otherDir, others, err = d.kept(o.OtherPartition); err != nil {
			return nil, err
		}
		if from == 0 {
			from = kept[len(kept)-1]
		}
	}
	if to == 0 {
		to = others[len(others)-1]
	}
	if from == 0 {
		if from, err = before(kept, to); err != nil {
			return nil, d.alone(to)
		}
	}
	for _, v := range []struct {
		dir, partition string
		version        int64
		kept           []int64
		to             **versionAt
	}{{dir, o.Partition, from, kept, &d.was}, {otherDir, firstText(o.OtherPartition, o.Partition), to, others, &d.now}} {
		r, err := d.p.publish.ReadVersion(ctx, path.Clean(o.Dataset), v.dir, v.version)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !slices.Contains(v.kept, v.version) {
			if r != nil {
				leases = append(leases, r)
			}
			return leases, d.notKept(v.partition, v.version, v.kept)
		}
		if err != nil {
			return leases, err
		}
		leases = append(leases, r)
		*v.to = &versionAt{published{r.Manifest, r.Digest}, path.Join(path.Clean(o.Dataset), v.dir)}
	}
	return leases, nil
}

// kept lists the versions that are kept of a partition; the last is current.
func (d *diffing) kept(partition string) (dir string, versions []int64, err error) {
	part, _, err := d.p.findPartition(d.opts.Dataset, partition)
	if err != nil {
		return "", nil, d.which(partition, err)
	}
	all, err := d.p.publish.Versions(path.Clean(d.opts.Dataset), part.Dir())
	for _, v := range all {
		versions = append(versions, v.Manifest.Version)
	}
	if err == nil && len(versions) == 0 {
		err = pipeline.Errorf(pipeline.IO, "no version of %s@%s is kept", d.opts.Dataset, partition).With("`penstock verify` tells what else is not as it was published")
	}
	return part.Dir(), versions, err
}

// which asks for a partition where none was named and there are some.
func (d *diffing) which(partition string, err error) error {
	dirs, _ := d.p.publish.Partitions(path.Clean(d.opts.Dataset))
	if partition != (pipeline.Partition{}).String() || len(dirs) == 0 {
		return err
	}
	slices.Sort(dirs)
	_, last, _ := strings.Cut(dirs[len(dirs)-1], "=")
	return pipeline.Errorf(pipeline.Invalid, "which partition of %s?", d.opts.Dataset).
		With(fmt.Sprintf("there are %d; write it like %s@%s", len(dirs), d.opts.Dataset, last))
}

var errAlone = errors.New("no version before")

// before gives the last version that is kept before another.
func before(kept []int64, version int64) (int64, error) {
	for _, n := range slices.Backward(kept) {
		if n < version {
			return n, nil
		}
	}
	return 0, errAlone
}

func (d *diffing) alone(version int64) error {
	name := path.Clean(d.opts.Dataset) + "@" + d.opts.Partition
	return pipeline.Errorf(pipeline.Invalid, "version %d of %s has none before it that is kept", version, name).
		With("compare it with another partition: `penstock diff "+name+" DATASET@PARTITION`", "`--keep` of `penstock run` says how many versions are kept")
}

// notKept says of a version that it is gone, or never was, and which there are.
func (d *diffing) notKept(partition string, version int64, kept []int64) error {
	name := path.Clean(d.opts.Dataset) + "@" + partition
	e := pipeline.Errorf(pipeline.Invalid, "version %d of %s is not kept any more", version, name)
	current := kept[len(kept)-1]
	if version > current {
		e = pipeline.Errorf(pipeline.Invalid, "%s has no version %d yet", name, version)
	}
	if len(kept) == 1 {
		return e.With(fmt.Sprintf("version %d is current, and no other is kept", current))
	}
	var texts []string
	for _, n := range kept[:len(kept)-1] {
		texts = append(texts, fmt.Sprint(n))
	}
	return e.With(fmt.Sprintf("version %d is current, and kept are %s", current, strings.Join(texts, ", ")))
}
