package penstock

import (
	"context"
	"errors"
	"os"
	"path"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/trace"
	"github.com/penstock-data/penstock/pipeline"
)

// TraceOptions choose the rows of a partition that are traced, and how far.
type TraceOptions struct {
	// Dataset and Partition name what is published; Partition may be empty where the dataset has
	// one alone. Version is one that is kept; 0 is what readers see.
	Dataset, Partition string
	Version            int64
	// Where is a condition in CEL on the columns of the dataset; empty: every row.
	Where string
	// Limit is of how many rows at most; 0: all. Sources is how many rows that one came from are
	// given at most; 0: all, as far as there are no more than 100,000 upstream of a chosen row.
	Limit, Sources int64
	// Depth is how many steps are gone upstream, through datasets that were traced as well; 0:
	// as far as it goes.
	Depth int
	// Pipeline gives the pipeline that made a version, to read files that do not tell their types
	// themselves; nil: these are not read.
	Pipeline func(m *pipeline.Manifest) (*pipeline.Pipeline, error)
}

// TracedRow is a row of a dataset, or of a file from outside, and what it came from.
type TracedRow struct {
	// Input is the name of the source or stage in the pipeline that read it; empty of the row
	// that was asked for.
	Input string
	// Dataset, Partition and Version are of a published row.
	Dataset, Partition string
	Version            int64
	// File is relative to the project, RowGroup that of the file, counted from 0, or -1 where it
	// has none; Row is the row of the file, counted from 0, or -1 where that is not known.
	File     string
	RowGroup int
	Row      int64
	// Values are its columns, a batch of one row; nil where they can't be read, and Problem says
	// why. They are the callee's until it returns.
	Values  arrow.RecordBatch
	Problem string
	// From are the rows it came from; More is how many there are beside them. Untraced says why
	// there is no telling, where there isn't.
	From     []*TracedRow
	More     int64
	Untraced string

	index   int64 // among the rows of its version
	version *tracedVersion
	key     string // of its file in tracing.files, where it is of no version
	last    bool   // it is as far as was asked for
}

// Trace calls each with the rows of a partition that were chosen, and what they came from, in
// their order. It returns how many rows were chosen, told or not.
func (p *Project) Trace(ctx context.Context, o TraceOptions, each func(*TracedRow) error) (chosen int64, err error) {
	t := &tracing{p: p, opts: o, env: p.env(), readings: readings{p: p}, versions: map[string]*tracedVersion{}, files: map[string]*tracedFile{}}
	defer func() { err = errors.Join(err, t.close()) }()
	v, err := t.start(ctx)
	if err != nil {
		return 0, err
	}
	var some []*TracedRow
	tell := func() error {
		defer func() { some = nil }()
		return t.tell(ctx, some, each)
	}
	chosen, err = t.choose(ctx, v, func(r *TracedRow) error {
		if some = append(some, r); len(some) < tracedAtOnce {
			return nil
		}
		return tell()
	})
	if err != nil {
		return 0, err
	}
	return chosen, tell()
}

// tracedAtOnce is how many rows are traced together: files are read once for all of them.
// tracedUpstream is how many rows upstream of them are held: if there are more, fewer are traced
// together, and of one alone the rest is counted.
const (
	tracedAtOnce   = 1000
	tracedUpstream = 100_000
)

// errCrowded says that there is too much upstream of several rows to hold it at once.
var errCrowded = errors.New("too many rows upstream")

// tell traces rows and hands them out.
func (t *tracing) tell(ctx context.Context, rows []*TracedRow, each func(*TracedRow) error) error {
	t.held, t.alone = 0, len(rows) == 1
	err := t.trace(ctx, rows, t.opts.Depth)
	if errors.Is(err, errCrowded) {
		for _, r := range rows {
			r.From, r.More = nil, 0
		}
		half := len(rows) / 2
		if err := t.tell(ctx, rows[:half], each); err != nil {
			return err
		}
		return t.tell(ctx, rows[half:], each)
	}
	for i, r := range rows {
		if err == nil {
			err = each(r)
		}
		rows[i] = nil
	}
	return err
}

// tracing is one call of Trace.
type tracing struct {
	p        *Project
	opts     TraceOptions
	env      *pipeline.Env
	readings readings
	versions map[string]*tracedVersion // by dataset, directory and number
	files    map[string]*tracedFile

	held  int  // rows upstream of those that are traced together
	alone bool // it is one
}

func (t *tracing) close() (err error) {
	for _, v := range t.versions {
		if v != nil && v.file != nil {
			err = errors.Join(err, v.file.Close())
		}
	}
	return errors.Join(err, t.readings.close())
}

// tracedVersion is a version with its trace file, if it has one.
type tracedVersion struct {
	*versionAt
	file     *os.File
	trace    *trace.Reader
	untraced string // why there is none
}

// open opens the trace file of a version.
func (t *tracing) open(ctx context.Context, v *versionAt) (*tracedVersion, error) {
	tv := &tracedVersion{versionAt: v}
	m := v.manifest
	if len(m.Lineage) == 0 {
		tv.untraced = "the rows of " + v.ref() + " were not traced when it was made"
		return tv, nil
	}
	f := v.kept(m.Lineage)[0]
	where := t.p.path(f.Path)
	sum, err := pipeline.HashFile(ctx, where)
	if err != nil {
		return nil, err
	}
	if sum != f.SHA256 {
		return nil, &pipeline.Error{
			Kind: pipeline.IO, Where: f.Path, Msg: "is not as it was published: its SHA-256 is " + short(sum) + ", the manifest says " + short(f.SHA256),
			Evidence: []string{"`penstock verify` tells what else is not; run the partition again to mend it"},
		}
	}
	if tv.file, err = os.Open(where); err != nil {
		return nil, err
	}
	if tv.trace, err = trace.Open(tv.file, f.Bytes); err != nil {
		err = &pipeline.Error{Kind: pipeline.IO, Where: f.Path, Err: err}
	} else if tv.trace.Rows() != m.Rows {
		err = pipeline.Errorf(pipeline.IO, "%s tells of %d rows, and there are %d", f.Path, tv.trace.Rows(), m.Rows)
	}
	if err != nil {
		return nil, errors.Join(err, tv.file.Close())
	}
	return tv, nil
}

func short(sum string) string { return sum[:min(12, len(sum))] + "…" }

// path is the absolute path of something that is named relative to the project.
func (p *Project) path(name string) string {
	if path.IsAbs(name) {
		return name
	}
	return p.env().Dir + "/" + name
}

// trace finds out what rows came from, step by step.
func (t *tracing) trace(ctx context.Context, rows []*TracedRow, depth int) error {
	if err := t.fill(ctx, rows); err != nil {
		return err
	}
	var next []*TracedRow
	for _, r := range rows {
		if r.version == nil || r.last {
			continue
		}
		if r.Untraced = r.version.untraced; r.Untraced != "" {
			continue
		}
		if err := t.from(ctx, r); err != nil {
			return err
		}
		next = append(next, r.From...)
	}
	if len(next) == 0 {
		return nil
	}
	if depth == 1 {
		for _, r := range next {
			r.last = true
		}
	}
	return t.trace(ctx, next, depth-1)
}

// from finds the rows that a row of a version came from.
func (t *tracing) from(ctx context.Context, r *TracedRow) error {
	return r.version.trace.Each(r.index, func(o trace.Origin) error {
		full := t.held >= tracedUpstream
		if full && !t.alone {
			return errCrowded
		}
		if full || t.opts.Sources > 0 && int64(len(r.From)) >= t.opts.Sources {
			r.More++
			return nil
		}
		t.held++
		from, err := t.origin(ctx, r.version, o)
		if err == nil {
			r.From = append(r.From, from)
		}
		return err
	})
}
