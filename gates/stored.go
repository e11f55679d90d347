package gates

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/pipeline"
)

// A state that was written to a manifest can be read again, but for those that keep more
// in memory than they write.
type loader interface {
	state
	json.Unmarshaler
}

// tallyText names what a rule found of the rows, whatever is made of it: rules of the same
// check share it.
func (r Rule) tallyText() string {
	text := r.Check.String()
	if slices.ContainsFunc(r.Check.columns, func(c string) bool { return strings.ContainsAny(c, `,"`) }) {
		text += fmt.Sprintf(" %q", r.Check.columns)
	}
	if r.Where != "" {
		text += " where " + r.Where
	}
	if r.Nulls == NullsFail {
		text += " nulls fail"
	}
	if len(r.By) > 0 {
		text += fmt.Sprintf(" by %q", r.By)
	}
	return text
}

// storedTally is a tally as a manifest has it.
type storedTally struct {
	Tested int64 `json:"tested"`
	Failed int64 `json:"failed"`
	Null   int64 `json:"null"`
}

// readTally reads a tally, and refuses what no rows can give.
func readTally(text []byte) (t storedTally, ok bool) {
	err := strict(text, &t, 3)
	return t, err == nil && 0 <= t.Failed && t.Failed <= t.Tested && t.Null >= 0
}

// of reports whether the tally may be that of a rule on so many rows; -1 is an unknown number.
func (t storedTally) of(r *boundRule, rows int64) bool {
	switch {
	case rows < 0:
		return true
	case t.Tested > rows || t.Null > rows:
		return false
	}
	all := t.Tested + t.Null
	if r.Nulls == NullsFail {
		all = t.Tested
	}
	return all == rows || all < rows && r.where != nil
}

// useStored takes from the states of all rows that will come, as they were stored when the
// same rows were judged before, what the rules and metrics need. It takes nothing where a
// rule may put rows aside: the others would see fewer rows than before.
func (c *court) useStored(stored map[string]json.RawMessage) {
	seen := counter{Rows: -1}
	if text, ok := stored["rows()"]; ok && seen.UnmarshalJSON(text) != nil {
		return
	}
	for _, r := range c.rules {
		if r.Else != Quarantine {
			continue
		}
		if t, ok := readTally(stored[r.tallyText()]); !ok || t.Failed != 0 || !t.of(r, seen.Rows) || r.timed() {
			return
		}
	}
	for i, r := range c.rules {
		t, ok := readTally(stored[r.tallyText()])
		if !ok || !t.of(r, seen.Rows) || !r.recalls(t) {
			continue
		}
		c.storedRules[i] = true
		c.total.tallies[i].add(tally{tested: t.Tested, failed: t.Failed, null: t.Null})
	}
	for i, m := range c.metrics {
		s, ok := m.open(c.with()).(loader)
		text, kept := stored[m.text]
		if !ok || !kept || m.timed() || s.UnmarshalJSON(text) != nil {
			continue
		}
		c.total.states[i], c.storedMetrics[i] = s, true
	}
	if c.exact {
		c.dropUndecided()
	}
}

// dropUndecided forgets approximate states that leave a statement open, where the rows are
// seen but once: they are computed exactly then.
func (c *court) dropUndecided() {
	for _, r := range c.rules {
		for _, s := range []*statement{r.expect, r.warn} {
			if s == nil {
				continue
			}
			known := !slices.ContainsFunc(s.calls, func(call boundCall) bool { return call.own >= 0 && !c.storedMetrics[call.own] })
			if known && !c.leavesOpen(s, r) {
				continue
			}
			for _, call := range s.calls {
				if call.own >= 0 && call.fn.exact != nil && c.storedMetrics[call.own] {
					c.total.states[call.own], c.storedMetrics[call.own] = c.open(c.metrics[call.own]), false
				}
			}
		}
	}
}

// recalls reports whether a tally is all that has to be known of a rule. The keys that
// broke a rule are not stored, nor what it found of single groups.
func (r *boundRule) recalls(t storedTally) bool {
	if r.timed() {
		return false
	}
	switch r.Check.kind {
	case rowCheck:
		return len(r.by) == 0
	case uniqueCheck:
		return t.Failed == 0
	}
	return false // what a rule refers to may have changed since
}

// timed reports whether what the rule finds of the same rows is another thing at another time,
// or in another partition.
func (r *boundRule) timed() bool {
	return r.program != nil && r.program.Timed() || r.where != nil && r.where.Timed()
}

// timed is the same of a metric.
func (m *boundMetric) timed() bool {
	return slices.ContainsFunc(m.args, (*expr.Program).Timed) || m.where != nil && m.where.Timed()
}

// tallies writes what the rules found of the rows that stay, for the manifest.
func (c *court) tallies(all map[string]json.RawMessage) error {
	var aside int64
	for _, t := range c.total.tallies {
		aside += t.aside
	}
	for i, r := range c.rules {
		t := c.total.tallies[i]
		switch {
		case t.errs > 0, r.Check.kind != rowCheck && r.Check.kind != uniqueCheck:
			continue
		case r.Check.kind == uniqueCheck:
			t.failed = c.unique[i].found.Rows
		case r.Else == Quarantine && (aside > t.aside || t.aside > 0 && r.Nulls == NullsFail):
			continue // what it found of the rows that others put aside, or of nulls, is not known
		case r.Else == Quarantine:
			t.tested, t.failed = t.tested-t.aside, 0
		}
		text, err := json.Marshal(storedTally{t.tested, t.failed, t.null})
		if err != nil {
			return fmt.Errorf("rule %s: %w", r.Name, err)
		}
		all[r.tallyText()] = text
	}
	return nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *jsonFloat) UnmarshalJSON(text []byte) error {
	v, err := strconv.ParseFloat(string(bytes.Trim(text, `"`)), 64)
	*f = jsonFloat(v)
	return err
}

// strict decodes a state, and refuses one of another kind: it has just so many fields.
func strict(text []byte, into any, fields int) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	if len(all) != fields {
		return errors.New("it is a state of another kind")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

var errCounts = errors.New("its counts are those of no rows")

// UnmarshalJSON implements loader.
func (e *extreme) UnmarshalJSON(text []byte) error {
	var in struct {
		Best  json.RawMessage `json:"best"`
		Bytes []byte          `json:"bytes"`
	}
	err := strict(text, &in, 1)
	if err == nil && in.Bytes != nil && e.typ.ID() == arrow.STRING {
		e.Best = string(in.Bytes)
		return nil
	}
	if err != nil || in.Best == nil {
		return errors.Join(err, errors.New("it is no state of an extreme"))
	}
	if string(in.Best) == "null" {
		return nil
	}
	return e.read(in.Best)
}

// maxStoredDigits bounds the digits that are read of a stored decimal.
const maxStoredDigits = 120

func (e *extreme) read(text json.RawMessage) (err error) {
	switch e.typ.ID() {
	case arrow.INT64, arrow.TIMESTAMP:
		e.Best, err = strconv.ParseInt(string(text), 10, 64)
	case arrow.UINT64:
		e.Best, err = strconv.ParseUint(string(text), 10, 64)
	case arrow.FLOAT64:
		var f jsonFloat
		if err = f.UnmarshalJSON(text); err == nil && f != f {
			err = errors.New("NaN is no extreme")
		}
		e.Best = float64(f)
	case arrow.STRING:
		var s string
		err = json.Unmarshal(text, &s)
		e.Best = s
	case arrow.DECIMAL32, arrow.DECIMAL64, arrow.DECIMAL128, arrow.DECIMAL256:
		digits, ok := new(big.Int).SetString(string(text), 10)
		if e.Best = digits; !ok || len(text) > maxStoredDigits {
			err = errors.New("it is no decimal")
		}
	default:
		err = pipeline.Errorf(pipeline.Internal, "an extreme of %s", e.typ)
	}
	if err != nil {
		e.Best = nil
	}
	return err
}
