package night

import (
	"cmp"
	"iter"
	"slices"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/reconcile/totals"
	"github.com/penstock-data/penstock/reconcile/words"
)

// known are the columns of a ledger, or of what Reconcile gives, that are not carried.
var known = []string{
	words.ColOutcome, words.ColPass, words.ColKey, words.ColNth, words.ColColumn, words.ColCause, words.ColLeft,
	words.ColRight, words.ColDelta, words.ColLeftRows, words.ColRightRows, words.ColLeftTotal, words.ColRightTotal,
	words.ColBreak, words.ColDataset, words.ColState, words.ColOpened, words.ColSince, words.ColChanged,
	words.ColCleared, words.ColNights, words.ColAgeDays, words.ColBeforeDelta, words.ColOwner, words.ColReason,
	words.ColAcceptedBy, words.ColAcceptedUntil,
}

// rows reads breaks from a batch of a ledger, or of what Reconcile gives.
type rows struct {
	partition string
	columns   map[string]arrow.Array
	texts     map[string]func(int) string
	numbers   map[string]func(int) Decimal
	names     []string // of the columns that are carried
	carried   []func(int) string
}

func newRows(b arrow.RecordBatch, partition string) *rows {
	r := &rows{partition: partition, columns: map[string]arrow.Array{}, texts: map[string]func(int) string{}, numbers: map[string]func(int) Decimal{}, names: []string{}}
	for i, f := range b.Schema().Fields() {
		r.columns[f.Name] = b.Column(i)
		if !slices.Contains(known, f.Name) {
			r.names, r.carried = append(r.names, f.Name), append(r.carried, totals.Texts(b.Column(i)))
		}
	}
	return r
}

// texter gives the texts of a column; empty where it is not there.
func (r *rows) texter(name string) func(int) string {
	if r.texts[name] == nil {
		r.texts[name] = func(int) string { return "" }
		if c := r.columns[name]; c != nil {
			r.texts[name] = totals.Texts(c)
		}
	}
	return r.texts[name]
}

func (r *rows) text(name string, i int) string { return r.texter(name)(i) }

// numberer gives the numbers of a column; none where it is not there.
func (r *rows) numberer(name string) func(int) Decimal {
	if r.numbers[name] == nil {
		r.numbers[name] = func(int) Decimal { return Decimal{} }
		if c := r.columns[name]; c != nil {
			r.numbers[name] = totals.Numbers(c)
		}
	}
	return r.numbers[name]
}

func (r *rows) number(name string, i int) Decimal { return r.numberer(name)(i) }

func (r *rows) int(name string, i int) *int64 {
	d := r.number(name, i)
	if d.IsZero() {
		return nil
	}
	n, err := strconv.ParseInt(d.String(), 10, 64)
	if err != nil {
		return nil
	}
	return &n
}

func (r *rows) nullable(name string, i int) *string {
	if c := r.columns[name]; c == nil || c.IsNull(i) {
		return nil
	}
	s := r.text(name, i)
	return &s
}

// shown gives the state of a row, and whether the night tells of it: not of what matched, or
// cleared on a night before.
func (r *rows) shown(i int) (state string, ok bool) {
	if r.columns[words.ColState] == nil {
		return words.Open, r.text(words.ColOutcome, i) != words.Matched
	}
	state = r.text(words.ColState, i)
	return state, state != words.Cleared || r.text(words.ColCleared, i) == r.partition
}

func (r *rows) at(i int, state string) *Break {
	b := &Break{
		ID: r.text(words.ColBreak, i), Key: r.text(words.ColKey, i), Column: r.text(words.ColColumn, i), Cause: r.text(words.ColCause, i),
		Outcome: r.text(words.ColOutcome, i), State: state, Opened: r.text(words.ColOpened, i), Since: r.text(words.ColSince, i),
		Cleared: r.text(words.ColCleared, i), AgeDays: r.int(words.ColAgeDays, i), Left: r.nullable(words.ColLeft, i),
		Right: r.nullable(words.ColRight, i), Delta: r.number(words.ColDelta, i), BeforeDelta: r.number(words.ColBeforeDelta, i),
		Owner: r.text(words.ColOwner, i), Reason: r.text(words.ColReason, i), AcceptedBy: r.text(words.ColAcceptedBy, i),
		AcceptedUntil: r.text(words.ColAcceptedUntil, i),
	}
	if n := r.int(words.ColNth, i); n != nil {
		b.Nth = *n
	}
	if n := r.int(words.ColNights, i); n != nil {
		b.Nights = *n
	}
	for _, c := range r.carried {
		b.Carried = append(b.Carried, c(i))
	}
	return b
}

// Counter adds up the breaks of a night without keeping any: of the nights before.
type Counter struct {
	partition string
	amount    string
	units     map[string]string
	parts     map[countKey]*Counts
}

type countKey struct{ cause, column string }

// CounterColumns are the columns that a Counter looks at.
var CounterColumns = []string{words.ColState, words.ColCleared, words.ColColumn, words.ColCause, words.ColDelta}

// NewCounter counts the breaks of a partition; summary is that of its reconciliation, or nil.
func NewCounter(partition string, summary *totals.Summary) *Counter {
	c := &Counter{partition: partition, parts: map[countKey]*Counts{}}
	c.of(summary)
	return c
}

// of says what was reconciled.
func (c *Counter) of(summary *totals.Summary) {
	if summary != nil {
		c.amount, c.units = summary.Amount, summary.Units
	}
}

// Add adds a batch of a ledger with at least CounterColumns.
func (c *Counter) Add(batch arrow.RecordBatch) {
	r := newRows(batch, c.partition)
	column, cause, delta := r.texter(words.ColColumn), r.texter(words.ColCause), r.numberer(words.ColDelta)
	for i := range int(batch.NumRows()) {
		if state, ok := r.shown(i); ok {
			c.count(&Break{State: state, Column: column(i), Cause: cause(i), Delta: delta(i)})
		}
	}
}

// Counts are what was counted so far.
func (c *Counter) Counts() Counts {
	all, _, _ := c.result()
	return *all
}

// unit is that of the deltas of a column, empty of a number.
func (c *Counter) unit(column string) string {
	if column == "" {
		return ""
	}
	return c.units[column]
}

// sums reports whether the deltas of a column go into the sum over all: of rows of one side alone,
// and of the amount; where that is not known, of all numbers.
func (c *Counter) sums(column string) bool {
	return column == "" || column == c.amount || c.amount == "" && c.units[column] == ""
}

func (c *Counter) count(b *Break) {
	k := countKey{b.Cause, b.Column}
	part := c.parts[k]
	if part == nil {
		part = &Counts{}
		c.parts[k] = part
	}
	part.count(b.State, b.Delta.Abs())
}

// result gives the counts, by cause in the order of reports, and by column.
func (c *Counter) result() (*Counts, []Cause, []Column) {
	all, ofCause, ofColumn := &Counts{}, map[string]*Counts{}, map[string]*Counts{}
	for k, part := range c.parts {
		for _, to := range []*Counts{all, of(ofCause, k.cause), of(ofColumn, k.column)} {
			to.add(part)
		}
		of(ofColumn, k.column).Delta = of(ofColumn, k.column).Delta.Add(part.Delta)
		if c.sums(k.column) {
			all.Delta, of(ofCause, k.cause).Delta = all.Delta.Add(part.Delta), of(ofCause, k.cause).Delta.Add(part.Delta)
		}
	}
	byCause, byColumn := []Cause{}, []Column{}
	for name, counts := range ofCause {
		byCause = append(byCause, Cause{name, *counts})
	}
	place := func(cause string) int {
		if i := slices.Index(words.Causes, cause); i >= 0 {
			return i
		}
		return len(words.Causes)
	}
	slices.SortFunc(byCause, func(a, b Cause) int {
		return cmp.Or(cmp.Compare(place(a.Cause), place(b.Cause)), cmp.Compare(a.Cause, b.Cause))
	})
	for name, counts := range ofColumn {
		byColumn = append(byColumn, Column{name, c.unit(name), *counts})
	}
	slices.SortFunc(byColumn, func(a, b Column) int { return cmp.Compare(a.Column, b.Column) })
	return all, byCause, byColumn
}

func of(all map[string]*Counts, name string) *Counts {
	if all[name] == nil {
		all[name] = &Counts{}
	}
	return all[name]
}

// add adds the numbers of breaks, not their deltas.
func (c *Counts) add(o *Counts) {
	c.New += o.New
	c.Open += o.Open
	c.Changed += o.Changed
	c.Reopened += o.Reopened
	c.Accepted += o.Accepted
	c.Cleared += o.Cleared
}

func (c *Counts) count(state string, delta Decimal) {
	switch state {
	case words.New:
		c.New++
	case words.Changed:
		c.Changed++
	case words.Reopened:
		c.Reopened++
	case words.Accepted:
		c.Accepted++
		return
	case words.Cleared:
		c.Cleared++
		return
	default: // what is not known is open
		c.Open++
	}
	c.Delta = c.Delta.Add(delta)
}

// ranked keeps the first few of many breaks.
type ranked struct {
	most  int
	order func(a, b *Break) int
	total int64
	kept  []*Break
}

func (r *ranked) add(b *Break) {
	r.total++
	i, _ := slices.BinarySearchFunc(r.kept, b, func(have, b *Break) int {
		if r.order(have, b) <= 0 { // of equal ones the first stays first
			return -1
		}
		return 1
	})
	if i >= r.most {
		return
	}
	r.kept = slices.Insert(r.kept, i, b)
	r.kept = r.kept[:min(len(r.kept), r.most)]
}

func (r *ranked) list() List {
	l := List{Total: r.total, Breaks: []*Break{}}
	l.Breaks = append(l.Breaks, r.kept...)
	return l
}

// byDelta puts the greatest |delta| first, amounts before days and seconds.
func byDelta(a, b *Break) int {
	return cmp.Or(cmp.Compare(boolInt(a.Unit != ""), boolInt(b.Unit != "")), b.Delta.Abs().Cmp(a.Delta.Abs()),
		cmp.Compare(a.Key, b.Key), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Nth, b.Nth))
}

// byAge puts the oldest first.
func byAge(a, b *Break) int {
	return cmp.Or(cmp.Compare(age(b), age(a)), byDelta(a, b))
}

func age(b *Break) int64 {
	if b.AgeDays == nil {
		return -1
	}
	return *b.AgeDays
}

// All gives the breaks of batches of the night's ledger, or of what Reconcile gives: for Night.All.
// It borrows the batches.
func All(n *Night, batches iter.Seq2[arrow.RecordBatch, error]) iter.Seq2[*Break, error] {
	units := map[string]string{}
	for _, c := range n.Columns {
		units[c.Column] = c.Unit
	}
	return func(yield func(*Break, error) bool) {
		for batch, err := range batches {
			if err != nil {
				yield(nil, err)
				return
			}
			r := newRows(batch, n.Partition)
			for i := range int(batch.NumRows()) {
				state, ok := r.shown(i)
				if !ok {
					continue
				}
				b := r.at(i, state)
				b.Unit = units[b.Column]
				if !yield(b, nil) {
					return
				}
			}
		}
	}
}
