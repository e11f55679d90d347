package penstock

import (
	"maps"
	"slices"

	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/breaks"
)

// decisions gives a source of decisions by its name; ok is false if it is another source.
func (e *evaluation) decisions(name string) (src breaks.Decisions, ok bool) {
	i := slices.IndexFunc(e.pl.Sources, func(s pipeline.NamedSource) bool { return s.Name == name })
	if i < 0 {
		return src, false
	}
	src, ok = e.pl.Sources[i].Source.(breaks.Decisions)
	return src, ok
}

// compareDecisions says what was decided since. It is no late data: also a partition that those
// don't open again is made anew.
func (e *evaluation) compareDecisions(src breaks.Decisions, was, now []pipeline.File) error {
	before := map[string]pipeline.File{}
	for _, f := range was {
		before[f.Path] = f
	}
	var texts []string
	for _, f := range now {
		w, known := before[f.Path]
		delete(before, f.Path)
		if !known {
			text := f.Path
			if len(texts) < maxReasons { // more are only counted, and there may be very many
				text = e.p.decisionText(src.Dataset, f.Path)
			}
			texts = append(texts, "a decision: "+text)
			continue
		}
		if w.Bytes == f.Bytes && w.Modified.Equal(f.Modified) {
			continue
		}
		if sum, err := pipeline.HashFile(e.ctx, e.p.abs(f.Path)); err != nil {
			return err
		} else if sum != w.SHA256 {
			texts = append(texts, "a decision was changed: "+f.Path)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		texts = append(texts, "a decision is gone: "+name)
	}
	for i, text := range texts {
		if i == maxReasons {
			e.because(CauseInput, "and %d more decisions", len(texts)-maxReasons)
			break
		}
		e.because(CauseInput, "%s", text)
	}
	return nil
}

// decisionText says what a file decides. What can't be read is told when it is to be used.
func (p *Project) decisionText(dataset, name string) string {
	text, err := breaks.ReadDecision(p.dir, name)
	if err != nil {
		return name
	}
	d, err := breaks.ParseDecision(dataset, name, text)
	if err != nil {
		return name
	}
	return d.Summary()
}
