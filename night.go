package penstock

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/night"
	"github.com/penstock-data/penstock/reconcile/totals"
	"github.com/penstock-data/penstock/reconcile/words"
)

// NightOptions choose a night.
type NightOptions struct {
	// Dataset is the ledger of breaks, relative to the project.
	Dataset string
	// Partition is the night.
	Partition pipeline.Partition
	// Pipeline is the name of the one that made it; empty: as the ledger says.
	Pipeline string
	// Run is what the night tells of; nil: the last run of the partition.
	Run *pipeline.RunRecord
	// Compare is the stage that reconciles; empty: the one that the ledger is made of.
	Compare string
	// AgedDays and Shown are as of night.Options.
	AgedDays, Shown int
}

// Night makes the report of a night, of what is published of the ledger, or held of it, and calls
// use with it; what it reads stays that long.
func (p *Project) Night(ctx context.Context, o NightOptions, use func(*night.Night) error) (err error) {
	m := &nightMaker{p: p, o: o, readings: readings{p: p}}
	defer func() { err = errors.Join(err, m.readings.close()) }()
	n, err := m.make(ctx)
	if err != nil {
		return err
	}
	return use(n)
}

// nightMaker makes the report of one night.
type nightMaker struct {
	p        *Project
	o        NightOptions
	readings readings
	manifest *pipeline.Manifest // of the ledger; nil where there is none
	dir      string             // that its files go from
	rests    string             // what is to be said of that
}

func (m *nightMaker) make(ctx context.Context) (*night.Night, error) {
	if err := m.find(ctx); err != nil {
		return nil, err
	}
	summary, err := m.summary(ctx, m.manifest)
	if err != nil {
		return nil, err
	}
	if summary == nil {
		if summary, err = m.reported(m.o.Run.Stages); err != nil {
			return nil, err
		}
	}
	b := night.NewBuilder(m.o.Run, summary, night.Options{Shown: m.o.Shown, AgedDays: m.o.AgedDays})
	if m.manifest == nil {
		b.NoLedger(m.o.Dataset, m.rests)
	} else {
		b.Rests(m.rests)
		b.Of(m.o.Dataset)
		for batch, err := range m.batches(ctx, m.manifest, m.dir, nil) {
			if err == nil {
				err = b.Ledger(batch)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	if err := m.past(ctx, b); err != nil {
		return nil, err
	}
	n := b.Night()
	if m.manifest != nil {
		n.All = night.All(n, m.batches(ctx, m.manifest, m.dir, nil))
	}
	return n, nil
}

// find finds the run and its ledger.
func (m *nightMaker) find(ctx context.Context) error {
	r, err := m.readings.take(ctx, m.o.Dataset, m.o.Partition.Dir())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if r != nil {
		if !isLedger(r.Manifest) {
			return pipeline.Errorf(pipeline.Invalid, "%s is no ledger of breaks: it has no columns like %s and %s", m.o.Dataset, words.ColBreak, words.ColState).
				With("name the dataset of the stage with the operator `breaks`")
		}
		m.manifest, m.dir = r.Manifest, r.Dir
		m.o.Pipeline = cmp.Or(m.o.Pipeline, r.Manifest.Pipeline)
	}
	if m.o.Run == nil {
		if err := m.lastRun(ctx); err != nil {
			return err
		}
	}
	return m.ledger()
}

// maxRuns bounds how many runs of a partition are looked at for the last that computed something.
const maxRuns = 50

// lastRun is the last run of the partition that came to an end of its own; where none is on record,
// what the manifest says of it.
func (m *nightMaker) lastRun(ctx context.Context) error {
	all, err := m.p.Runs(ctx, RunFilter{Pipeline: m.o.Pipeline, Partition: m.o.Partition.String(), Limit: maxRuns})
	if err != nil {
		return err
	}
	for _, rec := range all {
		if rec.Status != pipeline.Running && rec.Status != pipeline.Cancelled && m.concerns(rec) {
			m.o.Run = rec
			return nil
		}
	}
	if m.manifest == nil {
		return pipeline.Errorf(pipeline.Invalid, "nothing is known of the night %s of %s: no run of it is on record", m.o.Partition, m.o.Dataset).
			With("run the partition first; `penstock runs ls` lists what was run")
	}
	m.o.Run = &pipeline.RunRecord{
		Run: m.manifest.Run, Pipeline: m.manifest.Pipeline, Partition: m.manifest.Partition, Status: pipeline.Published, Actor: m.manifest.Actor,
		Penstock: m.manifest.Penstock, Gates: m.manifest.Findings,
	}
	return nil
}

// concerns reports whether a run has to do with the ledger: it made it, or what is made of it, or did
// not come that far. Of another pipeline only a run that made it does.
func (m *nightMaker) concerns(rec *pipeline.RunRecord) bool {
	rests := func(dataset string) bool {
		return slices.ContainsFunc(rec.Bases, func(b pipeline.Basis) bool { return b.Dataset == dataset })
	}
	if rests(m.o.Dataset) || m.o.Pipeline == "" {
		return rests(m.o.Dataset)
	}
	return rec.Status == pipeline.Failed || len(rec.Bases) == 0 || rests("")
}

// ledger chooses what is told of: what the run published or found unchanged, what it holds, or else
// what was published before, and says so.
func (m *nightMaker) ledger() error {
	rec := m.o.Run
	made := slices.ContainsFunc(rec.Outputs, func(out pipeline.OutputRecord) bool { return out.Dataset == m.o.Dataset })
	if made || rec.Status == pipeline.Published || rec.Status == pipeline.Unchanged {
		if m.manifest == nil {
			m.rests = "the ledger of this night is not there any more"
		}
		return nil
	}
	i := slices.IndexFunc(rec.Held, func(h pipeline.HeldRecord) bool { return h.Dataset == m.o.Dataset })
	if i >= 0 && (m.manifest == nil || m.manifest.Run != rec.Run) {
		held, dir, err := m.p.publish.ReadHeld(rec.Held[i])
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err == nil {
			m.manifest, m.dir = held, dir
			m.rests = "the breaks are those of the ledger that this run holds for a decision; it is not published"
			return nil
		}
	}
	what := map[pipeline.Status]string{pipeline.Blocked: "was blocked", pipeline.Failed: "failed"}[rec.Status]
	switch {
	case m.manifest == nil:
		m.rests = fmt.Sprintf("the run %s before there was a ledger", cmp.Or(what, "ended"))
	case m.manifest.Run != rec.Run:
		m.rests = fmt.Sprintf("the run %s; the breaks are those that run %s published", cmp.Or(what, "ended"), m.manifest.Run)
	}
	return nil
}

// summary is that of the reconciliation that a ledger was made of; nil where it is not on record.
func (m *nightMaker) summary(ctx context.Context, of *pipeline.Manifest) (*totals.Summary, error) {
	if of == nil {
		return nil, nil
	}
	s, err := m.reported(of.Stages)
	if s != nil || err != nil {
		return s, err
	}
	for _, in := range of.Inputs {
		if in.Dataset == "" || in.Dataset == of.Dataset || in.Partition != of.Partition {
			continue
		}
		known, err := m.p.Versions(ctx, in.Dataset, in.Partition)
		if err != nil {
			return nil, err
		}
		for _, v := range known {
			if v.Version == in.Version {
				if s, err := m.reported(v.Stages); s != nil || err != nil {
					return s, err
				}
			}
		}
	}
	return nil, nil
}

// reported finds the summary among what stages report.
func (m *nightMaker) reported(stages []pipeline.StageRecord) (*totals.Summary, error) {
	for _, s := range stages {
		if m.o.Compare != "" && s.Name != m.o.Compare {
			continue
		}
		for _, report := range s.Reports {
			if found, err := totals.ParseSummary(report); found != nil || err != nil {
				return found, err
			}
		}
	}
	return nil, nil
}

// batches reads a version of a ledger. Each batch is the loop's to borrow.
func (m *nightMaker) batches(ctx context.Context, of *pipeline.Manifest, dir string, columns []string) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		if len(of.Files) == 0 {
			return
		}
		var files []pipeline.File
		for _, f := range of.Files {
			f.Path = filepath.ToSlash(filepath.Join(dir, filepath.FromSlash(f.Path)))
			files = append(files, f)
		}
		in, err := m.p.written(ctx, &versionAt{published{manifest: of}, path.Join(of.Dataset, of.Partition)}, files, false, nil)
		if err != nil {
			yield(nil, err)
			return
		}
		more := true
		for _, s := range in.Splits {
			r, err := s.Open(ctx, m.p.env(), present(in.Schema, columns))
			if err == nil {
				err = pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
					if more = yield(b, nil); !more {
						return errEnough
					}
					return nil
				})
			}
			if !more {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// past adds the nights before, the latest first.
func (m *nightMaker) past(ctx context.Context, b *night.Builder) error {
	left := night.TrendNights - 1
	for v, err := range m.p.history(m.o.Dataset, m.o.Partition) {
		if err != nil {
			return err
		}
		if m.manifest != nil && m.manifest.Version > 0 && v.Partition == m.manifest.Partition && v.Version >= m.manifest.Version {
			continue // of what has no order in time, the versions before
		}
		if left--; left < 0 {
			return nil
		}
		summary, err := m.summary(ctx, v)
		if err != nil {
			return err
		}
		counter, err := m.count(ctx, v, summary)
		if err != nil {
			return err
		}
		name := v.Partition
		if m.o.Partition.Start.IsZero() {
			name = fmt.Sprintf("version %d", v.Version)
		}
		b.Past(name, summary, counter)
	}
	return nil
}

// count counts the breaks of a night before; nil where its files are not kept any more.
func (m *nightMaker) count(ctx context.Context, v *pipeline.Manifest, summary *totals.Summary) (_ *night.Counter, err error) {
	dir := m.o.Partition.Dir()
	if !m.o.Partition.Start.IsZero() {
		part, err := m.o.Partition.Scheme().Anyway(v.Partition)
		if err != nil {
			return nil, err
		}
		dir = part.Dir()
	}
	r, err := m.p.publish.ReadVersion(ctx, v.Dataset, dir, v.Version)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	counter := night.NewCounter(v.Partition, summary)
	for batch, err := range m.batches(ctx, r.Manifest, r.Dir, night.CounterColumns) {
		if err != nil {
			return nil, err
		}
		counter.Add(batch)
	}
	return counter, nil
}

// Ledgers lists the datasets that are ledgers of breaks.
func (p *Project) Ledgers(ctx context.Context) (all []string, err error) {
	datasets, err := p.Datasets(ctx)
	if err != nil {
		return nil, err
	}
	for _, d := range datasets {
		dirs, err := p.publish.Partitions(d)
		if err != nil {
			return nil, err
		}
		for _, dir := range dirs {
			m, _, err := p.publish.Current(d, dir)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			if isLedger(m) {
				all = append(all, d)
			}
			break
		}
	}
	return all, nil
}

// NightPartition finds the night of a ledger by its name, or the newest that is published if the name
// is empty.
func (p *Project) NightPartition(dataset, name string) (pipeline.Partition, error) {
	dirs, err := p.publish.Partitions(dataset)
	if err != nil {
		return pipeline.Partition{}, err
	}
	var newest pipeline.Partition
	found := false
	for _, dir := range dirs {
		part, err := pipeline.ParseDir(dir)
		if err != nil {
			continue
		}
		if name != "" && part.String() == name {
			return part, nil
		}
		if !found || newest.Start.Before(part.Start) {
			newest, found = part, true
		}
	}
	switch {
	case !found:
		return newest, pipeline.Errorf(pipeline.Invalid, "nothing is published of %s", dataset)
	case name == "" && (len(dirs) == 1 || !newest.Start.IsZero()):
		return newest, nil
	case name == "":
		return newest, pipeline.Errorf(pipeline.Invalid, "which partition of %s? It has %s", dataset, strings.Join(dirs, ", "))
	}
	return newest.Scheme().Anyway(name) // it may be held, or have failed
}
