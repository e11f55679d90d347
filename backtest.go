package penstock

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/pipeline"
)

// BacktestOptions choose what is judged again.
type BacktestOptions struct {
	GateFilter
	// From and To bound the partitions by time, both included; empty: no bound.
	From, To string
	// Stop, if not nil, asks for the limit that would have stopped at most this share of
	// the partitions, from 0 to 1.
	Stop *float64
}

// Backtest is what gates say of partitions that were published.
type Backtest struct {
	Pipeline string         `json:"pipeline"`
	Gates    []BacktestGate `json:"gates"`
}

// BacktestGate is what one gate says.
type BacktestGate struct {
	Stage    string            `json:"stage"`
	Gate     string            `json:"gate"`
	Rule     string            `json:"rule"`
	Severity pipeline.Severity `json:"severity"`
	At       pipeline.Pos      `json:"at,omitzero"`
	// Limit is what the gate holds one number against, if that is all it does.
	Limit      string              `json:"limit,omitempty"`
	Partitions []BacktestPartition `json:"partitions"`
	// Stopped, Warned and NotJudged name partitions.
	Stopped   []string `json:"stopped"`
	Warned    []string `json:"warned"`
	NotJudged []string `json:"not_judged"`
	// StopAt answers BacktestOptions.Stop.
	StopAt *StopAt  `json:"stop_at,omitempty"`
	Notes  []string `json:"notes,omitempty"`

	rule   gates.Rule
	limit  *gates.Limit
	bad    error // says that the rule is wrong
	sifted int   // partitions of which rows were put aside
}

// BacktestPartition is what a gate says of one partition.
type BacktestPartition struct {
	Partition string           `json:"partition"`
	Version   int64            `json:"version"`
	Verdict   pipeline.Verdict `json:"verdict"`
	Finding   pipeline.Finding `json:"finding"`
	// Value is the number that Limit is about, Margin how far it is on the side where the
	// gate holds; negative on the other. Of a share both are from 0 to 1.
	Value  *float64 `json:"value,omitempty"`
	Margin *float64 `json:"margin,omitempty"`
	// RowsRead are the rows that were read to judge this gate; those read for several
	// gates at once count for each.
	RowsRead int64 `json:"rows_read"`
	// Error says why the gate could not be judged.
	Error string `json:"error,omitempty"`
}

// StopAt is the limit that would have stopped a share of the partitions.
type StopAt struct {
	Share float64 `json:"share"`
	// Of is how many partitions have a number, Most how many of them the share is, rounded
	// down. Partitions are those that Limit would have stopped: fewer than Most where others
	// have the same number as the next.
	Of         int      `json:"of"`
	Most       int      `json:"most"`
	Limit      string   `json:"limit"`
	Partitions []string `json:"partitions"`
}

// Backtest judges gates, as the pipeline has them now, on the partitions that are published.
// What their manifests have stored is not computed again; rows are read only where that
// does not say enough. Nothing is written. A partition that can't be judged is in the
// result; the error says that nothing could be, or what is wrong with the options.
func (p *Project) Backtest(ctx context.Context, pl *pipeline.Pipeline, o BacktestOptions) (*Backtest, error) {
	chosen, err := o.choose(pl)
	if err != nil {
		return nil, err
	}
	if o.Stop != nil && !(*o.Stop >= 0 && *o.Stop <= 1) {
		return nil, pipeline.Errorf(pipeline.Invalid, "the share of partitions to stop is from 0%% to 100%%, found %g%%", *o.Stop*100)
	}
	b := &Backtest{Pipeline: pl.Name, Gates: []BacktestGate{}}
	for i := 0; i < len(chosen); {
		s := chosen[i].stage
		var of []BacktestGate
		for ; i < len(chosen) && chosen[i].stage == s; i++ {
			of = append(of, newBacktestGate(chosen[i]))
		}
		if s.Output == nil {
			if o.Stage != "" || len(o.Gates) > 0 {
				return nil, &pipeline.Error{Kind: pipeline.Invalid, At: s.At, Stage: s.Name, Msg: "publishes nothing, so there is nothing to judge its gates on"}
			}
			continue
		}
		if err := p.backtestStage(ctx, pl, s, of, o); err != nil {
			return nil, err
		}
		b.Gates = append(b.Gates, of...)
	}
	if len(b.Gates) == 0 {
		return nil, pipeline.Errorf(pipeline.Invalid, "no stage of %s that has gates has an output, so there is nothing to judge them on", pl.Name)
	}
	return b, nil
}

func newBacktestGate(c chosenGate) BacktestGate {
	return BacktestGate{
		Stage: c.stage.Name, Gate: c.rule.Name, Rule: c.rule.Check.String(), Severity: c.rule.Severity, At: c.rule.At, rule: c.rule,
		Partitions: []BacktestPartition{}, Stopped: []string{}, Warned: []string{}, NotJudged: []string{},
	}
}

// backtestStage judges gates of a stage on what it published.
func (p *Project) backtestStage(ctx context.Context, pl *pipeline.Pipeline, s *pipeline.Stage, of []BacktestGate, o BacktestOptions) error {
	all, err := p.publishedBy(s.Output.Path, pl.Partitions)
	if err != nil {
		return err
	}
	parts, err := within(all, pl.Partitions, o.From, o.To)
	if err != nil {
		return err
	}
	windows, err := pl.Partitions.Range(o.From, o.To)
	if err != nil && o.From != "" && o.To != "" {
		return err
	}
	replay := &replay{p: p, pl: pl, stage: s, parts: all, known: map[string]*pipeline.Manifest{}, learned: learned{}}
	judged, err := replay.judge(ctx, parts, of)
	if err != nil {
		return err
	}
	if len(judged) == 0 {
		return pipeline.Errorf(pipeline.Invalid, "no partition of %s is published%s", s.Output.Path, inRange(o.From, o.To)).
			With("gates are judged on what was published; run the pipeline first")
	}
	for i := range of {
		if of[i].bad != nil && len(of[i].NotJudged) == len(judged) {
			return inStage(of[i].bad, s).Err()
		}
		of[i].noteMissing(windows, judged)
		of[i].noteSifted()
		of[i].stopAt(o.Stop)
	}
	return nil
}

func inRange(from, to string) string {
	switch {
	case from != "" && to != "":
		return " from " + from + " to " + to
	case from != "":
		return " from " + from + " on"
	case to != "":
		return " up to " + to
	}
	return ""
}

// publishedBy lists partitions that were ever published of a dataset, in order.
func (p *Project) publishedBy(dataset string, s pipeline.Scheme) ([]pipeline.Partition, error) {
	if s.By == pipeline.Whole {
		return []pipeline.Partition{{}}, nil
	}
	return p.published(dataset, s)
}

// within leaves out the partitions beyond the bounds.
func within(all []pipeline.Partition, by pipeline.Scheme, from, to string) ([]pipeline.Partition, error) {
	if (by.By == pipeline.Whole || by.By == pipeline.Key) && from+to != "" {
		return nil, pipeline.Errorf(pipeline.Invalid, "a range of partitions needs partitions by time, and this pipeline has none; leave out --from and --to")
	}
	parts := slices.Clone(all)
	for i, bound := range []string{from, to} {
		if bound == "" {
			continue
		}
		end, err := by.Parse(bound)
		if err != nil {
			return nil, err
		}
		parts = slices.DeleteFunc(parts, func(one pipeline.Partition) bool {
			return i == 0 && one.Start.Before(end.Start) || i == 1 && one.Start.After(end.Start)
		})
	}
	return parts, nil
}

// add takes in what the gate says of a partition.
func (g *BacktestGate) add(p BacktestPartition, measures []pipeline.Measure) {
	p.Verdict = p.Finding.Verdict
	switch {
	case p.Error != "" || p.Verdict == pipeline.ErrorVerdict:
		p.Verdict = pipeline.ErrorVerdict
		g.NotJudged = append(g.NotJudged, p.Partition)
	case p.Finding.Blocks():
		g.Stopped = append(g.Stopped, p.Partition)
	case p.Verdict != pipeline.Pass && p.Verdict != pipeline.Skipped:
		g.Warned = append(g.Warned, p.Partition)
	}
	if g.limit != nil && p.Error == "" {
		if v, ok := g.limit.Of(p.Finding, measures); ok {
			p.Value = &v
			if margin := g.limit.Margin(v); g.Limit != "" {
				p.Margin = &margin
			}
		}
	}
	g.Partitions = append(g.Partitions, p)
}

// noteMissing says how many partitions that there ought to be are not published.
func (g *BacktestGate) noteMissing(wanted []pipeline.Partition, judged map[string]bool) {
	missing := 0
	for _, part := range wanted {
		if !judged[part.String()] {
			missing++
		}
	}
	if missing > 0 {
		g.Notes = append(g.Notes, fmt.Sprintf("not published, and not judged: %d of %d partitions", missing, len(wanted)))
	}
}

// noteSifted says which rows were judged, where some were put aside.
func (g *BacktestGate) noteSifted() {
	switch {
	case g.sifted == 0:
	case g.rule.Else == gates.Quarantine:
		g.Notes = append(g.Notes, fmt.Sprintf("%d of the partitions had rows put aside; they are judged with those that stayed", g.sifted))
	default:
		g.Notes = append(g.Notes, fmt.Sprintf("%d of the partitions had rows put aside by gates with else: quarantine; they are not judged here", g.sifted))
	}
}

// stopAt finds the limit that would have stopped a share of the partitions.
func (g *BacktestGate) stopAt(share *float64) {
	if share == nil {
		return
	}
	var values []float64
	for _, p := range g.Partitions {
		if p.Value != nil {
			values = append(values, *p.Value)
		}
	}
	if g.limit == nil || len(values) == 0 {
		g.Notes = append(g.Notes, "no limit to choose: the gate holds no single number against a constant")
		return
	}
	s := &StopAt{Share: *share, Of: len(values), Most: int(math.Floor(*share*float64(len(values)) + 1e-9)), Partitions: []string{}}
	limit := g.limit.Stopping(values, s.Most)
	s.Limit = limit.String()
	for _, p := range g.Partitions {
		if p.Value != nil && !limit.Holds(*p.Value) {
			s.Partitions = append(s.Partitions, p.Partition)
		}
	}
	g.StopAt = s
}
