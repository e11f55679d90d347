package gates

import (
	"encoding/json"
	"math"

	"github.com/penstock-data/penstock/pipeline"
)

// Replayed is the rule for rows that were sifted before: it puts no row aside, and
// tolerates as many as it would have put aside.
func (r Rule) Replayed() Rule {
	if r.Else == Quarantine {
		r.Else = ""
		if !r.AtMost.set {
			r.AtMost = Count(math.MaxInt64)
		}
	}
	return r
}

// Together is what the rule, a check of single rows, found of rows that were judged apart,
// as a judgement stores it for Hearing.Stored; nil where that is not known of all of them.
func (r Rule) Together(parts ...map[string]json.RawMessage) map[string]json.RawMessage {
	var sum storedTally
	for _, states := range parts {
		t, ok := readTally(states[r.tallyText()])
		if !ok {
			return nil
		}
		sum = storedTally{sum.Tested + t.Tested, sum.Failed + t.Failed, sum.Null + t.Null}
	}
	return r.stored(sum)
}

// Recalled is what the rule found when it gave a finding, as Together gives it; nil where
// it is not certain that the finding is of the same rule. states are what was stored then.
func (r Rule) Recalled(f pipeline.Finding, states map[string]json.RawMessage) map[string]json.RawMessage {
	r = r.withDefaults()
	if _, same := states[r.tallyText()]; !same || f.Name != r.Name || f.Rule != r.Check.String() || f.Verdict == pipeline.ErrorVerdict {
		return nil
	}
	return r.stored(storedTally{f.RowsTested, f.RowsFailed, f.RowsNull})
}

func (r Rule) stored(t storedTally) map[string]json.RawMessage {
	text, err := json.Marshal(t)
	if err != nil {
		return nil // it is three numbers
	}
	return map[string]json.RawMessage{r.tallyText(): text}
}
