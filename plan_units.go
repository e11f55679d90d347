package penstock

import (
	"cmp"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/penstock-data/penstock/internal/publish"
	"github.com/penstock-data/penstock/internal/selection"
	"github.com/penstock-data/penstock/internal/store"
	"github.com/penstock-data/penstock/pipeline"
)

// planner finds the states of a pipeline's partitions. It is not safe for concurrent use.
type planner struct {
	p         *Project
	ctx       context.Context // of the call that plans
	pl        *pipeline.Pipeline
	opts      PlanOptions
	order     []*pipeline.Stage
	selection *selection.Selection
	wanted    map[string]bool // units that are chosen, as far as that depends on no state
	units     []*unit         // in the order of the graph
	byName    map[string]*unit
	place     map[string]int   // of each partition in the plan
	plans     []*PartitionPlan // so far
	at        int              // the place of the one being looked at
	ran       map[int]bool     // those that have ended since
	lost      map[lost]bool    // of those, what was to be published, and was not
	dirs      *dirs
	foreign   map[string]known // by dataset of other pipelines
	listed    map[string]listing
	starts    []time.Time        // of the partitions that were ever run, ascending
	part      pipeline.Partition // the one being looked at
}

// lost is a stage of the partition at a place of the plan.
type lost struct {
	place int
	stage string
}

// known is what the index has, by partition.
type known map[string]*store.Base

// unit is a stage that publishes, or only judges, with those it is made of.
type unit struct {
	stage  *pipeline.Stage
	basis  pipeline.Basis // Code, Gates and Params
	inputs []string
	gates  string // its key
	known  known
	// visible are the names in the directory of its dataset.
	visible map[string]bool
}

func (pr *planner) add(s *pipeline.Stage) {
	u := &unit{stage: s, known: known{}}
	u.basis, u.inputs = describeUnit(pr.pl, s)
	_, u.gates, _ = u.basis.Keys()
	pr.units = append(pr.units, u)
	pr.byName[s.Name] = u
}

// remember takes what the index knows of a stage and a partition.
func (pr *planner) remember(b *store.Base) {
	if u := pr.byName[b.Stage]; u != nil && (u.stage.Output == nil || b.Dataset == datasetOf(u.stage)) {
		u.known[b.Partition] = b
	}
}

// look lists what readers see of each dataset, and when partitions begin that were run.
func (pr *planner) look() error {
	for _, u := range pr.units {
		if u.stage.Output == nil {
			continue
		}
		entries, err := pr.dirs.list(filepath.Join(pr.p.dir, filepath.FromSlash(datasetOf(u.stage))))
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		u.visible = make(map[string]bool, len(entries))
		for _, e := range entries {
			u.visible[e.Name()] = true
		}
	}
	if pr.pl.Lookback > 0 {
		for _, u := range pr.units {
			for name := range u.known {
				if part, err := pr.pl.Partitions.Parse(name); err == nil {
					pr.starts = append(pr.starts, part.Start)
				}
			}
		}
		slices.SortFunc(pr.starts, time.Time.Compare)
		pr.starts = slices.CompactFunc(pr.starts, time.Time.Equal)
	}
	return nil
}

// shows reports whether readers see something of a partition.
func (u *unit) shows(part pipeline.Partition) bool { return u.visible[entryOf(part)] }

// hide notes that what there is of a partition is not what was published.
func (u *unit) hide(part pipeline.Partition) { delete(u.visible, entryOf(part)) }

// entryOf is what stands in a dataset's directory where a partition is published.
func entryOf(part pipeline.Partition) string { return cmp.Or(part.Dir(), publish.VisibleName) }

// items are the stages for a selection; plan is that of a partition, or nil.
func (pr *planner) items(plan *PartitionPlan) []selection.Item {
	items := make([]selection.Item, len(pr.order))
	for i, s := range pr.order {
		items[i] = selection.Item{Name: s.Name, Tags: s.Tags}
		for j, up := range pr.order {
			if slices.Contains(s.Inputs(), up.Name) {
				items[i].From = append(items[i].From, j)
			}
		}
		if plan == nil {
			continue
		}
		for _, sp := range plan.Stages {
			if sp.Stage == s.Name {
				items[i].State = string(sp.State)
				if b := pr.byName[s.Name].known[plan.Name]; b != nil {
					items[i].Result = string(b.Status)
				}
			}
		}
	}
	return items
}

// chosen names the units that are selected: themselves, or a stage that they are made of.
// Without a plan, what depends on states is taken to be selected.
func (pr *planner) chosen(plan *PartitionPlan) map[string]bool {
	names := map[string]bool{}
	if pr.selection.All() || plan == nil && pr.selection.ByState() {
		for _, u := range pr.units {
			names[u.stage.Name] = true
		}
		return names
	}
	picked := map[string]bool{}
	for i, ok := range pr.selection.Choose(pr.items(plan)) {
		picked[pr.order[i].Name] = ok
	}
	for _, u := range pr.units {
		made(pr.pl, u.stage, func(s *pipeline.Stage) {
			names[u.stage.Name] = names[u.stage.Name] || picked[s.Name]
		})
	}
	return names
}

// dirs lists directories, each once. It is safe for concurrent use.
type dirs struct {
	mu    sync.Mutex
	known map[string]dirList
}

type dirList struct {
	entries []fs.DirEntry
	err     error
}

func newDirs() *dirs { return &dirs{known: map[string]dirList{}} }

func (d *dirs) list(dir string) ([]fs.DirEntry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l, ok := d.known[dir]
	if !ok {
		l.entries, l.err = os.ReadDir(dir)
		d.known[dir] = l
	}
	return l.entries, l.err
}

// unitOf is the unit that publishes a dataset; nil if it is of another pipeline.
func (pr *planner) unitOf(dataset string) *unit {
	for _, u := range pr.units {
		if u.basis.Dataset == dataset {
			return u
		}
	}
	return nil
}

// knownOf is what the index has of a dataset, whichever pipeline it is of.
func (pr *planner) knownOf(dataset string, own *unit) (known, error) {
	if own != nil {
		return own.known, nil
	}
	all, ok := pr.foreign[dataset]
	if ok {
		return all, nil
	}
	all = known{}
	pr.foreign[dataset] = all
	return all, pr.p.store.BasesOf(pr.ctx, dataset, func(b *store.Base) { all[b.Partition] = b })
}

// shown reports whether readers see a partition. own is the unit that publishes it, or nil.
func (pr *planner) shown(ref pipeline.PartitionRef, own *unit) (bool, error) {
	if own != nil {
		return own.shows(ref.Partition), nil
	}
	entries, err := pr.dirs.list(filepath.Join(pr.p.dir, filepath.FromSlash(ref.Dataset)))
	if err != nil && !os.IsNotExist(err) {
		return false, err
	}
	_, there := slices.BinarySearchFunc(entries, entryOf(ref.Partition), func(e fs.DirEntry, name string) int { return strings.Compare(e.Name(), name) })
	return there, nil
}

// sure gives what the index has of a partition if readers see the version that it tells of, and
// else what the manifest says, with the manifest; nil where there is none that can be read. An index that was restored from an old backup
// is valid in every bit: only this tells that it is not true any more. It costs a stat, for the
// file of a manifest never changes.
func (pr *planner) sure(b *store.Base, dataset string, part pipeline.Partition) (*store.Base, *pipeline.Manifest) {
	info, err := os.Lstat(filepath.Join(pr.p.abs(dataset), part.Dir(), publish.VisibleName))
	if err == nil && b != nil && b.Stamp == stampOf(info) {
		return b, nil
	}
	m, _, err := pr.p.publish.Current(dataset, part.Dir())
	switch {
	case err != nil:
		return nil, nil
	case b == nil:
		return pr.p.baseOf(m, part.Dir()), m
	case b.Version == m.Version && b.Data == m.DataDigest():
		return b, nil
	case b.After(m.Published) && b.Status != pipeline.Published && b.Status != pipeline.Unchanged:
		// A later run published nothing.
		now := *b
		now.Data, now.Version, now.Rows, now.Aside = m.DataDigest(), m.Version, m.Rows, pr.p.baseOf(m, part.Dir()).Aside
		return &now, nil
	}
	return pr.p.baseOf(m, part.Dir()), m
}

// baseOf is what the index would have of a version.
func (p *Project) baseOf(m *pipeline.Manifest, partitionDir string) *store.Base {
	b := p.restsOn(m, partitionDir)
	code, gates, up := b.Keys()
	return &store.Base{
		Stage: m.Stage, Partition: m.Partition, Dataset: m.Dataset, Run: m.Run, Status: pipeline.Published,
		Code: code, Gates: gates, Up: up, Data: b.Data, Version: b.Version, Rows: b.Rows, Aside: b.RowsQuarantined,
		Seconds: b.Seconds,
	}
}
