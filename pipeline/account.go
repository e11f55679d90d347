package pipeline

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/penstock-data/penstock/internal/figures"
)

// account is the rows of a stage, counted wherever they pass from one hand to another.
type account struct {
	inputs    []*inflow
	operators []*opflow
	looked    []*inflow // what gates looked up
	spooled   *int64    // rows in the private file; nil where there is none
	readBack  []readBack
}

// inflow is the rows that came from one input.
type inflow struct {
	name  string
	input *Input // nil of a stage that streams
	sent  *int64 // rows that left that stage; nil of an input
	rows  int64
	units int
	files []int64  // rows by file, where it is known how many these have
	odd   []string // splits that had another number of rows than they say, the first few
	odds  int
}

// opflow is the rows that left an operator, and those that one with Stream was handed or one
// with Scan read.
type opflow struct {
	op             Operator
	rule           RowsRule
	filters, picks bool // it has Keep; it only hands columns on
	out            int64
	handed         []*handed
	scanned        []*scanned
}

// handed counts what a blocking operator reads of an input.
type handed struct {
	Reader
	from  *int64 // rows that were counted before
	rows  int64
	ended bool
}

// readBack is a file that was written, and what it says of itself when it is opened.
type readBack struct {
	name string
	sent int64
	says int64 // -1 where the format does not say
	err  error
}

// maxOdd bounds the splits that a finding names.
const maxOdd = 3

// add begins to count the rows of the next operator.
func (a *account) add(op Operator, b *Bound) {
	a.operators = append(a.operators, &opflow{
		op: op, rule: b.rowsRule(), filters: b.Keep != nil, picks: b.Same != nil && !b.computes(),
	})
}

// before is the count of what comes to the last operator from its i-th input.
func (a *account) before(i int) *int64 {
	if n := len(a.operators); n > 1 {
		return &a.operators[n-2].out
	}
	return &a.inputs[i].rows
}

// take counts the rows of a unit. Of an input, seq is the place of the split.
func (f *inflow) take(seq int, rows int64) {
	f.rows += rows
	f.units++
	if f.input == nil {
		return
	}
	s := &f.input.Splits[seq]
	if s.File < len(f.files) {
		f.files[s.File] += rows
	}
	if s.agrees(rows) {
		return
	}
	if f.odds++; f.odds <= maxOdd {
		f.odd = append(f.odd, fmt.Sprintf("%s says it has %s, and %s came", s.Name, countRows(s.Rows), figures.Count(rows)))
	}
}

// agrees reports whether a split may have given so many rows.
func (s *Split) agrees(rows int64) bool {
	return s.Rows < 0 || s.Rows == rows || s.AtMost && rows < s.Rows
}

// count gives the step that counts what leaves the operator.
func (o *opflow) count() step { return &countStep{total: &o.out} }

// hand counts what the operator reads.
func (o *opflow) hand(r Reader, from *int64) Reader {
	h := &handed{Reader: r, from: from}
	o.handed = append(o.handed, h)
	return h
}

// Next implements Reader.
func (h *handed) Next(ctx context.Context) (arrow.RecordBatch, error) {
	b, err := h.Reader.Next(ctx)
	if err != nil {
		h.ended = h.ended || isEOF(err)
		return b, err
	}
	h.rows += b.NumRows()
	return b, nil
}

// rowsIn is how many rows came of all inputs.
func (a *account) rowsIn() (n int64) {
	for _, f := range a.inputs {
		n += f.rows
	}
	return n
}

// records are what each operator did, and how many rows the operators left out.
func (a *account) records() (all []OperatorRecord, filtered int64) {
	in := a.rowsIn()
	for rest := a.operators; len(rest) > 0; {
		n := together(rest)
		var names []string
		for _, o := range rest[:n] {
			names = append(names, o.op.String())
		}
		last := rest[n-1]
		all = append(all, OperatorRecord{Name: shortly(strings.Join(names, "; ")), Rows: last.rule, RowsIn: in, RowsOut: last.out})
		if last.rule == RowsFewer {
			filtered += in - last.out
		}
		in, rest = last.out, rest[n:]
	}
	return all, filtered
}

// together is how many of the operators are on record as one: filters one after the other,
// for of a row that was not read it is not known which of them would have left it out.
func together(all []*opflow) int {
	n := 1
	for i, o := range all {
		switch {
		case o.filters:
			n = i + 1
		case i == 0 || !o.picks:
			return n
		}
	}
	return n
}

// maxOperatorName bounds the text of an operator in a record, in runes.
const maxOperatorName = 80

// shortly is a text on one line, cut.
func shortly(text string) string {
	short := []rune(strings.Join(strings.Fields(text), " "))
	if len(short) > maxOperatorName {
		return string(short[:maxOperatorName-1]) + "…"
	}
	return string(short)
}

// openAgain asks a file that was written, at a path, how many rows it has.
func (r *run) openAgain(ctx context.Context, sr *stageRun, schema *arrow.Schema, f File, path string) {
	b := readBack{name: f.Path, sent: f.Rows, says: -1}
	f.Path = filepath.ToSlash(path)
	b.says, b.err = r.says(ctx, sr.plan.Output.Format.Source(schema, f))
	sr.account.readBack = append(sr.account.readBack, b)
}

// says is how many rows a source says it has, exactly; -1 where it does not.
func (r *run) says(ctx context.Context, s Source) (n int64, err error) {
	defer recovered(&err)
	in, err := s.Resolve(ctx, r.env)
	if err != nil {
		return -1, err
	}
	if n, exact := in.counted(); exact {
		return n, nil
	}
	return -1, nil
}

// counted is how many rows the splits say there are, and whether all say it exactly.
func (in *Input) counted() (n int64, exact bool) {
	for _, s := range in.Splits {
		if s.Rows < 0 || s.AtMost {
			return 0, false
		}
		n += s.Rows
	}
	return n, true
}
