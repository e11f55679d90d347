package breaks

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/pipeline"
)

// nightSchema is that of a row about the partition that is made: how it is written, on which day
// it begins, and the oldest partition of which breaks that cleared stay. The last two are null
// where partitions are not windows of time, or the calendar does not go back so far.
var nightSchema = arrow.NewSchema([]arrow.Field{
	{Name: "partition", Type: arrow.BinaryTypes.String},
	{Name: "day", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "oldest", Type: arrow.BinaryTypes.String, Nullable: true},
}, nil)

func (l ledger) night(env *pipeline.Env) pipeline.Reader {
	b := array.NewRecordBuilder(env.Alloc, nightSchema)
	defer b.Release()
	p := env.Partition
	b.Field(0).(*array.StringBuilder).Append(p.String())
	day, oldest := b.Field(1).(*array.StringBuilder), b.Field(2).(*array.StringBuilder)
	if p.Start.IsZero() {
		day.AppendNull()
		oldest.AppendNull()
		return pipeline.Batches(b.NewRecordBatch())
	}
	day.Append(p.Local().Format(time.DateOnly))
	if first, err := p.Scheme().Offset(p, -l.Keep); err == nil {
		oldest.Append(first.String())
	} else {
		oldest.AppendNull() // so far back there is no partition
	}
	return pipeline.Batches(b.NewRecordBatch())
}
