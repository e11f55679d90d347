package penstock

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"iter"
	"maps"
	"path/filepath"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/pipeline"
)

// replay judges gates of one stage on partitions that it published, the oldest first.
type replay struct {
	p       *Project
	pl      *pipeline.Pipeline
	stage   *pipeline.Stage
	parts   []pipeline.Partition // all that were ever published
	known   map[string]*pipeline.Manifest
	learned learned
}

// manifest reads what is published of a partition, once. It leaves out what the past is not
// asked for.
func (r *replay) manifest(part pipeline.Partition) (*pipeline.Manifest, error) {
	if m := r.known[part.Value]; m != nil {
		return m, nil
	}
	m, _, err := r.p.publish.Current(r.stage.Output.Path, part.Dir())
	if err != nil {
		return nil, err
	}
	m.Files, m.Quarantine, m.Findings, m.Inputs, m.Stages = nil, nil, nil, nil, nil
	r.known[part.Value] = m
	return m, nil
}

// history gives what is published of the partitions before one, the latest first, with what
// was learned of it. What has no order in time has its own earlier versions as its past.
func (r *replay) history(before pipeline.Partition, version int64) iter.Seq2[*pipeline.Manifest, error] {
	return func(yield func(*pipeline.Manifest, error) bool) {
		if before.Start.IsZero() {
			for m, err := range r.p.versionsOf(r.stage.Output.Path, before) {
				if (err != nil || m.Version < version) && !yield(m, err) {
					return
				}
			}
			return
		}
		for _, part := range slices.Backward(r.parts) {
			if !part.Start.Before(before.Start) {
				continue
			}
			m, err := r.manifest(part)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil {
				m = r.learned.add(m)
			}
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

// learned is what was found of partitions beside what their manifests have, by partition:
// the past of those that follow.
type learned map[string]map[string]json.RawMessage

// replayed is one partition that is judged again.
type replayed struct {
	*replay
	part   pipeline.Partition
	m      *pipeline.Manifest
	schema *arrow.Schema // nil where the manifest does not tell it
	env    *pipeline.Env
	// stored is what the manifest has; nil where it is not believed, or all rows are wanted.
	stored map[string]json.RawMessage
}

// judge judges the gates on each partition that is published, and names these.
func (r *replay) judge(ctx context.Context, parts []pipeline.Partition, of []BacktestGate) (map[string]bool, error) {
	judged := map[string]bool{}
	for _, part := range parts {
		one, err := r.open(part)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err == nil:
			err = one.judge(ctx, of)
		default: // what can't be read can't be judged
			for i := range of {
				of[i].add(BacktestPartition{Partition: part.String(), Error: err.Error()}, nil)
			}
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		judged[part.String()] = true
	}
	return judged, nil
}

// open reads the manifest of a partition. The error is fs.ErrNotExist where nothing is
// published.
func (r *replay) open(part pipeline.Partition) (*replayed, error) {
	dataset := r.stage.Output.Path
	m, digest, err := r.p.publish.Current(dataset, part.Dir())
	if err != nil {
		return nil, err
	}
	one := &replayed{replay: r, part: part, m: m, env: r.p.Env(r.pl, part), schema: publishedSchema(m)}
	visible := filepath.Join(r.p.dir, filepath.FromSlash(dataset), part.Dir())
	if !r.p.opts.ForceScan && r.p.publish.Confirms(visible, digest) {
		one.stored = m.Metrics
	}
	return one, nil
}

// publishedSchema is that of a published dataset, or nil where a type has no name that we read.
func publishedSchema(m *pipeline.Manifest) *arrow.Schema {
	var fields []arrow.Field
	for _, f := range m.Schema {
		t, err := pipeline.ParseType(f.Type)
		if err != nil {
			return nil
		}
		fields = append(fields, arrow.Field{Name: f.Name, Type: t, Nullable: f.Nullable})
	}
	return arrow.NewSchema(fields, nil)
}

// outcome is what came of one gate.
type outcome struct {
	finding  pipeline.Finding
	states   map[string]json.RawMessage
	measures []pipeline.Measure
	rowsRead int64
	err      error
}

// judge judges the gates, first by what is stored, and those that are still open in one
// reading of the rows.
func (r *replayed) judge(ctx context.Context, of []BacktestGate) (err error) {
	temp, done, err := r.p.private()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	r.env.Temp = temp
	all := make([]outcome, len(of))
	var open []int
	var rules []gates.Rule
	for i, g := range of {
		known, ok := r.recallFirst(ctx, g.rule)
		if all[i] = known; !ok {
			open, rules = append(open, i), append(rules, g.rule.Replayed())
		}
	}
	for k, out := range r.scan(ctx, rules, r.published) {
		all[open[k]] = out
	}
	for i := range of {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(r.m.Quarantine) > 0 && of[i].rule.Else == gates.Quarantine && all[i].err == nil && !r.sameRule(of[i].rule) {
			all[i] = r.withQuarantined(ctx, of[i].rule, all[i])
		}
		r.take(&of[i], all[i])
	}
	return nil
}

// take adds an outcome to its gate, and to the past of partitions that follow.
func (r *replayed) take(g *BacktestGate, out outcome) {
	if g.limit == nil && r.schema != nil {
		if l, ok := g.rule.Limit(r.schema, pipeline.Surroundings{Partition: r.part, Now: r.m.Published, Published: true}); ok {
			g.limit = &l
			if !anyNumber(g.rule) {
				g.Limit = l.String()
			}
		}
	}
	one := BacktestPartition{Partition: r.part.String(), Version: r.m.Version, Finding: out.finding, RowsRead: out.rowsRead}
	if out.err != nil {
		one.Error = out.err.Error()
		if pipeline.KindOf(out.err) == pipeline.Invalid {
			g.bad = out.err
		}
	}
	if g.rule.Else == gates.Quarantine {
		one.Finding.RowsQuarantined = one.Finding.RowsFailed
		if anyNumber(g.rule) {
			one.Finding.Expected = "any number, quarantined"
		}
	}
	if len(r.m.Quarantine) > 0 {
		g.sifted++
	}
	one.Finding.Stage, one.Finding.Severity = r.stage.Name, severityOf(g, out.finding)
	g.add(one, out.measures)
	if r.learned[one.Partition] == nil {
		r.learned[one.Partition] = map[string]json.RawMessage{}
	}
	maps.Copy(r.learned[one.Partition], out.states)
}

// anyNumber reports whether a rule puts any number of rows aside, and so holds them against
// no limit.
func anyNumber(r gates.Rule) bool {
	return r.Else == gates.Quarantine && r.AtMost == (gates.Tolerance{})
}

// severityOf is that of a finding, which a rule may have changed; of a gate that gave none
// its own.
func severityOf(g *BacktestGate, f pipeline.Finding) pipeline.Severity {
	if f.Severity == "" {
		return g.Severity
	}
	return f.Severity
}

func (l learned) add(m *pipeline.Manifest) *pipeline.Manifest {
	more := l[m.Partition]
	if len(more) == 0 {
		return m
	}
	with := *m
	with.Metrics = maps.Clone(more)
	maps.Copy(with.Metrics, m.Metrics)
	return &with
}

// accepted is what was published last before this partition; nil where nothing was.
func (r *replayed) accepted() (*pipeline.Manifest, error) {
	for m, err := range r.history(r.part, r.m.Version) {
		return m, err
	}
	return nil, nil
}

// sameRule reports whether the manifest has the finding of just this rule.
func (r *replayed) sameRule(rule gates.Rule) bool { return r.then(rule) != nil }

// then is what the rule found when the partition was published; nil where that is not known.
func (r *replayed) then(rule gates.Rule) map[string]json.RawMessage {
	if r.stored == nil {
		return nil
	}
	for _, f := range r.m.Findings {
		if f.Stage == r.stage.Name && f.Name == rule.Name {
			return rule.Recalled(f, r.stored)
		}
	}
	return nil
}

// recallFirst judges a rule by what is stored, if that is enough.
func (r *replayed) recallFirst(ctx context.Context, rule gates.Rule) (outcome, bool) {
	if r.stored == nil {
		return outcome{}, false
	}
	stored := r.stored
	if rule.Else == gates.Quarantine && len(r.m.Quarantine) > 0 && r.sameRule(rule) {
		stored = r.then(rule)
	}
	return r.recall(ctx, rule, stored)
}

// recall judges a rule by states alone; false where they do not say enough.
func (r *replayed) recall(ctx context.Context, rule gates.Rule, stored map[string]json.RawMessage) (outcome, bool) {
	judge := gates.Of(rule.Replayed())
	if r.schema == nil || len(judge.Inputs()) > 0 {
		return outcome{}, false
	}
	b, err := r.hear(judge).Bind(r.schema, pipeline.Surroundings{Partition: r.part, Key: r.stage.Key})
	if err != nil {
		return outcome{err: err}, true
	}
	court, err := b.Open(ctx, pipeline.Hearing{Env: r.env, Stored: stored})
	if err != nil {
		return outcome{err: err}, true
	}
	w := court.Unit(pipeline.Unit{Name: "the manifest", First: -1, Env: r.env})
	doubt := w.Know(ctx, &pipeline.Known{
		Rows: r.m.Rows, Facts: func(int) pipeline.Facts { return pipeline.Facts{} },
		ByDictionary: func(int) (pipeline.Facts, int64) { return pipeline.Facts{}, 0 }, Bytes: func(int) int64 { return 0 },
	})
	err = court.Merge(w)
	j, jerr := court.Judge(ctx, nil) // it frees what the court holds, too
	if doubt.Any {
		return outcome{}, false
	}
	if err = errors.Join(err, jerr); err != nil {
		return outcome{err: err}, true
	}
	out := outcome{finding: j.Findings[0], states: j.States, measures: j.Measures}
	out.finding.Groups, out.finding.GroupsRead, out.finding.BytesRead = 0, 0, 0
	return out, true
}

// withQuarantined adds, to what a rule found of the rows that stayed, what it finds of those
// that were put aside.
func (r *replayed) withQuarantined(ctx context.Context, rule gates.Rule, stayed outcome) outcome {
	aside := r.scan(ctx, []gates.Rule{rule.Replayed()}, r.quarantined)[0]
	if aside.err != nil {
		return aside
	}
	aside.rowsRead += stayed.rowsRead
	both := rule.Together(stayed.states, aside.states)
	if both == nil { // one of them could not be evaluated
		if stayed.finding.Verdict == pipeline.ErrorVerdict {
			return stayed
		}
		return aside
	}
	out, ok := r.recall(ctx, rule, both)
	if !ok {
		return outcome{err: pipeline.Errorf(pipeline.Internal, "gate %q: its tally is not enough to judge it", rule.Name)}
	}
	out.states, out.rowsRead = stayed.states, aside.rowsRead
	out.finding.DecidedBy = aside.finding.DecidedBy
	if stayed.finding.DecidedBy == "scan" {
		out.finding.DecidedBy = "scan"
	}
	return out
}
