package reconcile

import (
	"encoding/json"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/reconcile/totals"
)

// summing adds up what a result gives, for its report.
type summing struct {
	totals *totals.Tally
	err    error
}

// add adds a batch of the result up.
func (s *summing) add(p *plan, b arrow.RecordBatch) {
	if s.totals == nil {
		amount := ""
		if p.amount >= 0 {
			amount = p.cols[p.amount].name
		}
		s.totals = totals.New(p.schema, p.o.Names, amount)
	}
	if s.err == nil {
		s.err = s.totals.Add(b)
	}
}

// Report implements pipeline.Reporter: a totals.Summary. It is asked when all rows have left.
func (r *result) Report() json.RawMessage {
	p := r.m.plan
	none := emptyBatch(p.schema)
	defer none.Release()
	r.sums.add(p, none) // of two empty sides there was no batch
	if r.sums.err != nil {
		return nil
	}
	var read [2]totals.Side
	for side := range read {
		read[side].Rows = r.read[side].rows
		if p.amount < 0 || r.read[side].amounts == 0 {
			continue
		}
		total, err := totals.Parse(r.read[side].total(p.cols[p.amount]))
		if err != nil {
			return nil // of floats that are no number
		}
		read[side].Total = total
	}
	r.sums.totals.Read(read[0], read[1])
	text, err := json.Marshal(r.sums.totals.Summary())
	if err != nil {
		return nil
	}
	return text
}

func emptyBatch(schema *arrow.Schema) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	return b.NewRecordBatch()
}
