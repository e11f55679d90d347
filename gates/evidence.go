package gates

import (
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/internal/rows"
	"github.com/penstock-data/penstock/pipeline"
)

// A rung of the ladder of evidence; each costs more than the one before it.
type rung int

const (
	noRung rung = iota
	storedRung
	footerRung
	dictionaryRung
	pageRung
	scanRung
	exactRung
)

func (r rung) String() string {
	return [...]string{"scan", "stored states", "footer", "dictionary", "page index", "scan", "a second, exact scan"}[r]
}

// climb is how far up the ladder a rule had to go, and what it read on the way.
type climb struct {
	rung                rung
	groups, read, bytes int64
}

func (c *climb) add(o climb) {
	c.rung = max(c.rung, o.rung)
	c.groups += o.groups
	c.read += o.read
	c.bytes += o.bytes
}

// facts are what is known of columns, by index.
type facts func(column int) pipeline.Facts

func (f facts) of(columns []int) map[int]pipeline.Facts {
	known := map[int]pipeline.Facts{}
	for _, c := range columns {
		known[c] = f(c)
	}
	return known
}

// certainty is what facts say of a rule: nothing; that it holds of each row, however many
// there are; or how many rows it finds how.
type certainty struct {
	holds, counted bool
	tally          tally
}

// certain is what facts prove of a rule on so many rows; -1 is an unknown number.
func (c *court) certain(r *boundRule, n int64, f facts) (out certainty) {
	if r.where != nil {
		p := r.where.Prove(n, f.of(r.where.Columns()))
		switch {
		case p.MayFail:
			return certainty{}
		case !p.MayTrue:
			return certainty{counted: true} // no row is judged
		case p.MayFalse || p.MayNull:
			return certainty{}
		}
	}
	switch {
	case r.Check.kind == schemaCheck:
		return certainty{counted: true}
	case len(r.by) > 0:
		return certainty{} // which rows are in which group is not known
	}
	switch r.Check.kind {
	case rowCheck:
		if r.program == nil {
			return certainty{} // a Go function
		}
		return r.certain(n, r.program.Prove(n, f.of(r.program.Columns())))
	case referenceCheck:
		return c.certainReference(r, n, f(r.columns[0]))
	}
	return certainty{}
}

func (r *boundRule) certain(n int64, p expr.Proof) (out certainty) {
	if p.MayFail {
		return out
	}
	if !p.MayFalse && !p.MayNull {
		return certainty{holds: true, counted: n >= 0, tally: tally{tested: n}}
	}
	if n < 0 || !p.HasNulls || p.MayTrue && p.MayFalse {
		return out
	}
	t := tally{tested: n - p.Nulls, null: p.Nulls}
	if !p.MayTrue {
		t.failed = t.tested
	}
	if r.Nulls == NullsFail {
		t.tested, t.failed = n, t.failed+p.Nulls
	}
	if r.Else == Quarantine && t.failed > 0 {
		return out // these rows have to be put aside
	}
	return certainty{counted: true, tally: t}
}

// certainReference looks every value of a dictionary up.
func (c *court) certainReference(r *boundRule, n int64, k pipeline.Facts) (out certainty) {
	parent := &c.lookups[r.input].keys[r.keys]
	if len(r.columns) != 1 || k.Values == nil || !k.HasNulls || k.Values.NullN() > 0 || parent.log != nil {
		return out // a parent that is kept in a log can't be asked yet
	}
	schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: k.Values.DataType()}}, nil)
	b := array.NewRecordBatch(schema, []arrow.Array{k.Values}, int64(k.Values.Len()))
	defer b.Release()
	for _, h := range rows.Keys(nil, b, []int{0}) {
		if parent.Has(h) == r.Check.absent {
			return out
		}
	}
	out.holds = k.Nulls == 0
	if n >= 0 {
		out.counted, out.tally = true, tally{tested: n - k.Nulls, null: k.Nulls}
	}
	return out
}

// Know implements pipeline.Witness.
func (w *witness) Know(_ context.Context, k *pipeline.Known) pipeline.Doubt {
	w.known = true
	l := &ladder{witness: w, known: k, rows: k.Rows, doubts: make([]bool, len(w.court.rules)), unmeasured: make([]bool, len(w.court.metrics))}
	// What the rules that put rows aside leave is what the others see.
	l.rules(true)
	sifts := slices.Contains(l.doubts, true)
	if sifts {
		l.rows = -1
	}
	l.rules(false)
	l.metrics()
	d := pipeline.Doubt{Any: slices.Contains(l.doubts, true) || slices.Contains(l.unmeasured, true), Sifts: sifts}
	if d.Any && k.Pages != nil {
		d.Rows = l.pages()
		d.Any = d.Rows == nil || slices.Contains(d.Rows, true)
	}
	if !d.Any {
		d = pipeline.Doubt{}
	}
	l.note(&d)
	return d
}

// ladder climbs from rung to rung with what is still in doubt.
type ladder struct {
	*witness
	known      *pipeline.Known
	rows       int64 // -1 if some may be put aside
	doubts     []bool
	unmeasured []bool
}

// weak are facts of rows of which some may be gone.
func (l *ladder) weak(f facts) facts {
	if l.rows >= 0 {
		return f
	}
	return func(column int) pipeline.Facts {
		k := f(column)
		if k.Nulls != 0 {
			k.Nulls, k.HasNulls = 0, false
		}
		return k
	}
}

// rules climbs the first rungs with the rules that put rows aside, or with the others.
func (l *ladder) rules(quarantine bool) {
	for i, r := range l.court.rules {
		if (r.Else == Quarantine) != quarantine || !r.Check.ofRows() {
			continue
		}
		c := &l.climbs[i]
		if l.court.storedRules[i] {
			c.rung, l.settled[i] = storedRung, true
			continue
		}
		c.rung = footerRung
		out := l.court.certain(r, l.rows, l.weak(l.known.Facts))
		if !out.counted && !out.holds && r.Check.kind != uniqueCheck {
			c.rung = dictionaryRung
			out = l.court.certain(r, l.rows, l.weak(l.byDictionary(r.needs(), c)))
		}
		switch {
		case out.counted:
			l.tallies[i].add(out.tally)
			l.settled[i] = true
		case out.holds:
			l.holds[i] = true
		default:
			l.doubts[i] = true
		}
	}
}

// byDictionary asks for the dictionaries of columns.
func (l *ladder) byDictionary(columns []int, c *climb) facts {
	found := map[int]pipeline.Facts{}
	for _, col := range columns {
		f, read := l.known.ByDictionary(col)
		if c.bytes += read; f.Values == nil {
			f = l.known.Facts(col)
		}
		found[col] = f
	}
	return func(column int) pipeline.Facts { return found[column] }
}

// metrics climbs the first rungs with the metrics.
func (l *ladder) metrics() {
	for i, m := range l.court.metrics {
		if l.court.storedMetrics[i] {
			l.metricRungs[i], l.measured[i] = storedRung, true
			continue
		}
		l.metricRungs[i] = footerRung
		if l.rows >= 0 && m.learn(l.states[i], l.rows, l.known.Facts) {
			l.measured[i] = true
			continue
		}
		l.unmeasured[i] = true
	}
}

// pages settles what is in doubt for each part of which the page index says enough, and
// marks the rows of the others; nil: all.
func (l *ladder) pages() []bool {
	var columns []int
	add := func(more []int) {
		for _, c := range more {
			if !slices.Contains(columns, c) {
				columns = append(columns, c)
			}
		}
	}
	for i, r := range l.court.rules {
		switch {
		case !l.doubts[i]:
		case r.Check.kind != rowCheck:
			return nil // a scan of all rows is needed anyway
		default:
			add(r.needs())
		}
	}
	for i, m := range l.court.metrics {
		if l.unmeasured[i] && !m.knowable() {
			return nil
		}
		if l.unmeasured[i] {
			add(m.needs())
		}
	}
	parts, read := l.known.Pages(columns)
	var marked []bool
	some := false
	for _, p := range parts {
		sure := l.part(p)
		some = some || sure
		marked = append(marked, slices.Repeat([]bool{!sure}, int(p.Rows))...)
	}
	for i := range l.doubts {
		if l.doubts[i] {
			l.climbs[i].bytes += read
			l.climbs[i].rung = pageRung
		}
	}
	if !some {
		return nil
	}
	return marked
}

// part settles everything in doubt for one part, or nothing.
func (l *ladder) part(p pipeline.KnownPart) bool {
	found := map[int]tally{}
	for i, r := range l.court.rules {
		if !l.doubts[i] {
			continue
		}
		out := l.court.certain(r, p.Rows, p.Facts)
		if !out.counted {
			return false
		}
		found[i] = out.tally
	}
	states := map[int]state{}
	for i, m := range l.court.metrics {
		if !l.unmeasured[i] {
			continue
		}
		states[i] = l.court.open(m)
		if !m.learn(states[i], p.Rows, p.Facts) {
			return false
		}
	}
	for i, t := range found {
		l.tallies[i].add(t)
	}
	for i, s := range states {
		if err := l.states[i].merge(s); err != nil {
			l.errs[i] = err
		}
	}
	for i := range l.holds {
		if l.holds[i] {
			l.tallies[i].tested += p.Rows
		}
	}
	return true
}

// note records how far up each rule went, and what has to be read.
func (l *ladder) note(d *pipeline.Doubt) {
	for i := range l.unmeasured {
		if l.unmeasured[i] && d.Any {
			l.metricRungs[i] = scanRung
			d.Columns = append(d.Columns, l.court.metrics[i].needs()...)
		}
	}
	for i, r := range l.court.rules {
		c := &l.climbs[i]
		c.groups = 1
		switch {
		case r.Check.kind == schemaCheck:
		case r.Check.kind == compositeCheck:
			for _, m := range r.members {
				c.rung = max(c.rung, l.climbs[m].rung)
			}
		case r.Check.kind == expectCheck:
			c.rung = storedRung
			for _, m := range r.metricsOf() {
				c.rung = max(c.rung, l.metricRungs[m])
			}
		case l.doubts[i] && d.Any:
			c.rung = scanRung
			d.Columns = append(d.Columns, r.needs()...)
			if r.Check.kind != uniqueCheck {
				d.Columns = append(d.Columns, l.court.key...)
			}
		}
		if c.rung != scanRung {
			continue
		}
		c.read = 1
		for _, col := range l.court.columnsReadBy(r) {
			c.bytes += bytesOf(l.known.Bytes(col), d.Rows)
		}
	}
	slices.Sort(d.Columns)
	d.Columns = slices.Compact(d.Columns)
}

// bytesOf is about how many of so many bytes the marked rows take; nil marks all.
func bytesOf(bytes int64, rows []bool) int64 {
	if rows == nil {
		return bytes
	}
	n := int64(0)
	for _, marked := range rows {
		if marked {
			n++
		}
	}
	return bytes * n / int64(len(rows))
}

// columnsReadBy are the columns a rule reads, by itself or for its metrics.
func (c *court) columnsReadBy(r *boundRule) []int {
	all := r.needs()
	for _, m := range r.metricsOf() {
		all = append(all, c.metrics[m].needs()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
