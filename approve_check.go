package penstock

import (
	"slices"
	"strings"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// check refuses what can't be decided, and gives the findings that were chosen.
func (d *decision) check() ([]pipeline.Finding, error) {
	rec := d.Run
	switch {
	case rec.Status != pipeline.Blocked:
		return nil, invalid("run %s was not blocked: it is %s", rec.Run, rec.Status).With("see `penstock runs --status blocked`")
	case strings.TrimSpace(d.opts.Reason) == "":
		return nil, invalid("an approval needs a reason").With("say with --reason why the partition is good enough; it stays on the record")
	case len(d.opts.Gates) == 0:
		return nil, invalid("which gate is overruled?").With("run "+rec.Run+" was blocked by "+gateNames(rec.Gates), "name each with --gate")
	case len(rec.Held) == 0:
		return nil, invalid("run %s holds nothing that could be published", rec.Run).With(whyNothing(rec)...)
	case d.fourEyes() && rec.Actor == d.p.opts.Actor:
		return nil, invalid("%s ran %s and can't approve of it: four eyes are asked for", rec.Actor, rec.Run).With("ask somebody else")
	}
	d.expires = d.opts.Expires
	if d.opts.For != 0 {
		d.expires = d.now.Add(d.opts.For)
	}
	if !d.expires.IsZero() && !d.now.Before(d.expires) {
		return nil, invalid("the approval would have expired already, %s", d.expires.Format(time.RFC3339)).With("give --expires a time to come, like 48h or a date")
	}
	return d.choose()
}

// fourEyes reports whether the run, or who approves of it, asks for another than who ran.
func (d *decision) fourEyes() bool {
	return d.p.opts.FourEyes || slices.ContainsFunc(d.Run.Held, func(h pipeline.HeldRecord) bool { return h.FourEyes })
}

func invalid(format string, args ...any) *pipeline.Error {
	return pipeline.Errorf(pipeline.Invalid, format, args...)
}

func whyNothing(rec *pipeline.RunRecord) []string {
	if rec.Error != "" {
		return []string{rec.Error, "run it again"}
	}
	if len(rec.Outputs) > 0 {
		return []string{"what it made was published as a record, and no other stage that it came to has an output"}
	}
	return []string{
		"it was run without holding, or a stage without output blocked it before anything was written",
		"run it again, with --hold-for, or give the stage an output",
	}
}

// choose gives the findings that the gates name.
func (d *decision) choose() (chosen []pipeline.Finding, err error) {
	for _, name := range d.opts.Gates {
		var named, blocking []pipeline.Finding
		for _, f := range d.Run.Gates {
			if f.Name != name && f.Stage+"/"+f.Name != name {
				continue
			}
			if named = append(named, f); f.Blocks() {
				blocking = append(blocking, f)
			}
		}
		blockers := "those that did: " + gateNames(d.Run.Gates)
		switch {
		case len(blocking) == 1:
			chosen = append(chosen, blocking[0])
		case len(blocking) > 1:
			return nil, invalid("gate %q blocked in %d stages", name, len(blocking)).With("say which: " + gateNames(blocking))
		case len(named) > 0:
			return nil, invalid("gate %q did not block run %s: it says %s", name, d.Run.Run, named[0].Verdict).With(blockers)
		default:
			return nil, invalid("no gate %q judged run %s", name, d.Run.Run).With(blockers)
		}
	}
	return chosen, nil
}

// gateNames lists the findings that block, with their stages.
func gateNames(all []pipeline.Finding) string {
	var names []string
	for _, f := range all {
		if f.Blocks() {
			names = append(names, f.Stage+"/"+f.Name)
		}
	}
	return strings.Join(names, ", ")
}
