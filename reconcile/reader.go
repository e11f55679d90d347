package reconcile

import (
	"context"
	"fmt"
	"io"
	"math/big"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/sketch"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/words"
)

// result gives the outcomes, one after the other, and knows when all have left whether they add up
// to what was read.
type result struct {
	m     *matcher
	step  int
	rows  pipeline.Reader
	read  [2]tally
	given [2]tally
	// apart are the deltas of the amounts; within, how far amounts are apart that are near enough.
	apart, within sketch.IntSum
	// slipped counts what is said to match by a pass that allows no other amount, and has one.
	slipped int64
	closed  bool

	sums summing
}

// Next implements pipeline.Reader.
func (r *result) Next(ctx context.Context) (arrow.RecordBatch, error) {
	if r.closed {
		return nil, io.EOF
	}
	for {
		if r.rows == nil {
			more, err := r.open(ctx)
			if err != nil {
				return nil, err
			}
			if !more {
				return nil, io.EOF
			}
		}
		b, err := r.rows.Next(ctx)
		if err == io.EOF { //nolint:errorlint // a Reader gives io.EOF itself
			if err := r.rows.Close(); err != nil {
				return nil, err
			}
			r.rows = nil
			continue
		}
		if err != nil {
			return nil, err
		}
		defer b.Release()
		return r.leaves(b), nil
	}
}

// open begins with the next outcome.
func (r *result) open(ctx context.Context) (more bool, err error) {
	r.step++
	var query string
	switch r.step {
	case 1:
		if query = r.m.different(); query == "" {
			r.rows = pipeline.Batches()
			return true, nil
		}
	case 2:
		if !r.m.o.Rows {
			r.rows, err = r.m.counts(ctx)
			return true, err
		}
		query = r.m.matchedRows()
	case 3:
		query = r.m.alone()
	default:
		return false, nil
	}
	r.rows, _, err = r.m.db.Query(ctx, query)
	return true, err
}

// leaves gives a batch of a query as the schema has it, counted.
func (r *result) leaves(b arrow.RecordBatch) arrow.RecordBatch {
	n := r.m.schema.NumFields()
	cols := make([]arrow.Array, n)
	for i, f := range r.m.schema.Fields() {
		cols[i] = b.Column(i)
		cols[i].Retain()
		if !arrow.TypeEqual(f.Type, cols[i].DataType()) {
			was := cols[i]
			cols[i] = retyped(was, f.Type)
			was.Release()
		}
	}
	out := array.NewRecordBatch(r.m.schema, cols, b.NumRows())
	for _, c := range cols {
		c.Release()
	}
	r.count(out, b.Column(n).(*array.Decimal128))
	r.sums.add(r.m.plan, out)
	return out
}

func (r *result) count(b arrow.RecordBatch, rest *array.Decimal128) {
	at := func(name string) arrow.Array { return b.Column(b.Schema().FieldIndices(name)[0]) }
	r.given[0].leave(at(words.ColLeftRows).(*array.Int64), at(words.ColLeftTotal))
	r.given[1].leave(at(words.ColRightRows).(*array.Int64), at(words.ColRightTotal))
	if r.m.amount < 0 {
		return
	}
	pass, exact := at(words.ColPass).(*array.String), r.m.exactPasses()
	outcome, column, delta := at(words.ColOutcome).(*array.String), at(words.ColColumn).(*array.String), at(words.ColDelta).(*array.Decimal128)
	add := func(to *sketch.IntSum, a *array.Decimal128, i int) {
		if a.IsValid(i) {
			to.Add128(a.Value(i).HighBits(), a.Value(i).LowBits())
		}
	}
	for i := range delta.Len() {
		switch {
		case outcome.Value(i) == words.Matched:
			add(&r.within, delta, i)
			if exact[pass.Value(i)] && delta.IsValid(i) && delta.Value(i).Sign() != 0 {
				r.slipped++
			}
		case column.IsNull(i) || column.Value(i) == r.m.cols[r.m.amount].name:
			add(&r.apart, delta, i)
		}
		add(&r.within, rest, i)
	}
}

// exactPasses names the passes that pair the same amounts alone; nil where floats are added up.
func (p *plan) exactPasses() map[string]bool {
	c := p.cols[p.amount]
	o := p.column(c)
	if c.floats || c.round != nil || o.Tolerance != "" || o.Relative != "" {
		return nil
	}
	exact := map[string]bool{KeyPass: true}
	for _, pass := range p.passes {
		exact[pass.Name] = pass.Amount == ""
	}
	return exact
}

// Findings implements pipeline.Finder.
func (r *result) Findings() []pipeline.Finding { return []pipeline.Finding{r.balance()} }

// balance says whether what was given adds up to what was read, in rows and amounts of each side,
// and whether the deltas are what the sides differ by.
func (r *result) balance() pipeline.Finding {
	var amount *columnPair
	if r.m.amount >= 0 {
		amount = r.m.cols[r.m.amount]
	}
	f := pipeline.Finding{
		Name: pipeline.Balance, Kind: pipeline.Balance, Severity: pipeline.Block, Verdict: pipeline.Pass, DecidedBy: "counts",
		Rule: "what is given adds up to what was read", RowsTested: r.read[0].rows + r.read[1].rows,
		Expected: r.sum(&r.read, amount), Observed: r.sum(&r.given, amount),
	}
	wrong := func(format string, args ...any) {
		f.Verdict = pipeline.Fail
		f.Detail = append(f.Detail, fmt.Sprintf(format, args...))
	}
	for side := range r.read {
		if !r.given[side].agrees(&r.read[side], amount) {
			wrong("%s: %s read, %s accounted for", r.m.o.side(side), r.read[side].text(amount), r.given[side].text(amount))
		}
	}
	if e := &r.m.equal; e[0].rows != e[1].rows || amount != nil && amount.round == nil && amount.kind != kindNumber && !e[0].agrees(&e[1], amount) {
		wrong("what is equal on both sides is not: %s, and %s", e[0].text(amount), e[1].text(amount))
	}
	if r.slipped > 0 {
		wrong("%d rows of what matches have amounts that are not the same, and no tolerance allows it", r.slipped)
	}
	if amount != nil && !amount.floats {
		r.reckon(&f, amount, wrong)
	}
	if f.Verdict != pipeline.Pass {
		f.Detail = append(f.Detail, "this is a bug in penstock; keep the input, and report it with the run's record")
	}
	return f
}

// reckon compares what the sides differ by with the deltas.
func (r *result) reckon(f *pipeline.Finding, amount *columnPair, wrong func(format string, args ...any)) {
	differ := new(big.Int).Sub(r.read[0].exact.Sum(), r.read[1].exact.Sum())
	differ.Mul(differ, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(r.m.deltaScale-amount.scale)), nil))
	breaks, within := r.apart.Sum(), r.within.Sum()
	text := func(v *big.Int) string { return decimalText(v, r.m.deltaScale) }
	f.Detail = append(f.Detail, fmt.Sprintf("%s: the sides differ by %s: %s by breaks, %s within tolerances or against no amount", amount.name, text(differ), text(breaks), text(within)))
	if new(big.Int).Add(breaks, within).Cmp(differ) != 0 {
		wrong("the deltas add up to %s, not %s", text(new(big.Int).Add(breaks, within)), text(differ))
	}
}

// sum is what two tallies have, for people.
func (r *result) sum(t *[2]tally, amount *columnPair) string {
	return fmt.Sprintf("%s: %s; %s: %s", r.m.o.side(0), t[0].text(amount), r.m.o.side(1), t[1].text(amount))
}

// text is the tally for people.
func (t *tally) text(amount *columnPair) string {
	if amount == nil {
		return fmt.Sprintf("%d rows", t.rows)
	}
	return fmt.Sprintf("%d rows, %s %s", t.rows, amount.name, t.total(amount))
}

// Close implements pipeline.Reader.
func (r *result) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	var err error
	if r.rows != nil {
		err = r.rows.Close()
	}
	return firstOf(err, r.m.db.Close())
}
