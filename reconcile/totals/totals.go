package totals

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/sketch"
)

// Summary is what a reconciliation came to.
type Summary struct {
	// Reconciled is always true: it tells a summary from other reports.
	Reconciled bool `json:"reconciled"`
	// Names are what the sides are called.
	Names [2]string `json:"names"`
	// Amount is the column whose totals add up; empty where there is none.
	Amount string `json:"amount,omitempty"`
	// Left and Right are what was read, counted apart from how it was matched; nil where it was
	// not.
	Left  *Side `json:"left,omitempty"`
	Right *Side `json:"right,omitempty"`
	// Floats says that amounts are doubles, whose sums are known but for their last digits.
	Floats bool `json:"floats,omitempty"`
	// Units say of compared columns that are dates or times what their deltas are: days, seconds.
	Units map[string]string `json:"units,omitempty"`
	// Lines are in the order of their texts.
	Lines []Line `json:"lines"`
}

// Side is how many rows there are of a side, and the sum of their amounts.
type Side struct {
	Rows  int64   `json:"rows"`
	Total Decimal `json:"total,omitzero"`
}

// Add is the sum of both.
func (s Side) Add(o Side) Side { return Side{s.Rows + o.Rows, s.Total.Add(o.Total)} }

// Line adds up the rows of the relation that have the same of these.
type Line struct {
	Outcome string `json:"outcome"`
	Pass    string `json:"pass,omitempty"`
	Column  string `json:"column,omitempty"`
	Cause   string `json:"cause,omitempty"`
	// Count is how many rows of the relation these are; of what only matched it may be a row a
	// pass.
	Count int64 `json:"count"`
	Left  Side  `json:"left"`
	Right Side  `json:"right"`
	// Delta is the sum of |delta|.
	Delta Decimal `json:"delta,omitzero"`
}

// ParseSummary reads the report of a stage; nil if it is none of a reconciliation.
func ParseSummary(report json.RawMessage) (*Summary, error) {
	var is struct {
		Reconciled bool `json:"reconciled"`
	}
	if len(report) == 0 || json.Unmarshal(report, &is) != nil || !is.Reconciled {
		return nil, nil
	}
	s := &Summary{}
	if err := json.Unmarshal(report, s); err != nil {
		return nil, fmt.Errorf("the summary of a reconciliation can't be read: %w", err)
	}
	return s, nil
}

// Tally adds batches of the relation up. It is for one goroutine.
type Tally struct {
	summary Summary
	lines   map[lineKey]*line
	last    *line // of the row before: in order, most rows have the line of that
	columns map[string]int
}

type lineKey struct{ outcome, pass, column, cause string }

// line is a Line on its way.
type line struct {
	lineKey
	count  int64
	rows   [2]int64
	totals [2]sum
	delta  sum
}

// sum adds the values of a column up.
type sum struct {
	scaled sketch.IntSum // of decimals, in units of the last digit
	scale  int
	others Decimal
}

func (s *sum) value() Decimal {
	if s.scaled.Count() == 0 {
		return s.others
	}
	return s.others.Add(Unscaled(s.scaled.Sum(), s.scale))
}

// maxLines bounds the different lines: passes, columns and causes are few.
const maxLines = 100_000

// New begins a tally of batches of the schema.
func New(schema *arrow.Schema, names [2]string, amount string) *Tally {
	t := &Tally{
		summary: Summary{Reconciled: true, Names: names, Amount: amount}, lines: map[lineKey]*line{}, columns: map[string]int{},
	}
	for i, f := range schema.Fields() {
		t.columns[f.Name] = i
		if f.Name == "left_total" || f.Name == "right_total" {
			t.summary.Floats = t.summary.Floats || arrow.IsFloating(f.Type.ID())
		}
		if name, ok := strings.CutPrefix(f.Name, "left_"); ok {
			if unit := unitOf(f.Type); unit != "" {
				if t.summary.Units == nil {
					t.summary.Units = map[string]string{}
				}
				t.summary.Units[name] = unit
			}
		}
	}
	return t
}

func unitOf(t arrow.DataType) string {
	switch t.ID() {
	case arrow.DATE32, arrow.DATE64:
		return "days"
	case arrow.TIMESTAMP, arrow.TIME32, arrow.TIME64:
		return "seconds"
	}
	return ""
}

// Read says what was read of both sides.
func (t *Tally) Read(left, right Side) { t.summary.Left, t.summary.Right = &left, &right }

// Summary is what was added up so far.
func (t *Tally) Summary() *Summary {
	s := t.summary
	s.Lines = []Line{}
	for k, l := range t.lines {
		s.Lines = append(s.Lines, Line{
			Outcome: k.outcome, Pass: k.pass, Column: k.column, Cause: k.cause, Count: l.count,
			Left: Side{l.rows[0], l.totals[0].value()}, Right: Side{l.rows[1], l.totals[1].value()}, Delta: l.delta.value(),
		})
	}
	slices.SortFunc(s.Lines, func(a, b Line) int {
		for _, c := range [][2]string{{a.Outcome, b.Outcome}, {a.Pass, b.Pass}, {a.Column, b.Column}, {a.Cause, b.Cause}} {
			if n := strings.Compare(c[0], c[1]); n != 0 {
				return n
			}
		}
		return 0
	})
	return &s
}

// Add adds a batch, which it borrows.
func (t *Tally) Add(b arrow.RecordBatch) error {
	texts := [4]func(int) string{}
	for i, name := range []string{"outcome", "pass", "column", "cause"} {
		texts[i] = t.text(b, name)
	}
	var counts [2]func(int) int64
	var totals [2]func(int, *sum)
	for i, side := range []string{"left", "right"} {
		counts[i], totals[i] = t.count(b, side+"_rows"), t.adder(b, side+"_total", false)
	}
	delta := t.adder(b, "delta", true)
	for i := range int(b.NumRows()) {
		l, err := t.line(lineKey{texts[0](i), texts[1](i), texts[2](i), texts[3](i)})
		if err != nil {
			return err
		}
		l.count++
		for side := range 2 {
			l.rows[side] += counts[side](i)
			totals[side](i, &l.totals[side])
		}
		delta(i, &l.delta)
	}
	return nil
}

func (t *Tally) line(k lineKey) (*line, error) {
	if t.last != nil && t.last.lineKey == k {
		return t.last, nil
	}
	l := t.lines[k]
	if l == nil {
		if len(t.lines) == maxLines {
			return nil, fmt.Errorf("more than %d different outcomes, passes, columns and causes", maxLines)
		}
		for _, text := range []*string{&k.outcome, &k.pass, &k.column, &k.cause} {
			*text = strings.Clone(*text) // the batch is only borrowed
		}
		l = &line{lineKey: k}
		t.lines[k] = l
	}
	t.last = l
	return l, nil
}

// count gives the numbers of a column; 0 where it is null, or not there.
func (t *Tally) count(b arrow.RecordBatch, name string) func(int) int64 {
	if i, ok := t.columns[name]; ok && i < int(b.NumCols()) {
		if a, is := b.Column(i).(*array.Int64); is {
			return func(i int) int64 {
				if a.IsNull(i) {
					return 0
				}
				return a.Value(i)
			}
		}
	}
	return func(int) int64 { return 0 }
}

// adder adds the values of a column to a sum, without their signs if abs.
func (t *Tally) adder(b arrow.RecordBatch, name string, abs bool) func(int, *sum) {
	i, ok := t.columns[name]
	if !ok || i >= int(b.NumCols()) {
		return func(int, *sum) {}
	}
	if a, is := b.Column(i).(*array.Decimal128); is {
		scale := int(a.DataType().(*arrow.Decimal128Type).Scale)
		return func(i int, s *sum) {
			if a.IsNull(i) {
				return
			}
			v := a.Value(i)
			if abs {
				v = v.Abs()
			}
			s.scale = scale
			s.scaled.Add128(v.HighBits(), v.LowBits())
		}
	}
	numbers := Numbers(b.Column(i))
	return func(i int, s *sum) {
		v := numbers(i)
		if abs {
			v = v.Abs()
		}
		s.others = s.others.Add(v)
	}
}

// text gives the texts of a column; empty where it is null, or not there.
func (t *Tally) text(b arrow.RecordBatch, name string) func(int) string {
	i, ok := t.columns[name]
	if !ok || i >= int(b.NumCols()) {
		return func(int) string { return "" }
	}
	return Texts(b.Column(i))
}

// Texts gives the values of a column as texts; null is empty.
func Texts(col arrow.Array) func(int) string {
	switch a := col.(type) {
	case *array.String:
		return func(i int) string {
			if a.IsNull(i) {
				return ""
			}
			return a.Value(i)
		}
	case *array.Dictionary:
		values := Texts(a.Dictionary())
		return func(i int) string {
			if a.IsNull(i) {
				return ""
			}
			return values(a.GetValueIndex(i))
		}
	}
	return func(i int) string {
		if col.IsNull(i) {
			return ""
		}
		return col.ValueStr(i)
	}
}

// Numbers gives the values of a column as decimals; null, and what is no number, is none.
func Numbers(col arrow.Array) func(int) Decimal {
	get := func(int) Decimal { return Decimal{} }
	switch a := col.(type) {
	case *array.Decimal128:
		scale := int(a.DataType().(*arrow.Decimal128Type).Scale)
		get = func(i int) Decimal { return Unscaled(a.Value(i).BigInt(), scale) }
	case *array.Decimal256:
		scale := int(a.DataType().(*arrow.Decimal256Type).Scale)
		get = func(i int) Decimal { return Unscaled(a.Value(i).BigInt(), scale) }
	case *array.Int64:
		get = func(i int) Decimal { return Int(a.Value(i)) }
	case *array.Int32:
		get = func(i int) Decimal { return Int(int64(a.Value(i))) }
	case *array.Uint64:
		get = func(i int) Decimal { return Unscaled(new(big.Int).SetUint64(a.Value(i)), 0) }
	case *array.Float64:
		get = func(i int) Decimal { return Float(a.Value(i)) }
	case *array.Float32:
		get = func(i int) Decimal { return Float(float64(a.Value(i))) }
	case *array.String, *array.Dictionary:
		text := Texts(col)
		get = func(i int) Decimal {
			d, err := Parse(text(i))
			if err != nil {
				return Decimal{}
			}
			return d
		}
	}
	return func(i int) Decimal {
		if col.IsNull(i) {
			return Decimal{}
		}
		return get(i)
	}
}
