package penstock

import (
	"cmp"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/internal/store"
	"github.com/penstock-data/penstock/pipeline"
)

// compare finds what has changed since the last run. What has not is told by keys alone; only
// for a reason the whole basis is read.
func (e *evaluation) compare() error {
	if e.base == nil || e.base.Code == "" && e.base.Status != pipeline.Published && e.base.Status != pipeline.Unchanged {
		return nil
	}
	code, gates, up := e.basis.Keys()
	if code == e.base.Code && gates == e.base.Gates && up == e.base.Up {
		return nil
	}
	was, err := e.was()
	if err != nil || was == nil {
		return err
	}
	before := len(e.sp.Reasons)
	e.compareCode(was)
	if err := e.compareInputs(was); err != nil {
		return err
	}
	same := len(e.sp.Reasons) == before
	others := e.compareRules(was)
	// Of a run that did not publish, the version that is published may not be of these inputs.
	made := e.base.Version > 0 && (e.base.Status == pipeline.Published || e.base.Status == pipeline.Unchanged)
	e.sp.JudgeOnly = made && same && !others && len(e.sp.Reasons) > before && e.base.Aside == 0
	return nil
}

// was is the basis of the last run; nil, and a reason, if it is not on record.
func (e *evaluation) was() (*pipeline.Basis, error) {
	if e.manifest == nil {
		was, err := e.p.store.Basis(e.ctx, e.pl.Name, e.u.stage.Name, e.plan.Name)
		if was != nil || err != nil {
			return was, err
		}
	}
	if e.u.stage.Output != nil {
		m, _, err := e.p.publish.Current(datasetOf(e.u.stage), e.plan.Partition.Dir())
		if err == nil {
			b := e.p.restsOn(m, e.plan.Partition.Dir())
			if len(b.Code) > 0 {
				return &b, nil
			}
		}
	}
	e.because(CauseCode, "what made version %d is not on record", e.base.Version)
	return nil, nil
}

// differing names what two maps don't have alike, in order.
func differing(a, b map[string]string) (names []string) {
	for name, v := range a {
		if w, ok := b[name]; !ok || v != w {
			names = append(names, name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// compareCode says which stages do something else. A parameter that has another value is named
// as the reason: its text is in the code.
func (e *evaluation) compareCode(was *pipeline.Basis) {
	stages := differing(was.Code, e.basis.Code)
	var sources []string
	for _, in := range e.basis.Inputs {
		i := slices.IndexFunc(was.Inputs, func(w pipeline.InputRecord) bool { return w.Name == in.Name })
		if i < 0 || was.Inputs[i].Source != in.Source {
			sources = append(sources, in.Name)
		}
	}
	sources = slices.Compact(sources)
	if len(stages)+len(sources) == 0 {
		return
	}
	if e.params(was) {
		return
	}
	for _, name := range stages {
		e.because(CauseCode, "stage %s was changed", name)
	}
	for _, name := range sources {
		if len(stages) == 0 {
			e.because(CauseCode, "source %s reads something else", name)
		}
	}
}

// params gives the parameters that have another value as reasons.
func (e *evaluation) params(was *pipeline.Basis) bool {
	names := differing(was.Params, e.pl.Params)
	for _, name := range names {
		e.because(CauseParam, "parameter %s is %q, and was %q", name, e.pl.Params[name], was.Params[name])
	}
	return len(names) > 0
}

// compareRules says which gates were changed, and reports whether some judge rows that are not
// published: then those have to be made again.
func (e *evaluation) compareRules(was *pipeline.Basis) (others bool) {
	stages := differing(was.Gates, e.basis.Gates)
	others = slices.ContainsFunc(stages, func(name string) bool { return name != e.u.stage.Name })
	if len(stages) == 0 || e.params(was) {
		return others
	}
	for _, name := range stages {
		e.because(CauseGates, "the gates of stage %s were changed", name)
	}
	return others
}

// compareInputs says what is read now and was not read then, and the other way round.
func (e *evaluation) compareInputs(was *pipeline.Basis) error {
	for name, now := range byName(e.basis.Inputs) {
		before := byName(was.Inputs)[name]
		if len(before) == 0 || before[0].Source != now[0].Source {
			continue // told already
		}
		if now[0].Dataset != "" {
			e.compareVersions(name, before, now)
		} else if d, ok := e.decisions(name); ok {
			if err := e.compareDecisions(d, before[0].Files, now[0].Files); err != nil {
				return err
			}
		} else if err := e.compareFiles(before[0].Files, now[0].Files); err != nil {
			return err
		}
	}
	slices.SortStableFunc(e.sp.Reasons, func(a, b Reason) int { return cmp.Compare(a.What, b.What) })
	return nil
}

func byName(all []pipeline.InputRecord) map[string][]pipeline.InputRecord {
	names := map[string][]pipeline.InputRecord{}
	for _, in := range all {
		names[in.Name] = append(names[in.Name], in)
	}
	return names
}

// compareVersions compares the versions of published partitions by their data: a version with
// the same data is none that matters.
func (e *evaluation) compareVersions(name string, was, now []pipeline.InputRecord) {
	before := map[string]pipeline.InputRecord{}
	for _, in := range was {
		before[in.Partition] = in
	}
	for _, in := range now {
		w, ok := before[in.Partition]
		delete(before, in.Partition)
		switch {
		case (!ok || w.Missing) && in.Data != "":
			e.because(CauseInput, "%s: %s@%s is there now", name, in.Dataset, in.Partition)
		case in.Missing && ok && !w.Missing:
			e.because(CauseInput, "%s: %s@%s is not there any more", name, in.Dataset, in.Partition)
		case ok && w.Data == "": // of a run that was blocked before its input was published
			if in.Data != "" && !e.together(name) {
				e.because(CauseInput, "%s: %s@%s has version %d, and was not published then", name, in.Dataset, in.Partition, in.Version)
			}
		case ok && w.Data != in.Data && in.Data != "":
			e.because(CauseInput, "%s: %s@%s has version %d, and had %d", name, in.Dataset, in.Partition, in.Version, w.Version)
		}
	}
	for _, part := range slices.Sorted(maps.Keys(before)) {
		e.because(CauseInput, "%s: %s@%s is not read any more", name, before[part].Dataset, part)
	}
}

// together reports whether the stage was last run by the run that last ran the one that it reads
// from.
func (e *evaluation) together(up string) bool {
	u := e.byName[up]
	if u == nil {
		return true
	}
	b := u.known[e.plan.Name]
	return b != nil && b.Run == e.base.Run
}

// abs is the absolute path of a file that is named relative to the project.
func (p *Project) abs(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(p.dir, filepath.FromSlash(name))
}

// source finds what a source would read of the partition; each is asked once.
func (e *evaluation) source(name string) (listing, error) {
	if l, ok := e.listed[name]; ok {
		return l, nil
	}
	i := slices.IndexFunc(e.pl.Sources, func(s pipeline.NamedSource) bool { return s.Name == name })
	if i < 0 {
		return listing{}, pipeline.Errorf(pipeline.Internal, "no source %q", name)
	}
	l, err := e.list(e.pl.Sources[i])
	e.listed[name] = l
	return l, err
}

// list asks a source what it would read. One that can't say is taken to read the same as long
// as its text is the same.
func (pr *planner) list(s pipeline.NamedSource) (l listing, err error) {
	part := pr.part
	rec := pipeline.InputRecord{Name: s.Name, Source: s.Reads(part)}
	switch src := s.Source.(type) {
	case pipeline.Depender:
		return pr.depends(s, src)
	case pipeline.Lister:
		files, err := src.List(&pipeline.Env{Partition: part, Dir: pr.p.dir, Params: pr.pl.Params, Dirs: pr.dirs.list})
		if err != nil {
			if pipeline.KindOf(err) != pipeline.BadInput {
				return l, err
			}
			l.lacks = err
		}
		rec.Files = files
		for _, f := range files {
			l.bytes += f.Bytes
		}
	}
	l.records = []pipeline.InputRecord{rec}
	return l, nil
}

// depends finds the published partitions that a source needs.
func (pr *planner) depends(s pipeline.NamedSource, src pipeline.Depender) (l listing, err error) {
	refs, err := src.Needs(pr.pl.Partitions, pr.part)
	if err != nil {
		return l, err
	}
	for _, ref := range refs {
		rec := pipeline.InputRecord{Name: s.Name, Source: s.Reads(pr.part), Dataset: ref.Dataset, Partition: ref.Partition.String()}
		own := pr.unitOf(ref.Dataset)
		all, err := pr.knownOf(ref.Dataset, own)
		if err != nil {
			return l, err
		}
		if own != nil {
			i, ok := pr.place[rec.Partition]
			switch {
			case !ok || i >= pr.at || !pr.plans[i].runs(own.stage.Name):
			case !pr.ran[i]:
				l.after = append(l.after, i)
			case pr.lost[lost{i, own.stage.Name}]:
				l.needs = append(l.needs, ref.String()+" was to be made anew, and was not published")
				continue
			}
		}
		there, err := pr.shown(ref, own)
		if err != nil {
			return l, err
		}
		var b *store.Base
		if there {
			if b, _ = pr.sure(all[rec.Partition], ref.Dataset, ref.Partition); b != nil {
				all[rec.Partition] = b
			}
		}
		switch {
		case b != nil && b.Data != "":
			rec.Data, rec.Version = b.Data, b.Version
			l.records = append(l.records, rec)
		case len(l.after) > 0 && pr.plans[l.after[len(l.after)-1]].Name == rec.Partition:
		case ref.Optional:
			rec.Missing = true
			l.records = append(l.records, rec)
		default:
			l.needs = append(l.needs, ref.String()+" is not published")
		}
	}
	return l, nil
}

func firstLine(err error) string { return strings.SplitN(err.Error(), "\n", 2)[0] }

func firstText(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return firstLine(errors.New(t))
		}
	}
	return ""
}
