package profile

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/keys"
	"github.com/penstock-data/penstock/internal/rows"
	"github.com/penstock-data/penstock/pipeline"
)

// maxDuplicateRows is up to how many rows duplicates are counted without being asked to.
const maxDuplicateRows = 50_000_000

// scan is the judge of the stage that is profiled, and what it found so far: it may judge
// several partitions, one after the other.
type scan struct {
	exact bool
	store *keys.Store

	schema *arrow.Schema
	total  *witness
	parts  []Partition
	// repeated has the keys of all rows, exactly those of each column; nil where they are
	// not counted.
	repeated *keys.Log
	exactly  []*keys.Log
	// many says that there are too many rows to count distinct values exactly unasked.
	many atomic.Bool
	note string
}

// String implements pipeline.Judge.
func (s *scan) String() string { return "profile" }

// Inputs implements pipeline.Judge.
func (s *scan) Inputs() []string { return nil }

// Bind implements pipeline.Judge.
func (s *scan) Bind(schema *arrow.Schema, around pipeline.Surroundings) (*pipeline.BoundJudge, error) {
	if s.schema == nil {
		s.begin(schema)
	}
	if err := sameColumns(s.schema, schema); err != nil {
		return nil, err
	}
	b := &pipeline.BoundJudge{}
	for i, f := range schema.Fields() {
		b.Reads = append(b.Reads, i)
		if isText(pipeline.ValueType(f.Type)) {
			b.Coded = append(b.Coded, i)
		}
	}
	b.Open = func(context.Context, pipeline.Hearing) (pipeline.Court, error) {
		s.parts = append(s.parts, Partition{Name: around.Partition.String()})
		return court{s}, nil
	}
	return b, nil
}

func (s *scan) begin(schema *arrow.Schema) {
	s.schema = schema
	s.total = newWitness(s, nil)
	s.repeated = s.store.Log()
	for range schema.Fields() {
		s.exactly = append(s.exactly, s.store.Set())
	}
}

// exactRows is up to how many rows the distinct values of each column are counted exactly.
func (s *scan) exactRows() int64 {
	if s.exact {
		return math.MaxInt64
	}
	return min(250_000, 10_000_000/int64(max(s.schema.NumFields(), 1)))
}

// sameColumns checks that a partition has the columns of those before it.
func sameColumns(was, now *arrow.Schema) error {
	err := pipeline.Errorf(pipeline.BadInput, "the columns are not those of the partitions before").
		With("profile them one by one")
	if was.NumFields() != now.NumFields() {
		return err.With(fmt.Sprintf("%d columns, found %d", was.NumFields(), now.NumFields()))
	}
	for i, f := range was.Fields() {
		g := now.Field(i)
		if f.Name != g.Name || pipeline.TypeName(f.Type) != pipeline.TypeName(g.Type) {
			return err.With(fmt.Sprintf("column %s %s, found %s %s", f.Name, pipeline.TypeName(f.Type), g.Name, pipeline.TypeName(g.Type)))
		}
	}
	return nil
}

// court is the scan of one partition.
type court struct{ *scan }

// Unit implements pipeline.Court.
func (c court) Unit(u pipeline.Unit) pipeline.Witness { return newWitness(c.scan, u.Env) }

// Merge implements pipeline.Court.
func (c court) Merge(other pipeline.Witness) error {
	w := other.(*witness)
	w.end()
	c.total.follow(w)
	c.parts[len(c.parts)-1].Rows += w.rows
	if c.total.rows > maxDuplicateRows && !c.exact && c.repeated != nil {
		c.repeated.Drop()
		c.repeated = nil
		c.note = fmt.Sprintf("not counted of more than %d million rows; --exact counts them", maxDuplicateRows/1_000_000)
	}
	if c.repeated != nil {
		if err := c.repeated.Merge(w.repeated); err != nil {
			return err
		}
	}
	w.repeated.Drop()
	if c.total.rows > c.exactRows() {
		c.many.Store(true)
		dropAll(c.exactly)
		dropAll(w.exactly)
		c.exactly = nil
	}
	for i, l := range c.exactly {
		if err := l.Merge(w.exactly[i]); err != nil {
			return err
		}
	}
	return nil
}

func dropAll(logs []*keys.Log) {
	for _, l := range logs {
		l.Drop()
	}
}

// Judge implements pipeline.Court. What was found is told when all partitions were seen.
func (c court) Judge(context.Context, func(context.Context, []int) (pipeline.Reader, error)) (*pipeline.Judgement, error) {
	return &pipeline.Judgement{}, nil
}

// stateBytes is about what the states of a column take.
const stateBytes = 192 << 10

// witness has seen the rows of a unit.
type witness struct {
	env      *pipeline.Env // nil: of the total
	rows     int64
	nulls    []int64
	states   []state
	pairs    *pairs
	all      []int
	repeated *keys.Log
	// exactly has the keys of each column, while there are no more than exactRows.
	exactly   []*keys.Log
	exactRows int64
}

func newWitness(s *scan, env *pipeline.Env) *witness {
	n := s.schema.NumFields()
	w := &witness{env: env, nulls: make([]int64, n), states: make([]state, n), exactRows: s.exactRows()}
	for i, f := range s.schema.Fields() {
		w.states[i], w.all = open(f.Type), append(w.all, i)
	}
	columns, _ := paired(s.schema)
	w.pairs = newPairs(columns)
	if env == nil {
		return w
	}
	env.Memory.Force(w.bytes())
	w.repeated = s.store.Log()
	if !s.many.Load() {
		for range s.schema.Fields() {
			w.exactly = append(w.exactly, s.store.Set())
		}
	}
	return w
}

func (w *witness) bytes() int64 { return int64(len(w.states)) * stateBytes }

// Know implements pipeline.Witness: every row has to be seen.
func (w *witness) Know(context.Context, *pipeline.Known) pipeline.Doubt {
	return pipeline.Doubt{Any: true, Columns: w.all}
}

// Observe implements pipeline.Witness.
func (w *witness) Observe(_ context.Context, batch arrow.RecordBatch, _ []int32) (*pipeline.Sifted, error) {
	w.rows += batch.NumRows()
	for i, s := range w.states {
		w.nulls[i] += nullsOf(batch.Column(i))
		s.add(batch, i)
	}
	w.pairs.add(batch)
	if w.rows > w.exactRows {
		dropAll(w.exactly)
		w.exactly = nil
	}
	for i, l := range w.exactly {
		if err := l.Add(valid(rows.Keys(nil, batch, []int{i}), batch.Column(i))); err != nil {
			return nil, err
		}
	}
	return nil, w.repeated.Add(rows.Keys(nil, batch, w.all))
}

// end is called when the unit has no more rows.
func (w *witness) end() {
	for _, s := range w.states {
		s.end()
	}
	w.pairs.end()
}

// follow takes in the rows of the unit that comes after.
func (w *witness) follow(o *witness) {
	w.rows += o.rows
	for i, s := range w.states {
		w.nulls[i] += o.nulls[i]
		s.follow(o.states[i])
	}
	w.pairs.follow(o.pairs)
	o.env.Memory.Give(o.bytes())
}
