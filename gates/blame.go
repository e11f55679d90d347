package gates

import (
	"cmp"
	"slices"

	"github.com/penstock-data/penstock/internal/sketch"
	"github.com/penstock-data/penstock/pipeline"
)

const (
	// maxUnits bounds how many units a ledger tells apart, and then how many files; maxKept
	// how many states it keeps of them.
	maxUnits = 4096
	maxKept  = 200_000
	maxBlame = 3
)

// ledger remembers which units of work, and then which files, the failures came from.
type ledger struct {
	accounts []*account
	byFile   bool // units of one file are one account
	closed   bool // there were too many
	kept     int  // states
}

// account is what one unit or file brought.
type account struct {
	source string
	file   string
	parts  []accountPart // by rule
	states []state       // by metric; nil where it is not kept
}

type accountPart struct{ tested, failed int64 }

// kept reports whether the states of units are remembered: those that are small, and not
// changed when they are merged.
func keptByUnit(s state) bool {
	switch s.(type) {
	case *counter, *extreme, *wholeSum, *sketched[*sketch.FloatSum], *sketched[*sketch.Moments]:
		return true
	}
	return false
}

// enter takes in what a unit brought.
func (l *ledger) enter(c *court, w *witness) {
	if l.closed {
		return
	}
	a := &account{source: w.unit.Name, file: w.unit.File, parts: make([]accountPart, len(c.rules)), states: make([]state, len(c.metrics))}
	for i := range c.rules {
		a.parts[i] = accountPart{w.tallies[i].tested, w.tallies[i].failed}
	}
	for i, s := range w.states {
		if keptByUnit(s) && w.errs[i] == nil {
			a.states[i] = s
			l.kept++
		}
	}
	l.add(c, a)
	if !l.byFile && (len(l.accounts) > maxUnits || l.kept > maxKept) {
		l.joinFiles(c)
	}
	l.closed = len(l.accounts) > maxUnits || l.kept > maxKept
	if l.closed {
		l.accounts = nil
	}
}

func (l *ledger) add(c *court, a *account) {
	if n := len(l.accounts); l.byFile && n > 0 && l.accounts[n-1].file == a.file {
		l.accounts[n-1].join(c, a)
		return
	}
	if l.byFile {
		own := &account{source: a.file, file: a.file, parts: make([]accountPart, len(a.parts)), states: make([]state, len(a.states))}
		for i, s := range a.states {
			if s != nil {
				own.states[i] = c.metrics[i].open(c.with())
			}
		}
		own.join(c, a)
		a = own
	}
	l.accounts = append(l.accounts, a)
}

// join adds the account of rows that follow.
func (a *account) join(c *court, b *account) {
	for i := range a.parts {
		a.parts[i].tested += b.parts[i].tested
		a.parts[i].failed += b.parts[i].failed
	}
	for i := range a.states {
		if a.states[i] == nil || b.states[i] == nil || a.states[i].merge(b.states[i]) != nil {
			a.states[i] = nil
		}
	}
}

// joinFiles makes the units of each file one account.
func (l *ledger) joinFiles(c *court) {
	units := l.accounts
	l.accounts, l.byFile, l.kept = nil, true, 0
	for _, a := range units {
		l.add(c, a)
	}
	for _, a := range l.accounts {
		for _, s := range a.states {
			if s != nil {
				l.kept++
			}
		}
	}
}

// blame says which files, or units of the only file, a failure comes from.
func (c *court) blame(f *pipeline.Finding, i int, r *boundRule) {
	l := &c.ledger
	if len(l.accounts) == 0 {
		return
	}
	if first := l.accounts[0].file; !l.byFile && slices.ContainsFunc(l.accounts, func(a *account) bool { return a.file != first }) {
		l.joinFiles(c)
	}
	switch {
	case len(l.accounts) < 2 || len(r.by) > 0:
	case r.Check.kind == rowCheck || r.Check.kind == referenceCheck:
		f.Blame = c.blameRows(i, r)
	case r.Check.kind == expectCheck && f.Verdict == pipeline.Fail:
		f.Blame = c.blameStatement(r.expect)
	}
}

func (c *court) blameRows(i int, r *boundRule) (all []pipeline.Blame) {
	total := c.total.tallies[i]
	for _, a := range c.ledger.accounts {
		p := a.parts[i]
		if p.failed == 0 {
			continue
		}
		rest := tally{tested: total.tested - p.tested, failed: total.failed - p.failed}
		without := plural(rest.failed, "row")
		if r.AtMost.by && rest.tested > 0 {
			without = percent(float64(rest.failed) / float64(rest.tested))
		}
		if !outstanding(p, total) {
			continue
		}
		all = append(all, pipeline.Blame{
			Source: a.source, Failed: p.failed, Total: total.failed, Without: without,
			Holds: r.tolerates(rest) == pipeline.Pass,
		})
	}
	return mostFailed(all)
}

// outstanding reports whether a part has much more of the failures than of the rows: what
// is spread evenly is nobody's.
func outstanding(p accountPart, total tally) bool {
	failures := float64(p.failed) / float64(total.failed)
	rows := float64(p.tested) / float64(max(total.tested, 1))
	return failures >= 0.2 && failures > 1.5*rows
}

func mostFailed(all []pipeline.Blame) []pipeline.Blame {
	slices.SortStableFunc(all, func(a, b pipeline.Blame) int { return cmp.Compare(b.Failed, a.Failed) })
	return all[:min(len(all), maxBlame)]
}

// blameStatement evaluates a statement without each of the accounts: those without which
// it would hold are to blame.
func (c *court) blameStatement(s *statement) []pipeline.Blame {
	own := map[int]bool{}
	for _, call := range s.calls {
		if call.own >= 0 && call.Past == nil {
			own[call.own] = true
		}
	}
	rest := map[int][]state{}
	for m := range own {
		if rest[m] = c.withoutEach(m); rest[m] == nil {
			return nil
		}
	}
	var all []pipeline.Blame
	for i, a := range c.ledger.accounts {
		out := c.evaluateWith(s, func(m int) state { return rest[m][i] })
		b := pipeline.Blame{Source: a.source, Without: out.observed, Holds: out.verdict == pipeline.Pass}
		if b.Failed, b.Total = c.countOf(s, a); b.Holds || b.Failed*2 > b.Total {
			all = append(all, b)
		}
	}
	slices.SortStableFunc(all, func(a, b pipeline.Blame) int {
		if a.Holds != b.Holds {
			return map[bool]int{true: -1, false: 1}[a.Holds]
		}
		return cmp.Compare(b.Failed, a.Failed)
	})
	if len(all)*2 > len(c.ledger.accounts) {
		return nil // if every other file would do, none is to blame
	}
	return all[:min(len(all), maxBlame)]
}

// withoutEach merges, for each account, the states of all others; nil if some is not kept.
func (c *court) withoutEach(metric int) []state {
	accounts, m := c.ledger.accounts, c.metrics[metric]
	n := len(accounts)
	after := make([]state, n+1) // of the accounts from i on
	after[n] = m.open(c.with())
	for i := n - 1; i >= 0; i-- {
		after[i] = m.open(c.with())
		if accounts[i].states[metric] == nil || after[i].merge(accounts[i].states[metric]) != nil || after[i].merge(after[i+1]) != nil {
			return nil
		}
	}
	before, rest := m.open(c.with()), make([]state, n)
	for i, a := range accounts {
		rest[i] = m.open(c.with())
		if rest[i].merge(before) != nil || rest[i].merge(after[i+1]) != nil || before.merge(a.states[metric]) != nil {
			return nil
		}
	}
	return rest
}

// evaluateWith evaluates a statement with other states of the rows that are judged.
func (c *court) evaluateWith(s *statement, with func(metric int) state) outcome {
	states := slices.Clone(c.total.states)
	for _, call := range s.calls {
		if call.own >= 0 && call.Past == nil {
			states[call.own] = with(call.own)
		}
	}
	return c.evaluate(s, states, "")
}

// countOf is how much of what the statement's only counting metric counts is in an account.
func (c *court) countOf(s *statement, a *account) (part, whole int64) {
	for _, call := range s.calls {
		if call.own < 0 {
			continue
		}
		n, is := a.states[call.own].(*counter)
		all, _ := c.total.states[call.own].(*counter)
		if !is || all == nil || n.what == allRows {
			continue
		}
		if n.what == nulls {
			return n.Nulls, all.Nulls
		}
		return n.Count, all.Count
	}
	return 0, 0
}
