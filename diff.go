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
	// in the same order or not. Of columns that were not compared it says nothing: Only are those
	// that were, beside the key, where some were asked for.
	Same bool     `json:"same"`
	Only []string `json:"only,omitempty"`
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
	d.Identical, d.Only = was.DataDigest() == now.DataDigest(), o.Columns
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

// chosen is a version that is to be compared.
type chosen struct {
	partition, dir string
	version        int64
	kept           []int64
}

// find finds both versions, and takes leases on them.
func (d *diffing) find(ctx context.Context) (leases []*publish.Reading, err error) {
	was, now, err := d.choose()
	if err != nil {
		return nil, err
	}
	for _, v := range []struct {
		chosen
		to **versionAt
	}{{was, &d.was}, {now, &d.now}} {
		r, err := d.lease(ctx, v.chosen)
		if err != nil {
			return leases, err
		}
		leases = append(leases, r)
		*v.to = &versionAt{published{r.Manifest, r.Digest}, path.Join(path.Clean(d.opts.Dataset), v.dir)}
	}
	return leases, nil
}

// choose fills in what was not said: of two partitions both current versions, of one the current and
// the one before.
func (d *diffing) choose() (was, now chosen, err error) {
	o := d.opts
	if was, err = d.kept(o.Partition); err != nil {
		return was, now, err
	}
	was.version, now = o.From, was
	if o.OtherPartition != "" && o.OtherPartition != o.Partition {
		if now, err = d.kept(o.OtherPartition); err != nil {
			return was, now, err
		}
		if was.version == 0 {
			was.version = was.kept[len(was.kept)-1]
		}
	}
	if now.version = o.To; o.To == 0 {
		now.version = now.kept[len(now.kept)-1]
	}
	if was.version == 0 {
		if was.version, err = before(was.kept, now.version); err != nil {
			return was, now, d.alone(now.version)
		}
	}
	if was.dir == now.dir && was.version == now.version {
		err = pipeline.Errorf(pipeline.Invalid, "version %d of %s@%s is current, and would be compared with itself", now.version, d.opts.Dataset, now.partition).
			With("name two versions, or none to compare it with the one before")
	}
	return was, now, err
}

// lease takes a lease on a version, which must be one of those that were ever current.
func (d *diffing) lease(ctx context.Context, v chosen) (*publish.Reading, error) {
	if !slices.Contains(v.kept, v.version) {
		return nil, d.notKept(v)
	}
	r, err := d.p.publish.ReadVersion(ctx, path.Clean(d.opts.Dataset), v.dir, v.version)
	if errors.Is(err, fs.ErrNotExist) { // it went just now
		return nil, d.notKept(v)
	}
	return r, err
}

// kept lists the versions that are kept of a partition; the last is current.
func (d *diffing) kept(partition string) (c chosen, err error) {
	part, _, err := d.p.findPartition(d.opts.Dataset, partition)
	if err != nil {
		return c, d.which(partition, err)
	}
	c.partition, c.dir = partition, part.Dir()
	all, err := d.p.publish.Versions(path.Clean(d.opts.Dataset), c.dir)
	for _, v := range all {
		c.kept = append(c.kept, v.Manifest.Version)
	}
	if err == nil && len(c.kept) == 0 {
		err = pipeline.Errorf(pipeline.IO, "no version of %s@%s is kept", d.opts.Dataset, partition).With("`penstock verify` tells what else is not as it was published")
	}
	return c, err
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
func (d *diffing) notKept(v chosen) error {
	name := path.Clean(d.opts.Dataset) + "@" + v.partition
	e := pipeline.Errorf(pipeline.Invalid, "version %d of %s is not kept any more", v.version, name)
	current := v.kept[len(v.kept)-1]
	if v.version > current {
		e = pipeline.Errorf(pipeline.Invalid, "%s has no version %d yet", name, v.version)
	}
	if len(v.kept) == 1 {
		return e.With(fmt.Sprintf("version %d is current, and no other is kept", current))
	}
	var texts []string
	for _, n := range v.kept[:len(v.kept)-1] {
		texts = append(texts, fmt.Sprint(n))
	}
	return e.With(fmt.Sprintf("version %d is current, and kept are %s", current, strings.Join(texts, ", ")))
}
