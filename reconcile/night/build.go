package night

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/figures"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/totals"
	"github.com/penstock-data/penstock/reconcile/words"
)

// Options of a Builder. The zero value means the defaults.
type Options struct {
	// Shown is how many breaks each list names; 0: 20.
	Shown int
	// AgedDays is for how many days a break is open before it is aged; 0: 30.
	AgedDays int
}

// TrendNights is how many nights a trend has at most.
const TrendNights = 30

// A Builder makes a Night, in memory that depends on what is shown, not on how many breaks there
// are.
type Builder struct {
	night   *Night
	summary *totals.Summary
	counter *Counter
	lists   [4]*ranked // new, aged, cleared, biggest
	ledger  bool
	past    []Point
}

// NewBuilder begins a night that tells of a run; summary is of the reconciliation, nil where there
// is none on record.
func NewBuilder(rec *pipeline.RunRecord, summary *totals.Summary, o Options) *Builder {
	n := &Night{
		Version: Version, Pipeline: rec.Pipeline, Partition: rec.Partition, Run: rec.Run, Status: rec.Status, Error: rec.Error,
		Started: rec.Started, Actor: rec.Actor, Penstock: rec.Penstock,
		AgedDays: cmp.Or(max(o.AgedDays, 0), 30), Why: []string{}, Causes: []Cause{}, Columns: []Column{}, Gates: gatesOf(rec.Gates),
	}
	b := &Builder{night: n, counter: NewCounter(rec.Partition, nil)}
	b.Sides(summary)
	shown := cmp.Or(max(o.Shown, 0), 20)
	for i, order := range []func(a, b *Break) int{byDelta, byAge, byDelta, byDelta} {
		b.lists[i] = &ranked{most: shown, order: order}
	}
	return b
}

// Sides says what was reconciled, once that is known; nil says nothing.
func (b *Builder) Sides(summary *totals.Summary) {
	if summary != nil {
		b.summary, b.night.Sides = summary, sidesOf(summary)
		b.counter.of(summary)
	}
}

// Of says which ledger the night has.
func (b *Builder) Of(dataset string) { b.night.Dataset, b.ledger = dataset, true }

// Ledger adds a batch of it.
func (b *Builder) Ledger(batch arrow.RecordBatch) error { return b.add(batch) }

// Relation adds a batch of what Reconcile gives, where there is no ledger. Lists know units only if
// Sides, or a totals.Tally of no rows, told them before.
func (b *Builder) Relation(batch arrow.RecordBatch) error { return b.add(batch) }

// NoLedger says why there are no breaks to count.
func (b *Builder) NoLedger(dataset, why string) {
	b.night.Dataset, b.night.Rests, b.ledger, b.counter = dataset, why, true, nil
}

// Rests says what the numbers rest on, if not on what the run published.
func (b *Builder) Rests(text string) { b.night.Rests = text }

func (b *Builder) add(batch arrow.RecordBatch) error {
	r := newRows(batch, b.counter.partition)
	if b.night.Carried == nil {
		b.night.Carried = r.names
	}
	for i := range int(batch.NumRows()) {
		state, ok := r.shown(i)
		if !ok {
			continue
		}
		k := r.at(i, state)
		k.Unit = b.counter.unit(k.Column)
		b.counter.count(k)
		standing := state != words.Cleared && state != words.Accepted
		for j, in := range []bool{
			b.ledger && (state == words.New || state == words.Reopened),
			b.ledger && standing && k.AgeDays != nil && *k.AgeDays > int64(b.night.AgedDays),
			state == words.Cleared,
			standing,
		} {
			if in {
				b.lists[j].add(k)
			}
		}
	}
	return nil
}

// Past adds a night before, the latest first; the counter is nil where there is no ledger of it. More
// than TrendNights, this one with them, are left out.
func (b *Builder) Past(partition string, summary *totals.Summary, counter *Counter) {
	if len(b.past) < TrendNights-1 {
		b.past = append(b.past, point(partition, summary, counter))
	}
}

// Night is what was built.
func (b *Builder) Night() *Night {
	n := b.night
	if b.counter != nil {
		n.Counts, n.Causes, n.Columns = b.counter.result()
	}
	n.New, n.Aged, n.Cleared, n.Biggest = b.lists[0].list(), b.lists[1].list(), b.lists[2].list(), b.lists[3].list()
	slices.Reverse(b.past)
	n.Trend = append(b.past, point(n.Partition, b.summary, b.counter))
	n.Why = why(n)
	n.Attention = len(n.Why) > 0
	return n
}

func point(partition string, summary *totals.Summary, counter *Counter) Point {
	p := Point{Partition: partition}
	if summary != nil {
		if matched, all := sidesOf(summary).MatchedRows(); all > 0 {
			share := float64(matched) / float64(all)
			p.Share = &share
		}
	}
	if counter != nil {
		c := counter.Counts()
		open, fresh, cleared := c.Standing(), c.Fresh(), c.Cleared
		p.Open, p.New, p.Cleared, p.Delta = &open, &fresh, &cleared, c.Delta
	}
	return p
}

// Gates adds findings that come later than the run.
func (b *Builder) Gates(found []pipeline.Finding) {
	b.night.Gates = append(b.night.Gates, gatesOf(found)...)
}

// Ended says how the run ended.
func (b *Builder) Ended(s pipeline.Status) { b.night.Status = s }

// gatesOf are the findings that are no pass.
func gatesOf(found []pipeline.Finding) []Gate {
	all := []Gate{}
	for _, f := range found {
		if f.Verdict == pipeline.Pass || f.Verdict == pipeline.Skipped && !f.Blocks() {
			continue
		}
		g := Gate{Stage: f.Stage, Name: f.Name, Verdict: f.Verdict, Blocks: f.Blocks() && f.Approved == nil, Observed: f.Observed, Expected: f.Expected}
		if f.At.File != "" {
			g.At = f.At.String()
		}
		if f.Approved != nil {
			g.Approved = f.Approved.Actor
		}
		all = append(all, g)
	}
	slices.SortStableFunc(all, func(a, b Gate) int {
		switch {
		case a.Blocks == b.Blocks:
			return 0
		case a.Blocks:
			return -1
		}
		return 1
	})
	return all
}

// why says why a person must look: where the exit status of the run is not 0, or where that would
// say too much, for what is not known is no reason to be calm. What is too much of what is new is for
// gates to say.
func why(n *Night) []string {
	all := []string{}
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	switch n.Status {
	case pipeline.Blocked:
		for _, g := range n.Gates {
			if g.Blocks {
				say("%s", g.Text())
			}
		}
		if len(all) == 0 {
			say("the run was blocked")
		}
	case pipeline.Failed:
		first, _, _ := strings.Cut(n.Error, "\n")
		say("the run failed: %s", cmp.Or(first, "it does not say why"))
	case pipeline.Cancelled, pipeline.Running:
		say("the run is not done: it was %s", n.Status)
	}
	if n.Sides != nil && n.Sides.Balance == Unbalanced {
		say("the totals do not add up: %s", n.Sides.Gap)
	}
	switch c := n.Counts; {
	case c == nil && len(all) == 0:
		say("the breaks are not known: %s", cmp.Or(n.Rests, "there is no ledger"))
	case c != nil && n.Dataset == "" && c.Standing() > 0:
		say("%s", figures.Plural(c.Standing(), "break", "breaks"))
	}
	return all
}

// sidesOf adds the lines of a summary up.
func sidesOf(s *totals.Summary) *Sides {
	t := &Sides{Amount: s.Amount, Left: Totals{Name: s.Names[0]}, Right: Totals{Name: s.Names[1]}, Balance: Unknown, Passes: []Pass{}}
	t.Left.Name, t.Right.Name = cmp.Or(t.Left.Name, "left"), cmp.Or(t.Right.Name, "right")
	for _, l := range s.Lines {
		for _, side := range []struct {
			t *Totals
			s totals.Side
		}{{&t.Left, l.Left}, {&t.Right, l.Right}} {
			side.t.All = side.t.All.Add(side.s)
			switch l.Outcome {
			case words.Matched:
				side.t.Matched = side.t.Matched.Add(side.s)
			case words.Different:
				side.t.Different = side.t.Different.Add(side.s)
			default:
				side.t.Alone = side.t.Alone.Add(side.s)
			}
		}
		t.pass(l)
	}
	if s.Left == nil || s.Right == nil {
		return t
	}
	t.Balance = Balanced
	for _, side := range []struct {
		name      string
		read, out totals.Side
	}{{t.Left.Name, *s.Left, t.Left.All}, {t.Right.Name, *s.Right, t.Right.All}} {
		if side.read.Rows != side.out.Rows || !sameTotal(side.read.Total, side.out.Total, s.Floats) {
			t.Balance = Unbalanced
			if t.Gap != "" {
				t.Gap += "; "
			}
			t.Gap += fmt.Sprintf("of %s %s were read and %s came out", side.name, sideText(side.read), sideText(side.out))
		}
	}
	return t
}

// sameTotal compares exactly; doubles but for their last digits.
func sameTotal(a, b Decimal, floats bool) bool {
	apart := a.Add(b.Neg()).Abs()
	return apart.Sign() == 0 || floats && apart.Cmp(totals.Float(1e-9*max(a.Abs().Float64(), 1))) <= 0
}

func sideText(s totals.Side) string {
	if s.Total.IsZero() {
		return figures.Plural(s.Rows, "row", "rows")
	}
	return figures.Plural(s.Rows, "row", "rows") + " of " + amount(s.Total)
}

func (s *Sides) pass(l totals.Line) {
	if l.Pass == "" {
		return
	}
	i := slices.IndexFunc(s.Passes, func(p Pass) bool { return p.Name == l.Pass })
	if i < 0 {
		i = len(s.Passes)
		s.Passes = append(s.Passes, Pass{Name: l.Pass})
	}
	p := &s.Passes[i]
	if l.Outcome == words.Matched {
		p.Left, p.Right = p.Left.Add(l.Left), p.Right.Add(l.Right)
	} else {
		p.DifferentLeft, p.DifferentRight = p.DifferentLeft.Add(l.Left), p.DifferentRight.Add(l.Right)
	}
	slices.SortStableFunc(s.Passes, func(a, b Pass) int { // the keys come first
		return cmp.Compare(boolInt(a.Name != keyPass), boolInt(b.Name != keyPass))
	})
}

// keyPass is the first pass of any reconciliation.
const keyPass = "key"

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Unknowable is a night of which nothing is known but how its run ended, and why there is no more.
func Unknowable(rec *pipeline.RunRecord, why error) *Night {
	b := NewBuilder(rec, nil, Options{})
	first, _, _ := strings.Cut(why.Error(), "\n")
	b.NoLedger("", "the report can't be made: "+first)
	return b.Night()
}
